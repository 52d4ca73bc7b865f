"""Settings of members: phrases (F117), greeting (F94, F118), shortcut buttons (F110)."""

import pytest

from operations import CARD_FIELDS

DEFAULT = "今天的你也要努力哦"
BOOKS = ("chat", "follow_up")


@pytest.mark.parametrize("book", BOOKS)
def test_a_member_finds_the_phrases_of_the_company_and_their_own(book, world):
    company = world.company("常用语公司")
    lin, chen, admin = company.member("林晓"), company.member("陈嘉"), company.member("周敏", role="admin")
    assert lin.get(f"/v1/my/phrases/{book}").expect(200) == {"company_phrases": [], "phrases": []}
    for_all, own = ["您好！", "请稍等 🙏"], ["我是林晓", "稍后联系您"]
    assert admin.put(f"/v1/phrases/{book}", {"phrases": for_all}).expect(200) == {"phrases": for_all}
    assert lin.put(f"/v1/my/phrases/{book}", {"phrases": own}).expect(200) == {"phrases": own}
    assert lin.get(f"/v1/my/phrases/{book}").expect(200) == {"company_phrases": for_all, "phrases": own}
    assert chen.get(f"/v1/my/phrases/{book}").expect(200) == {"company_phrases": for_all, "phrases": []}
    assert chen.get(f"/v1/phrases/{book}").expect(200) == {"phrases": for_all}
    other = next(name for name in BOOKS if name != book)
    assert lin.get(f"/v1/my/phrases/{other}").expect(200) == {"company_phrases": [], "phrases": []}
    lin.put(f"/v1/my/phrases/{book}", {"phrases": []}).expect(200)
    assert lin.get(f"/v1/my/phrases/{book}").expect(200)["phrases"] == []


def test_phrase_books_are_for_members_and_the_company_s_are_written_by_admins_and_the_boss(company, staff, visitor):
    staff.put("/v1/phrases/chat", {"phrases": ["改"]}).expect(403, "role_required")
    for path in ("/v1/phrases/chat", "/v1/my/phrases/chat"):
        visitor.get(path).expect(403, "role_required")
        visitor.put(path, {"phrases": []}).expect(403, "role_required")
        company.boss.put(path, {"phrases": ["好"]}).expect(200)
    for path in ("/v1/phrases/songs", "/v1/my/phrases/songs", "/v1/my/phrases/%00"):
        company.boss.get(path).expect(404, "not_found")


BAD_PHRASES = {
    "fifty-one": ([f"第{number}句" for number in range(51)], "/phrases/50"),
    "one twice": (["好", "好"], "/phrases/1"),
    "an empty one": (["好", " "], "/phrases/1"),
    "a long one": (["茶" * 201], "/phrases/0"),
    "a number": ([7], "/phrases/0"),
    "a control character": (["a\u0007"], "/phrases/0"),
    "no list": ("好", "/phrases"),
}


@pytest.mark.parametrize("case", BAD_PHRASES)
def test_bad_phrases_are_refused_with_their_pointer_and_change_nothing(case, company, staff):
    phrases, pointer = BAD_PHRASES[case]
    for person, path in ((staff, "/v1/my/phrases/chat"), (company.boss, "/v1/phrases/chat")):
        before = person.get(path).expect(200)
        person.put(path, {"phrases": phrases}).expect(422, "invalid", pointer)
        assert person.get(path).expect(200) == before


def test_the_most_phrases_of_the_greatest_length_are_kept(staff):
    phrases = [f"{number:02}" + "茶" * 198 for number in range(50)]
    staff.put("/v1/my/phrases/follow_up", {"phrases": phrases}).expect(200)
    assert staff.get("/v1/my/phrases/follow_up").expect(200)["phrases"] == phrases


def test_everybody_is_greeted_by_the_default_until_they_set_their_own(company, staff, visitor):
    path, default = "/v1/my/greeting", {"greeting": DEFAULT, "is_default": True}
    assert staff.get(path).expect(200) == company.boss.get(path).expect(200) == default
    own = {"greeting": "加油，林晓 💪", "is_default": False}
    assert staff.put(path, {"greeting": "加油，林晓 💪"}).expect(200) == own
    assert staff.get(path).expect(200) == own
    assert company.boss.get(path).expect(200) == default
    assert staff.put(path, {"greeting": None}).expect(200) == default
    assert staff.get(path).expect(200) == default
    visitor.get(path).expect(403, "role_required")
    for bad in ("茶" * 61, "", "a\nb", 7):
        staff.put(path, {"greeting": bad}).expect(422, "invalid", "/greeting")


def test_the_company_greets_those_who_have_set_no_greeting(world):
    company = world.company("问候公司")
    staff, admin, visitor = company.member("林晓"), company.member("周敏", role="admin"), company.visitor()
    default = {"greeting": DEFAULT, "is_default": True}
    assert admin.get("/v1/greeting").expect(200) == default
    ours = {"greeting": "云杉的每一天", "is_default": False}
    assert admin.put("/v1/greeting", {"greeting": "云杉的每一天"}).expect(200) == ours
    assert company.boss.get("/v1/greeting").expect(200) == ours
    assert staff.get("/v1/my/greeting").expect(200) == {**ours, "is_default": True}
    own = staff.put("/v1/my/greeting", {"greeting": "我自己的"}).expect(200)
    assert staff.get("/v1/my/greeting").expect(200) == own == {"greeting": "我自己的", "is_default": False}
    assert staff.put("/v1/my/greeting", {"greeting": None}).expect(200) == {**ours, "is_default": True}
    assert company.boss.put("/v1/greeting", {"greeting": None}).expect(200) == default
    assert staff.get("/v1/my/greeting").expect(200) == default
    for nobody in (staff, visitor):
        nobody.get("/v1/greeting").expect(403, "role_required")
        nobody.put("/v1/greeting", {"greeting": "改"}).expect(403, "role_required")
    for bad in ("茶" * 61, "", "a\nb", 7):
        admin.put("/v1/greeting", {"greeting": bad}).expect(422, "invalid", "/greeting")


def test_settings_of_the_company_are_recorded_once_in_the_audit_log(world):
    company = world.company("设置审计公司")
    admin = company.member("周敏", role="admin")
    for _ in range(2):
        admin.put("/v1/phrases/chat", {"phrases": ["您好"]}).expect(200)
        admin.put("/v1/greeting", {"greeting": "大家好"}).expect(200)
        admin.put("/v1/my/greeting", {"greeting": "我"}).expect(200)
    log = company.api.pages("/v1/audit-log", company.boss.token)
    entries = [(line["action"], line["target"], line["from"], line["to"]) for line in log if line["action"] in ("phrases", "greeting")]
    assert entries == [
        ("greeting", company.id, "", "大家好"), ("phrases", company.id, '["chat",[]]', '["chat",["您好"]]'),
    ]


def test_the_owner_chooses_the_buttons_and_wechat_needs_an_id(company):
    owner, visitor = company.member("按钮"), company.visitor()
    path = f"/v1/cards/{owner.card_id}"

    def choose(version, *shortcuts):
        return owner.put("/v1/my/shortcuts", {"version": version, "shortcuts": list(shortcuts)})

    def shown():
        return visitor.get(path).expect(200)["shortcuts"]

    assert shown() == ["call", "save_card_code"]
    choose(1, "call", "add_wechat").expect(422, "invalid", "/shortcuts/1")
    assert shown() == ["call", "save_card_code"]
    owner.put(path, {"version": 1, **CARD_FIELDS, "wechat_id": "linxiao_2026"}).expect(200)
    assert shown() == ["add_wechat", "call", "save_card_code"]
    changed = choose(2, "call", "add_wechat").expect(200)
    assert changed["version"] == 3 and changed["shortcuts"] == shown() == ["call", "add_wechat"]
    owner.put(path, {"version": 3, **CARD_FIELDS, "wechat_id": ""}).expect(200)
    assert shown() == ["call"], "without the id the button is hidden"
    owner.put(path, {"version": 4, **CARD_FIELDS, "wechat_id": "linxiao_2026"}).expect(200)
    assert shown() == ["call", "add_wechat"], "and with it again shown"
    assert choose(5).expect(200)["shortcuts"] == []
    choose(5, "call").expect(409, "version_conflict")


def test_a_bad_choice_of_buttons_is_refused(company, staff, visitor):
    for shortcuts, pointer in ((["dance"], "/shortcuts/0"), (["call", "call"], "/shortcuts/1"), ("call", "/shortcuts")):
        staff.put("/v1/my/shortcuts", {"version": 1, "shortcuts": shortcuts}).expect(422, "invalid", pointer)
    visitor.put("/v1/my/shortcuts", {"version": 1, "shortcuts": []}).expect(403, "role_required")
    company.boss.put("/v1/my/shortcuts", {"version": 1, "shortcuts": []}).expect(404, "not_found")
