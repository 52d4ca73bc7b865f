"""Companies and their members."""

import re
import uuid
from concurrent.futures import ThreadPoolExecutor

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


def test_a_corrected_name_shows_on_the_card_and_is_recorded_once(company, admin):
    staff = company.member("林月")
    path, before = f"/v1/members/{staff.member['id']}", staff.get(f"/v1/cards/{staff.card_id}").expect(200)
    body = {"name": "林悦", "position": "高级顾问"}
    edited = admin.put(path, body).expect(200)
    assert edited == {**staff.member, **edited, **body} and edited["status"] == "active"
    assert admin.put(path, body).expect(200) == edited
    card = staff.get(f"/v1/cards/{staff.card_id}").expect(200)
    assert {key for key in card if card[key] != before[key]} <= {"name", "position", "version", "updated_at"}
    assert (card["name"], card["position"], card["version"]) == ("林悦", "高级顾问", before["version"] + 1)
    assert {key: staff.get("/v1/me").expect(200)["member"][key] for key in body} == body
    log = company.boss.get("/v1/audit-log", query={"action": "member_edited", "target": staff.member["id"]}).expect(200)
    assert [(line["from"], line["to"]) for line in log["items"]] == [("林月（客户经理）", "林悦（高级顾问）")]


def test_names_are_corrected_in_any_status_and_the_boss_corrects_their_own(company):
    def corrected(member, name):
        edited = company.boss.put(f"/v1/members/{member['id']}", {"name": name, "position": ""}).expect(200)
        assert (edited["name"], edited["position"], edited["role"]) == (name, "", member["role"])
        if edited["card_id"]:
            assert company.boss.get(f"/v1/cards/{edited['card_id']}").expect(200)["name"] == name
        return edited["status"]

    member = company.add_member("待改名")["member"]
    assert corrected(member, "已改名") == "invited"
    gone = company.member("要走的").member
    for status in ("disabled", "left"):
        company.boss.put(f"/v1/members/{gone['id']}/status", {"status": status}).expect(200)
        assert corrected(gone, status) == status
    assert corrected({**company.boss.member, "role": "boss"}, "沈云山") == "active"


def test_names_are_corrected_by_who_may_change_the_member(company, admin, staff, visitor):
    from world import absent_id

    body, path = {"name": "越权", "position": ""}, "/v1/members/{}".format
    for nobody in (staff, visitor):
        nobody.put(path(staff.member["id"]), body).expect(403, "role_required")
    for above in (company.member("另一位", role="admin", radar=False), company.boss):
        admin.put(path(above.member["id"]), body).expect(403, "role_required")
    admin.put(path(admin.member["id"]), {"name": admin.member["name"], "position": "自己改的"}).expect(200)
    admin.put(path(absent_id("mem_")), body).expect(404, "not_found")
    company.world.company("别家改名公司").boss.put(path(staff.member["id"]), body).expect(404, "not_found")
    for bad, pointer in (
        ({"name": " ", "position": ""}, "/name"), ({"name": "长" * 31, "position": ""}, "/name"),
        ({"name": "某", "position": "长" * 31}, "/position"), ({"name": "某"}, "/position"),
        ({"name": "某\n", "position": "a\nb"}, "/position"), ({**body, "role": "boss"}, "/role"),
    ):
        admin.put(path(staff.member["id"]), bad).expect(422, "invalid", pointer=pointer)
    assert staff.get("/v1/me").expect(200)["member"]["name"] == staff.member["name"]


def test_of_parallel_corrections_member_and_card_tell_the_same(company):
    colleague = company.member("并行")
    path, bodies = f"/v1/members/{colleague.member['id']}", [{"name": f"并行{n}", "position": f"职位{n}"} for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: company.boss.put(path, body), bodies))
    assert {answer.status for answer in answers} <= {200, 409}
    done = sum(answer.status == 200 for answer in answers)
    member, card = company.boss.get(path).expect(200), colleague.get(f"/v1/cards/{colleague.card_id}").expect(200)
    assert done >= 1 and card["version"] == 1 + done
    assert (member["name"], member["position"]) == (card["name"], card["position"])
    log = company.boss.get("/v1/audit-log", query={"action": "member_edited", "target": colleague.member["id"]}).expect(200)
    assert len(log["items"]) == done
