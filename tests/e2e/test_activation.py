"""The radar is off until it is granted, its code redeemed and its QR code followed."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from stored import function_logs, table_items
from world import absent_id, mobile

MINUTE_MS = 60_000
REDEEM, JOIN = "/v1/radar/redemptions", "/v1/radar/joins"


def radar(person):
    """The path of a member's activation."""
    return f"/v1/members/{person.member['id']}/radar"


def sent(company, phone):
    """The number of codes sent to a number."""
    return len(company.world.stack.sent_codes(phone))


def wrong(code):
    """A code that differs from this one."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def newcomer(company, name="新人", **more):
    """A member whose radar is off."""
    return company.member(name, radar=False, **more)


@pytest.fixture
def granted(company):
    """(member, phone, code): a member who was sent a code."""
    person = newcomer(company)
    phone = company.grant(person)
    return person, phone, company.world.radar_code(phone)


def age(world, person, millis):
    """Moves a member's activation into the past: the functions' clock cannot be moved."""
    stack = world.stack
    name, client = stack.outputs["TableName"], stack.boto("dynamodb")
    ident = person.member["id"]
    is_his = lambda item: item.get("type") == {"S": "activation"} and item["member"] == {"S": ident}  # noqa: E731
    item = next(item for item in table_items(stack) if is_his(item))

    def earlier(value):
        return {"N": str(int(value["N"]) - millis)}

    item["sends"] = {"L": [earlier(at) for at in item["sends"]["L"]]}
    for inner in item["state"]["M"].values():
        fields = inner["M"].get("code", inner)
        for field in ("sent_at", "at"):
            if "M" in fields and field in fields["M"]:
                fields["M"][field] = earlier(fields["M"][field])
    client.put_item(TableName=name, Item=item)


def test_a_member_gets_from_the_grant_to_the_radar(company):
    person = newcomer(company, "林晓")
    feed = f"/v1/radar/cards/{person.card_id}/feed"
    assert company.boss.get(radar(person)).expect(200)["state"] == "none"
    phone = mobile()
    answer = company.boss.put(radar(person), {"phone": phone}).expect(200)
    assert answer["state"] == "granted" and answer["sms"] == "sent" and answer["tries_left"] == 5
    assert answer["phone"] == f"{phone[:6]}****{phone[-4:]}"
    person.get(feed).expect(403, "radar_not_active")
    redeemed = person.post(REDEEM, {"code": company.world.radar_code(phone)}).expect(201)
    assert company.boss.get(radar(person)).expect(200)["state"] == "redeemed"
    assert person.post(JOIN, {"ticket": redeemed["ticket"]}).expect(201) == {"state": "joined"}
    assert company.boss.get(radar(person)).expect(200)["state"] == "joined"
    person.get(feed).expect(403, "radar_not_active")  # the token is still the old one
    company.log_in(person.openid).get(feed).expect(200)
    person.post(JOIN, {"ticket": redeemed["ticket"]}).expect(201)


def test_the_radar_is_off_until_then_and_a_stranger_does_not_even_learn_that(company, staff, visitor):
    person = newcomer(company)
    for question in ("feed", "today", "metrics"):
        person.get(f"/v1/radar/cards/{person.card_id}/{question}").expect(403, "radar_not_active")
        person.get(f"/v1/radar/cards/{staff.card_id}/{question}").expect(404)
        person.get(f"/v1/radar/company/{question}").expect(404)
        visitor.get(f"/v1/radar/cards/{person.card_id}/{question}").expect(404)
        company.boss.get(f"/v1/radar/company/{question}").expect(200)  # the boss needs no activation
    head = newcomer(company, "周敏", role="admin")
    head.get("/v1/radar/company/today").expect(403, "radar_not_active")
    head.get(f"/v1/radar/cards/{person.card_id}/today").expect(403, "radar_not_active")
    head.get(f"/v1/radar/cards/{absent_id('crd_')}/today").expect(404)


def test_granting_again_changes_nothing_and_sends_no_second_sms(company, admin, granted):
    person, phone, code = granted
    before = company.boss.get(radar(person)).expect(200)
    other = mobile()
    for who in (company.boss, admin):
        again = who.put(radar(person), {"phone": other}).expect(200)
        assert again.pop("sms") == "not_needed" and again == before
    assert (sent(company, phone), sent(company, other)) == (1, 0)
    person.post(REDEEM, {"code": code}).expect(201)
    assert company.boss.put(radar(person), {"phone": phone}).expect(200)["state"] == "redeemed"
    assert sent(company, phone) == 1


def test_of_parallel_grants_one_sends_an_sms(company):
    person, phone = newcomer(company), mobile()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: company.boss.put(radar(person), {"phone": phone}), range(8)))
    assert {answer.status for answer in answers} <= {200, 409}, answers
    assert [answer.body["sms"] for answer in answers if answer.status == 200].count("sent") == 1
    assert sent(company, phone) == 1


def test_brute_force_stops_after_five_tries(company, granted):
    person, _, code = granted
    for left in (4, 3, 2, 1, 0):
        person.post(REDEEM, {"code": wrong(code)}).expect(422, "radar_code_wrong")
        assert company.boss.get(radar(person)).expect(200)["tries_left"] == left
    person.post(REDEEM, {"code": code}).expect(422, "radar_code_blocked")
    person.post(REDEEM, {"code": wrong(code)}).expect(422, "radar_code_blocked")


def test_parallel_wrong_tries_are_five_at_most(company, granted):
    person, _, code = granted
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: person.post(REDEEM, {"code": wrong(code)}), range(36)))
    codes = [answer.body["code"] for answer in answers]
    assert set(codes) <= {"radar_code_wrong", "radar_code_blocked", "request_in_progress"}, set(codes)
    left = company.boss.get(radar(person)).expect(200)["tries_left"]
    assert codes.count("radar_code_wrong") == 5 - left <= 5


def test_a_second_redeem_fails(granted):
    person, _, code = granted
    person.post(REDEEM, {"code": code}).expect(201)
    person.post(REDEEM, {"code": code}).expect(422, "radar_code_used")


def test_two_parallel_redeems_give_one_success(granted):
    person, _, code = granted
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: person.post(REDEEM, {"code": code}), range(2)))
    assert sorted(answer.status for answer in answers)[0] == 201
    refused = next(answer for answer in answers if answer.status != 201)
    assert refused.body["code"] in ("radar_code_used", "request_in_progress"), refused


def test_an_expired_code_says_so(company, granted):
    person, _, code = granted
    age(company.world, person, 10 * MINUTE_MS)
    person.post(REDEEM, {"code": code}).expect(422, "radar_code_expired")


def test_a_ticket_ends_after_ten_minutes(company, granted):
    person, _, code = granted
    ticket = person.post(REDEEM, {"code": code}).expect(201)["ticket"]
    age(company.world, person, 10 * MINUTE_MS)
    person.post(JOIN, {"ticket": ticket}).expect(422, "radar_ticket_invalid")


def test_a_code_and_a_ticket_are_of_their_member_only(company, granted, visitor):
    person, _, code = granted
    colleague = newcomer(company, "同事")
    company.grant(colleague)
    colleague.post(REDEEM, {"code": code}).expect(422, "radar_code_wrong")
    visitor.post(REDEEM, {"code": code}).expect(403, "role_required")
    ticket = person.post(REDEEM, {"code": code}).expect(201)["ticket"]
    colleague.post(JOIN, {"ticket": ticket}).expect(422, "radar_ticket_invalid")
    visitor.post(JOIN, {"ticket": ticket}).expect(403, "role_required")


def test_a_new_code_replaces_the_old_one_at_most_once_a_minute(company, granted):
    person, phone, code = granted
    limited = company.boss.post(f"{radar(person)}/codes", {}, key=uuid.uuid4().hex)
    limited.expect(429, "radar_code_limit")
    assert int(limited.headers["Retry-After"]) == 60
    age(company.world, person, MINUTE_MS)
    key = uuid.uuid4().hex
    first = company.boss.post(f"{radar(person)}/codes", {}, key=key).expect(201)
    assert first["sms"] == "sent" and sent(company, phone) == 2
    assert company.boss.post(f"{radar(person)}/codes", {}, key=key).expect(201) == first
    assert sent(company, phone) == 2, "a retry sends nothing"
    fresh = company.world.radar_code(phone)
    if fresh != code:
        person.post(REDEEM, {"code": code}).expect(422, "radar_code_wrong")
    person.post(REDEEM, {"code": fresh}).expect(201)


def test_at_most_five_codes_an_hour_even_around_a_revocation(company, granted):
    person, phone, _ = granted
    for _ in range(4):
        age(company.world, person, MINUTE_MS)
        company.boss.post(f"{radar(person)}/codes", {}, key=uuid.uuid4().hex).expect(201)
    age(company.world, person, MINUTE_MS)
    company.boss.post(f"{radar(person)}/codes", {}, key=uuid.uuid4().hex).expect(429, "radar_code_limit")
    company.boss.delete(radar(person)).expect(200)
    company.boss.put(radar(person), {"phone": phone}).expect(429, "radar_code_limit")
    assert sent(company, phone) == 5


def test_a_code_needs_a_grant_that_has_not_come_to_its_end(company, staff):
    person = newcomer(company)
    company.boss.post(f"{radar(person)}/codes", {}, key=uuid.uuid4().hex).expect(409, "radar_not_granted")
    company.boss.post(f"{radar(staff)}/codes", {}, key=uuid.uuid4().hex).expect(409, "radar_active")


def test_a_grant_succeeds_when_the_sms_does_not_and_the_qr_code_is_left(company):
    person, phone = newcomer(company), mobile()
    company.world.simulator.control("POST", "sms/faults", {"code": "LimitExceeded.PhoneNumberDailyLimit"})
    answer = company.boss.put(radar(person), {"phone": phone}).expect(200)
    assert (answer["state"], answer["sms"], answer["sent_at"]) == ("granted", "failed", None)
    assert sent(company, phone) == 0
    person.post(REDEEM, {"code": "012345"}).expect(422, "radar_code_wrong")
    ticket = company.boss.get("/v1/radar-qr").expect(200)["ticket"]
    person.post(JOIN, {"ticket": ticket}).expect(201)
    company.log_in(person.openid).get(f"/v1/radar/cards/{person.card_id}/today").expect(200)


def test_a_new_code_that_was_not_sent_can_be_asked_for_again_with_the_same_key(company, granted):
    person, phone, _ = granted
    age(company.world, person, MINUTE_MS)
    key = uuid.uuid4().hex
    company.world.simulator.control("POST", "sms/faults", {"status": 502})
    company.boss.post(f"{radar(person)}/codes", {}, key=key).expect(503, "unavailable")
    age(company.world, person, MINUTE_MS)
    company.boss.post(f"{radar(person)}/codes", {}, key=key).expect(201)
    assert sent(company, phone) == 2


def test_the_companys_qr_code_opens_nothing_without_a_grant_or_elsewhere(world, company, visitor):
    person, elsewhere = newcomer(company), world.company("别家公司")
    ticket = company.boss.get("/v1/radar-qr").expect(200)["ticket"]
    person.post(JOIN, {"ticket": ticket}).expect(403, "radar_not_active")
    visitor.post(JOIN, {"ticket": ticket}).expect(403, "role_required")
    stranger = newcomer(elsewhere)
    elsewhere.grant(stranger)
    stranger.post(JOIN, {"ticket": ticket}).expect(422, "radar_ticket_invalid")


def test_a_revoked_radar_is_off_at_once(company):
    person = company.member("离任")
    feed = f"/v1/radar/cards/{person.card_id}/feed"
    person.get(feed).expect(200)
    off = company.boss.delete(radar(person)).expect(200)
    assert (off["state"], off["phone"]) == ("none", None)
    assert company.boss.delete(radar(person)).expect(200) == off
    card = f"/v1/radar/cards/{person.card_id}/metrics"
    assert person.get(card, renew=False).status in (200, 401), "a list ends with its token"
    person.refresh()
    person.get(feed).expect(403, "radar_not_active")


def test_only_the_heads_grant_send_revoke_and_look(company, staff, visitor, granted):
    person, _, _ = granted
    for who in (staff, visitor, person):
        who.put(radar(person), {"phone": mobile()}).expect(403, "role_required")
        who.post(f"{radar(person)}/codes", {}, key=uuid.uuid4().hex).expect(403, "role_required")
        who.delete(radar(person)).expect(403, "role_required")
        for path in (radar(person), "/v1/radar-grants", "/v1/radar-qr"):
            who.get(path).expect(403, "role_required")


@pytest.mark.parametrize("phone", ["", "110", "+8613800", "02158880000", "13800138000x", 13800138000, None])
def test_a_number_that_gets_no_sms_is_refused(phone, company, staff):
    company.boss.put(radar(staff), {"phone": phone}).expect(422, "invalid", "/phone")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", 123456, None])
def test_text_that_cannot_be_a_code_costs_no_try(code, company, granted):
    person, _, _ = granted
    person.post(REDEEM, {"code": code}).expect(422, "invalid", "/code")
    assert company.boss.get(radar(person)).expect(200)["tries_left"] == 5


def test_the_console_lists_all_grants_page_by_page(world):
    company = world.company("名单公司")
    people = [newcomer(company, f"员工{n}") for n in range(3)]
    for person in people:
        company.grant(person)
    company.boss.delete(radar(people[2])).expect(200)
    items = company.api.pages("/v1/radar-grants", company.boss.token, limit=2)
    assert [item["member_id"] for item in items] == [person.member["id"] for person in people]
    assert [item["state"] for item in items] == ["granted", "granted", "none"]
    for state, number in (("granted", 2), ("none", 1), ("joined", 0)):
        page = company.boss.get("/v1/radar-grants", query={"state": state}).expect(200)
        assert [item["state"] for item in page["items"]] == [state] * number
    company.boss.get("/v1/radar-grants", query={"state": "on"}).expect(400, "invalid_query")


def test_codes_are_hashed_at_rest_and_neither_code_nor_number_is_in_a_log(company, granted):
    person, phone, code = granted
    person.post(REDEEM, {"code": wrong(code)}).expect(422, "radar_code_wrong")
    mine = [item for item in table_items(company.world.stack) if {"S": person.member["id"]} in item.values()]
    state = next(item["state"]["M"] for item in mine if item["type"] == {"S": "activation"})
    kept = state["granted"]["M"]["code"]["M"]
    assert len(kept["hash"]["S"]) == 64 and set(kept) == {"nonce", "hash", "sent_at", "tries_left"}
    values = [text for item in mine for text in texts(item)]
    assert code not in values and wrong(code) not in values
    ticket = person.post(REDEEM, {"code": code}).expect(201)["ticket"]
    assert not [text for item in table_items(company.world.stack) for text in texts(item) if ticket in text]
    logs = function_logs(company.world.stack)
    for secret in (f'"{code}"', f" {code} ", phone, phone[3:], ticket):
        assert secret not in logs


def texts(value):
    """Every text and number inside an item."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    else:
        yield str(value)


def test_a_member_who_has_left_is_not_granted_the_radar(company):
    person = company.member("离职员工", radar=False)
    path = f"/v1/members/{person.member['id']}"
    company.boss.put(f"{path}/status", {"status": "left"}).expect(200)
    company.boss.put(f"{path}/radar", {"phone": mobile()}).expect(409, "member_inactive")
