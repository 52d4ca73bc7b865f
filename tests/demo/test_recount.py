"""Hand-computed cases for the recount: every expected number here was counted by eye."""

from datetime import timedelta

from day import make_day
from recount import count_scope, parse_time, read_events, recount, server_times

NOW = "2026-11-21T15:00:00+08:00"
TODAY = parse_time(NOW).date()


def line(person, batch_id, *events, **more):
    """One input line; an event is (kind, card, at) or (kind, card, at, duration_ms)."""
    made = []
    for kind, card, at, *rest in events:
        event = {"kind": kind, "card_id": card, "at": at}
        if rest:
            event["duration_ms"] = rest[0]
        made.append(event)
    return {"person": person, "batch": {"batch_id": batch_id, "events": made}, **more}


def scope(*lines):
    return count_scope(read_events(lines), TODAY)


def test_the_day_changes_at_midnight_in_shanghai_not_in_greenwich():
    counted = scope(
        line("v1", "b1", ("view_card", "crd_a", "2026-11-20T15:59:59.999Z")),  # 23:59:59.999 on the 20th
        line("v2", "b2", ("view_card", "crd_a", "2026-11-20T16:00:00Z")),      # 00:00:00 on the 21st
    )
    assert counted["windows"]["yesterday"]["views"] == 1
    assert counted["today"]["views"] == 1
    assert counted["windows"]["total"]["views"] == 2


def test_the_windows_begin_six_and_twenty_nine_days_ago_and_end_today():
    counted = scope(
        line("v1", "b1", ("view_card", "crd_a", "2026-11-15T00:00:00+08:00")),       # first day of seven
        line("v2", "b2", ("view_card", "crd_a", "2026-11-14T23:59:59+08:00")),       # one second too early
        line("v3", "b3", ("view_card", "crd_a", "2026-10-23T00:00:00+08:00")),       # first day of thirty
        line("v4", "b4", ("view_card", "crd_a", "2026-10-22T23:59:59+08:00")),       # only in the total
    )
    windows = counted["windows"]
    before = windows["last_7_days"].pop("previous")
    assert (before["from"], before["to"], before["visitors"]) == ("2026-11-08", "2026-11-14", 1)
    assert windows["last_30_days"]["previous"]["to"] == "2026-10-22"
    assert windows["total"]["previous"] is None
    assert windows["last_7_days"] == {
        "from": "2026-11-15", "to": "2026-11-21", "visitors": 1, "views": 1, "follow_ups": 0,
        "customers_talked_to": 0, "sales_fen": 0, "orders": 0, "forwards": 0, "saves": 0, "likes": 0,
    }
    assert windows["last_30_days"]["from"] == "2026-10-23"
    assert windows["last_30_days"]["visitors"] == 3
    assert windows["total"]["from"] is None
    assert windows["total"]["to"] == "2026-11-21"
    assert windows["total"]["visitors"] == 4


def test_a_visitor_is_one_person_for_any_number_of_views():
    counted = scope(
        line("v1", "b1", ("view_card", "crd_a", "2026-11-20T10:00:00+08:00"),
             ("view_product", "crd_a", "2026-11-20T10:00:05+08:00")),
        line("v1", "b2", ("view_card", "crd_a", "2026-11-21T10:00:00+08:00")),
        line("v2", "b3", ("view_card", "crd_a", "2026-11-21T11:00:00+08:00")),
        line("v3", "b4", ("call", "crd_a", "2026-11-21T11:00:00+08:00")),  # no view: not a visitor
    )
    assert counted["windows"]["total"]["visitors"] == 2
    assert counted["windows"]["total"]["views"] == 4
    assert counted["windows"]["yesterday"]["visitors"] == 1
    assert counted["today"]["visitors"] == 2
    assert counted["today"]["new_visitors"] == 1  # v2; v1 came yesterday


def test_a_like_and_an_unlike_at_the_same_moment_are_an_unlike():
    at = "2026-11-21T10:00:00.123+08:00"
    for first, second in (("like", "unlike"), ("unlike", "like")):
        counted = scope(line("v1", "b1", (first, "crd_a", at), (second, "crd_a", at)))
        assert counted["today"]["likes"] == 0


def test_the_latest_like_decides_on_its_own_day():
    counted = scope(
        line("v1", "b2", ("like", "crd_a", "2026-11-21T09:00:00+08:00")),
        line("v1", "b1", ("like", "crd_a", "2026-11-19T09:00:00+08:00"),
             ("unlike", "crd_a", "2026-11-20T09:00:00+08:00")),
        line("v2", "b3", ("like", "crd_a", "2026-11-20T09:00:00+08:00")),
        line("v3", "b4", ("like", "crd_a", "2026-11-20T09:00:00+08:00"),
             ("unlike", "crd_a", "2026-11-21T09:00:00+08:00")),
    )
    assert counted["windows"]["total"]["likes"] == 2
    assert counted["windows"]["yesterday"]["likes"] == 1  # v2 only: v3 took it back today
    assert counted["today"]["likes"] == 1                 # v1


def test_a_late_save_moves_the_count_to_the_earlier_day():
    early = line("v1", "b2", ("save_phone", "crd_a", "2026-11-20T23:00:00+08:00"))
    late = line("v1", "b1", ("save_phone", "crd_a", "2026-11-21T09:00:00+08:00"))
    assert scope(late)["today"]["saves"] == 1
    both = scope(late, early)
    assert both["today"]["saves"] == 0
    assert both["windows"]["yesterday"]["saves"] == 1
    assert both["windows"]["total"]["saves"] == 1


def test_saves_and_likes_of_the_company_are_the_sum_over_its_cards():
    counted = recount([
        line("v1", "b1", ("save_phone", "crd_a", "2026-11-21T09:00:00+08:00"),
             ("save_phone", "crd_b", "2026-11-21T09:00:01+08:00"),
             ("like", "crd_a", "2026-11-21T09:00:02+08:00"),
             ("like", "crd_b", "2026-11-21T09:00:03+08:00"),
             ("view_card", "crd_a", "2026-11-21T09:00:04+08:00"),
             ("view_card", "crd_b", "2026-11-21T09:00:05+08:00"))], NOW)
    assert counted["company"]["today"]["saves"] == 2
    assert counted["company"]["today"]["likes"] == 2
    assert counted["company"]["today"]["visitors"] == 1
    assert counted["cards"]["crd_a"]["today"]["saves"] == 1
    assert counted["cards"]["crd_b"]["windows"]["total"]["visitors"] == 1


def test_a_batch_sent_twice_counts_once_and_only_for_its_person():
    batch = line("v1", "b1", ("forward", "crd_a", "2026-11-21T09:00:00+08:00"))
    other = line("v2", "b1", ("forward", "crd_a", "2026-11-21T09:00:00+08:00"))
    counted = scope(batch, batch, other, batch)
    assert counted["today"]["forwards"] == 2


def test_talks_are_people_and_dwell_is_a_sum():
    counted = scope(
        line("v1", "b1", ("open_chat", "crd_a", "2026-11-21T09:00:00+08:00"),
             ("open_chat", "crd_a", "2026-11-21T09:10:00+08:00"),
             ("dwell", "crd_a", "2026-11-21T09:11:00+08:00", 1500),
             ("dwell", "crd_a", "2026-11-21T09:12:00+08:00", 700)),
        line("v2", "b2", ("dwell", "crd_a", "2026-11-20T09:12:00+08:00", 9000)),
    )
    assert counted["today"]["talked_to"] == 1
    assert counted["today"]["dwell_ms"] == 2200
    assert counted["today"]["by_kind"] == {"open_chat": 2, "dwell": 2}
    assert counted["windows"]["last_7_days"]["customers_talked_to"] == 1


def test_far_off_times_are_clamped_when_the_line_tells_when_it_was_received():
    received = "2026-11-21T14:00:00+08:00"
    counted = scope(
        line("v1", "b1", ("view_card", "crd_a", "2030-01-01T00:00:00Z"), received_at=received),
        line("v2", "b2", ("view_card", "crd_a", "2021-01-01T00:00:00Z"), received_at=received),
    )
    assert counted["today"]["views"] == 1
    assert counted["windows"]["last_7_days"]["views"] == 1  # clamped to the 14th, eight days back
    assert counted["windows"]["last_30_days"]["views"] == 2


def test_identities_of_one_person_count_as_one_and_their_raw_events_as_before():
    lines = [
        line("v1", "b1", ("view_card", "crd_a", "2026-11-20T09:00:00+08:00"),
             ("save_phone", "crd_a", "2026-11-20T09:00:01+08:00"), ("like", "crd_a", "2026-11-20T09:00:02+08:00")),
        line("v2", "b1", ("view_card", "crd_a", "2026-11-21T09:00:00+08:00"),
             ("save_phone", "crd_a", "2026-11-21T09:00:01+08:00"), ("unlike", "crd_a", "2026-11-21T09:00:02+08:00")),
        line("v3", "b1", ("view_card", "crd_a", "2026-11-21T09:00:00+08:00")),
    ]
    two, three = recount(lines, NOW, [["v2", "v1"]])["company"], recount(lines, NOW)["company"]
    assert (two["windows"]["total"]["visitors"], three["windows"]["total"]["visitors"]) == (2, 3)
    assert (two["windows"]["total"]["saves"], three["windows"]["total"]["saves"]) == (1, 2)
    assert (two["windows"]["total"]["likes"], three["windows"]["total"]["likes"]) == (0, 1)
    assert (two["today"]["new_visitors"], three["today"]["new_visitors"]) == (1, 2)
    assert two["windows"]["total"]["views"] == three["windows"]["total"]["views"] == 3
    assert two["today"]["by_kind"] == three["today"]["by_kind"]


def many(kind, count, second, size=100, **more):
    """So many events of one person, `second` apart, in lines of `size`."""
    start = parse_time("2026-11-21T09:00:00+08:00")
    events = [(kind, "crd_a", (start + timedelta(seconds=number * second)).isoformat()) for number in range(count)]
    return [line("v1", f"b{first}", *events[first:first + size], **more) for first in range(0, count, size)]


def test_more_than_a_person_can_do_is_left_out_however_it_is_sent():
    for size in (1, 30, 100):
        assert scope(*many("view_card", 50, 0.1, size))["today"]["views"] == 20
        assert scope(*many("view_card", 400, 40, size))["today"]["views"] == 100
        assert scope(*many("forward", 200, 0.1, size))["today"]["forwards"] == 10
        assert scope(*many("forward", 200, 60, size))["today"]["forwards"] == 50


def test_nobody_stays_longer_than_the_time_that_passes_and_five_minutes():
    def stays(*minutes):
        events = [("dwell", "crd_a", "2026-11-21T10:00:00+08:00", minute * 60_000) for minute in minutes]
        return scope(line("v1", "b1", *events))["today"]["dwell_ms"] // 60_000

    assert stays(60, 5) == 65
    assert stays(60, 6) == 60
    assert stays(60, 6, 5) == 65


def test_the_demo_days_hold_nothing_that_a_person_cannot_do():
    for seed in range(1, 8):
        lines = make_day(seed, NOW, ["crd_a", "crd_b", "crd_c"])
        assert len(read_events(lines)) == sum(len(line["batch"]["events"]) for line in lines)


def minutes(batch):
    """When the events of a batch happened, in minutes before it came in at NOW."""
    received = parse_time(NOW)
    return [(at - received) / timedelta(minutes=1) for at in server_times(batch, received)]


def test_a_batch_is_moved_as_a_whole():
    def batch(*times, **more):
        return {"events": [{"kind": "view_card", "at": f"2026-11-{time}+08:00"} for time in times], **more}

    assert minutes(batch("21T14:30:00", "21T14:50:00")) == [-30, -10]
    ahead = ("21T15:30:00", "21T15:50:00")
    assert minutes(batch(*ahead, sent_at="2026-11-21T16:00:00+08:00")) == [-30, -10], "its clock is an hour ahead"
    assert minutes(batch(*ahead)) == [-20, 0], "it does not say by how much"
    assert minutes(batch("01T12:00:00", "01T12:20:00")) == [-7 * 24 * 60, -7 * 24 * 60 + 20], "older than a week"
    assert minutes(batch("21T15:30:00", "21T14:50:00")) == [-10, -10], "the clock was set back"
    first, last = minutes(batch("01T12:00:00", "21T14:50:00"))
    assert last == -10 and 0 < last - first < 0.001, "the clock was set ahead"


def test_the_last_of_likes_at_one_instant_counts():
    def likes(*kinds):
        events = [(kind, "crd_a", "2026-11-21T14:00:00+08:00") for kind in kinds]
        return scope(line("v1", "b1", *events, received_at=NOW))["windows"]["total"]["likes"]

    assert likes("like", "unlike", "like") == 1
    assert likes("like", "like", "unlike") == 0
