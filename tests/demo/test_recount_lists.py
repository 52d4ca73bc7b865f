"""Hand-computed cases for the recount of lists: every expected number here was counted by eye."""

from datetime import timedelta

import recount_lists as lists
from recount import parse_time, read_all_events

NOW = "2026-11-21T15:00:00+08:00"
TODAY = parse_time(NOW).date()
WEEK = (TODAY - timedelta(days=6), TODAY)


def line(person, batch_id, *events, **more):
    """One input line; an event is (kind, card, at, fields)."""
    made = [{"kind": kind, "card_id": card, "at": f"2026-11-{at}:00+08:00", **fields} for kind, card, at, fields in events]
    return {"person": person, "batch": {"batch_id": batch_id, "events": made}, **more}


def thing(ident, type_="product", title="茶"):
    return {"object": {"type": type_, "id": ident, "title": title}}


EVENTS = read_all_events([
    line("v1", "b1", ("view_card", "a", "21T09:00", {}), ("view_product", "a", "21T09:10", thing("p2")),
         ("view_product", "a", "21T10:00", thing("p1")), ("forward", "a", "21T10:00", thing("p1")), ("like", "a", "21T10:05", {})),
    line("v2", "b2", ("view_product", "b", "20T23:59", thing("p2")), ("view_video", "b", "21T09:30", thing("f1", "video")),
         ("dwell", "b", "21T09:31", {"duration_ms": 30_000}), ("save_phone", "b", "21T09:32", {})),
    line("v2", "b3", ("like", "b", "19T08:00", {}), ("unlike", "b", "19T08:01", {}), ("forward", "b", "13T08:00", {})),
    line("v3", "b4", ("view_website", "b", "21T11:00", {}), ("forward", "b", "21T11:01", {}), ("forward", "b", "21T11:02", {})),
])


def test_behaviour_is_by_type_and_hour_and_its_points_are_the_whole():
    seen = lists.behaviour(EVENTS, *WEEK)
    assert {part["type"]: (part["count"], part["basis_points"]) for part in seen["shares"]} == {
        "card": (2, 6_667), "product": (1, 3_333), "article": (0, 0), "video": (0, 0), "website": (0, 0)}
    assert {part["type"]: part["count"] for part in seen["interests"]} == {
        "card": 1, "product": 3, "article": 0, "video": 1, "website": 1}
    assert {hour: count for hour, count in enumerate(seen["active_hours"]) if count} == {8: 2, 9: 5, 10: 3, 11: 3, 23: 1}
    assert sum(part["basis_points"] for part in lists.behaviour([], *WEEK)["shares"]) == 0


def test_things_and_sharers_stand_by_number_and_then_by_id():
    assert [(row["id"], row["views"]) for row in lists.objects(EVENTS, *WEEK, "product")] == [("p2", 2), ("p1", 1)]
    assert [row["id"] for row in lists.objects(EVENTS, TODAY, TODAY, "product")] == ["p1", "p2"]
    assert lists.objects(EVENTS, *WEEK, "article") == []
    assert [(row["person_id"], row["forwards"]) for row in lists.sharers(EVENTS, *WEEK)] == [("v3", 2), ("v1", 1)]


def test_a_profile_is_of_the_sharers_of_the_window_and_of_all_they_did():
    seen = lists.profile(EVENTS, *WEEK, EVENTS)
    assert (seen["sharers"], seen["forwards"], seen["profiled"]) == (2, 3, 2)
    assert {part["feature"]: part["people"] for part in seen["did"] if part["people"]} == {
        "view_card": 1, "view_product": 1, "view_content": 1, "forward": 2, "like": 1}
    assert {hour: count for hour, count in enumerate(seen["active_hours"]) if count} == {9: 1, 10: 1, 11: 1}


def test_the_share_of_shop_visitors_is_rounded_down():
    seen = lists.shop_visits(EVENTS, TODAY)
    assert (seen["last_7_days"]["visitors"], seen["last_7_days"]["shop_visitors"], seen["last_7_days"]["basis_points"]) == (3, 2, 6_666)
    assert seen["yesterday"]["basis_points"] == 10_000 and seen["yesterday"]["previous"]["basis_points"] is None


def test_a_customer_has_a_history_with_each_card_and_evidence():
    found = lists.customers(EVENTS)
    assert sorted(found) == ["v1", "v2", "v3"]
    assert found["v1"]["cards"]["a"]["liked_at"] == parse_time("2026-11-21T10:05:00+08:00")
    card = found["v2"]["cards"]["b"]
    assert (card["opened"], card["liked_at"], card["saved_at"]) == (0, None, parse_time("2026-11-21T09:32:00+08:00"))
    assert found["v2"]["evidence"] == ["forward", "long_stay", "save", "view_content", "view_product"]


def test_what_is_held_back_is_counted_by_its_reason():
    views = [("view_card", "a", "21T09:00", {})] * 22
    stays = [("dwell", "a", "21T09:00", {"duration_ms": 400_000}), ("dwell", "a", "21T09:00", {"duration_ms": 400_000})]
    events = read_all_events([line("v1", "b1", *views), line("v2", "b2", *stays), line("v3", "b3", *[("grant_phone", "a", "20T09:00", {})] * 6)])
    held = lists.filtered(events, TODAY)
    assert {name: count for name, count in held["total"].items() if count} == {"burst": 2, "dwell_time": 1, "daily_limit": 1}
    assert {name: count for name, count in held["yesterday"].items() if count} == {"daily_limit": 1}


def test_a_batch_is_judged_card_by_card():
    likes = [("like", card, f"21T{9 + number // 60:02}:{number % 60:02}", {}) for number, card in enumerate(["b"] * 30 + ["a"] * 30)]
    events = read_all_events([line("v1", "b1", *likes)])
    assert [event["card"] for event in events if event["held"]] == ["b"] * 10


def test_equal_members_share_a_place_and_then_nobody_is_champion():
    of = {"a": {"total": {"views": 3}}, "b": {"total": {"views": 3}}, "c": {"total": {"views": 1}}}
    seen = lists.rankings(of, {"m1": "a", "m2": "b", "m3": "c"}, "views", "total")
    assert [seen["rows"][member]["place"] for member in ("m1", "m2", "m3")] == [1, 1, 3] and seen["champion"] is None
    assert lists.rankings(of, {"m1": "a", "m3": "c"}, "views", "total")["champion"] == "m1"
