#!/usr/bin/env python3
"""Recounts the events that `scripts/lab million` has sent, from its input file alone, with DuckDB.

What belongs here: the counting rules in SQL. Like tests/demo/recount.py, this program knows
nothing of the table, of counters or of the API; unlike it, it is quick enough for a million
events and any number of days.

    python tests/lab/recount_sql.py million.jsonl --first 2026-11-21 --last 2026-12-30

A line is a request: sender, time of arrival, User-Agent, the sender's own card if they are a
member, and the batch. Prints the numbers that the radar must show

    live       at the end of each day, of the events received until then: {day: {scope: ANSWERS}}
    afterwards of each day after all events were received, without the lifetime: {day: {scope: ANSWERS}}
    days       day by day, after all events were received: {scope: [METRICS]}
    behaviour  on the last day: {scope: {window: {shares, interests, active_hours}}}

where a scope is a card or "company", and ANSWERS are {"metrics", "today", "filtered"}.

Of somebody who does more of a kind in a day than a person can do, as many count as the limit allows;
which of them depends on the order of delivery (ADR 0022). A number that depends on it, say of one of
two cards, is {"at_least", "at_most"}: it must lie between. The numbers of the company do not.
"""

import argparse
import json
from collections import Counter
from datetime import date, timedelta
from itertools import groupby

import duckdb

KINDS = (
    "view_card", "view_product", "view_article", "view_video", "view_website", "forward", "save_phone", "like",
    "unlike", "copy_wechat_id", "call", "open_chat", "grant_phone", "dwell",
)
TYPES = ("card", "product", "article", "video", "website")
REASONS = (
    "bot", "own", "colleague", "burst", "daily_limit", "dwell_time", "reused_batch", "anonymous", "unknown_share",
)
# What one person can do: kind, most on one card in a minute of the clock (None: no limit of its own), most in a day.
LIMITS = (
    ("view_card", 20, 100), ("view_product", 20, 200), ("view_article", 20, 100), ("view_video", 20, 100),
    ("view_website", 20, 50), ("forward", 10, 50), ("save_phone", None, 20), ("like", None, 50), ("unlike", None, 50),
    ("copy_wechat_id", None, 20), ("call", None, 20), ("open_chat", None, 50), ("grant_phone", None, 5), ("dwell", None, 550),
)
# Claims of who has not logged in are told apart; they count.
STRONG = ("call", "grant_phone", "save_phone", "copy_wechat_id", "open_chat")
DWELL_MS_PER_DAY = 3 * 3_600_000
DWELL_SLACK_MS = 5 * 60_000
# Parts of the user agents of the crowd's crawlers, and of those in the tests.
CRAWLERS = ("mpcrawler", "googlebot")
EPOCH = date(1970, 1, 1)
LATE_DAYS = 7
LAST_DAYS = 7
FOREVER = 1_000_000

# Days are numbers since 1970-01-01 in Shanghai, times are Unix milliseconds.
EVENTS = """
CREATE MACRO day_of(ms) AS (ms + 28800000) // 86400000;

CREATE TABLE request AS
SELECT row_number() OVER () AS request, person, lower(agent) AS agent, member_card, anonymous, batch.events AS events,
       epoch_ms(CAST(received_at AS TIMESTAMPTZ)) AS received
FROM read_json($file, format = 'newline_delimited', columns = {
    person: 'VARCHAR', received_at: 'VARCHAR', agent: 'VARCHAR', member_card: 'VARCHAR', anonymous: 'BOOLEAN',
    batch: 'STRUCT(batch_id VARCHAR, events STRUCT(kind VARCHAR, card_id VARCHAR, "at" VARCHAR,
            object STRUCT("type" VARCHAR, id VARCHAR), duration_ms BIGINT)[])'})
-- What is sent again counts once.
QUALIFY row_number() OVER (PARTITION BY person, batch.batch_id ORDER BY received) = 1;

CREATE TABLE sent AS
SELECT request, person, agent, member_card, coalesce(anonymous, false) AS anonymous, received, place, event.kind AS kind, event.card_id AS card,
       event.object."type" AS type, event.object.id AS id, coalesce(event.duration_ms, 0) AS dwell,
       epoch_ms(CAST(event."at" AS TIMESTAMPTZ)) AS claimed
FROM (SELECT *, unnest(events) AS event, generate_subscripts(events, 1) AS place FROM request);

CREATE TABLE judged AS
SELECT request, place, person, anonymous, kind, card, type, dwell, received, day_of(received) AS arrived,
       -- The events of a request are moved together into the seven days before it came in. They are in
       -- their order, and span less.
       claimed - max(claimed) OVER whole
           + least(greatest(max(claimed) OVER whole, received - 7 * 86400000 + max(claimed) OVER whole - min(claimed) OVER whole), received) AS ms,
       CASE WHEN regexp_matches(agent, $crawlers) THEN 'bot'
            WHEN member_card IS NOT NULL AND kind = 'forward' THEN NULL
            WHEN member_card = card THEN 'own'
            WHEN member_card IS NOT NULL THEN 'colleague' END AS reason
FROM sent WINDOW whole AS (PARTITION BY request);

-- How many of a kind somebody has done on a card in a minute, as the requests came in.
CREATE TABLE within_minute AS
SELECT request, place, count(*) OVER (PARTITION BY person, card, kind, ms // 60000 ORDER BY received, request, place) AS nth
FROM judged WHERE reason IS NULL;

-- And in a day, of those that are no burst.
CREATE TABLE within_day AS
SELECT request, place, count(*) OVER (PARTITION BY person, kind, day_of(ms) ORDER BY received, request, place) AS nth
FROM judged JOIN within_minute USING (request, place) JOIN most ON kind = of_kind WHERE per_minute IS NULL OR nth <= per_minute;

CREATE TABLE verdict AS
SELECT request, place, CASE WHEN m.nth > per_minute THEN 'burst' WHEN d.nth > per_day THEN 'daily_limit' END AS limited
FROM judged JOIN most ON kind = of_kind JOIN within_minute m USING (request, place)
LEFT JOIN within_day d USING (request, place);

CREATE TABLE event AS
SELECT scope, person, card, kind, type, dwell, arrived, ms, day_of(ms) AS day,
       ((ms + 28800000) % 86400000) // 3600000 AS hour,
       coalesce(reason, limited) AS reason,
       coalesce(reason, limited, CASE WHEN anonymous AND list_contains($strong, kind) THEN 'anonymous' END) AS held
FROM (SELECT *, unnest([card, 'company']) AS scope FROM judged)
LEFT JOIN verdict USING (request, place);
"""

# Whether a stay is too long depends on the order in which the queue delivers. Who stays no longer
# than the time that passes is right in any order; others would need the order.
TOO_LONG = """SELECT person, day_of(ms), sum(dwell) FROM judged JOIN verdict USING (request, place)
    WHERE reason IS NULL AND limited IS NULL GROUP BY ALL
    HAVING sum(dwell) > least(max(ms) - min(ms - dwell) + $slack, $per_day)"""

# What somebody has done of a kind in a day beyond the limit, and what of it is held back in this order.
BEYOND = """SELECT person, kind, day_of(ms) AS day, per_day, card, type, ((ms + 28800000) % 86400000) // 3600000 AS hour,
        arrived, anonymous AND list_contains($strong, kind) AS claim, limited IS NOT NULL AS held
    FROM judged JOIN verdict USING (request, place) JOIN most ON kind = of_kind
    WHERE reason IS NULL AND limited IS DISTINCT FROM 'burst'
    QUALIFY count(*) OVER (PARTITION BY person, kind, day_of(ms)) > per_day
    ORDER BY person, kind, day"""
# Kinds of which it matters which one counts, not only how many.
NOT_SUMS = ("like", "unlike", "save_phone", "dwell", "open_chat")

# Sums that are the same at every moment are computed first.
SUMS = """
CREATE TABLE daily AS
SELECT scope, day, arrived, kind, reason, held, count(*) AS events, sum(dwell) AS dwell FROM event GROUP BY ALL;

-- When it was first known that somebody was there on a day.
CREATE TABLE presence AS
SELECT scope, audience, person, day, min(arrived) AS arrived
FROM (SELECT *, CASE WHEN kind LIKE 'view%' THEN 'visitors' WHEN kind = 'open_chat' THEN 'chat_starters' END AS audience
      FROM event WHERE reason IS NULL)
WHERE audience IS NOT NULL GROUP BY ALL;

CREATE TABLE moment AS SELECT DISTINCT as_of FROM span;

CREATE TABLE newcomer AS
SELECT as_of, scope, day, count(*) AS people
FROM (SELECT as_of, scope, person, min(day) AS day FROM presence JOIN moment ON arrived <= as_of
      WHERE audience = 'visitors' GROUP BY ALL)
GROUP BY ALL;

-- The earliest save of a person on a card.
CREATE TABLE save AS
SELECT as_of, scope, day_of(min(ms)) AS day FROM event JOIN moment ON arrived <= as_of
WHERE reason IS NULL AND kind = 'save_phone' GROUP BY as_of, scope, person, card;

-- The last word of a person on a card, if it is a like. At the same moment it is unlike.
CREATE TABLE liked AS
SELECT as_of, scope, day_of(max(ms)) AS day FROM event JOIN moment ON arrived <= as_of
WHERE reason IS NULL AND kind IN ('like', 'unlike') GROUP BY as_of, scope, person, card
HAVING max(ms * 2 + (kind = 'unlike')::INT) % 2 = 0;
"""

IN_SPANS = {
    "views": """SELECT as_of, today, name, scope, sum(events) FROM daily JOIN span
        ON day BETWEEN first AND last AND arrived <= as_of WHERE reason IS NULL AND kind LIKE 'view%' GROUP BY ALL""",
    "forwards": """SELECT as_of, today, name, scope, sum(events) FROM daily JOIN span
        ON day BETWEEN first AND last AND arrived <= as_of WHERE reason IS NULL AND kind = 'forward' GROUP BY ALL""",
    "visitors": """SELECT as_of, today, name, scope, count(DISTINCT person) FROM presence JOIN span
        ON day BETWEEN first AND last AND arrived <= as_of WHERE audience = 'visitors' GROUP BY ALL""",
    "customers_talked_to": """SELECT as_of, today, name, scope, count(DISTINCT person) FROM presence JOIN span
        ON day BETWEEN first AND last AND arrived <= as_of WHERE audience = 'chat_starters' GROUP BY ALL""",
    "saves": """SELECT as_of, today, name, scope, count(*) FROM save JOIN span
        USING (as_of) WHERE day BETWEEN first AND last GROUP BY ALL""",
    "likes": """SELECT as_of, today, name, scope, count(*) FROM liked JOIN span
        USING (as_of) WHERE day BETWEEN first AND last GROUP BY ALL""",
}
OF_KINDS = """SELECT as_of, today, name, scope, kind, sum(events), sum(dwell) FROM daily JOIN span
    ON day BETWEEN first AND last AND arrived <= as_of WHERE reason IS NULL GROUP BY ALL
    UNION ALL SELECT as_of, today, name, scope, held, sum(events), sum(dwell) FROM daily JOIN span
    ON day BETWEEN first AND last AND arrived <= as_of WHERE held IS NOT NULL GROUP BY ALL"""
BEHAVIOUR = """SELECT name, scope, kind, type, hour, count(*) FROM event JOIN span ON day BETWEEN first AND last
    WHERE reason IS NULL AND as_of = $last AND today = $last GROUP BY ALL"""


def number(day):
    """The number of a day."""
    return (day - EPOCH).days


def text(day):
    """A day's number as a date."""
    return (EPOCH + timedelta(days=day)).isoformat()


def spans(today):
    """Name, first and last day of each window, of the window before it, and of the day."""
    yield "total", None, today
    yield "today", today, today
    for name, last, days in (("yesterday", today - 1, 1), ("last_7_days", today, 7), ("last_30_days", today, 30)):
        yield name, last - days + 1, last
        yield f"{name} before", last - 2 * days + 1, last - days


class Beyond:
    """The events of somebody in a day beyond the limit of a kind."""

    def __init__(self, rows):
        self.kind, self.day, self.limit = rows[0][1:4]
        self.events = [(row[4], *row[5:]) for row in rows]
        of_cards = Counter(card for card, *_ in self.events)
        # On a card where all of them may be held back, the person may not have been at all.
        is_open = len(of_cards) > 1
        hidden = self.kind.startswith("view") and min(of_cards.values()) <= len(self.events) - self.limit
        if is_open and (hidden or self.kind in NOT_SUMS):
            raise SystemExit(f"{rows[0][0]} is on {len(of_cards)} cards beyond the limit of {self.kind}: more than sums depends on the order")

    def slack(self, as_of, scope, wanted):
        """How many fewer, and how many more, may count than in the order of sending, of those that are wanted."""
        there = [event for event in self.events if event[3] <= as_of]
        mine = [event for event in there if scope in (event[0], "company") and wanted(self.kind, *event[1:])]
        beyond, counted = max(0, len(there) - self.limit), sum(not event[5] for event in mine)
        most = len(mine) - max(0, len(mine) - self.limit)
        return len(mine) - min(len(mine), beyond) - counted, most - counted


def between(counted, low, high):
    """A number, or its bounds."""
    return counted if low == high == 0 else {"at_least": counted + low, "at_most": counted + high}


class Recount:
    """All numbers, by moment, day, window and scope."""

    def __init__(self, file, first, last, every):
        self.first, self.last = first, last
        self.asked = [day for day in range(first - LATE_DAYS, last + 1) if last - day < LAST_DAYS or (last - day) % every == 0]
        self.live = [day for day in self.asked if day >= first]
        self.db = duckdb.connect()
        self.db.execute("CREATE TABLE most (of_kind VARCHAR, per_minute INT, per_day INT)")
        self.db.executemany("INSERT INTO most VALUES (?, ?, ?)", LIMITS)
        crawlers = "|".join(CRAWLERS)
        for statement in duckdb.extract_statements(EVENTS):
            given = {"file": str(file), "crawlers": crawlers, "strong": list(STRONG)}
            self.db.execute(statement, {name: given[name] for name in statement.named_parameters})
        too_long = self.db.execute(TOO_LONG, {"slack": DWELL_SLACK_MS, "per_day": DWELL_MS_PER_DAY}).fetchall()
        if too_long:
            raise SystemExit(f"stays that are longer than the time they are in: {too_long[:3]}")
        rows = self.db.execute(BEYOND, {"strong": list(STRONG)}).fetchall()
        self.beyond = [Beyond(list(of)) for _, of in groupby(rows, key=lambda row: row[:3])]
        self.db.execute("CREATE TABLE span (as_of INT, today INT, name VARCHAR, first INT, last INT)")
        asked = {(day, day) for day in self.live} | {(last, day) for day in range(first - LATE_DAYS, last + 1)}
        rows = [
            (as_of, today, name, -FOREVER if begin is None else begin, FOREVER if begin is None else end)
            for as_of, today in sorted(asked) for name, begin, end in spans(today)
        ]
        self.db.executemany("INSERT INTO span VALUES (?, ?, ?, ?, ?)", rows)
        self.db.execute(SUMS)
        self.scopes = [scope for scope, in self.db.execute("SELECT DISTINCT scope FROM event ORDER BY scope").fetchall()]
        self.numbers = {name: self.keyed(sql, 4) for name, sql in IN_SPANS.items()}
        self.kinds = self.keyed(OF_KINDS, 5)
        self.newcomers = self.keyed("SELECT as_of, scope, day, people FROM newcomer", 3)
        self.behaved = self.db.execute(BEHAVIOUR, {"last": last}).fetchall()

    def keyed(self, sql, width):
        """The rows of a query by their first columns."""
        return {row[:width]: row[width:] for row in self.db.execute(sql).fetchall()}

    def of(self, name, *key):
        """One number; 0 when there is none."""
        return int(self.numbers[name].get(key, (0,))[0])

    def of_kind(self, *key):
        """Events of a kind, or of a reason."""
        return int(self.kinds.get(key, (0, 0))[0])

    def slack(self, as_of, first, last, scope, wanted):
        """The slack of a sum of events of some days."""
        first, last = (-FOREVER, FOREVER) if first is None else (first, last)
        found = [group.slack(as_of, scope, wanted) for group in self.beyond if first <= group.day <= last]
        return sum(low for low, _ in found), sum(high for _, high in found)

    def kind(self, as_of, today, scope, kind):
        """Events of a kind on a day."""
        counted = self.of_kind(as_of, today, "today", scope, kind)
        return between(counted, *self.slack(as_of, today, today, scope, lambda of, *_: of == kind))

    def filtered(self, as_of, today, name, first, last, scope):
        """Events that are held back, by reason."""
        found = {reason: self.of_kind(as_of, today, name, scope, reason) for reason in REASONS}
        low, high = self.slack(as_of, first, last, scope, lambda *_: True)
        found["daily_limit"] = between(found["daily_limit"], -high, -low)
        claims = self.slack(as_of, first, last, scope, lambda _kind, _type, _hour, _arrived, claim, _held: claim)
        found["anonymous"] = between(found["anonymous"], *claims)
        return found

    def metrics(self, as_of, today, name, first, last, scope):
        """The nine metrics of a window."""
        counted = {metric: self.of(metric, as_of, today, name, scope) for metric in self.numbers}
        for metric, kind in (("views", "view"), ("forwards", "forward")):
            slack = self.slack(as_of, first, last, scope, lambda of, *_: of.startswith(kind))
            counted[metric] = between(counted[metric], *slack)
        days = {"from": None if first is None else text(first), "to": text(last)}
        return {**days, **counted, "follow_ups": 0, "sales_fen": 0, "orders": 0}

    def windows(self, as_of, today, scope):
        """The metrics of the four windows, each with the one before."""
        of = {name: self.metrics(as_of, today, name, first, last, scope) for name, first, last in spans(today)}
        before = {name: of.get(f"{name} before") for name in of if name != "today" and not name.endswith("before")}
        return {name: {**of[name], "previous": previous} for name, previous in before.items()}

    def today(self, as_of, today, scope):
        """The overview of a day."""
        day = self.metrics(as_of, today, "today", today, today, scope)
        return {
            "day": text(today),
            "visitors": day["visitors"],
            "new_visitors": int(self.newcomers.get((as_of, scope, today), (0,))[0]),
            "views": day["views"],
            "talked_to": day["customers_talked_to"],
            "forwards": day["forwards"],
            "saves": day["saves"],
            "likes": day["likes"],
            "dwell_ms": int(self.kinds.get((as_of, today, "today", scope, "dwell"), (0, 0))[1]),
            "by_kind": {kind: self.kind(as_of, today, scope, kind) for kind in KINDS},
        }

    def answers(self, as_of, today, scope, left_out=()):
        """The radar's numbers of a scope on a day."""
        windows = {name: window for name, window in self.windows(as_of, today, scope).items() if name not in left_out}
        of = {name: (first, last) for name, first, last in spans(today)}
        filtered = {name: self.filtered(as_of, today, name, *of[name], scope) for name in windows}
        return {"metrics": windows, "today": self.today(as_of, today, scope), "filtered": filtered}

    def behaviour(self, scope):
        """Shares, interests and active hours on the last day."""
        of = {}
        days = {name: (first, last) for name, first, last in spans(self.last)}
        for window in ("yesterday", "last_7_days", "last_30_days"):
            rows = [row[2:] for row in self.behaved if row[:2] == (window, scope)]

            def count(wanted, window=window, rows=rows):
                slack = self.slack(self.last, *days[window], scope, lambda *event: wanted(*event[:3]))
                return between(sum(row[3] for row in rows if wanted(*row[:3])), *slack)

            of[window] = {
                "shares": {type_: count(lambda kind, of, _, type_=type_: (kind, of) == ("forward", type_)) for type_ in TYPES},
                "interests": {type_: count(lambda kind, *_, type_=type_: kind == f"view_{type_}") for type_ in TYPES},
                "active_hours": [count(lambda *event, hour=hour: event[2] == hour) for hour in range(24)],
            }
        return of

    def all(self):
        """The whole output."""
        every = range(self.first - LATE_DAYS, self.last + 1)
        return {
            "live": {text(day): {scope: self.answers(day, day, scope) for scope in self.scopes} for day in self.live},
            "afterwards": {
                text(day): {scope: self.answers(self.last, day, scope, ("total",)) for scope in self.scopes}
                for day in self.asked
            },
            "days": {
                scope: [self.metrics(self.last, day, "today", day, day, scope) for day in every] for scope in self.scopes
            },
            "behaviour": {scope: self.behaviour(scope) for scope in self.scopes},
        }


def main():
    """The command line."""
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("file")
    args.add_argument("--first", required=True, type=date.fromisoformat, help="first day on which requests came in")
    args.add_argument("--last", required=True, type=date.fromisoformat, help="last day")
    args.add_argument("--every", default=1, type=int, help="only every so many days, and the last seven")
    given = args.parse_args()
    print(json.dumps(Recount(given.file, number(given.first), number(given.last), given.every).all()))


if __name__ == "__main__":
    main()
