"""The lists of customers: who stands in them, how many, and how their members find them."""

import uuid

import pytest

from numbers_of_radar import drain, until
from world import event


@pytest.fixture(scope="module")
def office(world):
    """Three visitors: of one card, of the other, and of both."""
    company = world.company("云岭茶业")
    lin, chen = company.member("林晓"), company.member("陈默")
    first, second, both = (company.visitor() for _ in range(3))
    first.send(event("view_card", lin.card_id))
    second.send(event("view_card", chen.card_id))
    both.send(event("view_card", lin.card_id), event("view_card", chen.card_id))
    drain(world.stack)

    def listed():
        """Housekeeping runs every five minutes; this runs it at once."""
        name = world.stack.outputs["HousekeepingFunctionName"]
        answer = world.stack.boto("lambda").invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        return company.boss.get("/v1/customers").expect(200)["counts"]["all"] == 3

    until(listed, 60, 0.5, "the list of customers")
    return {"company": company, "lin": lin, "chen": chen, "people": (first, second, both)}


def persons(who, query=""):
    """Whom a list has."""
    return [item["person_id"] for item in who.get(f"/v1/customers{query}").expect(200)["items"]]


def test_each_sees_the_customers_of_their_card_and_the_heads_all(office):
    first, second, both = (person.id for person in office["people"])
    boss = office["company"].boss
    assert set(persons(office["lin"])) == {first, both}
    assert set(persons(office["chen"], "?sort=name")) == {second, both}
    assert persons(boss) == sorted((first, second, both), reverse=True)
    assert persons(boss, "?kind=shared") == [both]
    counts = office["lin"].get("/v1/customers").expect(200)["counts"]
    assert counts == {"all": 2, "exclusive": 1, "shared": 1, "closed": 0, "unowned": 0}


def test_a_customer_of_the_list_opens(office):
    lin, (first, _, _) = office["lin"], office["people"]
    lin.put(f"/v1/customers/{first.id}/profile", {"name": "王小明", "mobile": "13800138000"}).expect(200)
    for query in ("?q=wxm", "?q=xiaoming", "?q=8000"):
        (item,) = lin.get(f"/v1/customers{query}").expect(200)["items"]
        detail = lin.get(f"/v1/customers/{item['person_id']}").expect(200)
        assert (detail["name"], detail["kinds"]) == (item["name"], item["kinds"]) == ("王小明", ["exclusive"])
    assert office["chen"].get("/v1/customers?q=wxm").expect(200)["total"] == 0


def test_a_deal_moves_the_customer_at_once(office):
    lin, (_, _, both) = office["lin"], office["people"]
    path = f"/v1/cards/{lin.card_id}/customers/{both.id}/deals"
    deal = lin.post(path, {"closed_on": "2026-01-05"}, key=uuid.uuid4().hex).expect(201)
    assert persons(lin, "?kind=closed") == [both.id]
    assert office["company"].boss.get("/v1/customers").expect(200)["counts"]["closed"] == 1
    lin.delete(f"{path}/{deal['deal_id']}").expect(204)
    assert persons(lin, "?kind=closed") == []
