"""The recount: wrong numbers in the table are found, reported and repaired."""

import pytest

import recounting
from numbers_of_radar import drain, radar_now
from stored import key_names, table_items
from world import event


@pytest.fixture(scope="module")
def shop(world):
    """A card with three visitors, and the job that recounts its company."""
    company = world.company("核对茶业")
    staff = company.member("林晓")
    for n in range(3):
        company.visitor().send(event("open_chat", staff.card_id, back_ms=n * 1_000), event("view_card", staff.card_id))
    drain(world.stack)
    call = recounting.function(world.stack.boto("lambda"), "dev")
    return {"company": company, "staff": staff, "call": call}


def items(shop, kind):
    """The company's items of a type, with their keys."""
    stack = shop["company"].world.stack
    (pk, sk), _ = key_names(stack)
    found = [item for item in table_items(stack) if item["type"]["S"] == kind and item[pk]["S"].startswith(shop["company"].id)]
    return [(item, {pk: item[pk], sk: item[sk]}) for item in found]


def tamper(shop, key, attribute, value):
    """Writes into the table directly, past the functions."""
    stack = shop["company"].world.stack
    stack.boto("dynamodb").update_item(
        TableName=stack.outputs["TableName"], Key=key, UpdateExpression="SET #a = :a",
        ExpressionAttributeNames={"#a": attribute}, ExpressionAttributeValues={":a": value},
    )


def recounted(shop, dry_run=False):
    """The report of the job, run now."""
    return shop["call"]({"company_id": shop["company"].id, "dry_run": dry_run})


def test_before_the_first_night_nothing_is_reported(shop):
    answer = shop["company"].boss.get("/v1/radar/company/recount").expect(200)
    assert answer["checked_at"] is None and answer["repairs"] == []
    assert {row["measure"]: row["counters"] for row in answer["drift"]}["visitors"] == 0
    for path in ("company", f"cards/{shop['staff'].card_id}"):
        assert shop["company"].boss.get(f"/v1/radar/{path}/metrics").expect(200)["checked_at"] is None


def test_a_wrong_counter_is_found_reported_and_repaired(shop):
    boss, card = shop["company"].boss, shop["staff"].card_id
    right = radar_now(shop["company"], [card])
    for item, key in items(shop, "counters"):
        if "v" in item:
            tamper(shop, key, "v", {"N": str(int(item["v"]["N"]) + 7)})
    state, of_somebody = items(shop, "customer")[0]
    tamper(shop, of_somebody, "state", {"S": '{"p":{},"c":{}}'})
    wrong = radar_now(shop["company"], [card])
    assert wrong["company"]["windows"]["total"]["visitors"] == 10
    dry = recounted(shop, dry_run=True)
    assert dry["drift"]["visitors"] == {"counters": 4, "amount": 28} and not dry["repaired"]
    assert radar_now(shop["company"], [card]) == wrong, "a dry run writes nothing"
    assert recounted(shop)["customers"] == 1
    assert radar_now(shop["company"], [card]) == right
    answer = boss.get("/v1/radar/company/recount").expect(200)
    rows = {row["measure"]: (row["counters"], row["amount"]) for row in answer["drift"]}
    assert rows.pop("visitors") == (4, 28) and set(rows.values()) == {(0, 0)}
    assert (answer["events"], answer["people"], answer["people_repaired"]) == (6, 3, 1)
    assert answer["unchecked"] == {"counters": 0, "people": 0}
    assert {(row["card_id"], row["day"] is None, row["before"], row["after"]) for row in answer["repairs"]} == {
        (of, lifetime, 10, 3) for of in (None, card) for lifetime in (True, False)}
    for path in ("company", f"cards/{card}"):
        assert boss.get(f"/v1/radar/{path}/metrics").expect(200)["checked_at"] == answer["checked_at"]
    repaired = next(item for item, key in items(shop, "customer") if key == of_somebody)
    assert repaired["state"] == state["state"]


def test_right_numbers_stay_and_are_reported_as_right(shop, capsys):
    assert recounting.run(shop["call"], [shop["company"].id], dry_run=False) == 0
    output = capsys.readouterr().out
    assert " right, " in output and "recounted: 1 companies, 0 repaired, 0 failed" in output and "wrong" not in output
    answer = shop["company"].boss.get("/v1/radar/company/recount").expect(200)
    assert {row["counters"] for row in answer["drift"]} == {0} and answer["repairs"] == []


def test_the_command_knows_every_company_and_names_one_that_is_not_there(shop, world, capsys):
    assert shop["company"].id in recounting.companies(shop["call"])
    assert recounting.run(shop["call"], ["com_" + "0" * 26], dry_run=True) == 1
    assert "failed" in capsys.readouterr().out


def test_only_the_heads_of_the_company_see_it(shop, world):
    other = world.company("别家核对")
    assert other.boss.get("/v1/radar/company/recount").expect(200)["checked_at"] is None
    for nobody in (shop["staff"], shop["company"].visitor()):
        nobody.get("/v1/radar/company/recount").expect(404)
    shop["company"].member("周敏", role="admin").get("/v1/radar/company/recount").expect(200)
