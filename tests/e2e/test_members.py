"""Companies and their members."""

import re
import uuid

from world import now_text


def key():
    return uuid.uuid4().hex


def test_the_operator_founds_a_company_with_its_boss(world):
    appid, _ = world.make_app()
    created = world.found({"name": "星河科技", "appid": appid, "boss": {"name": "顾北"}}).expect(201)
    assert created["company"]["name"] == "星河科技" and created["company"]["appid"] == appid
    assert re.fullmatch(r"com_[0-9a-v]{26}", created["company"]["id"])
    assert re.fullmatch(r"mem_[0-9a-v]{26}", created["boss"]["member_id"])
    assert created["boss"]["claim_expires_at"] > now_text()


def test_without_the_operators_key_no_company_is_founded(world, company):
    body = {"name": "骗子", "appid": "wx" + uuid.uuid4().hex[:16], "boss": {"name": "某"}}
    for wrong in ("", "x", world.stack.operator_key + "0", world.stack.operator_key[:-1]):
        world.found(body, operator_key=wrong).expect(401)
    world.api.post("/v1/companies", company.boss.token, body, key=key()).expect(401)


def test_a_mini_program_belongs_to_one_company(world, company):
    body = {"name": "同名", "appid": company.appid, "boss": {"name": "某"}}
    world.found(body).expect(409, "appid_taken")


def test_the_boss_adds_staff_and_admins_and_the_admin_adds_staff(company, admin, staff, visitor):
    boss_added = company.add_member("新员工")["member"]
    assert boss_added["role"] == "staff" and boss_added["status"] == "invited"
    assert re.fullmatch(r"crd_[0-9a-v]{26}", boss_added["card_id"])
    assert company.add_member("新管理员", role="admin")["member"]["role"] == "admin"
    assert company.add_member("管理员招的", by=admin)["member"]["role"] == "staff"
    refused = {"name": "越权", "position": "经理", "role": "admin"}
    admin.post("/v1/members", refused, key=key()).expect(403, "role_required")
    for nobody in (staff, visitor):
        nobody.post("/v1/members", {"name": "越权", "position": "经理"}, key=key()).expect(403, "role_required")


def test_nobody_is_made_a_second_boss(company):
    answer = company.boss.post("/v1/members", {"name": "二当家", "position": "", "role": "boss"}, key=key())
    assert answer.status in (403, 422), answer


def test_the_list_of_members_shows_who_has_claimed(company, staff, admin, visitor):
    invited = company.add_member("还没来")["member"]
    members = {member["id"]: member for member in company.api.pages("/v1/members", admin.token)}
    assert members[invited["id"]]["status"] == "invited"
    assert members[staff.member["id"]]["status"] == "active"
    assert members[company.boss.member["id"]]["role"] == "boss"
    for member in members.values():
        assert set(member) == {"id", "name", "position", "role", "card_id", "status", "department", "successor_id", "created_at"}
    for nobody in (staff, visitor):
        nobody.get("/v1/members").expect(403, "role_required")


def test_the_list_comes_in_pages_that_join_without_gap_or_repeat(world):
    company = world.company("分页公司")
    names = {company.add_member(f"成员{number}")["member"]["name"] for number in range(7)}
    items = company.api.pages("/v1/members", company.boss.token, limit=3)
    assert len(items) == len({item["id"] for item in items}) == 8
    assert names <= {item["name"] for item in items}


def test_the_first_boss_gets_a_card_once(world):
    company = world.company("老板的名片")
    assert company.boss.card_id is None
    body = {"member_id": company.boss.member["id"]}
    card = company.boss.post("/v1/cards", body, key=key()).expect(201)
    assert card["member_id"] == body["member_id"] and card["name"] == "沈云" and card["company"] == company.name
    company.boss.post("/v1/cards", body, key=key()).expect(409, "card_exists")
    assert company.boss.get(f"/v1/cards/{card['id']}").expect(200) == card
    members = {member["id"]: member for member in company.api.pages("/v1/members", company.boss.token)}
    assert members[body["member_id"]]["card_id"] == card["id"]


def test_a_card_for_a_member_who_does_not_exist_is_not_found(company, staff):
    from world import absent_id

    company.boss.post("/v1/cards", {"member_id": absent_id("mem_")}, key=key()).expect(404)
    staff.post("/v1/cards", {"member_id": staff.member["id"]}, key=key()).expect(403, "role_required")
