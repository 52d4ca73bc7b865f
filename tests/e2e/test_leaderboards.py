"""Behaviour analysis, top lists and rankings, as the radar returns them."""

import uuid

import pytest

from numbers_of_radar import drain, until
from world import absent_id, event, product


@pytest.fixture(scope="module")
def office(world):
    """Two cards; three visitors view two products and share cards."""
    company = world.company("云岭茶业")
    lin, chen = company.member("林晓"), company.member("陈默")
    east, sales = (company.boss.post("/v1/departments", {"name": name}, key=uuid.uuid4().hex).expect(201)["id"] for name in ("华东", "销售"))
    company.boss.put(f"/v1/members/{chen.member['id']}/department", {"department_id": sales}).expect(200)
    lock, lamp = product("智能门锁"), product("台灯")
    first, second, third = (company.visitor() for _ in range(3))
    for guest in (first, second, third):
        guest.send(event("view_card", lin.card_id), event("view_product", lin.card_id, object=lock))
    first.send(event("forward", lin.card_id), event("forward", lin.card_id, object=lock))
    second.send(event("forward", lin.card_id), event("view_product", chen.card_id, object=lamp))
    third.send(event("view_website", chen.card_id))
    drain(world.stack)

    def refreshed():
        """The job runs every five minutes; this runs it at once, until it has read the last page."""
        name = world.stack.outputs["HousekeepingFunctionName"]
        answer = world.stack.boto("lambda").invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        items = company.boss.get("/v1/radar/company/objects").expect(200)["items"]
        return len(items) == 2

    until(refreshed, 60, 0.5, "the leaderboards")
    return {"company": company, "lin": lin, "chen": chen, "people": (first, second, third), "lock": lock, "lamp": lamp,
            "departments": (east, sales)}


def test_shares_and_interests_add_up_to_the_whole(office):
    answer = office["company"].boss.get("/v1/radar/company/behaviour").expect(200)
    shares = {part["type"]: (part["count"], part["basis_points"]) for part in answer["shares"]}
    assert shares == {"card": (2, 6_667), "product": (1, 3_333), "article": (0, 0), "video": (0, 0), "website": (0, 0)}
    interests = {part["type"]: part["count"] for part in answer["interests"]}
    assert interests == {"card": 3, "product": 4, "article": 0, "video": 0, "website": 1}
    assert sum(part["basis_points"] for part in answer["interests"]) == 10_000
    assert len(answer["active_hours"]) == 24 and sum(answer["active_hours"]) == 11


def test_a_member_sees_the_same_for_their_own_card(office):
    lin = office["lin"]
    own = lin.get(f"/v1/radar/cards/{lin.card_id}/behaviour?window=last_30_days").expect(200)
    assert own == office["company"].boss.get(f"/v1/radar/cards/{lin.card_id}/behaviour?window=last_30_days").expect(200)
    assert sum(part["count"] for part in own["interests"]) == 6


def test_the_top_sharers_stand_in_order_with_stable_ties(office):
    first, second, _ = office["people"]
    for path in ("company", f"cards/{office['lin'].card_id}"):
        items = office["company"].boss.get(f"/v1/radar/{path}/sharers").expect(200)["items"]
        assert [(item["person_id"], item["forwards"]) for item in items] == [(first.id, 2), (second.id, 1)]
    assert len(office["company"].boss.get("/v1/radar/company/sharers?limit=1").expect(200)["items"]) == 1
    assert office["company"].boss.get("/v1/radar/company/sharers?window=yesterday").expect(200)["items"] == []


def test_products_are_ranked_by_views(office):
    boss, lin = office["company"].boss, office["lin"]
    items = boss.get("/v1/radar/company/objects?type=product").expect(200)["items"]
    assert [(item["id"], item["title"], item["views"]) for item in items] == [
        (office["lock"]["id"], "智能门锁", 3), (office["lamp"]["id"], "台灯", 1)]
    assert len(lin.get(f"/v1/radar/cards/{lin.card_id}/objects").expect(200)["items"]) == 1
    assert boss.get("/v1/radar/company/objects?type=video").expect(200)["items"] == []


def test_employees_are_ranked_by_each_metric_and_the_first_is_the_champion(office):
    boss, lin, chen = office["company"].boss, office["lin"], office["chen"]

    def ranked():
        return boss.get("/v1/radar/company/rankings?metric=visitors&window=last_7_days").expect(200)

    answer = ranked()
    assert [(row["place"], row["member_id"], row["value"]) for row in answer["items"]] == [
        (1, lin.member["id"], 3), (2, chen.member["id"], 2)]
    assert answer["champion"] == lin.member["id"] and answer["as_of"]
    sales = boss.get("/v1/radar/company/rankings").expect(200)
    assert sales["metric"] == "sales_fen" and sales["champion"] is None
    assert [row["place"] for row in sales["items"]] == [1, 1]


def test_a_ranking_of_a_department_has_its_members_only(office):
    boss, path = office["company"].boss, "/v1/radar/company/rankings?metric=visitors&department="
    east, sales = office["departments"]
    answer = boss.get(path + sales).expect(200)
    assert [(row["place"], row["member_id"], row["value"]) for row in answer["items"]] == [(1, office["chen"].member["id"], 2)]
    assert answer["champion"] == office["chen"].member["id"]
    empty = boss.get(path + east).expect(200)
    assert (empty["items"], empty["champion"]) == ([], None)
    boss.get(path + absent_id("dep_")).expect(404, "not_found")
    boss.get(path + "dep_1").expect(400, "invalid_query")
    office["lin"].get(path + sales).expect(404, "not_found")


def test_nonsense_is_refused(office):
    boss = office["company"].boss
    for query in ("behaviour?window=total", "behaviour?window=x", "objects?type=card", "objects?limit=0",
                  "sharers?limit=101", "rankings?metric=charm", "rankings?colour=red"):
        boss.get(f"/v1/radar/company/{query}").expect(400, "invalid_query")
