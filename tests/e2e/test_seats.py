"""Seats, the status of members, roles, and the audit log."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from operations import CARD_FIELDS, OPEN_TEMPLATE
from stored import key_names, table_items
from world import absent_id


def key():
    return uuid.uuid4().hex


def seats(company):
    """The seats in the API, once they agree with the list of members."""
    found = company.boss.get("/v1/seats").expect(200)
    members = company.api.pages("/v1/members", company.boss.token)
    active = sum(member["status"] == "active" for member in members)
    invited = sum(member["status"] == "invited" for member in members)
    assert found["used"] == active and found["reserved"] == invited, (found, members)
    assert found["limit"] == found["available"] + found["reserved"] + found["used"]
    return found


def set_status(by, member, status):
    return by.put(f"/v1/members/{member['id']}/status", {"status": status})


def test_a_hundred_parallel_joins_for_ten_seats_make_ten_members_and_ninety_clear_refusals(world):
    company = world.company("十席公司", seats=11)

    def join(number):
        answer = company.boss.post("/v1/members", {"name": f"同事{number}"}, key=key())
        while answer.status == 409 and answer.body["code"] == "request_in_progress":
            answer = company.boss.post("/v1/members", {"name": f"同事{number}"}, key=key())
        if answer.status == 201:
            company.log_in(f"joiner-{number}-{company.appid}", claim=answer.body["claim_code"])
        else:
            answer.expect(409, "seats_exhausted")
        return answer.status

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(join, range(100)))
    assert (statuses.count(201), statuses.count(409)) == (10, 90)
    assert seats(company) == {"limit": 11, "available": 0, "reserved": 0, "used": 11}


def test_a_member_who_leaves_frees_a_seat_and_is_a_visitor_from_then_on(world):
    company = world.company("小公司", seats=2)
    staff = company.member("林悦")
    company.boss.post("/v1/members", {"name": "陈嘉"}, key=key()).expect(409, "seats_exhausted")
    left = set_status(company.boss, staff.member, "left").expect(200)
    assert left["status"] == "left"
    assert company.log_in(staff.openid).member is None
    chen = company.member("陈嘉")
    set_status(company.boss, staff.member, "active").expect(409, "seats_exhausted")
    set_status(company.boss, chen.member, "disabled").expect(200)
    set_status(company.boss, staff.member, "active").expect(200)
    assert company.log_in(staff.openid).member["id"] == staff.member["id"]
    assert seats(company)["used"] == 2


def test_an_invitation_can_be_withdrawn_and_its_code_is_dead(world):
    company = world.company("撤回公司", seats=2)
    added = company.add_member("林悦")
    set_status(company.boss, added["member"], "active").expect(422, pointer="/status")
    set_status(company.boss, added["member"], "left").expect(200)
    assert seats(company) == {"limit": 2, "available": 1, "reserved": 0, "used": 1}
    company.session("late", claim=added["claim_code"]).expect(422, "claim_code_invalid")
    company.member("陈嘉")


def test_twenty_parallel_leaves_give_one_seat_back(world):
    company = world.company("并发公司", seats=3)
    staff = company.member("林悦")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: set_status(company.boss, staff.member, "left"), range(20)))
    assert {answer.status for answer in answers} <= {200, 409}
    assert seats(company) == {"limit": 3, "available": 2, "reserved": 0, "used": 1}


def test_admins_change_staff_only_and_nobody_changes_themselves(company, staff, admin, visitor):
    victim = company.member("普通员工")
    other_admin = company.member("另一管理员", role="admin")
    for nobody in (staff, visitor):
        set_status(nobody, victim.member, "left").expect(403, "role_required")
    set_status(admin, other_admin.member, "disabled").expect(403, "role_required")
    set_status(admin, company.boss.member, "left").expect(403, "role_required")
    set_status(admin, admin.member, "left").expect(403, "role_required")
    set_status(company.boss, company.boss.member, "left").expect(403, "role_required")
    set_status(admin, victim.member, "disabled").expect(200)
    set_status(company.boss, {"id": absent_id("mem_")}, "left").expect(404)
    for bad in ({"status": "gone"}, {"status": "invited"}, {}, {"status": 3}, {"status": "left", "why": "x"}):
        assert company.boss.put(f"/v1/members/{victim.member['id']}/status", bad).status == 422


def test_only_the_boss_changes_roles_and_a_new_login_has_the_new_one(company, staff, admin):
    member = company.member("升职")
    path = f"/v1/members/{member.member['id']}/role"
    for nobody in (staff, admin):
        nobody.put(path, {"role": "admin"}).expect(403, "role_required")
    company.boss.put(path, {"role": "emperor"}).expect(422, pointer="/role")
    company.boss.put(path, {"role": "admin"}).expect(200)
    assert company.log_in(member.openid).member["role"] == "admin"
    company.boss.put(f"/v1/members/{company.boss.member['id']}/role", {"role": "staff"}).expect(403)


def test_the_operator_adds_seats_once_per_key(world):
    company = world.company("加席公司", seats=1)
    headers = {"X-Operator-Key": world.stack.operator_key}
    path, request = f"/v1/companies/{company.id}/seats", key()
    world.api.post(path, company.boss.token, {"add": 1}, key=key()).expect(401)
    for bad in ({"add": 0}, {"add": -1}, {"add": 100_001}, {"add": "1"}, {}):
        assert world.api.post(path, body=bad, headers=headers, key=key()).status == 422
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: world.api.post(path, body={"add": 2}, headers=headers, key=request), range(8)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert seats(company)["limit"] == 3
    unknown = f"/v1/companies/{absent_id('com_')}/seats"
    world.api.post(unknown, body={"add": 1}, headers=headers, key=key()).expect(404)


def test_the_boss_reads_who_changed_what(world):
    company = world.company("审计公司")
    admin = company.member("管理员", role="admin", radar=False)
    staff = company.member("员工", radar=False)
    set_status(admin, staff.member, "disabled").expect(200)
    company.boss.put(f"/v1/members/{staff.member['id']}/role", {"role": "admin"}).expect(200)
    log = company.api.pages("/v1/audit-log", company.boss.token, limit=2)
    entries = [(line["action"], line["from"], line["to"]) for line in log]
    assert entries == [
        ("member_role", "staff", "admin"), ("member_status", "active", "disabled"),
        ("member_added", "", "staff"), ("member_added", "", "admin"),
    ]
    assert log[1]["actor"] == {"type": "member", "id": admin.member["id"]} and log[1]["target"] == staff.member["id"]
    admin.get("/v1/audit-log").expect(403, "role_required")


def test_changes_to_other_members_cards_are_in_the_audit_log_and_own_changes_are_not(world):
    company = world.company("名片审计公司")
    staff = company.member("员工")
    path = f"/v1/cards/{staff.card_id}"
    fields = {**CARD_FIELDS, "phones": ["13800138000"]}
    staff.put(path, {"version": 1, **fields}).expect(200)
    company.boss.put(path, {"version": 2, **CARD_FIELDS}).expect(200)
    company.boss.put(path + "/identity", {"version": 3, "name": "林总", "position": "总监", "company": "云"}).expect(200)
    company.boss.put("/v1/card-template", {"version": 0, **OPEN_TEMPLATE, "address": "上海"}).expect(200)
    log = [line for line in company.api.pages("/v1/audit-log", company.boss.token) if line["action"].startswith("card")]
    assert [line["action"] for line in log] == ["card_template", "card_identity", "card_contact"]
    assert "上海" in log[0]["to"] and "林总" in log[1]["to"] and "员工" in log[1]["from"]
    assert "13800138000" in log[2]["from"] and "13800138000" not in log[2]["to"]
    assert {line["target"] for line in log[1:]} == {staff.card_id}


def test_members_are_found_by_status_and_name(world):
    company = world.company("搜索公司")
    company.member("林悦")
    company.add_member("林小满")
    names = lambda **query: [member["name"] for member in company.boss.get("/v1/members", query=query).expect(200)["items"]]
    assert names(name="林") == ["林悦", "林小满"]
    assert names(name="林", status="invited") == ["林小满"]
    assert names(status="left") == []
    company.boss.get("/v1/members", query={"status": "gone"}).expect(400)
    company.boss.get("/v1/members", query={"colour": "red"}).expect(400)
    cursor = company.boss.get("/v1/members", query={"status": "active", "limit": 1}).expect(200)["next_cursor"]
    company.boss.get("/v1/members", query={"status": "invited", "limit": 1, "cursor": cursor}).expect(400, "invalid_cursor")


def test_housekeeping_frees_the_seat_of_an_expired_invitation(world):
    company = world.company("过期公司", seats=2)
    added = company.add_member("林悦")
    names, place = key_names(world.stack)
    member = added["member"]["id"]
    hold = next(item for item in table_items(world.stack)
                if item["type"]["S"] == "hold" and any(item[name]["S"].endswith(member) for name in names))
    long_ago = "1500000000000"
    world.stack.boto("dynamodb").update_item(  # as if seven days had passed
        TableName=world.stack.outputs["TableName"], Key={name: hold[name] for name in names},
        UpdateExpression="SET expires_ms = :ms, #place = :place", ExpressionAttributeNames={"#place": place},
        ExpressionAttributeValues={":ms": {"N": long_ago}, ":place": {"S": long_ago + hold[place]["S"][13:]}},
    )
    answer = world.stack.boto("lambda").invoke(FunctionName=world.stack.outputs["HousekeepingFunctionName"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    assert company.boss.get("/v1/seats").expect(200) == {"limit": 2, "available": 1, "reserved": 0, "used": 1}
    company.session("late", claim=added["claim_code"]).expect(422, "claim_code_invalid")
    company.member("陈嘉")
