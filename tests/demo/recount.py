#!/usr/bin/env python3
"""Recounts the radar's numbers from the input file alone.

What belongs here: the counting rules, written as plainly as possible. This program
knows nothing of the table, of counters or of the API: it keeps every event in a list
and counts with loops and sets. Do not make it clever; it is what the clever code is
checked against.

    python tests/demo/recount.py day.jsonl --now 2026-11-21T15:00:00+08:00

Prints {"cards": {card_id: SCOPE}, "company": SCOPE}, where SCOPE is
{"today": ..., "windows": ...} as the API answers them. A line may carry
"received_at"; then its batch is moved into the seven days before it, as the API does.
Identities that are one person can be named with --same a,b,c, once for each person.
"""

import argparse
import json
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
VIEW_KINDS = {"view_card", "view_product", "view_article", "view_video", "view_website"}
TITLE_MAX = 60

# What one person can do: most of a kind on one card in a minute of the clock, and most in a day.
PER_MINUTE = {"view_card": 20, "view_product": 20, "view_article": 20, "view_video": 20, "view_website": 20, "forward": 10}
PER_DAY = {
    "view_card": 100, "view_product": 200, "view_article": 100, "view_video": 100, "view_website": 50, "forward": 50,
    "save_phone": 20, "like": 50, "unlike": 50, "copy_wechat_id": 20, "call": 20, "open_chat": 50, "grant_phone": 5,
    "dwell": 550,
}
# Stays of a day: three hours at most, and no longer than the time they are in and five minutes.
DWELL_MS_PER_DAY = 3 * 3_600_000
DWELL_SLACK_MS = 5 * 60_000


def parse_time(text):
    """RFC 3339 to a Shanghai time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(SHANGHAI)


def server_times(batch, received):
    """When the events of a batch happened by the server's clock: all are moved by the same."""
    claimed = [parse_time(event["at"]) for event in batch["events"]]
    tick = timedelta(milliseconds=1)
    gaps = []
    for number in range(1, len(claimed)):
        # A like, or its removal, is never at the instant of what was done before.
        least = tick if batch["events"][number]["kind"] in ("like", "unlike") else timedelta(0)
        gaps.append(max(claimed[number] - claimed[number - 1], least))
    # No batch is longer than seven days: the clock was set in its longest pause.
    while sum(gaps, timedelta(0)) > timedelta(days=7):
        gaps[gaps.index(max(gaps))] = tick
    last = claimed[-1]
    if "sent_at" in batch:
        last += received - parse_time(batch["sent_at"])
    first_of_last = received - timedelta(days=7) + sum(gaps, timedelta(0))
    times = [min(max(last, first_of_last), received)]
    for gap in reversed(gaps):
        times.insert(0, times[0] - gap)
    return times


def one_name(same):
    """The name of the person for each identity that has others: the first of them."""
    return {identity: identities[0] for identities in same for identity in identities}


def reason_to_hold(event, before):
    """Why an event is more than one person can do, after the counted ones before it; None if it is not."""
    alike = [one for one in before if one["person"] == event["person"] and one["day"] == event["day"]]
    of_kind = [one for one in alike if one["kind"] == event["kind"]]
    minute = event["at"].replace(second=0, microsecond=0)
    of_minute = [
        one for one in of_kind
        if one["card"] == event["card"] and one["at"].replace(second=0, microsecond=0) == minute
    ]
    if event["kind"] in PER_MINUTE and len(of_minute) >= PER_MINUTE[event["kind"]]:
        return "burst"
    if len(of_kind) >= PER_DAY[event["kind"]]:
        return "daily_limit"
    if event["kind"] != "dwell":
        return None
    alike = alike + [event]
    began = min(one["at"] - timedelta(milliseconds=one["duration_ms"]) for one in alike)
    ended = max(one["at"] for one in alike)
    stayed = sum(one["duration_ms"] for one in alike)
    if stayed > (ended - began) / timedelta(milliseconds=1) + DWELL_SLACK_MS:
        return "dwell_time"
    return "daily_limit" if stayed > DWELL_MS_PER_DAY else None


def hold_back(events):
    """Gives each event that is more than a person can do its reason, in the order they came."""
    counted_of = {}
    for event in events:
        before = counted_of.setdefault((event["person"], event["day"]), [])
        event["held"] = reason_to_hold(event, before)
        if event["held"] is None:
            before.append(event)
    return events


def object_of(event):
    """What an event is about: type, id and title."""
    named = event.get("object") or {"type": "website" if event["kind"] == "view_website" else "card"}
    title = named.get("title")
    if title is not None and len(title) > TITLE_MAX:
        title = title[:TITLE_MAX - 1] + "…"
    return named["type"], named.get("id"), title


def read_all_events(lines, same=()):
    """Every event as {person, card, kind, at, day, duration_ms, object, held}; `held` is the reason why it does not count."""
    names = one_name(same)
    events = []
    seen_messages = set()
    for line in lines:
        message = (line["person"], line["batch"]["batch_id"])
        if message in seen_messages:
            continue
        seen_messages.add(message)
        if "received_at" in line:
            times = server_times(line["batch"], parse_time(line["received_at"]))
        else:
            times = [parse_time(event["at"]) for event in line["batch"]["events"]]
        # Its cards are judged one after the other.
        for event, at in sorted(zip(line["batch"]["events"], times), key=lambda pair: pair[0]["card_id"]):
            events.append({
                "person": names.get(line["person"], line["person"]),
                "card": event["card_id"],
                "kind": event["kind"],
                "at": at,
                "day": at.date(),
                "duration_ms": event.get("duration_ms", 0),
                "object": object_of(event),
            })
    return hold_back(events)


def read_events(lines, same=()):
    """Every counted event."""
    return [event for event in read_all_events(lines, same) if event["held"] is None]


def save_days(events):
    """The day of the earliest save of each (person, card)."""
    earliest = {}
    for event in events:
        if event["kind"] == "save_phone":
            pair = (event["person"], event["card"])
            if pair not in earliest or event["at"] < earliest[pair]:
                earliest[pair] = event["at"]
    return [at.date() for at in earliest.values()]


def like_days(events):
    """The day of the latest like of each (person, card) whose last word is a like."""
    latest = {}
    for event in events:
        if event["kind"] in ("like", "unlike"):
            pair = (event["person"], event["card"])
            # At the same moment unlike is the last word.
            rank = (event["at"], 1 if event["kind"] == "unlike" else 0)
            if pair not in latest or rank > latest[pair]:
                latest[pair] = rank
    return [at.date() for at, unliked in latest.values() if not unliked]


def first_view_days(events):
    """The day of each person's first view in the scope."""
    first = {}
    for event in events:
        if event["kind"] in VIEW_KINDS:
            person = event["person"]
            if person not in first or event["day"] < first[person]:
                first[person] = event["day"]
    return list(first.values())


def count_window(events, first_day, last_day):
    """The nine metrics of one window; `first_day` None means the lifetime."""
    def inside(day):
        return (first_day is None or day >= first_day) and day <= last_day

    in_window = [event for event in events if inside(event["day"])]
    return {
        "from": None if first_day is None else first_day.isoformat(),
        "to": last_day.isoformat(),
        "visitors": len({event["person"] for event in in_window if event["kind"] in VIEW_KINDS}),
        "views": len([event for event in in_window if event["kind"] in VIEW_KINDS]),
        "follow_ups": 0,
        "customers_talked_to": len({event["person"] for event in in_window if event["kind"] == "open_chat"}),
        "sales_fen": 0,
        "orders": 0,
        "forwards": len([event for event in in_window if event["kind"] == "forward"]),
        # Looked up in all events: the deciding event may be outside the window.
        "saves": len([day for day in save_days(events) if inside(day)]),
        "likes": len([day for day in like_days(events) if inside(day)]),
    }


def count_today(events, today):
    """The overview of one day."""
    window = count_window(events, today, today)
    of_today = [event for event in events if event["day"] == today]
    by_kind = {}
    for event in of_today:
        by_kind[event["kind"]] = by_kind.get(event["kind"], 0) + 1
    return {
        "day": today.isoformat(),
        "visitors": window["visitors"],
        "new_visitors": len([day for day in first_view_days(events) if day == today]),
        "views": window["views"],
        "talked_to": window["customers_talked_to"],
        "forwards": window["forwards"],
        "saves": window["saves"],
        "likes": window["likes"],
        "dwell_ms": sum(event["duration_ms"] for event in of_today if event["kind"] == "dwell"),
        "by_kind": by_kind,
    }


def with_previous(events, last_day, days):
    """A window of so many days, and as many days right before it."""
    window = count_window(events, last_day - timedelta(days=days - 1), last_day)
    last_before = last_day - timedelta(days=days)
    window["previous"] = count_window(events, last_before - timedelta(days=days - 1), last_before)
    return window


def count_scope(events, today):
    """All numbers of the radar for one scope (a card, or the company)."""
    return {
        "today": count_today(events, today),
        "windows": {
            "total": {**count_window(events, None, today), "previous": None},
            "yesterday": with_previous(events, today - timedelta(days=1), 1),
            "last_7_days": with_previous(events, today, 7),
            "last_30_days": with_previous(events, today, 30),
        },
    }


def recount(lines, now, same=()):
    """The radar of every card and of the company as of `now` (RFC 3339 text).

    `same` lists the identities of each person who has several.
    """
    events = read_events(lines, same)
    today = parse_time(now).date()
    cards = sorted({event["card"] for event in events})
    return {
        "cards": {card: count_scope([event for event in events if event["card"] == card], today) for card in cards},
        "company": count_scope(events, today),
    }


def read_lines(path):
    """The JSON lines of a file."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def main():
    """The command line."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("file")
    args.add_argument("--now", required=True, help="RFC 3339: which day is today")
    args.add_argument("--same", action="append", default=[], help="identities of one person, with commas")
    given = args.parse_args()
    same = [text.split(",") for text in given.same]
    print(json.dumps(recount(read_lines(given.file), given.now, same), ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
