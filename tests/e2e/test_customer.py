"""A customer of the company: who may see them, what members fill in about them, and its history."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain
from office import visited_office
from world import absent_id, event


@pytest.fixture(scope="module")
def office(world):
    """Two cards and a visitor of the first one."""
    return visited_office(world)


def at(customer, more=""):
    """A path of the customer."""
    return f"/v1/customers/{customer.id}{more}"


def test_a_customer_is_exclusive_then_shared_then_closed(office, world):
    company, lin, chen = office["company"], office["lin"], office["chen"]
    visitor = company.visitor()
    visitor.send(event("view_card", lin.card_id))
    drain(world.stack)
    seen = lin.get(at(visitor)).expect(200)
    assert (seen["kinds"], seen["card_ids"], seen["profile"]) == (["exclusive"], [lin.card_id], {})
    assert seen["name"].startswith("访客")
    assert chen.get(at(visitor)).status == 404
    visitor.send(event("view_card", chen.card_id))
    drain(world.stack)
    assert chen.get(at(visitor)).expect(200)["kinds"] == ["shared"]
    lin.post(f"/v1/cards/{lin.card_id}/customers/{visitor.id}/deals", {"closed_on": "2026-01-05"}, key=uuid.uuid4().hex).expect(201)
    assert company.boss.get(at(visitor)).expect(200)["kinds"] == ["shared", "closed"]


def test_nobody_and_who_has_not_logged_in_are_no_customers(office, world):
    company, lin = office["company"], office["lin"]
    anonymous = company.anonymous()
    anonymous.send(event("view_card", lin.card_id))
    drain(world.stack)
    for person in (anonymous.id, absent_id("per"), lin.id):
        for path in ("", "/profile"):
            who = company.boss
            answer = who.put(f"/v1/customers/{person}{path}", {"name": "王"}) if path else who.get(f"/v1/customers/{person}")
            assert answer.status == 404, (person, path)


def test_a_profile_keeps_who_set_what_and_goes_back(office):
    lin, visitor = office["lin"], office["visitor"]
    first = lin.put(at(visitor, "/profile"), {"name": "王敏", "mobile": "138 0013 8000"}).expect(200)
    assert first["name"] == "王敏"
    assert first["profile"]["mobile"]["text"] == "+8613800138000"
    assert first["profile"]["name"]["set_by"] == lin.member["id"]
    # The same again changes nothing; a field that is not named stays; an empty text clears.
    assert lin.put(at(visitor, "/profile"), {"name": "王敏"}).expect(200) == first
    boss = office["company"].boss
    changed = boss.put(at(visitor, "/profile"), {"name": "王小敏", "mobile": ""}).expect(200)
    assert (changed["profile"]["name"]["text"], changed["profile"]["mobile"]["text"]) == ("王小敏", "")
    assert [value["text"] for value in changed["profile"]["name"]["before"]] == ["王敏"]
    earlier = {"field": "name", "set_at": changed["profile"]["name"]["before"][0]["set_at"]}
    back = lin.put(at(visitor, "/profile/restored-value"), earlier).expect(200)
    assert lin.put(at(visitor, "/profile/restored-value"), earlier).expect(200) == back
    assert lin.put(at(visitor, "/profile/restored-value"), {**earlier, "field": "email"}).status == 404
    assert back["profile"]["name"]["text"] == "王敏"
    assert [value["text"] for value in back["profile"]["name"]["before"]] == ["王小敏", "王敏"]
    assert lin.get(at(visitor)).expect(200)["profile"] == back["profile"]


def test_each_wrong_field_is_named_and_nothing_is_set(office):
    lin, visitor = office["lin"], office["visitor"]
    before = lin.get(at(visitor)).expect(200)
    answer = lin.put(at(visitor, "/profile"), {"company": "新公司", "mobile": "12", "name": "王" * 31})
    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == ["/name", "/mobile"]
    assert lin.put(at(visitor, "/profile"), {"age": 3}).status == 422
    assert lin.get(at(visitor)).expect(200) == before


def test_parallel_edits_of_several_fields_all_count(office):
    lin, visitor = office["lin"], office["visitor"]
    edits = [{"company": "甲"}, {"position": "经理"}, {"address": "昆明"}, {"email": "a@b.cn"}, {"remark": "一\n二"}] * 3
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda edit: lin.put(at(visitor, "/profile"), edit), edits))
    assert [answer.status for answer in answers] == [200] * len(edits)
    profile = lin.get(at(visitor)).expect(200)["profile"]
    assert {field: profile[field]["text"] for field in ("company", "position", "address", "email", "remark")} == {
        "company": "甲", "position": "经理", "address": "昆明", "email": "a@b.cn", "remark": "一\n二"}
    assert all(not profile[field]["before"] for field in ("company", "position", "address", "email", "remark"))


def timeline(who, customer, query=""):
    """All lines of the timeline, page by page."""
    lines, cursor = [], ""
    while cursor is not None:
        page = who.get(at(customer, f"/timeline?limit=3{query}{cursor}")).expect(200)
        lines += page["items"]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    return lines


def test_the_timeline_tells_everything_in_one_order(office, world):
    company, lin = office["company"], office["lin"]
    visitor = company.visitor()
    visitor.send(event("view_card", lin.card_id, back_ms=30 * 3_600_000), event("view_card", lin.card_id))
    drain(world.stack)
    lin.put(at(visitor, "/profile"), {"name": "王敏", "company": "云岭"}).expect(200)
    tag = lin.get("/v1/customer-tags").expect(200)["items"][0]["tag_id"]
    lin.put(at(visitor, "/tags"), {"add": [tag]}).expect(200)
    said = lin.post(at(visitor, "/follow-ups"), {"kind": "call", "note": "甲"}, key=uuid.uuid4().hex).expect(201)
    gone = lin.post(at(visitor, "/follow-ups"), {"kind": "call", "note": "乙"}, key=uuid.uuid4().hex).expect(201)
    lin.delete(at(visitor, f"/follow-ups/{gone['follow_up_id']}")).expect(204)
    lin.put(at(visitor, "/expected-close"), {"amount_fen": 5_000}).expect(200)
    lin.put(f"/v1/cards/{lin.card_id}/customers/{visitor.id}/close-rate", {"percent": 80}).expect(200)
    lin.post(f"/v1/cards/{lin.card_id}/customers/{visitor.id}/deals", {"closed_on": "2026-01-05"}, key=uuid.uuid4().hex).expect(201)
    lines = timeline(lin, visitor)
    assert [line["kind"] for line in lines] == [
        "deal", "close_rate", "expected_close", "follow_up", "tags", "profile", "visit", "visit"]
    assert [line["at"] for line in lines] == sorted((line["at"] for line in lines), reverse=True)
    assert lines[3]["follow_up"] == said and lines[4]["tags"] == {"added": [tag], "removed": []}
    assert lines[5]["profile"] == ["name", "company"] and lines[5]["by"] == lin.member["id"]
    assert lines[0]["deal"]["closed_on"] == "2026-01-05" and lines[1]["close_rate"]["basis_points"] == 8_000
    assert all(line["by"] is None for line in lines[6:])
    for kind in ("visit", "follow_up", "deal", "tags"):
        assert timeline(lin, visitor, f"&kind={kind}") == [line for line in lines if line["kind"] == kind]
    chen = office["chen"]
    assert chen.get(at(visitor, "/timeline")).status == 404
    # Of a shared customer, deals and rates of a colleague's card are not shown.
    visitor.send(event("view_card", chen.card_id))
    drain(world.stack)
    seen = {line["kind"] for line in timeline(chen, visitor)}
    assert seen == {"expected_close", "follow_up", "tags", "profile", "visit"}
    assert lin.get(at(visitor, "/timeline?kind=dream")).status == 400


def test_an_added_customer_is_found_by_their_number_and_taken_back(office):
    company, lin, chen = office["company"], office["lin"], office["chen"]
    new = {"profile": {"name": "赵敏", "mobile": "13912340001", "company": "临安笋业"}}
    added = lin.post("/v1/customers", new, key=uuid.uuid4().hex).expect(201)["person_id"]
    seen = lin.get(f"/v1/customers/{added}").expect(200)
    assert (seen["name"], seen["kinds"], seen["source"]) == ("赵敏", ["exclusive"], "by_hand")
    assert seen["addition"]["added_by"] == lin.member["id"]
    for who, person in ((lin, added), (company.boss, added), (chen, None)):
        again = who.post("/v1/customers", new, key=uuid.uuid4().hex)
        assert (again.status, again.body["code"], again.body.get("person_id")) == (409, "duplicate", person)
    assert chen.delete(f"/v1/customers/{added}").status == 404
    assert lin.delete(f"/v1/customers/{added}").status == 204
    assert company.boss.get(f"/v1/customers/{added}").status == 404
