"""The company's card template: locked fields that owners cannot change, one value on every card."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import until
from operations import CARD_FIELDS, OPEN_TEMPLATE
from world import now_ms

TEMPLATE = "/v1/card-template"
LOCKS = {"address": "上海市黄浦区中山东一路 1 号", "style": "dark"}


@pytest.fixture
def company(world):
    """A company for each test: a template applies to the whole company."""
    return world.company("统一名片")


@pytest.fixture
def owner(company):
    """A member with a card that they have changed."""
    member = company.member("林晓")
    own = {"address": "自己的地址", "style": "festive", "introduction": "懂茶"}
    member.put(f"/v1/cards/{member.card_id}", {"version": 1, **CARD_FIELDS, **own}).expect(200)
    return member


def lock(person, version, **fields):
    return person.put(TEMPLATE, {"version": version, **OPEN_TEMPLATE, **fields})


def shown(person, owner, **fields):
    """The card, as soon as it shows these fields: a lock is on it within 15 seconds."""
    def card():
        card = person.get(f"/v1/cards/{owner.card_id}").expect(200)
        return card if all(card[name] == value for name, value in fields.items()) else None

    return until(card, 20, 0.5, f"a card with {fields}")


def test_members_read_the_template_and_the_heads_write_it(company, owner):
    admin, visitor = company.member("周敏", role="admin"), company.visitor()
    for member in (owner, admin, company.boss):
        assert member.get(TEMPLATE).expect(200) == {"version": 0, **OPEN_TEMPLATE}
    visitor.get(TEMPLATE).expect(403, "role_required")
    for nobody in (visitor, owner):
        lock(nobody, 0, **LOCKS).expect(403, "role_required")
    assert lock(admin, 0, **LOCKS).expect(200) == {"version": 1, **OPEN_TEMPLATE, **LOCKS}
    assert lock(company.boss, 1, style="minimal").expect(200)["address"] is None
    assert owner.get(TEMPLATE).expect(200) == {"version": 2, **OPEN_TEMPLATE, "style": "minimal"}


def test_a_locked_value_is_on_every_card_and_the_own_one_comes_back(company, owner):
    lock(company.boss, 0, **LOCKS).expect(200)
    colleague, visitor = company.member("同事"), company.visitor()
    for whose in (owner, colleague):
        card = shown(visitor, whose, **LOCKS)
        assert card["locked_fields"] == ["address", "style"]
    assert shown(visitor, owner, **LOCKS)["introduction"] == "懂茶"
    assert f"ADR;TYPE=WORK:;;{LOCKS['address']}" in visitor.get(f"/v1/cards/{owner.card_id}/vcard").expect(200)
    lock(company.boss, 1).expect(200)
    card = shown(visitor, owner, address="自己的地址", style="festive")
    assert card["locked_fields"] == [] and card["version"] == 2


def test_an_edit_may_repeat_a_locked_value_but_not_change_it(company, owner):
    lock(company.boss, 0, **LOCKS).expect(200)
    path = f"/v1/cards/{owner.card_id}"
    for person in (owner, company.boss):
        answer = person.put(path, {"version": 2, **CARD_FIELDS, "address": "偷偷改", "style": "dark", "introduction": "改"})
        answer.expect(403, "field_locked", "/address")
        assert answer.pointers() == ["/address"]
    assert owner.put(path, {"version": 2, **CARD_FIELDS}).pointers() == ["/address", "/style"]
    assert shown(owner, owner, **LOCKS)["introduction"] == "懂茶"
    changed = owner.put(path, {"version": 2, **CARD_FIELDS, **LOCKS, "introduction": "更懂茶"}).expect(200)
    assert changed["version"] == 3 and changed["introduction"] == "更懂茶" and changed["style"] == "dark"
    lock(company.boss, 1).expect(200)
    shown(owner, owner, address="自己的地址", style="festive", introduction="更懂茶")


DEFAULTS = {"share_phrase": "您好，这是我的名片", "welcome_text": "欢迎来喝茶", "shortcuts": ["call"]}


def test_a_default_shows_until_the_owner_says_something_and_follows_the_company(company, owner):
    path, visitor = f"/v1/cards/{owner.card_id}", company.visitor()
    lock(company.boss, 0, defaults=DEFAULTS).expect(200)
    card = shown(visitor, owner, **DEFAULTS)
    assert card["default_fields"] == ["share_phrase", "welcome_text", "shortcuts"] and card["locked_fields"] == []
    # A default that is sent back as shown does not become the owner's own value.
    same = {name: card[name] for name in CARD_FIELDS}
    own = owner.put(path, {"version": 2, **same, "welcome_text": "找我喝茶"}).expect(200)
    assert own["default_fields"] == ["share_phrase", "shortcuts"] and own["welcome_text"] == "找我喝茶"
    lock(company.boss, 1, defaults={**DEFAULTS, "share_phrase": "新的一句", "welcome_text": "新的欢迎"}).expect(200)
    shown(visitor, owner, share_phrase="新的一句", welcome_text="找我喝茶")
    lock(company.boss, 2, welcome_text="统一", defaults=DEFAULTS).expect(200)
    assert shown(visitor, owner, welcome_text="统一")["default_fields"] == ["share_phrase", "shortcuts"]
    lock(company.boss, 3).expect(200)
    card = shown(visitor, owner, share_phrase="", welcome_text="找我喝茶")
    assert card["default_fields"] == [] and card["shortcuts"] == ["call", "save_card_code"]
    owner.put("/v1/my/shortcuts", {"version": 3, "shortcuts": []}).expect(200)
    lock(company.boss, 4, defaults=DEFAULTS).expect(200)
    assert shown(visitor, owner, share_phrase=DEFAULTS["share_phrase"])["shortcuts"] == [], "no button is a choice too"


@pytest.mark.parametrize("field, value", [
    ("share_phrase", "茶" * 61), ("welcome_text", "a\tb"), ("shortcuts", "call"), ("colour", "red"),
])
def test_a_bad_default_is_refused_with_its_pointer(field, value, company):
    lock(company.boss, 0, defaults={**DEFAULTS, field: value}).expect(422, "invalid", f"/defaults/{field}")
    body = {name: value for name, value in OPEN_TEMPLATE.items() if name != "defaults"}
    company.boss.put(TEMPLATE, {"version": 0, **body}).expect(422, "invalid", "/defaults")
    assert company.boss.get(TEMPLATE).expect(200)["version"] == 0


def test_a_new_card_shows_the_template_at_once(company):
    lock(company.boss, 0, **LOCKS).expect(200)
    body = {"member_id": company.boss.member["id"]}
    card = company.boss.post("/v1/cards", body, key=f"card-{now_ms()}").expect(201)
    assert {name: card[name] for name in LOCKS} == LOCKS and card["locked_fields"] == ["address", "style"]


@pytest.mark.parametrize("field, value", [
    ("style", "neon"), ("address", "路" * 201), ("share_phrase", "茶" * 61), ("welcome_text", "a\tb"), ("introduction", 7),
    ("version", -1), ("phones", []),
])
def test_a_bad_template_is_refused_with_its_pointer(field, value, company):
    body = {"version": 0, **OPEN_TEMPLATE, field: value}
    company.boss.put(TEMPLATE, body).expect(422, "invalid", f"/{field}")
    assert company.boss.get(TEMPLATE).expect(200)["version"] == 0


def test_of_many_parallel_edits_of_the_template_one_wins(company):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: lock(company.boss, 0, address=f"第 {number} 号"), range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    won = next(answer.body for answer in answers if answer.status == 200)
    assert company.boss.get(TEMPLATE).expect(200) == won
