"""Logging in with a wx.login code, and claiming a membership."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest


def fresh():
    """A new openid."""
    return "o" + uuid.uuid4().hex


def test_a_visitor_gets_a_token_and_is_the_same_person_next_time(company):
    openid = fresh()
    first, second = company.log_in(openid), company.log_in(openid)
    assert first.kind == second.kind == "visitor"
    assert first.id == second.id and first.id.startswith("per_")
    me = first.get("/v1/me").expect(200)
    assert me == {"kind": "visitor", "person_id": first.id, "company": {"id": company.id, "name": company.name}, "member": None}


def test_the_same_open_id_in_two_companies_is_two_people(world, company):
    openid = fresh()
    other = world.company("另一家")
    assert company.log_in(openid).id != other.log_in(openid).id


def test_nobody_sees_the_session_key_or_the_open_id(company):
    openid = fresh()
    answer = company.session(openid)
    answer.expect(201)
    assert openid not in answer.text and "session_key" not in answer.text
    assert set(answer.body) == {
        "token", "expires_at", "refresh_token", "kind", "person_id", "company", "member", "companies", "join_request", "merge", "paused",
    }


def test_a_code_works_once(company):
    openid = fresh()
    code = company.world.simulator.code(company.appid, openid)
    company.session(openid, code=code).expect(201)
    company.session(openid, code=code).expect(401, "login_code_invalid")


def test_an_unknown_code_is_refused(company):
    company.session(fresh(), code="0a1b2c3d4e5f").expect(401, "login_code_invalid")


def test_a_code_lives_five_minutes(company):
    simulator = company.world.simulator
    openid = fresh()
    code = simulator.code(company.appid, openid)
    simulator.control("POST", "clock", {"advance_seconds": 301})
    try:
        company.session(openid, code=code).expect(401, "login_code_invalid")
    finally:
        simulator.reset()


def test_a_code_of_another_mini_program_is_refused(world, company):
    other = world.company("另一家")
    openid = fresh()
    code = world.simulator.code(other.appid, openid)
    company.session(openid, code=code).expect(401, "login_code_invalid")


def test_an_unknown_mini_program_is_not_found(company):
    company.session(fresh(), code="abc", appid="wx" + uuid.uuid4().hex[:16]).expect(404)


def test_a_busy_vendor_is_tried_again_later(company):
    company.world.simulator.fault(errcode=-1, times=10)
    try:
        answer = company.session(fresh())
        answer.expect(503)
        assert int(answer.headers["Retry-After"]) >= 1
    finally:
        company.world.simulator.reset()
    company.session(fresh()).expect(201)


@pytest.mark.parametrize("fault", [{"status": 500}, {"errcode": 45011}, {"errcode": 40125}, {"errcode": 40226}], ids=str)
def test_a_vendor_that_fails_gives_no_token_and_no_cause(fault, company):
    company.world.simulator.fault(times=3, **fault)
    try:
        answer = company.session(fresh())
    finally:
        company.world.simulator.reset()
    assert answer.status in (401, 403, 429, 502, 503), answer
    assert "token" not in (answer.body or {})
    for hidden in (company.secret, "errmsg", "jscode2session"):
        assert hidden not in answer.text


def test_a_claim_makes_the_person_a_member_for_good(company):
    added = company.add_member("李想")
    openid = fresh()
    member = company.log_in(openid, claim=added["claim_code"])
    assert member.kind == "member"
    assert member.member["id"] == added["member"]["id"]
    assert member.member["role"] == "staff" and member.card_id == added["member"]["card_id"]
    again = company.log_in(openid)
    assert again.kind == "member" and again.member == member.member and again.id == member.id


def test_a_claim_code_is_read_in_capitals_and_without_hyphens(company):
    added = company.add_member("大写")
    company.session(fresh(), claim=added["claim_code"].replace("-", "").upper()).expect(201)


def test_a_claim_code_works_once(company):
    added = company.add_member("王一")
    company.session(fresh(), claim=added["claim_code"]).expect(201)
    company.session(fresh(), claim=added["claim_code"]).expect(422, "claim_code_invalid")


def test_a_claim_code_that_nobody_was_given_is_refused(company):
    company.session(fresh(), claim="0000-0000-0000-0000").expect(422, "claim_code_invalid")


def test_a_claim_code_of_another_company_is_refused_and_stays_good(world, company):
    other = world.company("另一家")
    added = other.add_member("别人")
    company.session(fresh(), claim=added["claim_code"]).expect(422, "claim_code_invalid")
    other.session(fresh(), claim=added["claim_code"]).expect(201)


def test_a_member_does_not_become_a_second_member_and_the_code_stays_good(company):
    first, second = company.add_member("第一份"), company.add_member("第二份")
    openid = fresh()
    company.session(openid, claim=first["claim_code"]).expect(201)
    company.session(openid, claim=second["claim_code"]).expect(409, "already_member")
    company.session(fresh(), claim=second["claim_code"]).expect(201)


def test_of_many_parallel_claims_one_wins(company):
    added = company.add_member("抢手")
    people = [fresh() for _ in range(6)]
    codes = {openid: company.world.simulator.code(company.appid, openid) for openid in people}
    with ThreadPoolExecutor(len(people)) as pool:
        answers = list(pool.map(lambda openid: company.session(openid, added["claim_code"], codes[openid]), people))
    assert len([answer for answer in answers if answer.status == 201]) == 1, answers
    # A login that collided with the winner is asked to retry, and then the code is used.
    assert {answer.status for answer in answers} <= {201, 409, 422, 503}, answers
    company.session(fresh(), added["claim_code"]).expect(422, "claim_code_invalid")
    winner = next(answer.body for answer in answers if answer.status == 201)
    members = {member["id"]: member for member in company.api.pages("/v1/members", company.boss.token)}
    assert members[added["member"]["id"]]["status"] == "active"
    assert winner["member"]["id"] == added["member"]["id"]


def test_a_visitor_who_becomes_a_member_stays_the_same_person(company):
    openid = fresh()
    before = company.log_in(openid)
    added = company.add_member("从访客来")
    after = company.log_in(openid, claim=added["claim_code"])
    assert after.id == before.id
    assert before.get("/v1/me").expect(200)["kind"] == "visitor"  # the old token still has the old claims
