"""The card: who may see it, who may change which fields (F36-F38), and the visitor's list (F48-F49)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain
from world import event, now_text

FAMILY = "👨‍👩‍👧‍👦"
CONTACT = {
    "phones": ["13800138000", "+86 21-5888-0000"], "wechat_id": "linxiao_2026", "email": "lin@example.com",
    "address": "上海市徐汇区漕溪北路 18 号", "introduction": "十年茶行业经验。\n欢迎来喝茶！",
    "tags": ["懂茶", "十年经验", "Tea", FAMILY * 7], "style": "festive", "share_phrase": "一杯好茶，交个朋友🍵",
    "welcome_text": "您好，我是林晓。\n想喝什么茶？",
}
SHOWN = {
    "id", "member_id", "name", "position", "company", "owner_active", "successor", "avatar", "photos", "video", "phones", "wechat_id", "email", "address", "introduction",
    "tags", "style", "share_phrase", "welcome_text", "shortcuts", "locked_fields", "default_fields", "counters", "version", "updated_at",
}


@pytest.fixture
def owner(company):
    """A member with an untouched card."""
    return company.member("林晓", position="客户经理")


def read(person, card):
    return person.get(f"/v1/cards/{card}").expect(200)


def test_a_new_card_shows_name_position_and_company_to_everybody_of_the_company(company, owner, visitor, admin):
    cards = [read(person, owner.card_id) for person in (visitor, owner, admin, company.boss)]
    assert all(card == cards[0] for card in cards)
    assert set(cards[0]) == SHOWN
    assert (cards[0]["name"], cards[0]["position"], cards[0]["company"]) == ("林晓", "客户经理", company.name)
    assert cards[0]["phones"] == [] and cards[0]["email"] == "" and cards[0]["version"] == 1
    assert cards[0]["tags"] == [] and cards[0]["style"] == "classic" and cards[0]["locked_fields"] == []
    assert cards[0]["counters"] == {"views": 0, "visitors": 0, "likes": 0, "saves": 0, "forwards": 0}


def test_the_owner_the_admin_and_the_boss_change_the_open_fields(company, owner, admin):
    version = 1
    for person in (owner, admin, company.boss):
        changed = person.put(f"/v1/cards/{owner.card_id}", {"version": version, **CONTACT}).expect(200)
        version += 1
        assert changed["version"] == version
        assert {name: changed[name] for name in CONTACT} == CONTACT
        assert changed["updated_at"] > now_text(60_000)
        assert read(owner, owner.card_id) == changed


def test_nobody_else_changes_a_card(company, owner, staff, visitor):
    for person in (staff, visitor):
        answer = person.put(f"/v1/cards/{owner.card_id}", {"version": 1, **CONTACT})
        answer.expect(403, "role_required")
    assert read(owner, owner.card_id)["version"] == 1


@pytest.mark.parametrize("field", ["name", "position", "company"])
def test_the_three_locked_fields_are_refused_by_name(field, company, owner):
    for person in (owner, company.boss):
        answer = person.put(f"/v1/cards/{owner.card_id}", {"version": 1, **CONTACT, field: "改了"})
        answer.expect(403, "field_locked", f"/{field}")
    card = read(owner, owner.card_id)
    assert card["version"] == 1 and card[field] != "改了"


def test_the_admin_and_the_boss_change_the_locked_fields_and_the_owner_does_not(company, owner, admin, staff, visitor):
    path = f"/v1/cards/{owner.card_id}/identity"
    body = {"version": 1, "name": "林晓晓", "position": "销售总监", "company": "云岭茶业（上海）"}
    for nobody in (owner, staff, visitor):
        nobody.put(path, body).expect(403, "role_required")
    changed = admin.put(path, body).expect(200)
    assert changed["version"] == 2 and changed["name"] == "林晓晓" and changed["company"] == "云岭茶业（上海）"
    assert company.boss.put(path, {**body, "version": 2, "name": "林笑"}).expect(200)["name"] == "林笑"
    assert read(owner, owner.card_id)["position"] == "销售总监"


def test_an_edit_of_an_old_version_is_refused_and_changes_nothing(owner):
    path = f"/v1/cards/{owner.card_id}"
    edited = owner.put(path, {"version": 1, **CONTACT}).expect(200)
    repeated = owner.put(path, {"version": 1, **CONTACT}).expect(200)
    assert repeated["version"] == edited["version"] == 2, "the same edit again is made once"
    owner.put(path, {"version": 1, **CONTACT, "email": ""}).expect(409, "version_conflict")
    owner.put(path, {"version": 9, **CONTACT, "email": ""}).expect(409, "version_conflict")
    assert read(owner, owner.card_id)["email"] == CONTACT["email"]


def test_of_many_parallel_edits_of_one_version_one_wins(owner):
    path = f"/v1/cards/{owner.card_id}"

    def edit(number):
        return owner.put(path, {"version": 1, **CONTACT, "address": f"第 {number} 号"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(edit, range(8)))
    assert sorted(answer.status for answer in answers) == [200] + [409] * 7
    card = read(owner, owner.card_id)
    assert card["version"] == 2
    assert card["address"] == next(answer.body["address"] for answer in answers if answer.status == 200)


BAD = {
    "four phones": ({"phones": ["110"] * 4}, "/phones"),
    "a phone of letters": ({"phones": ["110", "打给我"]}, "/phones/1"),
    "no e-mail": ({"email": "lin@"}, "/email"),
    "a WeChat id in Chinese": ({"wechat_id": "林晓"}, "/wechat_id"),
    "a long address": ({"address": "路" * 201}, "/address"),
    "a long introduction": ({"introduction": "茶" * 2001}, "/introduction"),
    "eleven tags": ({"tags": [f"标签{number}" for number in range(11)]}, "/tags/10"),
    "a tag of eight letters": ({"tags": ["abcdefgh"]}, "/tags/0"),
    "a tag of eight families": ({"tags": ["茶", FAMILY * 8]}, "/tags/1"),
    "a tag twice": ({"tags": ["茶", "酒", " 茶 "]}, "/tags/2"),
    "an empty tag": ({"tags": [""]}, "/tags/0"),
    "a tag of two lines": ({"tags": ["两\n行"]}, "/tags/0"),
    "tags of text": ({"tags": "茶"}, "/tags"),
    "an unknown style": ({"style": "neon"}, "/style"),
    "a style in capitals": ({"style": "Dark"}, "/style"),
    "a long share phrase": ({"share_phrase": "茶" * 61}, "/share_phrase"),
    "a share phrase of two lines": ({"share_phrase": "两\n行"}, "/share_phrase"),
    "a long welcome text": ({"welcome_text": "茶" * 201}, "/welcome_text"),
    "a tab": ({"introduction": "a\tb"}, "/introduction"),
    "a negative version": ({"version": -1}, "/version"),
    "a version of text": ({"version": "1"}, "/version"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_field_is_refused_with_its_pointer(case, owner):
    fields, pointer = BAD[case]
    owner.put(f"/v1/cards/{owner.card_id}", {"version": 1, **CONTACT, **fields}).expect(422, pointer=pointer)
    assert read(owner, owner.card_id)["version"] == 1


@pytest.mark.parametrize("field", ["version", *CONTACT])
def test_every_field_has_to_be_there(field, owner):
    body = {"version": 1, **CONTACT}
    del body[field]
    owner.put(f"/v1/cards/{owner.card_id}", body).expect(422)
    owner.put(f"/v1/cards/{owner.card_id}", {"version": 1, **CONTACT, "photo": "x"}).expect(422)


def test_a_visitor_finds_the_cards_they_have_opened_newest_first(company):
    first, second, third = (company.member(name) for name in ("甲", "乙", "丙"))
    guest = company.visitor()
    assert guest.get("/v1/my/cards").expect(200) == {"items": [], "default_card_id": None}
    guest.send(event("view_card", first.card_id, 9_000), event("view_card", second.card_id, 6_000),
               event("view_card", first.card_id, 3_000), event("like", third.card_id, 1_000))
    drain(company.world.stack)
    mine = guest.get("/v1/my/cards").expect(200)
    assert [item["card"]["id"] for item in mine["items"]] == [first.card_id, second.card_id]
    assert [item["views"] for item in mine["items"]] == [2, 1]
    shown = {"id": first.card_id, "name": "甲", "position": "客户经理", "company": company.name, "avatar": None}
    shown |= {"owner_active": True, "successor": None}
    assert mine["items"][0]["card"] == shown
    assert mine["default_card_id"] == first.card_id
    assert mine["items"][0]["last_viewed_at"] > mine["items"][1]["last_viewed_at"]
    assert company.visitor().get("/v1/my/cards").expect(200)["items"] == []


def test_the_limits_themselves_are_allowed(owner):
    most = {"tags": ["茶" * 7, *(f"标签{number}" for number in range(9))], "share_phrase": "茶" * 60, "welcome_text": "茶" * 200}
    changed = owner.put(f"/v1/cards/{owner.card_id}", {"version": 1, **CONTACT, **most}).expect(200)
    assert {name: changed[name] for name in most} == most
    for version, style in enumerate(("classic", "business", "minimal", "dark", "festive"), 2):
        answer = owner.put(f"/v1/cards/{owner.card_id}", {"version": version, **CONTACT, "style": style})
        assert answer.expect(200)["style"] == style


def test_the_card_shows_the_lifetime_numbers_of_the_radar(company, owner):
    first, second = company.visitor(), company.visitor()
    first.send(event("view_card", owner.card_id), event("view_website", owner.card_id), event("like", owner.card_id))
    second.send(event("view_card", owner.card_id), event("like", owner.card_id), event("unlike", owner.card_id),
                event("save_phone", owner.card_id), event("forward", owner.card_id), event("forward", owner.card_id))
    drain(company.world.stack)
    shown = read(first, owner.card_id)["counters"]
    assert shown == {"views": 3, "visitors": 2, "likes": 1, "saves": 1, "forwards": 2}
    total = owner.get(f"/v1/radar/cards/{owner.card_id}/metrics").expect(200)["windows"]["total"]
    assert shown == {name: total[name] for name in shown}
    edited = owner.put(f"/v1/cards/{owner.card_id}", {"version": 1, **CONTACT}).expect(200)
    assert edited["counters"] == shown


def unfolded(text):
    """The logical lines of a vCard."""
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n")), text
    assert "\n" not in text.replace("\r\n", "") and text.endswith("\r\n")
    return text.replace("\r\n ", "").split("\r\n")[:-1]


def test_the_card_is_exported_for_the_address_book(company, owner, visitor):
    fields = {**CONTACT, "address": "上海市, 徐汇区; 18 号", "introduction": "一行，很长" * 30 + "\n二行🍵"}
    owner.put(f"/v1/cards/{owner.card_id}", {"version": 1, **fields}).expect(200)
    answer = visitor.get(f"/v1/cards/{owner.card_id}/vcard")
    lines = unfolded(answer.expect(200))
    assert answer.headers["content-type"] == "text/vcard; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        f"attachment; filename=\"{owner.card_id}.vcf\"; filename*=UTF-8''%E6%9E%97%E6%99%93.vcf"
    )
    assert lines[:2] == ["BEGIN:VCARD", "VERSION:3.0"] and lines[-1] == "END:VCARD"
    for line in ("FN:林晓", f"ORG:{company.name}", "TEL;TYPE=WORK,VOICE:13800138000", "EMAIL;TYPE=INTERNET:lin@example.com",
                 "ADR;TYPE=WORK:;;上海市\\, 徐汇区\\; 18 号", "NOTE:" + "一行，很长" * 30 + "\\n二行🍵"):
        assert line in lines, lines
