"""Nothing of one company is visible to another: generated from infra/openapi.json."""

import json

import pytest

from operations import ALL, GUARDED, name, request
from numbers_of_radar import drain
from world import batch_id, event

# Operations that take no id in the path: what they must do with another company's ids.
TAKES_FOREIGN_ID_IN_BODY = {
    "POST /v1/events": (404, "unknown_card"), "POST /v1/cards": (404, None), "POST /v1/share-codes": (404, "unknown_card"),
    "POST /v1/uploads": (404, None),
    "POST /v1/departments": (404, "unknown_department"),
}
NAMES_NOTHING = {
    "GET /v1/card-template", "PUT /v1/card-template", "GET /v1/my/phrases/{book}", "PUT /v1/my/phrases/{book}",
    "GET /v1/phrases/{book}", "PUT /v1/phrases/{book}", "GET /v1/my/greeting", "PUT /v1/my/greeting", "PUT /v1/my/shortcuts",
    "PUT /v1/products/{product_id}/voice",  # one's own; products do not exist yet
    "GET /v1/greeting", "PUT /v1/greeting",
    "GET /v1/me", "GET /v1/members", "POST /v1/members", "GET /v1/my/cards",
    "GET /v1/radar/company/feed", "GET /v1/radar/company/today", "GET /v1/radar/company/metrics",
    "GET /v1/radar/company/days", "GET /v1/radar/company/behaviour", "GET /v1/radar/company/objects",
    "GET /v1/radar/company/sharers", "GET /v1/radar/company/rankings", "GET /v1/radar/company/filtered",
    "GET /v1/radar/company/sharers/profile", "GET /v1/radar/company/shop-visits", "GET /v1/radar/company/customers",
    "GET /v1/radar/company/funnel", "GET /v1/radar/company/recount", "GET /v1/radar/company/close-rate",
    "GET /v1/seats", "GET /v1/audit-log", "GET /v1/merges", "POST /v1/my/phone", "GET /v1/departments", "GET /v1/directory", "GET /v1/company", "PUT /v1/company",
    "POST /v1/invitations", "GET /v1/invitations", "GET /v1/join-requests",
    "GET /v1/radar-grants", "GET /v1/radar-qr", "POST /v1/radar/redemptions", "POST /v1/radar/joins",
}
# Without a bearer token: the login, and what the platform operator does with his key.
PUBLIC = {
    "POST /v1/sessions", "POST /v1/sessions/anonymous", "POST /v1/companies", "POST /v1/companies/{company_id}/seats",
    "PUT /v1/companies/{company_id}/wecom", "DELETE /v1/companies/{company_id}/wecom",
}
# Who is no admin hears of the role before any id is looked at.
ADMINS_ONLY = {
    "POST /v1/cards", "POST /v1/members", "GET /v1/members", "GET /v1/members/{member_id}", "GET /v1/seats",
    "PUT /v1/members/{member_id}", "PUT /v1/members/{member_id}/status", "PUT /v1/members/{member_id}/role", "GET /v1/audit-log",
    "GET /v1/radar-grants", "GET /v1/radar-qr", "PUT /v1/members/{member_id}/radar", "GET /v1/members/{member_id}/radar",
    "PUT /v1/members/{member_id}/department", "POST /v1/departments", "PUT /v1/departments/{department_id}",
    "DELETE /v1/departments/{department_id}", "PUT /v1/company", "GET /v1/greeting", "PUT /v1/greeting",
    "DELETE /v1/members/{member_id}/radar", "POST /v1/members/{member_id}/radar/codes",
    "GET /v1/merges", "DELETE /v1/merges/{merge_id}",
    "PUT /v1/members/{member_id}/successor", "POST /v1/members/{member_id}/claim-codes",
    "POST /v1/invitations", "GET /v1/invitations", "GET /v1/invitations/{invitation_id}",
    "DELETE /v1/invitations/{invitation_id}", "GET /v1/join-requests", "PUT /v1/join-requests/{join_request_id}",
}
FOR_OWNERS = {"PUT /v1/my/shortcuts", "PUT /v1/products/{product_id}/voice"}  # the boss of these tests has no card
# Refused from anybody who was not granted the radar, or has granted no phone number.
REFUSED_WITHOUT_GRANT = {"POST /v1/radar/redemptions", "POST /v1/radar/joins", "POST /v1/my/phone"}
LISTS = (
    "/v1/members", "/v1/directory", "/v1/radar/company/feed", "/v1/radar-grants", "/v1/invitations", "/v1/join-requests",
)


@pytest.fixture(scope="module")
def other(world):
    """Company B, with a card, a visitor and an event."""
    company = world.company("别家公司")
    staff = company.member("别家员工")
    before = company.anonymous()
    guest = company.log_in("guest-" + company.appid, before=before.token)
    merge = company.boss.get("/v1/merges").expect(200)["items"][0]["id"]
    guest.send(event("view_card", staff.card_id), event("forward", staff.card_id))
    share = guest.post("/v1/share-codes", {"card_id": staff.card_id, "channel": "share"}, key="key-of-the-share")
    share = share.expect(201)
    ticket = {"purpose": "photo", "content_type": "image/jpeg", "bytes": 1}
    upload = staff.post("/v1/uploads", ticket, key="key-of-the-upload").expect(201)
    sales = company.boss.post("/v1/departments", {"name": "别家部门"}, key="key-of-the-department").expect(201)
    company.boss.put(f"/v1/members/{staff.member['id']}/department", {"department_id": sales["id"]}).expect(200)
    drain(world.stack)
    invited = company.invite(2, review=True)
    asked = company.join("other-asker", invited).expect(201)
    company.join("other-asker-2", invited).expect(201)
    company.invite()
    return {
        "department_id": sales["id"], "tree_version": 1,
        "company": company, "staff": staff, "guest": guest,
        "card_id": staff.card_id, "member_id": staff.member["id"], "share_code": share["share_code"],
        "merge_id": merge, "person_id": guest.id,
        "upload_id": upload["upload_id"],
        "invitation_id": invited["invitation"]["id"], "join_request_id": asked["join_request"]["id"],
    }


def ids_of(other):
    """Every id of company B that could leak."""
    return [other["department_id"], other["company"].id, other["card_id"], other["member_id"], other["staff"].id, other["guest"].id,
            other["company"].boss.id, other["company"].boss.member["id"], other["invitation_id"], other["join_request_id"],
            other["merge_id"]]


def test_every_operation_is_known_here():
    assert ALL, "infra/openapi.json is missing"
    for operation in ALL:
        known = "_id}" in operation[1] or "_code}" in operation[1] or name(operation) in NAMES_NOTHING | PUBLIC | set(TAKES_FOREIGN_ID_IN_BODY)
        assert known, f"{name(operation)} is new: say here what another company's ids must do"
        assert operation[2] != (name(operation) in PUBLIC), f"{name(operation)}: is a token needed or not?"


@pytest.mark.parametrize("role", ["boss", "staff", "visitor"])
@pytest.mark.parametrize("operation", GUARDED, ids=name)
def test_a_token_of_company_a_finds_nothing_of_company_b(operation, role, other, company, staff, visitor):
    who = {"boss": company.boss, "staff": staff, "visitor": visitor}[role]
    if role != "boss" and name(operation) in ADMINS_ONLY:
        request(company.api, operation, who.token, other).expect(403)
        return
    answer = request(company.api, operation, who.token, other)
    if name(operation) in TAKES_FOREIGN_ID_IN_BODY:
        status, code = TAKES_FOREIGN_ID_IN_BODY[name(operation)]
        answer.expect(status)
        assert code is None or code in [error["code"] for error in answer.body["errors"]]
    elif name(operation) not in NAMES_NOTHING or (role == "boss" and name(operation) in FOR_OWNERS):
        answer.expect(404)
    elif role == "boss" and name(operation) in REFUSED_WITHOUT_GRANT:
        answer.expect(422)
    elif role == "boss":
        assert answer.status in (200, 201), answer
    text = json.dumps(answer.body)
    echoed = {other["card_id"], other["department_id"]}  # a problem may repeat what was asked for
    leaked = [ident for ident in ids_of(other) if ident in text and not (answer.status >= 400 and ident in echoed)]
    assert not leaked, answer


@pytest.mark.parametrize("operation", GUARDED, ids=name)
def test_without_a_token_there_is_nothing(operation, other, world):
    request(world.api, operation, None, other).expect(401)


@pytest.mark.parametrize("operation", GUARDED, ids=name)
@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "bearer x y", "Token abc"])
def test_another_authorization_header_is_no_token(operation, value, other, world):
    request(world.api, operation, None, other, headers={"Authorization": value}).expect(401)


def test_a_missing_and_a_foreign_card_look_the_same(other, company):
    from world import absent_id

    foreign = company.boss.get(f"/v1/cards/{other['card_id']}")
    absent = company.boss.get(f"/v1/cards/{absent_id('crd_')}")
    assert foreign.status == absent.status == 404
    assert {**foreign.body, "instance": ""} == {**absent.body, "instance": ""}


def test_a_cursor_of_another_company_is_refused(other, company):
    theirs = other["company"]
    theirs.add_member("第三位")
    theirs.member("第四位")
    for path in LISTS:
        cursor = theirs.boss.get(path, query={"limit": 1}).expect(200)["next_cursor"]
        assert cursor, f"{path} should have a second page"
        company.boss.get(path, query={"limit": 1, "cursor": cursor}).expect(400)


def test_an_event_for_a_foreign_card_stores_nothing_even_beside_good_ones(other, company, staff, visitor):
    before = len(company.api.pages("/v1/radar/company/feed", company.boss.token))
    batch = {"batch_id": batch_id(), "events": [event("view_card", staff.card_id), event("view_card", other["card_id"])]}
    answer = visitor.post("/v1/events", batch)
    answer.expect(404, pointer="/events/1/card_id")
    drain(company.world.stack)
    assert len(company.api.pages("/v1/radar/company/feed", company.boss.token)) == before


def test_within_a_company_radar_of_a_colleague_is_invisible_and_the_company_radar_is_for_the_heads(company, staff, admin, visitor):
    colleague = company.member("同事")
    for question in ("feed", "today", "metrics"):
        path = f"/v1/radar/cards/{staff.card_id}/{question}"
        colleague.get(path).expect(404)
        visitor.get(path).expect(404)
        for allowed in (staff, admin, company.boss):
            allowed.get(path).expect(200)
        path = f"/v1/radar/company/{question}"
        staff.get(path).expect(404)
        visitor.get(path).expect(404)
        for allowed in (admin, company.boss):
            allowed.get(path).expect(200)
