"""Makes event batches of two public streams: who did something, to what, and when, is real.

What belongs here: which action a row of the stream becomes, and how rows are cut into batches.
What does not: where the rows come from (scripts/lib/streams.py), sending and counting.

A row is (seconds, person, thing, mark, title). All times of a stretch are moved by the same, so
that its last row happened at `until`: the distances stay as they were. Purchases are known by
their day only and last for 18 months; their distances are scaled to fit into a week.

A line is {"person", "batch"} as in day.py. All events of a person in a minute of the clock stand
in one batch: which of them are more than a person can do does not depend on the order of batches.
"""

import random

from day import rfc3339, uuid7, uuid_text, wire_id

SPAN_MS = 596_160_000  # 6.9 days: a batch may arrive two hours after the run has begun
BATCH_MAX = 100
SITTING_S = 1_800
PAUSE_S = 600
PREFIXES = {"product": "prd_", "article": "art_", "video": "vid_"}


def thing_id(type_, number):
    """The id of a thing of the stream: always the same, in the order of its numbers."""
    return wire_id(PREFIXES[type_], uuid7(800_000_000_000 + number, random.Random(number)))


def film_events(row, past, cards):
    """What a rating of a film becomes: (kind, card, fields). `past` is what the person did before."""
    seconds, _, film, mark, (title, genre) = row
    type_ = {"Drama": "video", "Comedy": "article"}.get(genre, "product")
    card, thing = cards[film % len(cards)], {"type": type_, "id": thing_id(type_, film), "title": title}
    events, last = [], past.get("last")
    if last is None or seconds - last[0] > SITTING_S:
        events.append(("view_card", card, {}))
    elif 0 < seconds - last[0] <= PAUSE_S:
        events.append(("dwell", last[1], {"object": last[2], "duration_ms": (seconds - last[0]) * 1_000}))
    events.append((f"view_{type_}", card, {"object": thing}))
    kinds = {5: ["forward"], 4: ["like"], 2: ["unlike"], 1: ["unlike"]}.get(mark, [])
    past["rows"] = past.get("rows", 0) + 1
    for every, kind in ((10, "open_chat"), (15, "view_website"), (25, "save_phone"), (50, "call"), (75, "grant_phone")):
        if past["rows"] % every == 0:
            kinds.append(kind)
    events += [(kind, card, {"object": thing} if kind == "forward" else {}) for kind in kinds]
    past["last"] = (seconds, card, thing)
    return events


def purchase_events(row, past, cards):
    """What a purchase of CDs becomes; `mark` is how many they were, the thing their price in dollars."""
    _, _, price, discs, title = row
    card = cards[price % len(cards)]
    thing = {"type": "product", "id": thing_id("product", price), "title": title}
    events = [("view_card", card, {}), ("view_product", card, {"object": thing})]
    events.append(("dwell", card, {"object": thing, "duration_ms": 15_000 * discs}))
    spent, again = price * discs, past.get("rows", 0) > 0
    past["rows"] = past.get("rows", 0) + 1
    for wanted, kind in (
        (not again, "save_phone"), (again and discs > 1, "like"), (again and discs == 1, "unlike"), (discs >= 3, "forward"),
        (spent >= 50, "open_chat"), (spent >= 75, "copy_wechat_id"), (spent >= 100, "call"), (price == 0, "view_website"),
    ):
        if wanted:
            events.append((kind, card, {"object": thing} if kind == "forward" else {}))
    return events


def made_events(rows, make, cards, until_ms, scale):
    """The events of each person in their order, at their new times, and the lists of whole minutes of them."""
    last, pasts, people = rows[-1][0], {}, {}
    for row in rows:
        at_ms = until_ms - round((last - row[0]) * 1_000 * scale)
        past = pasts.setdefault(row[1], {})
        for kind, card, fields in make(row, past, cards):
            people.setdefault(row[1], []).append({"kind": kind, "card_id": card, "at": at_ms, **fields})
    return people


def minutes(events):
    """Lists of the events of one minute of the clock each."""
    found = []
    for event in events:
        if not found or found[-1][0]["at"] // 60_000 != event["at"] // 60_000:
            found.append([])
        found[-1].append(event)
    return found


def batches(events, rng):
    """Cuts a person's events into batches of whole minutes."""
    made, size = [], 0
    for minute in minutes(events):
        if len(minute) > BATCH_MAX:
            raise ValueError(f"{len(minute)} events in a minute")
        if not made or len(made[-1]) >= size or len(made[-1]) + len(minute) > BATCH_MAX:
            made.append([])
            size = rng.choice((1, 5, 10, 40, 80))
        made[-1] += minute
    return made


def make_lines(rows, make, cards, until_ms, scale=1.0):
    """The lines of a stretch of a stream, in the order in which phones would send them."""
    rng, lines = random.Random("mingpian-streams"), []
    for person, events in made_events(rows, make, cards, until_ms, scale).items():
        for part in batches(events, rng):
            flushed_ms = min(part[-1]["at"] + rng.randint(50, 3_000), until_ms)
            body = [{**event, "at": rfc3339(event["at"])} for event in part]
            batch = {"batch_id": uuid_text(uuid7(flushed_ms, rng)), "events": body}
            lines.append((flushed_ms, {"person": person, "batch": batch}))
    lines.sort(key=lambda line: (line[0], line[1]["batch"]["batch_id"]))
    return [line for _, line in lines]


def stretches(rows):
    """Cuts a stream into the parts that fit into the days that events may be old."""
    found = []
    for row in rows:
        if not found or row[0] - found[-1][0][0] > SPAN_MS // 1_000:
            found.append([])
        found[-1].append(row)
    return found


def first_events(rows, make, cards, most):
    """The first rows of a stretch that become at least so many events."""
    pasts, made = {}, 0
    for number, row in enumerate(rows, 1):
        made += len(make(row, pasts.setdefault(row[1], {}), cards))
        if made >= most:
            return rows[:number]
    return rows
