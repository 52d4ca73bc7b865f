"""The caller's company, its WeCom (F31), and one person in several companies (F20, R19)."""

import uuid

import pytest
from credentials import Credentials

from stored import function_logs, table_items
from world import absent_id

WECOM = {"corp_id": "ww0123456789abcdef", "agent_id": 1000002}


def fresh():
    """A new id at WeChat."""
    return "u" + uuid.uuid4().hex


def operator(world, method, company_id, body=None, key=None):
    headers = {"X-Operator-Key": world.stack.operator_key if key is None else key}
    return world.api.call(method, f"/v1/companies/{company_id}/wecom", body=body, headers=headers)


def join(company, name, openid, unionid, **more):
    """A new member who logs in with this openid and unionid."""
    added = company.add_member(name, **more)
    return company.log_in(openid, claim=added["claim_code"], unionid=unionid)


@pytest.fixture
def company(world):
    """A company for each test."""
    return world.company("云杉茶业")


# ---- the deployment


def test_a_deployment_checks_whether_organization_can_use_its_keys(stack):
    Credentials("dev", stack.boto).check()


# ---- the profile


def test_members_see_their_company_and_the_heads_how_it_is_set_up(company):
    staff, admin, visitor = company.member("林晓"), company.member("周敏", role="admin"), company.visitor()
    public = {"id": company.id, "name": "云杉茶业", "appid": company.appid}
    assert staff.get("/v1/company").expect(200) == public
    for head in (admin, company.boss):
        found = head.get("/v1/company").expect(200)
        setup = found.pop("administration")
        assert found == public and setup.pop("created_at") == company.created["company"]["created_at"]
        assert setup == {"wecom": "not_configured", "notices": "off", "notices_reason": "wecom_not_configured"}
    visitor.get("/v1/company").expect(403, "role_required")


def test_the_boss_renames_the_company_and_cards_keep_their_name(company):
    staff, admin = company.member("林晓"), company.member("周敏", role="admin")
    for nobody in (staff, admin, company.visitor()):
        nobody.put("/v1/company", {"name": "越权"}).expect(403, "role_required")
    for _ in range(2):
        assert company.boss.put("/v1/company", {"name": "云杉集团"}).expect(200)["name"] == "云杉集团"
    assert staff.get("/v1/company").expect(200)["name"] == "云杉集团"
    assert company.log_in(staff.openid).get("/v1/me").expect(200)["company"]["name"] == "云杉集团"
    assert staff.get(f"/v1/cards/{staff.card_id}").expect(200)["company"] == "云杉茶业"
    assert company.member("新来的").card_id and company.boss.get("/v1/company").expect(200)["name"] == "云杉集团"
    log = company.boss.get("/v1/audit-log", query={"action": "company_name"}).expect(200)["items"]
    assert [(line["target"], line["from"], line["to"]) for line in log] == [(company.id, "云杉茶业", "云杉集团")]
    for name, pointer in (("", "/name"), ("茶" * 61, "/name"), (7, "/name"), (None, "/name")):
        company.boss.put("/v1/company", {"name": name}).expect(422, "invalid", pointer)
    company.boss.put("/v1/company", {"name": "好", "appid": "wx1"}).expect(422, "invalid", "/appid")


# ---- WeCom


def test_the_operator_sets_a_wecom_by_reference_and_takes_it_away(world, company):
    for _ in range(2):
        body = operator(world, "PUT", company.id, WECOM).expect(200)
        assert body == {"company_id": company.id, "wecom": {**WECOM, "secret_name": None}}
    setup = company.boss.get("/v1/company").expect(200)["administration"]
    assert (setup["wecom"], setup["notices"], setup["notices_reason"]) == ("configured", "off", "not_available")
    named = operator(world, "PUT", company.id, {**WECOM, "secret_name": "shared-1"}).expect(200)
    assert named["wecom"]["secret_name"] == "shared-1"
    for _ in range(2):
        assert operator(world, "DELETE", company.id).expect(200) == {"company_id": company.id, "wecom": None}
    assert company.boss.get("/v1/company").expect(200)["administration"]["wecom"] == "not_configured"
    log = company.boss.get("/v1/audit-log", query={"action": "wecom", "actor": "operator"}).expect(200)["items"]
    assert len(log) == 3 and {line["actor"]["type"] for line in log} == {"operator"} and "ww0123" in log[0]["from"]


def test_a_wecom_with_a_secret_in_it_is_refused_and_kept_nowhere(world, company):
    secret = "never-in-a-body-" + uuid.uuid4().hex
    for name in ("secret", "corp_secret"):
        operator(world, "PUT", company.id, {**WECOM, name: secret}).expect(422, "invalid", f"/{name}")
    assert company.boss.get("/v1/company").expect(200)["administration"]["wecom"] == "not_configured"
    assert secret not in function_logs(world.stack) and secret not in str(table_items(world.stack))


def test_the_wecom_is_the_operator_s_to_set_for_companies_that_exist(world, company):
    operator(world, "PUT", company.id, WECOM, key="wrong").expect(401, "unauthorized")
    operator(world, "PUT", absent_id("com_"), WECOM).expect(404, "not_found")
    operator(world, "DELETE", absent_id("com_")).expect(404, "not_found")
    path = f"/v1/companies/{company.id}/wecom"
    company.boss.put(path, WECOM).expect(401, "unauthorized")
    for body, pointer in (
        ({"agent_id": 1}, "/corp_id"), ({**WECOM, "corp_id": "a b"}, "/corp_id"), ({**WECOM, "agent_id": "1"}, "/agent_id"),
        ({**WECOM, "agent_id": -1}, "/agent_id"), ({**WECOM, "secret_name": "a/b"}, "/secret_name"),
    ):
        operator(world, "PUT", company.id, body).expect(422, "invalid", pointer)


# ---- one person in several companies


@pytest.fixture
def both(world, company):
    """(company A, company B, openid, unionid): a member of A who is an admin of B."""
    other, openid, unionid = world.company("别家茶业"), fresh(), fresh()
    join(company, "林晓", openid, unionid)
    join(other, "林晓", openid, unionid, role="admin")
    return company, other, openid, unionid


def offered(person):
    return {choice["name"]: choice["current"] for choice in person.companies}


def test_a_person_of_two_companies_chooses_one_per_session(both):
    company, other, openid, unionid = both
    at_home = company.log_in(openid, unionid=unionid)
    assert at_home.get("/v1/me").expect(200)["company"]["id"] == company.id
    assert offered(at_home) == {"云杉茶业": True, "别家茶业": False}
    assert {choice["company_id"] for choice in at_home.companies} == {company.id, other.id}
    there = company.log_in(openid, unionid=unionid, company_id=other.id)
    assert there.get("/v1/me").expect(200)["company"] == {"id": other.id, "name": "别家茶业"}
    assert offered(there) == {"云杉茶业": False, "别家茶业": True}
    direct = other.log_in(openid, unionid=unionid)
    assert (there.id, there.member) == (direct.id, direct.member) and there.id != at_home.id
    assert there.member["role"] == "admin" and at_home.member["role"] == "staff"


def test_no_id_of_one_company_is_valid_in_the_other_even_for_who_is_in_both(both):
    company, other, openid, unionid = both
    at_home = company.log_in(openid, unionid=unionid)
    there = company.log_in(openid, unionid=unionid, company_id=other.id)
    colleague = company.member("同事")
    for path in (f"/v1/cards/{at_home.card_id}", f"/v1/members/{colleague.member['id']}", f"/v1/radar/cards/{at_home.card_id}/feed"):
        there.get(path).expect(404, "not_found")
    at_home.get(f"/v1/cards/{there.card_id}").expect(404, "not_found")
    assert colleague.member["id"] not in [member["id"] for member in company.api.pages("/v1/members", there.token)]
    assert there.put(f"/v1/members/{at_home.member['id']}/status", {"status": "left"}).status == 404


def test_a_foreign_an_unknown_and_a_left_company_are_not_found(world, both):
    company, other, openid, unionid = both
    third = world.company("第三家")
    for choice in (third.id, absent_id("com_")):
        company.session(openid, unionid=unionid, company_id=choice).expect(404, "not_found")
    company.session(openid, company_id=other.id).expect(404, "not_found")
    company.session(openid, unionid=fresh(), company_id=other.id).expect(404, "not_found")
    company.session(openid, unionid=unionid, company_id="别家").expect(422, "invalid", "/company_id")
    assert company.log_in(openid, unionid=unionid, company_id=company.id).member["role"] == "staff"
    there = other.log_in(openid, unionid=unionid)
    path = f"/v1/members/{there.member['id']}/status"
    other.boss.put(path, {"status": "left"}).expect(200)
    company.session(openid, unionid=unionid, company_id=other.id).expect(404, "not_found")
    assert offered(company.log_in(openid, unionid=unionid)) == {"云杉茶业": True}
    assert offered(other.log_in(openid, unionid=unionid)) == {"云杉茶业": False}, "a visitor there, a member here"
    other.boss.put(path, {"status": "active"}).expect(200)
    assert offered(company.log_in(openid, unionid=unionid)) == {"云杉茶业": True, "别家茶业": False}


def test_a_membership_from_before_the_unionid_is_found_after_one_login(world, company):
    other, openid, unionid = world.company("别家茶业"), fresh(), fresh()
    join(company, "林晓", openid, None)
    there = join(other, "林晓", openid, unionid)
    assert offered(there) == {"别家茶业": True}, "company A does not know yet"
    assert company.log_in(openid).companies == [{"company_id": company.id, "name": "云杉茶业", "current": True}]
    assert offered(company.log_in(openid, unionid=unionid)) == {"云杉茶业": True, "别家茶业": False}
    assert offered(other.log_in(openid, unionid=unionid)) == {"云杉茶业": False, "别家茶业": True}


def test_the_unionid_is_never_answered_or_logged(world, both):
    company, _, openid, unionid = both
    answer = company.session(openid, unionid=unionid)
    answer.expect(201)
    assert unionid not in answer.text and openid not in answer.text
    assert unionid not in function_logs(world.stack)


# ---- the audit log


def test_the_boss_filters_the_log_by_action_target_and_actor(company):
    admin, staff = company.member("周敏", role="admin"), company.member("林晓", radar=False)
    company.grant(staff)
    path = f"/v1/members/{staff.member['id']}/radar"
    admin.delete(path).expect(200)
    admin.delete(path).expect(200)

    def log(**query):
        found = company.boss.get("/v1/audit-log", query=query).expect(200)["items"]
        return [(line["action"], line["from"], line["to"]) for line in found]

    target = staff.member["id"]
    revoked, granted = ("radar_revoked", "granted", "none"), ("radar_granted", "none", "granted")
    assert log(target=target) == [revoked, granted, ("member_added", "", "staff")]
    assert log(actor=admin.member["id"]) == [revoked] and log(target=target, action="radar_granted") == [granted]
    assert log(actor="operator") == [] and log(target="nothing") == []
    assert len(log(action="member_added")) == 2
    first = company.boss.get("/v1/audit-log", query={"action": "member_added", "limit": 1}).expect(200)
    query = {"action": "member_added", "limit": 1, "cursor": first["next_cursor"]}
    assert [line["to"] for line in company.boss.get("/v1/audit-log", query=query).expect(200)["items"]] == ["admin"]
    company.boss.get("/v1/audit-log", query={**query, "action": "seats"}).expect(400, "invalid_cursor")
    for bad in ({"action": "magic"}, {"actor": "nobody"}, {"target": "a b"}, {"colour": "red"}):
        company.boss.get("/v1/audit-log", query=bad).expect(400, "invalid_query")
    admin.get("/v1/audit-log", query={"target": target}).expect(403, "role_required")


def test_a_new_radar_code_is_recorded_without_the_number(company):
    staff = company.member("林晓", radar=False)
    path = f"/v1/members/{staff.member['id']}/radar"
    phone = "+8613900001111"
    company.boss.put(path, {"phone": phone}).expect(200)
    company.boss.post(path + "/codes", {}, key=uuid.uuid4().hex).expect(429, "radar_code_limit")
    log = company.boss.get("/v1/audit-log", query={"target": staff.member["id"]})
    log.expect(200)
    assert [line["action"] for line in log.body["items"]] == ["radar_granted", "member_added"]
    assert phone not in log.text and phone[3:] not in log.text


def test_a_suspended_company_lets_nobody_in_until_it_is_active_again(world):
    company = world.company("暂停企业")
    member = company.member("在职")
    path, headers = f"/v1/companies/{company.id}/status", {"X-Operator-Key": world.stack.operator_key}
    for _ in range(2):
        body = world.api.call("PUT", path, body={"status": "suspended"}, headers=headers).expect(200)
        assert body == {"company_id": company.id, "status": "suspended"}
    company.session(member.openid).expect(403, "company_suspended")
    refresh = {"refresh_token": member.refresh_token}
    company.api.post("/v1/sessions/refresh", body=refresh).expect(403, "company_suspended")
    world.api.call("PUT", path, body={"status": "active"}, headers=headers).expect(200)
    company.api.post("/v1/sessions/refresh", body=refresh).expect(200)
    log = company.log_in(member.openid) and company.boss.get("/v1/audit-log", query={"action": "company_status"})
    assert [line["to"] for line in log.expect(200)["items"]] == ["active", "suspended"]
