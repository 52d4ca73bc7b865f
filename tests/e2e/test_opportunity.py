"""Close rates that are set by hand, and closed deals of a customer."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain
from office import visited_office
from world import absent_id, event

DAY_MS = 86_400_000
SHANGHAI_MS = 8 * 3_600_000


def day(back=0):
    """The day so many days ago in Shanghai."""
    return time.strftime("%Y-%m-%d", time.gmtime((time.time_ns() // 1_000_000 + SHANGHAI_MS - back * DAY_MS) / 1000))


@pytest.fixture(scope="module")
def office(world):
    """Two cards; three visitors of the first one."""
    return visited_office(world, visitors=3)


@pytest.fixture
def customer(office, world):
    """A new visitor of lin's card."""
    visitor = office["company"].visitor()
    visitor.send(event("view_card", office["lin"].card_id))
    drain(world.stack)
    return visitor


def at(office, customer, more):
    """A path below the customer of lin's card."""
    return f"/v1/cards/{office['lin'].card_id}/customers/{customer.id}/{more}"


def page(who, card_id, customer):
    """The customer's page in the radar of a card."""
    return who.get(f"/v1/radar/cards/{card_id}/customers/{customer.id}").expect(200)


def close(who, office, customer, closed_on=None, key=None):
    """Records a deal."""
    body = {"closed_on": closed_on or day(1)}
    return who.post(at(office, customer, "deals"), body, key=key or uuid.uuid4().hex)


def closed(who, scope):
    """The numbers of closed and of other customers, from the funnel."""
    funnel = who.get(f"/v1/radar/{scope}/funnel").expect(200)
    assert sum(band["customers"] for band in funnel["bands"]) == funnel["customers"] - funnel["closed"]
    return funnel["closed"]


def test_the_owner_sets_a_rate_and_takes_it_back(office, customer):
    lin = office["lin"]
    model = page(lin, lin.card_id, customer)["close_rate"]
    assert model["source"] == "model" and model["manual"] is None
    answer = lin.put(at(office, customer, "close-rate"), {"percent": 80}).expect(200)
    assert (answer["basis_points"], answer["source"]) == (8_000, "manual")
    assert answer["manual"]["set_by"] == lin.member["id"]
    for body in (page(lin, lin.card_id, customer),
                 office["company"].boss.get(f"/v1/radar/company/customers/{customer.id}").expect(200)):
        rate = body["close_rate"]
        assert (rate["basis_points"], rate["source"], rate["band"]) == (8_000, "manual", "below_99")
        assert rate["model_score"] == model["score"] and rate["model_basis_points"] is None and rate["manual"] == answer["manual"]
        assert [(part["basis_points"], part["text"]) for part in rate["receipt"]] == [(8_000, "人工设置")]
    assert lin.put(at(office, customer, "close-rate"), {"percent": 80}).expect(200) == answer
    for _ in range(2):
        lin.delete(at(office, customer, "close-rate")).expect(204)
    assert page(lin, lin.card_id, customer)["close_rate"] == model


def test_a_recorded_deal_closes_the_customer_until_it_is_taken_back(office, customer):
    lin, boss = office["lin"], office["company"].boss
    before = (closed(lin, f"cards/{lin.card_id}"), closed(boss, "company"))
    lin.put(at(office, customer, "close-rate"), {"percent": 30}).expect(200)
    deal = close(lin, office, customer).expect(201)
    assert deal["closed_on"] == day(1) and deal["recorded_by"] == lin.member["id"]
    body = page(lin, lin.card_id, customer)
    assert body["deals"] == [deal]
    rate = body["close_rate"]
    assert (rate["basis_points"], rate["source"], rate["band"]) == (10_000, "deal", None)
    assert rate["manual"]["basis_points"] == 3_000
    assert (closed(lin, f"cards/{lin.card_id}"), closed(boss, "company")) == (before[0] + 1, before[1] + 1)
    lin.delete(at(office, customer, f"deals/{deal['deal_id']}")).expect(204)
    lin.delete(at(office, customer, f"deals/{deal['deal_id']}")).expect(204)
    body = page(lin, lin.card_id, customer)
    assert body["deals"] == [] and body["close_rate"]["basis_points"] == 3_000
    assert (closed(lin, f"cards/{lin.card_id}"), closed(boss, "company")) == before


def test_a_deal_is_recorded_once_however_often_it_is_sent(office, customer):
    lin, key = office["lin"], uuid.uuid4().hex
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: close(lin, office, customer, key=key), range(8)))
    assert {answer.status for answer in answers} <= {201, 409}, answers
    made = close(lin, office, customer, key=key).expect(201)
    assert all(answer.body == made for answer in answers if answer.status == 201)
    assert page(lin, lin.card_id, customer)["deals"] == [made]
    close(lin, office, customer, closed_on=day(2), key=key).expect(422, "idempotency_key_reused")
    lin.post(at(office, customer, "deals"), {"closed_on": day()}).expect(400, "idempotency_key_required")


def test_parallel_deals_all_count_and_of_parallel_rates_one_is_in_force(office, customer):
    lin = office["lin"]

    def until_done(ask):
        answer = ask()
        while answer.status == 409:
            answer.expect(409, "request_in_progress")
            answer = ask()
        return answer

    def deal(_):
        key = uuid.uuid4().hex
        return until_done(lambda: close(lin, office, customer, key=key)).expect(201)

    def rate(percent):
        return until_done(lambda: lin.put(at(office, customer, "close-rate"), {"percent": percent})).expect(200)

    with ThreadPoolExecutor(8) as pool:
        deals = list(pool.map(deal, range(8)))
        list(pool.map(rate, range(10, 90, 10)))
    body = page(lin, lin.card_id, customer)
    assert {made["deal_id"] for made in body["deals"]} == {made["deal_id"] for made in deals}
    assert body["close_rate"]["manual"]["basis_points"] in range(1_000, 9_000, 1_000)


def test_the_boss_changes_every_customer_and_the_audit_log_records_it(office, customer):
    boss, lin = office["company"].boss, office["lin"]
    boss.put(at(office, customer, "close-rate"), {"percent": 0}).expect(200)
    boss.delete(at(office, customer, "close-rate")).expect(204)
    deal = close(boss, office, customer, closed_on=day()).expect(201)
    boss.delete(at(office, customer, f"deals/{deal['deal_id']}")).expect(204)
    entries = [boss.get(f"/v1/audit-log?target={target}").expect(200)["items"] for target in (customer.id, deal["deal_id"])]
    assert [line["action"] for line in entries[0]] == ["close_rate_cleared", "close_rate_set"]
    assert [line["action"] for line in entries[1]] == ["deal_removed", "deal_recorded"]
    assert lin.card_id in entries[0][1]["to"] and day() in entries[1][1]["to"] == entries[1][0]["from"]


@pytest.mark.parametrize("percent, code", [
    (101, "out_of_range"), (-1, "invalid_value"), (50.5, "wrong_type"), ("80", "wrong_type"), (None, "wrong_type"), (True, "wrong_type"),
])
def test_a_rate_is_a_whole_number_of_percent(office, percent, code):
    lin, customer = office["lin"], office["visitors"][0]
    problem = lin.put(at(office, customer, "close-rate"), {"percent": percent}).expect(422, "invalid", "/percent")
    assert [error["code"] for error in problem["errors"]] == [code]
    assert page(lin, lin.card_id, customer)["close_rate"]["source"] == "model"


def test_bodies_are_whole_and_nothing_else(office):
    lin, customer = office["lin"], office["visitors"][0]
    lin.put(at(office, customer, "close-rate"), {}).expect(422, "invalid", "/percent")
    lin.put(at(office, customer, "close-rate"), {"percent": 1, "why": "?"}).expect(422, "invalid", "/why")
    lin.post(at(office, customer, "deals"), {}, key=uuid.uuid4().hex).expect(422, "invalid", "/closed_on")


@pytest.mark.parametrize("closed_on, code", [
    (day(-1), "out_of_range"), ("2001-01-01", "out_of_range"), ("2026-02-30", "invalid_day"), ("昨天", "invalid_day"), (20261120, "wrong_type"),
])
def test_a_deal_is_closed_on_a_day_that_was(office, closed_on, code):
    lin, customer = office["lin"], office["visitors"][0]
    problem = close(lin, office, customer, closed_on).expect(422, "invalid", "/closed_on")
    assert [error["code"] for error in problem["errors"]] == [code]
    assert page(lin, lin.card_id, customer)["deals"] == []


def test_to_whom_a_customer_is_nobody_there_is_nothing_to_say(office, world):
    lin, chen, customer = office["lin"], office["chen"], office["visitors"][1]
    company, stranger = office["company"], world.company("别家公司").boss
    deal = close(lin, office, customer).expect(201)
    for who in (chen, customer, stranger):
        who.put(at(office, customer, "close-rate"), {"percent": 80}).expect(404)
        who.delete(at(office, customer, "close-rate")).expect(404)
        close(who, office, customer).expect(404)
        who.delete(at(office, customer, f"deals/{deal['deal_id']}")).expect(404)
    nobody = f"/v1/cards/{lin.card_id}/customers/{absent_id('per_')}"
    lin.put(f"{nobody}/close-rate", {"percent": 80}).expect(404)
    not_here = f"/v1/cards/{chen.card_id}/customers/{customer.id}"
    chen.put(f"{not_here}/close-rate", {"percent": 80}).expect(404)
    company.boss.post(f"{not_here}/deals", {"closed_on": day()}, key=uuid.uuid4().hex).expect(404)
    company.boss.put(f"/v1/cards/{absent_id('crd_')}/customers/{customer.id}/close-rate", {"percent": 80}).expect(404)
    lin.delete(at(office, customer, f"deals/{absent_id('dea_')}")).expect(404)
    lin.delete(at(office, customer, "deals/none")).expect(404)
    assert page(lin, lin.card_id, customer)["deals"] == [deal]


def test_merged_customers_are_one_and_the_changes_of_both_apply(office, world):
    company, lin = office["company"], office["lin"]
    before = company.anonymous()
    before.send(event("view_card", lin.card_id))
    drain(world.stack)
    deal = close(lin, office, before).expect(201)
    counted = closed(company.boss, "company")
    after = company.log_in("merged-" + company.appid, before=before.token)
    lin.put(at(office, after, "close-rate"), {"percent": 60}).expect(200)
    for person in (before, after):
        body = page(lin, lin.card_id, person)
        assert body["deals"] == [deal] and body["close_rate"]["manual"]["basis_points"] == 6_000
    # Who has not logged in is no customer yet.
    assert closed(company.boss, "company") == counted + 1
    lin.delete(at(office, before, "close-rate")).expect(204)
    assert page(lin, lin.card_id, after)["close_rate"]["manual"] is None
    lin.delete(at(office, after, f"deals/{deal['deal_id']}")).expect(204)
    assert closed(company.boss, "company") == counted
