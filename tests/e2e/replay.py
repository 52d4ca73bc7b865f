"""Replays a stretch of a real stream through the deployed stack, and compares every number of the radar.

What belongs here: a company for the stretch, sending, reading all routes, comparing. What does not:
how a row becomes events (real_stream.py) and how they are counted (recount.py, recount_lists.py).
"""

import json
import random
import re
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import recount_lists as lists
from day import rfc3339
from numbers_of_radar import drain
from real_stream import make_lines
from recount import count_scope, parse_time, read_all_events
from world import now_ms, now_text

THREADS = 6
TWICE = 0.1
# The lists follow what was counted within some runs of housekeeping.
LISTS_SECONDS = 90
# Of a higher score, each kind of evidence has at least a point.
SMALL_SCORE = 1_000
TIMES = ("last_opened_at", "liked_at", "saved_at")


def patient(call):
    """The answer of a call that waits as long as a budget asks."""
    while True:
        answer = call()
        if answer.status != 429:
            return answer
        time.sleep(int(answer.headers["retry-after"]))


def side_by_side(work, items):
    """The results of work on all items, in their order."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, items))


class Comparison:
    """Counts what was compared, and keeps a line for each difference."""

    def __init__(self):
        self.compared, self.differences = 0, []

    def take(self, expected, seen, path):
        """Compares two answers, down to their single values."""
        if isinstance(expected, dict) and isinstance(seen, dict):
            for name in sorted(set(expected) | set(seen)):
                self.take(expected.get(name), seen.get(name), f"{path}/{name}")
        elif isinstance(expected, list) and isinstance(seen, list) and len(expected) == len(seen):
            for number, (one, other) in enumerate(zip(expected, seen)):
                self.take(one, other, f"{path}/{number}")
        else:
            self.compared += 1
            if expected != seen:
                self.differences.append(f"{path}: expected {str(expected)[:300]}, the radar says {str(seen)[:300]}")


    def by_route(self):
        """How many differences each route has."""
        routes = [re.sub(r"/[a-z]{3}_[0-9a-v]{26}", "", line.split(":")[0]) for line in self.differences]
        return Counter("/".join(part for part in route.split("/") if not part.isdigit()) for route in routes)

    def take_all(self, expected, seen, path):
        """Compares two lists of rows whose order does not matter."""
        missing, extra = Counter(expected), Counter(seen)
        missing.subtract(extra)
        self.compared += max(len(expected), len(seen))
        for row, count in missing.items():
            if count:
                self.differences.append(f"{path}: {count} more expected of {[str(value) for value in row]}")


class Replay:
    """A stretch of a stream in a company of its own."""

    def __init__(self, world, rows, make, scale=1.0, cards=4):
        self.world, self.rng = world, random.Random(len(rows))
        self.company = world.company("真实数据公司")
        self.boss = self.company.boss
        members = [self.company.member(f"员工{number}") for number in range(1, cards + 1)]
        self.owners = {member.card_id: member for member in members}
        self.members = {member.member["id"]: member.card_id for member in members}
        self.cards = list(self.members.values())
        self.departments = self.put_into_departments(members)
        until_ms = now_ms() - 1_000
        self.lines = make_lines(rows, make, self.cards, until_ms, scale)
        self.log_in()
        self.rng.shuffle(self.lines)
        for line in self.lines:  # no event is too old or too new: when exactly it comes in moves none
            line["received_at"] = rfc3339(until_ms)
        self.events = read_all_events(self.lines)

    def put_into_departments(self, members):
        """Two departments, one below the other; the cards below and in each."""
        def made(name, parent):
            body = {"name": name, "parent_id": parent}
            return self.boss.post("/v1/departments", body, key=uuid.uuid4().hex).expect(201)["id"]

        east = made("华东", None)
        sales = made("销售", east)
        for member, department in zip(members, (sales, east)):
            path = f"/v1/members/{member.member['id']}/department"
            self.boss.put(path, {"department_id": department}).expect(200)
        return {east: self.cards[:2], sales: self.cards[:1]}

    def log_in(self):
        """Everybody of the stretch logs in; the lines carry their ids from here on."""
        def visitor(name):
            openid = f"stream-{name}-{self.company.appid}"
            return patient(lambda: self.company.session(openid)).expect(201)

        names = sorted({line["person"] for line in self.lines})
        sessions = dict(zip(names, side_by_side(visitor, names)))
        self.tokens = {session["person_id"]: session["token"] for session in sessions.values()}
        for line in self.lines:
            line["person"] = sessions[line["person"]]["person_id"]

    # ---- sending

    def rounds(self):
        """What is sent together. Who does more than a person can do sends one batch after the other:
        which of their events are held back depends on the order."""
        busy = {event["person"] for event in self.events if event["held"]}
        turns, mine = {}, []
        for line in self.lines:
            turn = turns.get(line["person"], 0) if line["person"] in busy else None
            mine.append((line, turn))
            if turn is not None:
                turns[line["person"]] = turn + 1
        found = [[] for _ in range(max(turns.values(), default=1))]
        for line, turn in mine:
            found[self.rng.randrange(len(found)) if turn is None else turn].append(line)
            if self.rng.random() < TWICE:
                found[self.rng.randrange(len(found)) if turn is None else turn].append(line)
        return found

    def send(self):
        """Sends everything; returns how many requests that were."""
        sent = 0
        for together in self.rounds():
            self.rng.shuffle(together)
            side_by_side(self.send_line, together)
            drain(self.world.stack, 600)
            sent += len(together)
        return sent

    def send_line(self, line):
        token, batch = self.tokens[line["person"]], line["batch"]
        body = patient(lambda: self.world.api.post("/v1/events", token, batch)).expect(202)
        assert (body["accepted"], body["dropped"]) == (len(batch["events"]), []), body

    # ---- reading

    def get(self, path, **query):
        """An answer of the radar: to its owner for a card, else to the boss."""
        reader = self.owners.get(path.split("/")[1], self.boss)
        return patient(lambda: reader.get(f"/v1/radar/{path}", query=query)).expect(200)

    def invoke(self, name, payload):
        """Calls a function that otherwise a schedule calls."""
        found = self.world.stack.boto("lambda").invoke(FunctionName=name, Payload=json.dumps(payload).encode())
        body = found["Payload"].read()
        assert "FunctionError" not in found, body
        return json.loads(body)

    def refresh_lists(self):
        """Runs housekeeping until the lists of the company have what was counted, or for a while."""
        name, deadline = self.world.stack.outputs["HousekeepingFunctionName"], time.monotonic() + LISTS_SECONDS
        while time.monotonic() < deadline:
            self.invoke(name, {})
            looked = Comparison()
            self.compare_lists(looked, "company", self.counted(self.cards))
            self.compare_rankings(looked)
            if not looked.differences:
                return
            time.sleep(0.5)

    def feed(self, path, **query):
        """The events of a feed."""
        items, cursor = [], {}
        while True:
            page = self.get(f"{path}/feed", limit=100, **cursor, **query)
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            cursor = {"cursor": page["next_cursor"]}

    # ---- comparing

    def counted(self, cards):
        """The counted events on these cards."""
        return [event for event in self.events if event["card"] in cards and event["held"] is None]

    def compare(self):
        """Every number of every route against the recount; begins again when the day changes meanwhile."""
        while True:
            self.today = parse_time(now_text()).date()
            self.refresh_lists()
            comparison = Comparison()
            scopes = [("company", self.cards), *((f"cards/{card}", [card]) for card in self.cards)]
            for path, cards in scopes:
                counted = self.counted(cards)
                self.compare_lists(comparison, path, counted)
                self.compare_shares(comparison, path, counted)
                self.compare_customers(comparison, path, counted)
                self.compare_feeds(comparison, path, cards)
            departments = [(f"departments/{department}", cards) for department, cards in self.departments.items()]
            for path, cards in scopes + departments:
                self.compare_counters(comparison, path, cards)
            self.compare_rankings(comparison)
            self.compare_own_recount(comparison)
            if parse_time(now_text()).date() == self.today:
                return comparison

    def compare_counters(self, comparison, path, cards):
        """Metrics, overview, chart, behaviour and what is held back."""
        counted = self.counted(cards)
        expected = count_scope(counted, self.today)
        comparison.take(expected["windows"], self.get(f"{path}/metrics")["windows"], f"{path}/metrics")
        today = self.get(f"{path}/today")
        today["by_kind"] = {kind: count for kind, count in today["by_kind"].items() if count}
        comparison.take(expected["today"], today, f"{path}/today")
        comparison.take(lists.days(counted, self.today), self.get(f"{path}/days")["days"], f"{path}/days")
        held = lists.filtered([event for event in self.events if event["card"] in cards], self.today)
        comparison.take(held, self.get(f"{path}/filtered")["windows"], f"{path}/filtered")
        for window, days in lists.windows(self.today).items():
            seen = self.get(f"{path}/behaviour", window=window)
            comparison.take(lists.behaviour(counted, *days), seen, f"{path}/behaviour/{window}")

    def compare_lists(self, comparison, path, counted):
        """The most viewed things, the top sharers, and how many customers there are."""
        for window, days in lists.windows(self.today).items():
            for type_ in lists.LISTED_TYPES:
                items = self.get(f"{path}/objects", window=window, type=type_, limit=lists.ROWS)["items"]
                seen = [{name: item[name] for name in ("type", "id", "title", "views")} for item in items]
                comparison.take(lists.objects(counted, *days, type_), seen, f"{path}/objects/{window}/{type_}")
            items = self.get(f"{path}/sharers", window=window, limit=lists.ROWS)["items"]
            seen = [{name: item[name] for name in ("person_id", "forwards")} for item in items]
            comparison.take(lists.sharers(counted, *days), seen, f"{path}/sharers/{window}")
        people, funnel = len({event["person"] for event in counted}), self.get(f"{path}/funnel")
        seen = (funnel["customers"], funnel["closed"], sum(band["customers"] for band in funnel["bands"]))
        comparison.take([people, 0, people], list(seen), f"{path}/funnel")

    def compare_shares(self, comparison, path, counted):
        """The profile of the sharers, and the share of visitors of the shop."""
        everywhere = self.counted(self.cards)
        for window, days in lists.windows(self.today).items():
            seen = self.get(f"{path}/sharers/profile", window=window)
            seen["did"] = [{name: part[name] for name in ("feature", "people")} for part in seen["did"]]
            seen["people_in_bands"] = sum(band["people"] for band in seen.pop("bands"))
            expected = lists.profile(counted, *days, everywhere)
            comparison.take(expected, seen, f"{path}/sharers/profile/{window}")
        comparison.take(lists.shop_visits(counted, self.today), self.get(f"{path}/shop-visits"), f"{path}/shop-visits")

    def compare_customers(self, comparison, path, counted):
        """Each customer's page; the list and the bands against the rates of all pages."""
        expected = lists.customers(counted)
        people = sorted(expected)
        rates = {}
        for person, page in zip(people, side_by_side(lambda person: self.get(f"{path}/customers/{person}"), people)):
            rate, cards = page["close_rate"], {card.pop("card_id"): card for card in page["cards"]}
            rates[person] = (rate["score"], rate["band"])
            for card in cards.values():
                card.update({name: card[name] and parse_time(card[name]) for name in TIMES})
            # What adds less than half a point to a score has no line.
            named = {part["feature"] for part in rate["receipt"] if part["feature"]}
            unnamed = set(expected[person]["evidence"]) - named if rate["score"] < SMALL_SCORE else set()
            seen = {"cards": cards, "evidence": sorted(named | unnamed)}
            comparison.take(expected[person], seen, f"{path}/customers/{person}")
            comparison.take(rate["score"], sum(part["basis_points"] for part in rate["receipt"]), f"{path}/receipt/{person}")
        self.compare_likely(comparison, path, rates)
        funnel = {band["band"]: band["customers"] for band in self.get(f"{path}/funnel")["bands"]}
        bands = lists.tally(band for _, band in rates.values())
        comparison.take({band: bands.get(band, 0) for band in funnel}, funnel, f"{path}/bands")

    def compare_likely(self, comparison, path, rates):
        """The lists of likely customers, by the rates of their pages; within a rate the list may know more than the page shows."""
        best = sorted(rates.values(), reverse=True)[:lists.ROWS]
        for band in (None, *(sorted({band for _, band in rates.values()}))):
            query = {"limit": lists.ROWS, **({"band": band} if band else {})}
            items = self.get(f"{path}/customers", **query)["items"]
            seen = [[item["score"], item["band"]] for item in items]
            comparison.take([list(rate) for rate in best if band in (None, rate[1])], seen, f"{path}/customers/{band}")
            own = {item["person_id"]: rates.get(item["person_id"]) for item in items}
            listed = {item["person_id"]: (item["score"], item["band"]) for item in items}
            comparison.take(own, listed, f"{path}/customers/{band}/rates")

    def compare_feeds(self, comparison, path, cards):
        """Who did what and when, with and without what is held back."""
        on_cards = [event for event in self.events if event["card"] in cards]
        for filtered, events in (
            ("exclude", [event for event in on_cards if event["held"] is None]),
            ("only", [event for event in on_cards if event["held"]]),
        ):
            query = {"filtered": "only"} if filtered == "only" else {}
            seen = [
                (item["visitor"]["person_id"], parse_time(item["at"]), item["kind"], item["card_id"], item["filtered"])
                for item in self.feed(path, **query)
            ]
            expected = [(event["person"], event["at"], event["kind"], event["card"], event["held"]) for event in events]
            comparison.take_all(expected, seen, f"{path}/feed/{filtered}")

    def compare_rankings(self, comparison):
        """The members by each metric in each window."""
        windows = {card: count_scope(self.counted([card]), self.today)["windows"] for card in self.cards}
        for card_windows in windows.values():
            for window in card_windows.values():
                window.pop("previous")
        boss = self.boss.member["id"]
        for metric in lists.METRICS:
            for window in ("total", *lists.windows(self.today)):
                answer = self.get("company/rankings", metric=metric, window=window, limit=lists.ROWS)
                rows = {row["member_id"]: {name: row[name] for name in ("value", "place")} for row in answer["items"]}
                rows.pop(boss, None)
                seen = {"rows": rows, "champion": answer["champion"]}
                comparison.take(lists.rankings(windows, self.members, metric, window), seen, f"rankings/{metric}/{window}")

    def compare_own_recount(self, comparison):
        """The product's own recount finds nothing wrong either."""
        name = self.world.stack.outputs["RecountFunctionName"]
        report = self.invoke(name, {"company_id": self.company.id, "dry_run": True})
        comparison.take({}, report["drift"], "recount/drift")
        comparison.take([0, len(self.events)], [report["customers"], report["events"]], "recount")
