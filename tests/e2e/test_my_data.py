"""Visitors see what is recorded about them, pause it, and have it erased."""

import uuid

import pytest

from numbers_of_radar import drain
from office import visited_office
from stored import function_logs, table_items
from world import batch_id, event


@pytest.fixture
def office(world):
    """A card with a visitor of whom lin keeps something."""
    office = visited_office(world)
    lin, visitor = office["lin"], office["visitor"]
    visitor.send(event("like", lin.card_id))
    drain(world.stack)
    path, name = f"/v1/customers/{visitor.id}", f"王{uuid.uuid4().hex[:8]}"
    lin.put(f"{path}/profile", {"name": name}).expect(200)
    lin.post(f"{path}/follow-ups", {"kind": "call", "note": f"{name}要报价"}, key=uuid.uuid4().hex).expect(201)
    return {**office, "name": name}


def test_a_visitor_sees_what_is_recorded(office):
    visitor, lin = office["visitor"], office["lin"]
    data = visitor.get("/v1/my/data").expect(200)
    card, = data["cards"]
    assert (card["card_id"], card["opened"]) == (lin.card_id, 1) and card["liked_at"]
    assert (data["profile"], data["follow_ups"], data["person_ids"]) == ({"name": office["name"]}, 1, [visitor.id])
    events = visitor.get(f"/v1/my/data/cards/{lin.card_id}/events").expect(200)["items"]
    assert {line["kind"] for line in events} == {"view_card", "like"}
    stranger = office["company"].visitor()
    assert stranger.get(f"/v1/my/data/cards/{lin.card_id}/events").expect(200)["items"] == []
    assert stranger.get("/v1/my/data").expect(200)["cards"] == []


def numbers(office):
    """The nine metrics in four windows."""
    return office["boss"].get("/v1/radar/company/metrics").expect(200)["windows"]


def test_an_erasure_leaves_no_identifier_and_every_number(world, office):
    visitor, lin, company = office["visitor"], office["lin"], office["company"]
    before = numbers(office)
    code = world.simulator.code(company.appid, visitor.openid)
    assert visitor.post("/v1/my/data/erasure", {"code": code}).status == 202
    # Housekeeping runs every five minutes; this runs it at once.
    answer = world.stack.boto("lambda").invoke(FunctionName=world.stack.outputs["HousekeepingFunctionName"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    kept = [str(item) for item in table_items(world.stack)] + [str(function_logs(world.stack))]
    assert [text[:100] for text in kept if visitor.openid in text or office["name"] in text] == []
    assert numbers(office) == before
    refused = lin.put(f"/v1/customers/{visitor.id}/profile", {"name": "王敏"})
    assert (refused.status, refused.body["code"]) == (409, "customer_erased")
    assert company.log_in(visitor.openid).id != visitor.id


def test_while_recording_is_paused_nothing_is_recorded(world, office):
    visitor, lin, company = office["visitor"], office["lin"], office["company"]

    def pause(paused):
        code = world.simulator.code(company.appid, visitor.openid)
        return visitor.put("/v1/my/tracking", {"code": code, "paused": paused}).expect(200)

    before = numbers(office)
    pause(True)
    again = company.log_in(visitor.openid)
    batch = {"batch_id": batch_id(), "events": [event("view_card", lin.card_id)]}
    answer = again.post("/v1/events", batch).expect(202)
    assert (answer["accepted"], answer["paused"]) == (0, True)
    drain(world.stack)
    assert numbers(office) == before
    pause(False)
    assert company.log_in(visitor.openid).send(event("view_card", lin.card_id))["accepted"] == 1
