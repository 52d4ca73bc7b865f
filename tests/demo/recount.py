#!/usr/bin/env python3
"""Recounts the radar's numbers from the input file alone.

What belongs here: the counting rules, written as plainly as possible. This program
knows nothing of the table, of counters or of the API: it keeps every event in a list
and counts with loops and sets. Do not make it clever; it is what the clever code is
checked against.

    python tests/demo/recount.py day.jsonl --now 2026-11-21T15:00:00+08:00

Prints {"cards": {card_id: SCOPE}, "company": SCOPE}, where SCOPE is
{"today": ..., "windows": ...} as the API answers them. A line may carry
"received_at"; then times are clamped to the seven days before it, as the API does.
Identities that are one person can be named with --same a,b,c, once for each person.
"""

import argparse
import json
from datetime import datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))
VIEW_KINDS = {"view_card", "view_product", "view_article", "view_video", "view_website"}


def parse_time(text):
    """RFC 3339 to a Shanghai time."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(SHANGHAI)


def one_name(same):
    """The name of the person for each identity that has others: the first of them."""
    return {identity: identities[0] for identities in same for identity in identities}


def read_events(lines, same=()):
    """Every counted event as {person, card, kind, at, day, duration_ms}."""
    names = one_name(same)
    events = []
    seen_messages = set()
    for line in lines:
        message = (line["person"], line["batch"]["batch_id"])
        if message in seen_messages:
            continue
        seen_messages.add(message)
        for event in line["batch"]["events"]:
            at = parse_time(event["at"])
            if "received_at" in line:
                received = parse_time(line["received_at"])
                at = min(max(at, received - timedelta(days=7)), received)
            events.append({
                "person": names.get(line["person"], line["person"]),
                "card": event["card_id"],
                "kind": event["kind"],
                "at": at,
                "day": at.date(),
                "duration_ms": event.get("duration_ms", 0),
            })
    return events


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
