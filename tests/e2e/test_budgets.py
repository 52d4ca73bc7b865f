"""Budgets on the deployed stack: a refusal names its budget and the time to wait, and concerns nobody else (R24)."""

import uuid

from world import mobile

CAPACITY = 60


def share(person, card, key=None):
    return person.post("/v1/share-codes", {"card_id": card, "channel": "share"}, key=key or uuid.uuid4().hex)


def test_who_shares_too_often_waits_and_others_do_not(company, staff):
    busy, other, first = company.visitor(), company.visitor(), uuid.uuid4().hex
    code = share(busy, staff.card_id, first).expect(201)["share_code"]
    # Tokens flow back while the test runs, one in ten seconds.
    answers = [share(busy, staff.card_id) for _ in range(CAPACITY + 30)]
    done = [answer for answer in answers if answer.status == 201]
    refused = next(answer for answer in answers if answer.status != 201)
    assert CAPACITY - 1 <= len(done) < len(answers)
    body = refused.expect(429, "budget_exhausted")
    assert body["budget"] == "share_codes" and "秒后再试" in body["detail"]
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert share(busy, staff.card_id, first).expect(201)["share_code"] == code, "a retry takes nothing"
    share(other, staff.card_id).expect(201)


def test_who_guesses_too_many_codes_waits(company):
    openid, guess = "o" + uuid.uuid4().hex, {"code": "0123-4567-89ab-cdef", "name": "周岚"}
    answers = [company.session(openid, invitation=guess) for _ in range(12)]
    assert [answer.body["code"] for answer in answers[:10]] == ["invitation_invalid"] * 10
    assert answers[11].expect(429, "budget_exhausted")["budget"] == "code_guesses"


def test_no_text_message_goes_to_a_country_that_is_not_in_the_list(company):
    path = f"/v1/members/{company.member('周岚', radar=False).member['id']}"
    for phone in ("+88213300655", "+97912345678", "+19005550123", "+85291234567"):
        company.boss.put(f"{path}/radar", {"phone": phone}).expect(422, "sms_country_not_allowed")
    assert company.boss.get(f"{path}/radar").expect(200)["state"] == "none"


def test_messages_of_another_company_keep_nobody_from_the_radar(world, company):
    number, other = mobile(), world.company("别家茶业")
    for name in ("甲", "乙", "丙", "丁", "戊"):
        path = f"/v1/members/{other.member(name, radar=False).member['id']}/radar"
        assert other.boss.put(path, {"phone": number}).expect(200)["sms"] == "sent"
    person = company.member("周岚", radar=False)
    granted = company.boss.put(f"/v1/members/{person.member['id']}/radar", {"phone": number}).expect(200)
    assert (granted["state"], granted["sms"], granted["sent_at"]) == ("granted", "failed", None)
    ticket = company.boss.get("/v1/radar-qr").expect(200)["ticket"]
    person.post("/v1/radar/joins", {"ticket": ticket}).expect(201)
