"""Who is likely to buy, why, and when to call: rates, explanations, lists, funnel, best hour."""

import time

import pytest

from numbers_of_radar import drain, until
from world import absent_id, event, product

DAY_MS = 86_400_000
SHANGHAI_MS = 8 * 3_600_000


def at_hour(hour, days_ago):
    """The milliseconds since so many minutes past that hour, Shanghai time, so many days ago."""
    now = int(time.time() * 1000)
    midnight = (now + SHANGHAI_MS) // DAY_MS * DAY_MS - SHANGHAI_MS
    return now - (midnight - days_ago * DAY_MS + hour * 3_600_000 + 600_000)


@pytest.fixture(scope="module")
def office(world):
    """Two cards and three visitors: one who almost buys, one who looks, one who comes every day at three."""
    company = world.company("云岭茶业")
    lin, chen = company.member("林晓"), company.member("陈默")
    hot, cold, daily = (company.visitor() for _ in range(3))
    hot.send(*[event(kind, lin.card_id, n) for n, kind in enumerate(
        ["view_card", "open_chat", "open_chat", "grant_phone", "grant_phone", "grant_phone", "save_phone", "like"])])
    hot.send(event("view_product", lin.card_id, object=product("智能门锁")))
    cold.send(event("view_card", chen.card_id))
    daily.send(*[event("view_card", lin.card_id, at_hour(15, days)) for days in range(6, 0, -1)])
    drain(world.stack)

    def tidied():
        """The job runs every five minutes; this runs it at once, until it has read the last page."""
        name = world.stack.outputs["HousekeepingFunctionName"]
        answer = world.stack.boto("lambda").invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        return len(company.boss.get("/v1/radar/company/customers").expect(200)["items"]) == 3

    assert company.boss.get("/v1/radar/company/customers").expect(200)["items"] == []
    until(tidied, 60, 0.5, "the shortlists")
    return {"company": company, "lin": lin, "chen": chen, "hot": hot, "cold": cold, "daily": daily}


def test_the_most_likely_customers_stand_first(office):
    boss, lin = office["company"].boss, office["lin"]
    items = boss.get("/v1/radar/company/customers").expect(200)["items"]
    assert [item["person_id"] for item in items] == [office[who].id for who in ("hot", "daily", "cold")]
    scores = [item["score"] for item in items]
    assert scores[0] > 7_000 > scores[1] > scores[2] > 130 and items[0]["band"] in ("below_80", "below_99")
    own = lin.get(f"/v1/radar/cards/{lin.card_id}/customers").expect(200)["items"]
    assert [item["person_id"] for item in own] == [office["hot"].id, office["daily"].id]
    assert len(boss.get("/v1/radar/company/customers?limit=1").expect(200)["items"]) == 1
    low = boss.get("/v1/radar/company/customers?band=below_50").expect(200)["items"]
    assert [item["person_id"] for item in low] == [office["daily"].id, office["cold"].id]


def test_every_rate_comes_with_a_receipt_that_adds_up_to_it(office):
    boss, lin = office["company"].boss, office["lin"]
    for path in ("company", f"cards/{lin.card_id}"):
        items = boss.get(f"/v1/radar/{path}/customers").expect(200)["items"]
        assert len(items) > 1
        for item in items:
            body = boss.get(f"/v1/radar/{path}/customers/{item['person_id']}").expect(200)
            rate = body["close_rate"]
            assert rate["score"] == item["score"] and rate["band"] == item["band"]
            assert sum(part["basis_points"] for part in rate["receipt"]) == rate["score"]
            assert all(part["basis_points"] > 0 for part in rate["receipt"])
            assert rate["receipt"][0]["feature"] is None and rate["source"] == "model"
            assert all(part["text"] for part in rate["receipt"])


def test_before_a_company_has_a_model_a_rate_is_a_score_with_its_rank_and_no_percentage(office):
    boss, lin = office["company"].boss, office["lin"]
    for path in ("company", f"cards/{lin.card_id}"):
        answer = boss.get(f"/v1/radar/{path}/customers").expect(200)
        funnel = boss.get(f"/v1/radar/{path}/funnel").expect(200)
        assert answer["calibration"] == funnel["calibration"] == "published"
        customers = funnel["customers"] - funnel["closed"]
        for above, item in enumerate(answer["items"]):
            assert item["rate_basis_points"] is None
            assert (item["rank"]["above"], item["rank"]["customers"]) == (above, customers)
            rate = boss.get(f"/v1/radar/{path}/customers/{item['person_id']}").expect(200)["close_rate"]
            assert (rate["basis_points"], rate["model_basis_points"], rate["calibration"]) == (None, None, "published")
            assert rate["rank"] == item["rank"] and rate["model_score"] == rate["score"] == item["score"]
            assert item["rank"]["text"] in rate["text"] and "不是成交概率" in rate["text"]
    model = boss.get("/v1/radar/company/close-rate").expect(200)
    assert {row["stream"] for row in model["published"]["bands"]} == {"movielens", "cdnow"}
    assert model["calibration"] == "published" and len(model["features"]) == 10


def test_a_customer_shows_their_events_and_the_reasons_of_the_rate(office):
    lin, hot = office["lin"], office["hot"]
    body = lin.get(f"/v1/radar/cards/{lin.card_id}/customers/{hot.id}").expect(200)
    parts = {part["feature"]: part for part in body["close_rate"]["receipt"]}
    assert parts["grant_phone"]["amount"] == 1.83 and parts["grant_phone"]["coefficient"] > 1_000
    assert set(parts) == {None, "view_card", "view_product", "chat", "grant_phone", "save", "like"}
    assert parts["chat"]["text"].startswith("打开聊天，最近一次 20")
    (card,) = body["cards"]
    assert card["card_id"] == lin.card_id and card["opened"] == 1
    assert card["liked_at"] and card["saved_at"] and card["last_opened_at"]
    advice = body["best_hour"]["advice"]
    assert advice is None or advice["basis"] in ("now", "company")


def test_a_visitor_who_comes_every_day_at_three_is_best_called_at_three(office):
    body = office["company"].boss.get(f"/v1/radar/company/customers/{office['daily'].id}").expect(200)
    advice = body["best_hour"]["advice"]
    assert (advice["hour"], advice["seen"], advice["weekday"]) == (15, 6, None)
    assert advice["basis"] == "customer" and "T15:00:00" in advice["next"]
    expected = advice["expected"]
    assert expected["of"] == 28 and expected["low"] <= expected["mean"] <= expected["high"] and expected["mean"] > 0.5
    assert body["best_hour"]["text"].startswith("每天 15–16 点")


def test_the_funnel_holds_every_customer_once(office):
    boss, lin = office["company"].boss, office["lin"]
    funnel = boss.get("/v1/radar/company/funnel").expect(200)
    assert funnel["customers"] == 3
    bands = {band["band"]: band["customers"] for band in funnel["bands"]}
    assert list(bands) == ["below_50", "below_80", "below_99", "below_100"]
    assert bands["below_50"] == 2 and sum(bands.values()) == 3, "the third is likelier"
    own = lin.get(f"/v1/radar/cards/{lin.card_id}/funnel").expect(200)
    assert own["customers"] == 2 and sum(band["customers"] for band in own["bands"]) == 2


def test_the_chance_of_a_visit_to_the_shop(office):
    boss, lin = office["company"].boss, office["lin"]
    body = boss.get("/v1/radar/company/shop-visits").expect(200)
    assert body["last_7_days"] == {
        "visitors": 3, "shop_visitors": 1, "basis_points": 3_333,
        "previous": {"visitors": 0, "shop_visitors": 0, "basis_points": None}}
    assert body["total"]["basis_points"] == 3_333 and body["total"]["previous"] is None
    assert lin.get(f"/v1/radar/cards/{lin.card_id}/shop-visits").expect(200)["total"]["basis_points"] == 5_000


def test_the_profile_of_sharers_is_of_sharers_only(office, world):
    company, lin, hot = office["company"], office["lin"], office["hot"]
    empty = company.boss.get("/v1/radar/company/sharers/profile").expect(200)
    assert empty["sharers"] == empty["profiled"] == empty["forwards"] == 0
    assert sum(empty["active_hours"]) == sum(part["people"] for part in empty["did"]) == 0
    hot.send(event("forward", lin.card_id), event("forward", lin.card_id, 1))
    drain(world.stack)

    def seen():
        name = world.stack.outputs["HousekeepingFunctionName"]
        world.stack.boto("lambda").invoke(FunctionName=name, Payload=b"{}")
        return company.boss.get("/v1/radar/company/sharers/profile").expect(200)["sharers"] == 1

    until(seen, 60, 0.5, "the sharers")
    for path in ("company", f"cards/{lin.card_id}"):
        body = company.boss.get(f"/v1/radar/{path}/sharers/profile").expect(200)
        assert (body["sharers"], body["profiled"], body["forwards"]) == (1, 1, 2)
        did = {part["feature"]: part["people"] for part in body["did"]}
        assert did["forward"] == did["like"] == did["grant_phone"] == 1 and did["contact"] == 0
        assert sum(band["people"] for band in body["bands"]) == 1 and sum(body["active_hours"]) >= 1


def test_an_unlike_takes_the_like_out_of_the_receipt(office, world):
    company, chen = office["company"], office["chen"]
    person = company.visitor()
    person.send(event("view_card", chen.card_id, 2), event("like", chen.card_id, 1))
    drain(world.stack)

    def features():
        body = chen.get(f"/v1/radar/cards/{chen.card_id}/customers/{person.id}").expect(200)
        return [part["feature"] for part in body["close_rate"]["receipt"]]

    assert features() == [None, "view_card", "like"]
    person.send(event("unlike", chen.card_id))
    drain(world.stack)
    assert features() == [None, "view_card"]


def test_two_identities_of_one_person_are_one_customer(office, world):
    company, chen = office["company"], office["chen"]
    before = company.anonymous()
    before.send(event("view_card", chen.card_id), event("grant_phone", chen.card_id))
    drain(world.stack)
    after = company.log_in("merged-" + company.appid, before=before.token)
    after.send(event("open_chat", chen.card_id))
    drain(world.stack)
    explanations = []
    for person in (before, after):
        body = chen.get(f"/v1/radar/cards/{chen.card_id}/customers/{person.id}").expect(200)
        explanations.append({part["feature"] for part in body["close_rate"]["receipt"]})
    assert explanations[0] == explanations[1] == {None, "view_card", "grant_phone", "chat"}

    def listed_once():
        name = world.stack.outputs["HousekeepingFunctionName"]
        world.stack.boto("lambda").invoke(FunctionName=name, Payload=b"{}")
        items = chen.get(f"/v1/radar/cards/{chen.card_id}/customers").expect(200)["items"]
        return [item["person_id"] for item in items if item["person_id"] in (before.id, after.id)] == [
            min(before.id, after.id)]

    until(listed_once, 60, 0.5, "one line for both")


def test_a_person_who_is_not_a_customer_here_is_not_found(office):
    boss, lin, chen = office["company"].boss, office["lin"], office["chen"]
    lin.get(f"/v1/radar/cards/{lin.card_id}/customers/{office['cold'].id}").expect(404)
    lin.get(f"/v1/radar/cards/{lin.card_id}/customers/{absent_id('per_')}").expect(404)
    lin.get(f"/v1/radar/cards/{lin.card_id}/customers/nobody").expect(404)
    boss.get(f"/v1/radar/company/customers/{absent_id('per_')}").expect(404)
    boss.get(f"/v1/radar/cards/{absent_id('crd_')}/customers/{office['hot'].id}").expect(404)
    for path in ("customers", "funnel", "shop-visits", "sharers/profile", f"customers/{office['hot'].id}"):
        chen.get(f"/v1/radar/cards/{lin.card_id}/{path}").expect(404)
        lin.get(f"/v1/radar/company/{path}").expect(404)


def test_nonsense_is_refused(office):
    boss = office["company"].boss
    for query in ("customers?limit=0", "customers?limit=101", "customers?band=hot", "customers?cursor=x",
                  "sharers/profile?window=total"):
        boss.get(f"/v1/radar/company/{query}").expect(400, "invalid_query")
