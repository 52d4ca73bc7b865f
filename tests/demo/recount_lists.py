"""Recounts what recount.py leaves out: charts, analyses, lists, funnel, customers and feeds.

What belongs here: the counting rules of these routes, as plainly as possible, on the events of
recount.read_all_events. Answers have the shape of the API's, without what no count decides: names,
texts, close rates and best hours.
"""

from datetime import timedelta

from recount import VIEW_KINDS, count_window

TYPES = ("card", "product", "article", "video", "website")
LISTED_TYPES = ("product", "article", "video")
REASONS = ("bot", "own", "colleague", "burst", "daily_limit", "dwell_time", "reused_batch", "anonymous", "unknown_share")
METRICS = (
    "visitors", "views", "follow_ups", "customers_talked_to", "sales_fen", "orders", "forwards", "saves", "likes",
)
ROWS = 100
PROFILED_MAX = 97
LONG_STAY_MS = 30_000
# Which evidence an event is; a like is evidence while it is in force.
FEATURES = {
    "view_card": "view_card", "view_product": "view_product", "view_article": "view_content",
    "view_video": "view_content", "view_website": "view_content", "forward": "forward", "save_phone": "save",
    "copy_wechat_id": "contact", "call": "contact", "open_chat": "chat", "grant_phone": "grant_phone",
}
ALL_FEATURES = (
    "view_card", "view_product", "view_content", "long_stay", "forward", "like", "save", "contact", "chat", "grant_phone",
)


def windows(today):
    """First and last day of each window that a list takes."""
    yesterday = today - timedelta(days=1)
    return {
        "yesterday": (yesterday, yesterday),
        "last_7_days": (today - timedelta(days=6), today),
        "last_30_days": (today - timedelta(days=29), today),
    }


def inside(events, first, last):
    """The events of a window; `first` None means the lifetime."""
    return [event for event in events if (first is None or event["day"] >= first) and event["day"] <= last]


def tally(names):
    """How often each name occurs."""
    counts = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return counts


def days(events, today, back=29):
    """The nine metrics of each day."""
    every = [today - timedelta(days=number) for number in range(back, -1, -1)]
    return [count_window(events, day, day) for day in every]


def parts(counts):
    """Counts by type, with basis points that add up to 10,000: what is left over goes to the largest remainders."""
    whole = sum(counts.values())
    points = {name: counts.get(name, 0) * 10_000 // whole if whole else 0 for name in TYPES}
    by_remainder = sorted(TYPES, key=lambda name: -(counts.get(name, 0) * 10_000 % whole) if whole else 0)
    for name in by_remainder[:10_000 - sum(points.values()) if whole else 0]:
        points[name] += 1
    return [{"type": name, "count": counts.get(name, 0), "basis_points": points[name]} for name in TYPES]


def behaviour(events, first, last):
    """What is passed on and looked at, and when."""
    within = inside(events, first, last)
    hours = tally(event["at"].hour for event in within)
    return {
        "from": first.isoformat(), "to": last.isoformat(),
        "shares": parts(tally(event["object"][0] for event in within if event["kind"] == "forward")),
        "interests": parts(tally(event["kind"].removeprefix("view_") for event in within if event["kind"] in VIEW_KINDS)),
        "active_hours": [hours.get(hour, 0) for hour in range(24)],
    }


def filtered(all_events, today):
    """Events that were held back, by window and reason."""
    spans = {"total": (None, today), **windows(today)}
    answers = {}
    for name, span in spans.items():
        counts = tally(event["held"] for event in inside(all_events, *span) if event["held"])
        answers[name] = {reason: counts.get(reason, 0) for reason in REASONS}
    return answers


def objects(events, first, last, type_):
    """The things with the most views; of equal ones the one with the smaller id."""
    viewed = [event["object"] for event in inside(events, first, last) if event["kind"] == f"view_{type_}"]
    titles = {ident: title for _, ident, title in viewed}
    ranked = sorted(tally(ident for _, ident, _ in viewed).items(), key=lambda pair: (-pair[1], pair[0]))
    return [{"type": type_, "id": ident, "title": titles[ident], "views": views} for ident, views in ranked[:ROWS]]


def forwards_by_person(events, first, last):
    """Pairs of person and forwards: the most first, of equal ones the smaller id."""
    counts = tally(event["person"] for event in inside(events, first, last) if event["kind"] == "forward")
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def sharers(events, first, last):
    """The people with the most forwards."""
    return [{"person_id": person, "forwards": count} for person, count in forwards_by_person(events, first, last)[:ROWS]]


def liked_cards(events):
    """When each (person, card) was liked, whose last word is a like."""
    last = {}
    for event in events:
        if event["kind"] in ("like", "unlike"):
            pair, word = (event["person"], event["card"]), (event["at"], event["kind"] == "unlike")
            last[pair] = max(last.get(pair, word), word)
    return {pair: at for pair, (at, unliked) in last.items() if not unliked}


def features_of(events):
    """The kinds of evidence that these events of one person are."""
    found = {FEATURES[event["kind"]] for event in events if event["kind"] in FEATURES}
    if any(event["kind"] == "dwell" and event["duration_ms"] >= LONG_STAY_MS for event in events):
        found.add("long_stay")
    return found | ({"like"} if liked_cards(events) else set())


def profile(events, first, last, everywhere):
    """What the sharers of a window have in common; their hours are those on all cards, `everywhere`."""
    ranked = forwards_by_person(events, first, last)
    people = [person for person, _ in ranked[:PROFILED_MAX]]
    own = by_person(events)
    did = tally(name for person in people for name in features_of(own[person]))
    hours = {(event["person"], event["day"], event["at"].hour) for event in everywhere if event["person"] in set(people)}
    by_hour = tally(hour for _, _, hour in hours)
    return {
        "from": first.isoformat(), "to": last.isoformat(),
        "sharers": len(ranked), "forwards": sum(count for _, count in ranked), "profiled": len(people),
        "did": [{"feature": name, "people": did.get(name, 0)} for name in ALL_FEATURES],
        "active_hours": [by_hour.get(hour, 0) for hour in range(24)],
        "people_in_bands": len(people),
    }


def shop_share(events, first, last):
    """Visitors of a window, and those who looked at a product."""
    within = inside(events, first, last)
    visitors = len({event["person"] for event in within if event["kind"] in VIEW_KINDS})
    shoppers = len({event["person"] for event in within if event["kind"] == "view_product"})
    return {
        "visitors": visitors, "shop_visitors": shoppers,
        "basis_points": shoppers * 10_000 // visitors if visitors else None,
    }


def shop_visits(events, today):
    """The share of visitors who looked at a product, in the four windows, each with the one before."""
    answers = {"total": {**shop_share(events, None, today), "previous": None}}
    for name, (first, last) in windows(today).items():
        before = first - timedelta(days=1)
        answers[name] = shop_share(events, first, last)
        answers[name]["previous"] = shop_share(events, before - (last - first), before)
    return answers


def by_person(events):
    """The events of each person."""
    found = {}
    for event in events:
        found.setdefault(event["person"], []).append(event)
    return found


def customers(events):
    """What each person did in the scope: with each card, and which evidence it is."""
    found = {}
    for person, own in by_person(events).items():
        liked, cards = liked_cards(own), {}
        for card in sorted({event["card"] for event in own}):
            views = [event["at"] for event in own if event["card"] == card and event["kind"] == "view_card"]
            saves = [event["at"] for event in own if event["card"] == card and event["kind"] == "save_phone"]
            cards[card] = {
                "opened": len(views), "last_opened_at": max(views, default=None),
                "liked_at": liked.get((person, card)), "saved_at": min(saves, default=None),
            }
        found[person] = {"cards": cards, "evidence": sorted(features_of(own))}
    return found


def rankings(windows_of_cards, members, metric, window):
    """The members in the order of a metric: equal ones share a place."""
    values = {member: windows_of_cards[card][window][metric] for member, card in members.items()}
    rows = {
        member: {"value": value, "place": 1 + len([other for other in values.values() if other > value])}
        for member, value in values.items()
    }
    first = [member for member, row in rows.items() if row["place"] == 1 and row["value"] > 0]
    return {"rows": rows, "champion": first[0] if len(first) == 1 else None}
