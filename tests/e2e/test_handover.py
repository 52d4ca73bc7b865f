"""The work of a member who leaves goes to a successor as a whole, and comes back."""

import uuid

import pytest

from numbers_of_radar import until
from office import run_function, visited_office


@pytest.fixture(scope="module")
def office(world):
    """Two cards and three visitors of the first one, and a wait for the end of a handover."""
    office = visited_office(world, visitors=3)
    boss = office["boss"]

    def ended(handover, states):
        """The schedule sends new jobs every minute; this runs it at once."""
        run_function(world, "CrmJobsFunctionName", send="due")
        found = boss.get(f"/v1/handovers/{handover}").expect(200)
        return found if found["state"] in states else None

    def run(handover, *states):
        return until(lambda: ended(handover, states), 60, 0.5, "the end of the handover")

    return {**office, "run": run}


def owners(office):
    paths = [f"/v1/customers/{visitor.id}" for visitor in office["visitors"]]
    return {office["boss"].get(path).expect(200)["owner"]["member_id"] for path in paths}


def test_customers_plans_and_the_card_go_to_the_successor_and_come_back(office):
    boss, lin, chen = office["boss"], office["lin"], office["chen"]
    people = [visitor.id for visitor in office["visitors"]]
    body = {"leaver_id": lin.member["id"], "successor_ids": [chen.member["id"]]}
    for member in (lin, chen):
        member.post("/v1/handovers/preview", body).expect(403, "role_required")
    for person in people:
        boss.put(f"/v1/customers/{person}/owner", {"member_id": lin.member["id"]}).expect(200)
        chen.get(f"/v1/customers/{person}").expect(404, "not_found")
    preview = boss.post("/v1/handovers/preview", body).expect(200)
    assert [warning["code"] for warning in preview["warnings"]] == ["leaver_active"]
    started = boss.post("/v1/handovers", body, key=uuid.uuid4().hex).expect(202)
    assert lin.get("/v1/customers").status in (401, 403)
    done = office["run"](started["handover_id"], "done", "failed")
    assert (done["state"], done["stayed"]) == ("done", 0)
    moved = {share["thing"]: share["moved"] for share in done["progress"]}
    assert (moved["customers"], moved["card"]) == (3, 1)
    assert owners(office) == {chen.member["id"]}
    for person in people:
        chen.get(f"/v1/customers/{person}").expect(200)
    card = office["visitors"][0].get(f"/v1/cards/{lin.card_id}").expect(200)
    assert card["successor"]["card_id"] == chen.card_id
    assert boss.get("/v1/handovers").expect(200)["items"][0]["handover_id"] == started["handover_id"]
    undo = f"/v1/handovers/{started['handover_id']}/undo"
    boss.post(undo, {}, key=uuid.uuid4().hex).expect(202)
    undone = office["run"](started["handover_id"], "undone", "undo_failed")
    assert (undone["state"], undone["undo_stayed"]) == ("undone", 0)
    boss.post(undo, {}, key=uuid.uuid4().hex).expect(409, "handover_not_undoable")
    assert office["visitors"][0].get(f"/v1/cards/{lin.card_id}").expect(200)["successor"] is None
