#!/usr/bin/env python3
"""Makes one realistic day of visitors, always the same for the same arguments.

What belongs here: how people behave (journeys, office hours, offline phones).
What does not: how the numbers are counted (recount.py) or sent (the caller).

Each output line is {"person": "v001", "batch": {...}}; `batch` is the exact body
of POST /v1/events, `person` names who has to send it.

    python tests/demo/day.py --seed 7 --until 2026-11-21T15:00:00+08:00 \
        --cards crd_a,crd_b,crd_c --out day.jsonl
"""

import argparse
import base64
import json
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

SHANGHAI = timezone(timedelta(hours=8))
SPAN_MS = 30 * 3_600_000
CATALOGUE = Path(__file__).with_name("catalogue.json")

# How busy each hour of the day is in Shanghai: two office peaks and an evening.
HOUR_WEIGHT = [1, 1, 1, 1, 1, 1, 2, 5, 12, 20, 22, 18, 14, 16, 20, 22, 18, 14, 10, 10, 12, 10, 6, 3]
# A day with a short "today" (it is just after midnight) still gets this share of it.
TODAY_SHARE = 0.15


def uuid7(at_ms, rng):
    """The 16 bytes of a UUIDv7 made at `at_ms`."""
    value = (at_ms << 80) | (0x7 << 76) | (rng.getrandbits(12) << 64) | (0b10 << 62) | rng.getrandbits(62)
    return value.to_bytes(16, "big")


def uuid_text(raw):
    """The usual 8-4-4-4-12 form."""
    digits = raw.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def wire_id(prefix, raw):
    """`prefix` and 26 characters of base32hex in lower case, as every id on the wire."""
    return prefix + base64.b32hexencode(raw).decode().rstrip("=").lower()


def rfc3339(at_ms):
    """Milliseconds since the epoch as Shanghai time."""
    moment = datetime.fromtimestamp(at_ms // 1000, SHANGHAI)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}+08:00"


def parse_ms(text):
    """An RFC 3339 time as milliseconds since the epoch."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"time without an offset: {text}")
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


class Journey:
    """One visit of one person to one card: events one after the other."""

    def __init__(self, rng, catalogue, card, share_code):
        self.rng, self.catalogue = rng, catalogue
        self.card, self.share_code = card, share_code
        self.clock_ms = 0
        self.events = []

    def act(self, kind, pause_ms=(400, 4_000), **fields):
        """Adds one event; its time is relative to the start of the visit."""
        if self.events:
            self.clock_ms += self.rng.randint(*pause_ms)
        event = {"kind": kind, "card_id": self.card, "at": self.clock_ms}
        if self.share_code:
            event["share_code"] = self.share_code
        event.update(fields)
        self.events.append(event)

    def look_at(self, group, seconds):
        """Opens one product, article or video and leaves it after a while."""
        thing = self.rng.choice(self.catalogue[group])
        kind = {"products": "product", "articles": "article", "videos": "video"}[group]
        shown = {"type": kind, "id": thing["id"], "title": thing["title"]}
        stayed_ms = self.rng.randint(seconds[0] * 1000, seconds[1] * 1000)
        self.act(f"view_{kind}", object=shown)
        self.act("dwell", (stayed_ms, stayed_ms), object=shown, duration_ms=stayed_ms)
        if self.rng.random() < 0.08:
            self.act("forward", object=shown, share_code=new_share_code(self.rng))


def new_share_code(rng):
    """A share code as the mini-program makes it."""
    return "s-" + "".join(rng.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz") for _ in range(10))


def visit(rng, catalogue, card, share_code, memory):
    """One visit. `memory` keeps the person's earlier actions on this card."""
    walk = Journey(rng, catalogue, card, share_code)
    walk.act("view_card")
    if rng.random() < 0.6:
        stayed_ms = rng.randint(1_500, 45_000)
        walk.act("dwell", (stayed_ms, stayed_ms), duration_ms=stayed_ms, object={"type": "card"})
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 4))):
        group = rng.choice(("products", "products", "products", "articles", "videos"))
        walk.look_at(group, {"products": (3, 90), "articles": (8, 240), "videos": (5, 120)}[group])
    if rng.random() < 0.15:
        walk.act("view_website", **({"object": {"type": "website"}} if rng.random() < 0.5 else {}))
    if rng.random() < 0.25:
        liked = memory.get("liked", False)
        walk.act("unlike" if liked else "like")
        memory["liked"] = not liked
        if rng.random() < 0.2:  # a second thought in the same visit
            walk.act("like" if liked else "unlike", (900, 3_000))
            memory["liked"] = liked
    if rng.random() < 0.14:  # people save a number they have saved already
        walk.act("save_phone")
    if rng.random() < 0.10:
        walk.act("copy_wechat_id")
    if rng.random() < 0.08:
        walk.act("call")
    if rng.random() < 0.16:
        walk.act("open_chat")
    if rng.random() < 0.10 and not memory.get("granted"):
        walk.act("grant_phone")
        memory["granted"] = True
    if rng.random() < 0.18:
        walk.act("forward", object={"type": "card"}, share_code=new_share_code(rng))
    return walk.events


def start_time(rng, until_ms):
    """When a visit starts: within the last 30 hours, by the hour's weight."""
    midnight_ms = until_ms - (until_ms + 8 * 3_600_000) % 86_400_000
    first_ms = until_ms - SPAN_MS
    low, high = (midnight_ms, until_ms) if rng.random() < TODAY_SHARE else (first_ms, until_ms)
    while True:
        at_ms = rng.randint(low, high)
        hour = datetime.fromtimestamp(at_ms // 1000, SHANGHAI).hour
        if low == midnight_ms or rng.random() * max(HOUR_WEIGHT) < HOUR_WEIGHT[hour]:
            return at_ms


def place(events, start_ms, until_ms, taken):
    """Gives relative events their real times, never after `until`, never two at one millisecond."""
    start_ms = min(start_ms, until_ms - events[-1]["at"])
    placed = []
    for event in events:
        at_ms = start_ms + event["at"]
        while at_ms in taken:
            at_ms -= 1
        taken.add(at_ms)
        placed.append({**event, "at": at_ms})
    return sorted(placed, key=lambda event: event["at"])


def pack(rng, person, events, until_ms):
    """Cuts a visit into the batches the mini-program flushes."""
    offline = rng.random() < 0.04  # a lift, a tunnel: everything comes later in one batch
    lines, rest = [], list(events)
    while rest:
        size = 100 if offline else rng.choice((1, 3, 5, 8, 12, 20))
        part, rest = rest[:size], rest[size:]
        delay_ms = rng.randint(60_000, 3_600_000) if offline else rng.randint(50, 3_000)
        flushed_ms = min(part[-1]["at"] + delay_ms, until_ms)
        body = [{**event, "at": rfc3339(event["at"])} for event in part]
        batch = {"batch_id": uuid_text(uuid7(flushed_ms, rng)), "events": body}
        lines.append((flushed_ms, {"person": person, "batch": batch}))
    return lines


def make_day(seed, until, cards, visitors=150, events=2000):
    """All lines of the day, in the order in which the phones flushed them."""
    rng = random.Random(f"mingpian-day-{seed}")
    catalogue = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    until_ms = parse_ms(until)
    people = []
    for number in range(visitors):
        favourite = rng.choice(cards[:1] * 3 + cards)  # the first card is the busiest
        others = [card for card in cards if card != favourite]
        second = rng.choice(others) if others and rng.random() < 0.25 else None
        came_by = new_share_code(rng) if rng.random() < 0.4 else None
        people.append({"name": f"v{number + 1:03d}", "cards": [favourite] + ([second] if second else []),
                       "share_code": came_by, "memory": {}, "taken": set()})
    lines, made, turn = [], 0, 0
    while turn < visitors or made < events:
        person = people[turn] if turn < visitors else rng.choice(people)
        # Everybody looks at the second card once; later visits go where they like.
        for card in person["cards"] if turn < visitors else [rng.choice(person["cards"])]:
            memory = person["memory"].setdefault(card, {})
            walk = visit(rng, catalogue, card, person["share_code"], memory)
            placed = place(walk, start_time(rng, until_ms), until_ms, person["taken"])
            lines += pack(rng, person["name"], placed, until_ms)
            made += len(placed)
        turn += 1
    lines.sort(key=lambda line: (line[0], line[1]["batch"]["batch_id"]))
    return [line for _, line in lines]


def write(lines, path):
    """JSON lines, UTF-8, Chinese as it is."""
    with open(path, "w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    """The command line."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--seed", type=int, required=True)
    args.add_argument("--until", required=True, help="RFC 3339; no event is later")
    args.add_argument("--cards", required=True, help="card ids, separated by commas")
    args.add_argument("--out", required=True)
    args.add_argument("--visitors", type=int, default=150)
    args.add_argument("--events", type=int, default=2000, help="at least so many")
    given = args.parse_args()
    lines = make_day(given.seed, given.until, given.cards.split(","), given.visitors, given.events)
    write(lines, given.out)
    events = sum(len(line["batch"]["events"]) for line in lines)
    print(f"{events} events of {given.visitors} visitors in {len(lines)} batches -> {given.out}")


if __name__ == "__main__":
    main()
