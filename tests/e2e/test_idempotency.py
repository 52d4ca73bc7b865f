"""A creating request that is repeated gets the first answer."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from world import absent_id

HEADER = "Idempotency-Key"


def key():
    return uuid.uuid4().hex


def members(company):
    return company.api.pages("/v1/members", company.boss.token)


def test_the_same_request_again_gives_the_same_answer_with_the_claim_code(company):
    body, ident = {"name": "重复", "position": "顾问"}, key()
    first = company.boss.post("/v1/members", body, key=ident).expect(201)
    before = members(company)
    for _ in range(3):
        assert company.boss.post("/v1/members", body, key=ident).expect(201) == first
    assert members(company) == before


def test_a_company_is_founded_once(world):
    appid, _ = world.make_app()
    body, ident = {"name": "重复公司", "appid": appid, "boss": {"name": "某"}}, key()
    first = world.found(body, ident).expect(201)
    assert world.found(body, ident).expect(201) == first


def test_a_card_is_made_once(world):
    company = world.company("一张名片")
    body, ident = {"member_id": company.boss.member["id"]}, key()
    first = company.boss.post("/v1/cards", body, key=ident).expect(201)
    assert company.boss.post("/v1/cards", body, key=ident).expect(201) == first


def test_another_body_under_the_same_key_is_refused(company):
    ident = key()
    company.boss.post("/v1/members", {"name": "甲", "position": "顾问"}, key=ident).expect(201)
    before = members(company)
    company.boss.post("/v1/members", {"name": "乙", "position": "顾问"}, key=ident).expect(422, "idempotency_key_reused")
    assert members(company) == before


def test_twenty_parallel_requests_with_one_key_make_one_member(company):
    body, ident, before = {"name": "并发", "position": "顾问"}, key(), len(members(company))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: company.boss.post("/v1/members", body, key=ident), range(20)))
    assert {answer.status for answer in answers} <= {201, 409}, answers
    made = [answer.body for answer in answers if answer.status == 201]
    assert made and all(body == made[0] for body in made)
    for answer in answers:
        if answer.status == 409:
            answer.expect(409, "request_in_progress")
            assert int(answer.headers["Retry-After"]) >= 1
    assert len(members(company)) == before + 1
    assert company.boss.post("/v1/members", body, key=ident).expect(201) == made[0]


def test_the_key_of_one_caller_means_nothing_to_another(world, company, admin):
    body, ident = {"name": "同一把钥匙", "position": "顾问"}, key()
    first = company.boss.post("/v1/members", body, key=ident).expect(201)
    second = admin.post("/v1/members", body, key=ident).expect(201)
    assert second["member"]["id"] != first["member"]["id"]
    stranger = world.company("别家").boss.post("/v1/members", body, key=ident).expect(201)
    assert stranger["member"]["id"] != first["member"]["id"]


def test_a_refused_request_does_not_use_up_its_key(company):
    ident = key()
    company.boss.post("/v1/members", {"name": "", "position": "顾问"}, key=ident).expect(422)
    company.boss.post("/v1/members", {"name": "改好了", "position": "顾问"}, key=ident).expect(201)


@pytest.mark.parametrize("path", ["/v1/members", "/v1/cards", "/v1/companies", "/v1/share-codes"])
def test_without_a_key_nothing_is_created(path, world, company):
    bodies = {
        "/v1/share-codes": {"card_id": absent_id("crd_"), "channel": "share"},
        "/v1/members": {"name": "甲", "position": "顾问"},
        "/v1/cards": {"member_id": company.boss.member["id"]},
        "/v1/companies": {"name": "甲", "appid": "wx" + key()[:16], "boss": {"name": "某"}},
    }
    headers = {"X-Operator-Key": world.stack.operator_key}
    world.api.post(path, company.boss.token, bodies[path], headers=headers).expect(400, "idempotency_key_required")


@pytest.mark.parametrize("bad", ["short", "x" * 129, "with space in it", "slash/inside", "点点点点点点点点"])
def test_a_key_of_the_wrong_shape_is_refused(bad, company):
    headers = {HEADER: bad.encode("utf-8")}
    answer = company.boss.post("/v1/members", {"name": "甲", "position": "顾问"}, headers=headers)
    assert answer.status in (400, 422), answer
