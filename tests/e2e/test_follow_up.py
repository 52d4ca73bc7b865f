"""Follow-ups: recording and reading them, and the metric that counts them."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain
from world import event


@pytest.fixture
def office(world):
    """Two cards and a visitor of the first one."""
    company = world.company("云岭茶业")
    lin, chen = company.member("林晓"), company.member("陈默")
    visitor = company.visitor()
    visitor.send(event("view_card", lin.card_id))
    drain(world.stack)
    return {"company": company, "lin": lin, "chen": chen, "visitor": visitor}


def follow_up(who, customer, note="约了周三看样品", key=None, **more):
    """Records a follow-up."""
    body = {"kind": "call", "note": note, **more}
    return who.post(f"/v1/customers/{customer.id}/follow-ups", body, key=key or uuid.uuid4().hex)


def listed(who, customer, query=""):
    """The customer's follow-ups."""
    return who.get(f"/v1/customers/{customer.id}/follow-ups{query}").expect(200)


def counted(who, scope):
    """Follow-ups of the metrics, by window."""
    metrics = who.get(f"/v1/radar/{scope}/metrics").expect(200)
    return {window["window"]: window["metrics"]["follow_ups"] for window in metrics["windows"]}


def test_a_follow_up_counts_once_for_card_and_company(office):
    lin, boss, visitor = office["lin"], office["company"].boss, office["visitor"]
    first = follow_up(lin, visitor, outcome="interested", key="one-and-the-same").expect(201)
    assert follow_up(lin, visitor, outcome="interested", key="one-and-the-same").expect(201) == first
    assert (first["kind"], first["outcome"], first["recorded_by"]) == ("call", "interested", lin.member["id"])
    # The boss of these tests has no card: it counts for the company alone.
    second = follow_up(boss, visitor, note="", outcome="postponed").expect(201)
    assert [item["follow_up_id"] for item in listed(lin, visitor)["items"]] == [
        second["follow_up_id"], first["follow_up_id"]]
    for who, scope, expected in ((lin, f"cards/{lin.card_id}", 1), (boss, "company", 2)):
        seen = counted(who, scope)
        assert (seen["total"], seen["last_7_days"], seen["yesterday"]) == (expected, expected, 0)


def test_pages_have_each_follow_up_once(office):
    lin, visitor = office["lin"], office["visitor"]
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda n: follow_up(lin, visitor, note=f"第{n}次").expect(201)["follow_up_id"], range(12)))
    found, query = [], "?limit=5"
    while query:
        page = listed(lin, visitor, query)
        found += [item["follow_up_id"] for item in page["items"]]
        query = page["next_cursor"] and f"?limit=5&cursor={page['next_cursor']}"
    assert found == sorted(made, reverse=True)
    assert counted(lin, f"cards/{lin.card_id}")["total"] == 12


def test_a_follow_up_says_something_about_a_customer_one_may_see(office):
    lin, chen, visitor = office["lin"], office["chen"], office["visitor"]
    answer = follow_up(lin, visitor, note=" ")
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/note")
    assert follow_up(lin, visitor, kind="fax").status == 422
    assert follow_up(chen, visitor).status == 404
    assert chen.get(f"/v1/customers/{visitor.id}/follow-ups").status == 404
    assert listed(lin, visitor) == {"items": [], "next_cursor": None}
