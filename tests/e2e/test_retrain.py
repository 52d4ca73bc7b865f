"""Every week a close-rate model is tried for each company, and the result is reported."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

import recounting
import retraining
from numbers_of_radar import drain, until
from world import event

PATH = "/v1/radar/company/close-rate"
SHANGHAI_MS = 8 * 3_600_000


@pytest.fixture(scope="module")
def shop(world):
    """A card with three visitors, and the job."""
    company = world.company("校准茶业")
    staff = company.member("林晓")
    visitors = [company.visitor() for _ in range(3)]
    for n, visitor in enumerate(visitors):
        visitor.send(event("open_chat", staff.card_id, back_ms=n * 1_000), event("view_card", staff.card_id))
    drain(world.stack)
    call = recounting.function(world.stack.boto("lambda"), "dev")
    return {"company": company, "staff": staff, "visitor": visitors[0], "call": call}


def test_before_the_first_retraining_the_default_model_says_so(shop):
    model = shop["company"].boss.get(PATH).expect(200)
    assert (model["model"], model["refit"]) == ("default", None) and 50 < model["base_basis_points"] < 300
    assert model["next_refit_at"] > "2020" and "尚未校准" in model["text"]
    chat = next(row for row in model["features"] if row["feature"] == "chat")
    assert chat["label"] == "打开聊天" and chat["coefficient"] > 0


def test_the_schedule_finds_nobody_before_a_week_is_over(shop):
    assert shop["call"]({"retrain": "due"}) == {"retrained": 0}


def test_a_dry_run_changes_nothing_and_a_retraining_is_told(shop, capsys):
    boss = shop["company"].boss
    assert retraining.run(shop["call"], [shop["company"].id], True) == 0
    assert boss.get(PATH).expect(200)["refit"] is None
    capsys.readouterr()
    assert retraining.run(shop["call"], [shop["company"].id], False) == 0
    output = capsys.readouterr().out
    assert " too_few_closed" in output and "0 customers with a deal, 3 without" in output
    model = boss.get(PATH).expect(200)
    refit = model["refit"]
    assert (model["model"], refit["verdict"], refit["closed"], refit["open"]) == ("default", "too_few_closed", 0, 3)
    assert model["text"] == "使用默认模型：已成交客户 0 位，满 50 位后自动校准"
    assert refit["at"] < model["next_refit_at"] and refit["brier_scores"] is None
    bands = {row["band"]: row for row in refit["bands"]}
    assert list(bands) == ["below_50", "below_80", "below_99", "below_100"]
    assert bands["below_50"]["customers"] == 3 and bands["below_50"]["closed_basis_points"] == 0
    assert 130 < bands["below_50"]["predicted_basis_points"] < 5_000


def test_a_customers_receipt_names_the_model(shop):
    boss = shop["company"].boss
    person = shop["visitor"].id
    for path in ("company", f"cards/{shop['staff'].card_id}"):
        assert boss.get(f"/v1/radar/{path}/customers/{person}").expect(200)["close_rate"]["model"] == "default"


def test_the_list_follows_a_rate_set_by_hand_and_a_deal(shop):
    staff, person = shop["staff"], shop["visitor"].id
    customer = f"/v1/cards/{staff.card_id}/customers/{person}"

    def rows(path):
        return staff.get(f"/v1/radar/cards/{staff.card_id}/{path}").expect(200)

    def tidied():
        """The job runs every five minutes; this runs it at once."""
        stack = shop["company"].world.stack
        answer = stack.boto("lambda").invoke(FunctionName=stack.outputs["HousekeepingFunctionName"], Payload=b"{}")
        assert "FunctionError" not in answer, answer["Payload"].read()
        return [row["person_id"] for row in rows("customers")["items"]]

    staff.put(f"{customer}/close-rate", {"percent": 85}).expect(200)
    until(lambda: tidied()[:1] == [person] and rows("customers?band=below_99")["items"], 60, 0.5, "the rate in the list")
    first = rows("customers")["items"][0]
    assert (first["person_id"], first["rate_basis_points"], first["score"]) == (person, 8_500, 8_500)
    staff.post(f"{customer}/deals", {"closed_on": time.strftime("%Y-%m-%d", time.gmtime(time.time()))}, key=uuid.uuid4().hex).expect(201)
    until(lambda: person not in tidied(), 60, 0.5, "the deal")
    funnel = rows("funnel")
    assert (funnel["customers"], funnel["closed"]) == (3, 1)
    assert [band["customers"] for band in funnel["bands"]] == [2, 0, 0, 0]
    assert retraining.run(shop["call"], [shop["company"].id], False) == 0
    refit = shop["company"].boss.get(PATH).expect(200)["refit"]
    assert (refit["closed"], refit["open"]) == (1, 2)


def test_it_is_for_the_heads_of_the_company(shop):
    company = shop["company"]
    for nobody in (shop["staff"], company.visitor()):
        nobody.get(PATH).expect(404)
    company.member("周敏", role="admin").get(PATH).expect(200)


def test_a_company_that_is_not_there_is_refused(shop):
    assert retraining.run(shop["call"], ["com_" + "0" * 26], True) == 1


def test_where_deals_follow_a_pattern_the_company_gets_its_own_model(world):
    company = world.company("市场茶业")
    staff = company.member("林晓")
    day = 86_400_000

    def visit(number):
        """Of three visitors one sends an inquiry; of four of those three buy, of the others hardly any."""
        visitor, keen = company.visitor(), number % 3 == 0
        kinds = ["view_card", "open_chat", "grant_phone"] if keen else ["view_card", "view_website"]
        visitor.send(*[event(kind, staff.card_id, 2 * day + n * 60_000) for n, kind in enumerate(kinds)])
        return visitor, number % 4 != 0 if keen else number % 50 == 1

    def close(visitor):
        closed_on = time.strftime("%Y-%m-%d", time.gmtime(time.time() + (SHANGHAI_MS - day) / 1_000))
        path = f"/v1/cards/{staff.card_id}/customers/{visitor.id}/deals"
        staff.post(path, {"closed_on": closed_on}, key=uuid.uuid4().hex).expect(201)

    with ThreadPoolExecutor(6) as pool:
        visits = list(pool.map(visit, range(300)))
        drain(world.stack)
        buyers = [visitor for visitor, buys in visits if buys]
        list(pool.map(close, buyers))
    call = recounting.function(world.stack.boto("lambda"), "dev")
    assert call({"retrain": company.id})["verdict"] == "kept"
    model = company.boss.get(PATH).expect(200)
    scores, bands = model["refit"]["brier_scores"], model["refit"]["bands"]
    assert (model["model"], model["refit"]["closed"], model["refit"]["open"]) == ("own", len(buyers), 300 - len(buyers))
    assert scores["own"] < scores["default"] and scores["own"] < scores["mean"]
    full = [band for band in bands if band["customers"] >= 30]
    assert full and all(abs(band["predicted_basis_points"] - band["closed_basis_points"]) < 500 for band in full)
    assert not {"forward", "like", "contact", "save"} & {row["feature"] for row in model["features"]}, "nobody has done it"
    first = company.boss.get("/v1/radar/company/customers?limit=1").expect(200)["items"][0]
    rate = company.boss.get(f"/v1/radar/company/customers/{first['person_id']}").expect(200)["close_rate"]
    assert (rate["model"], rate["source"], rate["basis_points"]) == ("own", "model", first["rate_basis_points"])
    assert sum(part["basis_points"] for part in rate["receipt"]) == rate["basis_points"] > 5_000
    funnel = company.boss.get("/v1/radar/company/funnel").expect(200)
    assert (funnel["customers"], funnel["closed"]) == (300, len(buyers))
