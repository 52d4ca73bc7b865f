"""The recount of the laboratory, in SQL, agrees with the plain one, and knows the filter rules."""

import json
from datetime import date

import pytest

from day import make_day
from recount import recount
from recount_sql import REASONS, Recount, number

DAYS = [f"2026-11-{day}" for day in range(16, 22)]
PHONE = "MicroMessenger/8.0.54"


def in_sql(tmp_path, lines, first=DAYS[0], last=DAYS[-1]):
    """The output of the program for these lines."""
    file = tmp_path / "lines.jsonl"
    file.write_text("".join(json.dumps({"agent": PHONE, **line}) + "\n" for line in lines), encoding="utf-8")
    return Recount(file, number(date.fromisoformat(first)), number(date.fromisoformat(last)), 1).all()


def test_it_agrees_with_the_plain_recount_at_the_end_of_every_day(tmp_path):
    lines, plain = [], {}
    for seed, day in enumerate(DAYS):
        until = f"{day}T22:00:00+08:00"
        lines += [{**line, "received_at": until} for line in make_day(seed, until, ["crd_a", "crd_b"])]
        # A visitor was offline for days, then has a clock that is ahead, and sends everything twice.
        late = [
            {"kind": kind, "card_id": "crd_a", "at": f"2026-11-{8 + seed:02}T23:{minute}:00+08:00"}
            for kind, minute in (("view_card", 30), ("open_chat", 40))
        ]
        early = [
            {"kind": kind, "card_id": "crd_b", "at": f"{day}T23:{minute}:00+08:00"}
            for kind, minute in (("view_card", 10), ("save_phone", 59))
        ]
        for name, events in (("late", late), ("early", early)):
            batch = {"batch_id": f"{name}-{seed}", "events": events}
            lines += [{"person": f"visitor-{seed}", "batch": batch, "received_at": until}] * 2
        plain[day] = recount(lines, until)
    seen = in_sql(tmp_path, lines)["live"]
    for day in DAYS:
        for scope, expected in {**plain[day]["cards"], "company": plain[day]["company"]}.items():
            assert seen[day][scope]["metrics"] == expected["windows"], (day, scope)
            today = seen[day][scope]["today"]
            today["by_kind"] = {kind: count for kind, count in today["by_kind"].items() if count}
            assert today == expected["today"], (day, scope)


def line(person, events, batch_id=None, **more):
    """A request of one batch on the 21st; an event is (kind, card, second)."""
    made = [
        {"kind": kind, "card_id": card, "at": f"2026-11-21T12:00:{second:02}+08:00", "object": {"type": "card"}}
        for kind, card, second in events
    ]
    batch = {"batch_id": batch_id or person, "events": made}
    return {"person": person, "received_at": "2026-11-21T12:30:00+08:00", "batch": batch, **more}


def of(**counts):
    """The reasons, 0 where not said."""
    return {reason: counts.get(reason, 0) for reason in REASONS}


def test_filtered_events_are_counted_by_reason_and_nowhere_else(tmp_path):
    views = [("view_card", "crd_a", second) for second in range(12)]
    seen = in_sql(tmp_path, [
        line("burst", views),
        line("burst", views, batch_id="burst again"),
        line("pause", views),
        line("bot", [("view_card", "crd_a", 0), ("like", "crd_a", 1)], agent="mozilla (compatible; Googlebot/2.1)"),
        line("member", [("view_card", "crd_a", 0), ("view_card", "crd_b", 1), ("forward", "crd_b", 2)], member_card="crd_a"),
        line("nobody", [("view_card", "crd_a", 0), ("call", "crd_a", 1)], anonymous=True),
        line("caller", [("call", "crd_a", second) for second in range(23)]),
    ])["live"]["2026-11-21"]
    assert seen["company"]["filtered"]["total"] == of(bot=2, own=1, colleague=1, burst=4, anonymous=1, daily_limit=3)
    assert seen["crd_a"]["filtered"]["last_7_days"] == of(bot=2, own=1, burst=4, anonymous=1, daily_limit=3)
    total = seen["company"]["metrics"]["total"]
    assert (total["views"], total["visitors"], total["forwards"], total["likes"]) == (33, 3, 1, 0)
    assert seen["crd_a"]["today"]["by_kind"]["call"] == 21, "a call before the login counts"


def test_stays_that_depend_on_the_order_are_told_apart(tmp_path):
    stays = line("liar", [("dwell", "crd_a", 0), ("dwell", "crd_a", 1)])
    for event in stays["batch"]["events"]:
        event["duration_ms"] = 3_600_000
    with pytest.raises(SystemExit, match="liar"):
        in_sql(tmp_path, [stays])


def test_hours_and_shares_are_those_of_the_windows(tmp_path):
    lines = [line("somebody", [("view_card", "crd_a", 0), ("forward", "crd_a", 1), ("open_chat", "crd_a", 2)])]
    behaviour = in_sql(tmp_path, lines)["behaviour"]["crd_a"]["last_7_days"]
    assert behaviour["active_hours"] == [0] * 12 + [3] + [0] * 11
    assert behaviour["shares"]["card"] == behaviour["interests"]["card"] == 1


def test_beyond_a_days_limit_on_two_cards_each_card_has_bounds_and_the_company_is_exact(tmp_path):
    # Five a day count: seven on two cards, two of them in another hour, and once more on one card alone.
    first = [("grant_phone", "crd_a", second) for second in range(4)] + [("grant_phone", "crd_b", second) for second in range(4, 7)]
    made = line("eager", first)
    for event in made["batch"]["events"][5:]:
        event["at"] = event["at"].replace("T12", "T11")
    alone = line("alone", [("grant_phone", "crd_a", second) for second in range(6)])
    seen = in_sql(tmp_path, [made, alone])
    live = seen["live"]["2026-11-21"]
    assert live["company"]["today"]["by_kind"]["grant_phone"] == 10
    assert live["company"]["filtered"]["total"] == of(daily_limit=3)
    # Of four and three, two are held back; of the six that are alone, one.
    assert live["crd_a"]["today"]["by_kind"]["grant_phone"] == {"at_least": 2 + 5, "at_most": 4 + 5}
    assert live["crd_b"]["today"]["by_kind"]["grant_phone"] == {"at_least": 1, "at_most": 3}
    assert live["crd_a"]["filtered"]["last_7_days"] == {**of(), "daily_limit": {"at_least": 1, "at_most": 3}}
    assert live["crd_a"]["today"]["by_kind"]["call"] == 0
    hours = seen["behaviour"]["company"]["last_7_days"]["active_hours"]
    assert (hours[11], hours[12]) == ({"at_least": 0, "at_most": 2}, {"at_least": 8, "at_most": 10})


def test_beyond_a_days_limit_what_is_no_sum_is_told_apart(tmp_path):
    saves = [("save_phone", card, second) for card in ("crd_a", "crd_b") for second in range(11)]
    with pytest.raises(SystemExit, match="save_phone"):
        in_sql(tmp_path, [line("saver", saves)])
