"""Follow-ups: recording and reading them, and the metric that counts them."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain
from office import visited_office
from world import event, now_text


@pytest.fixture
def office(world):
    """Two cards and a visitor of the first one."""
    return visited_office(world)


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
    return {name: numbers["follow_ups"] for name, numbers in metrics["windows"].items()}


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


def at(customer, more=""):
    """A path of the customer."""
    return f"/v1/customers/{customer.id}{more}"


def test_an_edited_follow_up_keeps_its_texts_and_a_deleted_one_counts_no_more(office):
    lin, chen, boss, visitor = office["lin"], office["chen"], office["company"].boss, office["visitor"]
    visitor.send(event("view_card", chen.card_id))
    drain(office["company"].world.stack)
    first = follow_up(lin, visitor, note="甲").expect(201)
    one = at(visitor, f"/follow-ups/{first['follow_up_id']}")
    edited = lin.put(one, {"kind": "visit", "note": "乙"}).expect(200)
    assert (edited["note"], edited["kind"], [edit["note"] for edit in edited["edits"]]) == ("乙", "visit", ["甲"])
    assert lin.put(one, {"kind": "visit", "note": "乙"}).expect(200) == edited
    # A colleague sees it and may not change it; the boss may.
    assert listed(chen, visitor)["items"] == [edited]
    assert [chen.put(one, {"kind": "call", "note": "丙"}).status, chen.delete(one).status] == [403, 403]
    by_boss = boss.put(one, {"kind": "visit", "note": "丙"}).expect(200)
    assert [(edit["note"], edit["edited_by"]) for edit in by_boss["edits"]] == [
        ("甲", lin.member["id"]), ("乙", boss.member["id"])]
    for _ in range(2):
        lin.delete(one).expect(204)
    assert lin.put(one, {"kind": "call", "note": "丁"}).status == 404
    assert listed(lin, visitor)["items"] == []
    assert counted(lin, f"cards/{lin.card_id}")["total"] == 0
    assert lin.get(at(visitor)).expect(200)["follow_ups"] == 0


def test_parallel_deletes_count_once(office):
    lin, visitor = office["lin"], office["visitor"]
    kept, gone = follow_up(lin, visitor).expect(201), follow_up(lin, visitor).expect(201)
    with ThreadPoolExecutor(6) as pool:
        paths = [at(visitor, f"/follow-ups/{gone['follow_up_id']}")] * 6
        assert {answer.status for answer in pool.map(lin.delete, paths)} == {204}
    assert listed(lin, visitor)["items"] == [kept]
    assert counted(lin, f"cards/{lin.card_id}")["total"] == 1


def test_a_plan_is_due_replaced_and_done(office):
    lin, chen, boss, visitor = office["lin"], office["chen"], office["company"].boss, office["visitor"]
    hour, day = 3_600_000, 86_400_000
    assert lin.put(at(visitor, "/next-follow-up"), {"at": now_text(day)}).status == 422
    assert lin.put(at(visitor, "/next-follow-up"), {"at": now_text(-400 * day)}).status == 422
    later = now_text(-30 * day)
    plan = lin.put(at(visitor, "/next-follow-up"), {"at": later}).expect(200)
    assert lin.put(at(visitor, "/next-follow-up"), {"at": later}).expect(200) == plan
    assert (plan["due"], plan["planned_by"]) == ("later", lin.member["id"])
    lin.put(at(visitor, "/profile"), {"name": "王敏"}).expect(200)
    mine = lin.get("/v1/my/follow-up-plans").expect(200)
    assert mine["counts"] == {"overdue": 0, "today": 0, "this_week": 0, "later": 1} and mine["complete"]
    assert [(item["person_id"], item["name"], item["at"]) for item in mine["items"]] == [(visitor.id, "王敏", plan["at"])]
    assert lin.get("/v1/my/follow-up-plans?due=today").expect(200)["items"] == []
    assert chen.get("/v1/my/follow-up-plans").expect(200)["items"] == []
    # The same plan in a follow-up stays, and stands once in the list.
    follow_up(lin, visitor, next_at=later).expect(201)
    assert len(lin.get("/v1/my/follow-up-plans").expect(200)["items"]) == 1
    # A plan made in a follow-up replaces it, and the follow-up without one ends it.
    follow_up(lin, visitor, next_at=now_text(-60 * day)).expect(201)
    assert len(lin.get("/v1/my/follow-up-plans").expect(200)["items"]) == 1
    team = boss.get(f"/v1/follow-up-plans?member_id={lin.member['id']}&due=later").expect(200)
    assert [item["planned_by"] for item in team["items"]] == [lin.member["id"]]
    assert boss.get("/v1/follow-up-plans").expect(200)["items"] == team["items"]
    assert chen.get("/v1/follow-up-plans").status == 403
    # Somebody else plans the same moment: one line in the company's list, and it is theirs.
    planned = lin.get(at(visitor)).expect(200)["next_follow_up"]["at"]
    boss.put(at(visitor, "/next-follow-up"), {"at": planned}).expect(200)
    team = boss.get("/v1/follow-up-plans").expect(200)["items"]
    assert [(item["at"], item["planned_by"]) for item in team] == [(planned, boss.member["id"])]
    assert lin.get("/v1/my/follow-up-plans").expect(200)["items"] == []
    boss.put(at(visitor, "/next-follow-up"), {"at": now_text(-2 * hour)}).expect(200)
    assert lin.get("/v1/my/follow-up-plans").expect(200)["items"] == []
    assert len(boss.get("/v1/my/follow-up-plans").expect(200)["items"]) == 1
    follow_up(lin, visitor).expect(201)
    assert boss.get("/v1/follow-up-plans").expect(200)["items"] == []
    assert lin.get(at(visitor)).expect(200)["next_follow_up"] is None
    for _ in range(2):
        lin.delete(at(visitor, "/next-follow-up")).expect(204)


def test_pages_of_plans_have_each_once(office):
    company, lin = office["company"], office["lin"]
    visitors = [company.visitor() for _ in range(7)]
    for visitor in visitors:
        visitor.send(event("view_card", lin.card_id))
    drain(company.world.stack)
    for number, visitor in enumerate(visitors):
        lin.put(at(visitor, "/next-follow-up"), {"at": now_text(-86_400_000 * (number // 2 + 20))}).expect(200)
    found, query = [], "?limit=3"
    while query:
        page = lin.get("/v1/my/follow-up-plans" + query).expect(200)
        assert sum(page["counts"].values()) == 7
        found += [item["person_id"] for item in page["items"]]
        query = page["next_cursor"] and f"?limit=3&cursor={page['next_cursor']}"
    assert sorted(found) == sorted(visitor.id for visitor in visitors)


def test_a_follow_up_is_planned_for_the_best_hour(office):
    lin, visitor = office["lin"], office["visitor"]
    path = f"/v1/customers/{visitor.id}/next-follow-up"
    planned = lin.put(path, {"at_best_hour": True}).expect(200)
    assert lin.get(f"/v1/customers/{visitor.id}").expect(200)["next_follow_up"]["at"] == planned["at"]
    assert planned["at"] >= planned["planned_at"]
    for body in ({}, {"at_best_hour": False}, {"at": planned["at"], "at_best_hour": True}):
        lin.put(path, body).expect(422, pointer="/at")
