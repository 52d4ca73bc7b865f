"""Rules of automation: what a visitor does sets off what the boss wants, on the deployed stack."""

import time
import uuid

from numbers_of_radar import drain, until
from office import run_function, visited_office
from world import event, product

PRODUCT = "prd_06h007c7d5pa171ucul7nm7688"


def rule(tag):
    """The product viewed twice within a week: a tag, a reminder and a notice."""
    return {
        "rule_id": None,
        "name": "两看智能门锁",
        "enabled": True,
        "period_days": 30,
        "condition": {
            "event": {"kind": "view_product", "object_id": PRODUCT, "times": 2, "within_days": 7},
            "no_visit_days": None,
            "no_follow_up_days": None,
            "tags_any": [],
            "tags_none": [],
            "band": None,
            "evidence": [],
            "field": None,
        },
        "actions": {
            "add_tags": [tag],
            "remove_tags": [],
            "remind": {"whom": "owner", "in_hours": 2},
            "close_rate_percent": 80,
            "notify_owner": True,
        },
    }


def test_a_rule_is_tried_on_the_log_then_tags_reminds_rates_and_notifies(world):
    office = visited_office(world)
    boss, lin, chen, visitor = (office[who] for who in ("boss", "lin", "chen", "visitor"))

    def owner():
        """Housekeeping follows whose the new cards are."""
        run_function(world, "HousekeepingFunctionName")
        return lin.get(f"/v1/customers/{visitor.id}").expect(200)["owner"]["member_id"]

    assert until(owner, 60, 1, "an owner who is known") == lin.member["id"]
    tag = boss.post("/v1/customer-tags", {"name": "意向门锁", "group": "意向"}, key=uuid.uuid4().hex).expect(201)["tag_id"]
    off = {**rule(tag), "enabled": False}
    stored = boss.put("/v1/automation-rules", {"version": 0, "rules": [off]}).expect(200)
    rule_id, made_at = stored["rules"][0]["rule_id"], time.monotonic()

    def view_twice():
        visitor.send(*(event("view_product", lin.card_id, ms, object=product("智能门锁", PRODUCT)) for ms in (4000, 1000)))

    view_twice()
    drain(world.stack)

    # Before it is switched on, the boss sees whom it would have hit.
    started = boss.post(f"/v1/automation-rules/{rule_id}/dry-runs", {}, key=uuid.uuid4().hex).expect(202)["job_id"]

    def dry_run():
        run_function(world, "CrmJobsFunctionName", send="due")
        found = boss.get(f"/v1/automation-dry-runs/{started}").expect(200)
        return found if found["job"]["state"] == "done" else None

    found = until(dry_run, 60, 0.5, "the end of the dry run")
    assert [hit["person_id"] for hit in found["items"]] == [visitor.id]
    assert lin.get(f"/v1/customers/{visitor.id}").expect(200)["tags"] == []

    on = {**stored["rules"][0], "enabled": True}
    boss.put("/v1/automation-rules", {"version": 1, "rules": [on]}).expect(200)
    # A rule counts what happens after it was made: the first of the views lies four seconds back.
    until(lambda: time.monotonic() > made_at + 5, 10, 0.2, "a moment with the rule four seconds behind it")
    view_twice()
    drain(world.stack)
    drained_at = time.monotonic()
    until(lambda: time.monotonic() > drained_at + 3, 10, 0.2, "a page that is old enough")

    def hits():
        run_function(world, "CrmJobsFunctionName", automation="due")
        return boss.get(f"/v1/automation-rules/{rule_id}/hits").expect(200)["items"] or None

    [hit] = until(hits, 120, 2, "a hit")
    assert (hit["person_id"], hit["tags_added"], hit["close_rate_basis_points"]) == (visitor.id, [tag], 8000)
    assert [notice["person_id"] for notice in lin.get("/v1/my/automation-notices").expect(200)["items"]] == [visitor.id]
    assert chen.get("/v1/my/automation-notices").expect(200)["items"] == []
    customer = lin.get(f"/v1/customers/{visitor.id}").expect(200)
    assert [given["tag_id"] for given in customer["tags"]] == [tag]
    assert customer["next_follow_up"]["at"] == hit["planned_at"]
