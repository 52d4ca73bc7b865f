"""Any days of the radar: metrics, charts and the heat map of a range against a plain recount."""

from datetime import date, datetime, timedelta

import pytest

from numbers_of_radar import drain, send_lines, until
from recount import VIEW_KINDS, read_events
from world import now_text


@pytest.fixture(scope="module")
def visited(world):
    """A company with a week of visitors on two cards, and its counted events."""
    company = world.company("区间公司")
    cards = [company.member(name).card_id for name in ("林晓", "陈默")]
    lines, people = world.demo_day(company, cards, 43, 40, 400)
    send_lines(people, lines)
    drain(world.stack)
    return company, cards, read_events(lines)


def today():
    return datetime.fromisoformat(now_text()).date()


def of_days(events, first, last, card=None):
    return [event for event in events if first <= event["day"] <= last and card in (None, event["card"])]


def seen(boss, path, what, first, last):
    return boss.get(f"/v1/radar/{path}/{what}?from={first}&to={last}").expect(200)


def test_people_and_events_of_any_days_equal_a_recount(visited):
    company, cards, events = visited
    last = max(event["day"] for event in events)
    ranges = [(last, last), (last - timedelta(days=1), last), (last - timedelta(days=399 - (today() - last).days), last),
              (last - timedelta(days=40), last - timedelta(days=1))]

    def numbers(path, card):
        """The expected and the shown numbers of all ranges."""
        expected, shown = [], []
        for first, until_day in ranges:
            counted = of_days(events, first, until_day, card)
            views = [event for event in counted if event["kind"] in VIEW_KINDS]
            answer = seen(company.boss, path, "range", first, until_day)
            assert answer["exact"], answer
            expected.append((len({event["person"] for event in views}), len(views),
                             sum(event["kind"] == "forward" for event in counted)))
            shown.append((answer["visitors"], answer["views"], answer["forwards"]))
        return expected, shown

    for path, card in [("company", None), *((f"cards/{card}", card) for card in cards)]:
        until(lambda: (lambda pair: pair[0] == pair[1])(numbers(path, card)), 15, 0.3, f"the ranges of {path}")


def test_days_and_the_heat_map_add_up_to_the_range(visited):
    company, _, events = visited
    last = today()
    first = last - timedelta(days=399)
    days = seen(company.boss, "company", "days", first, last)["days"]
    assert [days[0]["from"], len(days)] == [str(first), 400]
    assert sum(day["views"] for day in days) == seen(company.boss, "company", "range", first, last)["views"]
    expected = [[0] * 24 for _ in range(7)]
    for event in of_days(events, first, last):
        expected[event["at"].weekday()][event["at"].hour] += 1
    rows = seen(company.boss, "company", "heat-map", first, last)["weekdays"]
    assert [row["hours"] for row in rows] == expected
    assert sum(row["days"] for row in rows) == 400


def test_views_and_forwards_open_to_as_many_events(visited):
    company, cards, _ = visited
    first, last = today() - timedelta(days=1), today()
    for path in ("company", f"cards/{cards[0]}"):
        numbers = seen(company.boss, path, "range", first, last)
        for metric in ("views", "forwards"):
            feed = f"/v1/radar/{path}/feed?from={first}&to={last}&metric={metric}"
            lines, cursor = set(), ""
            while True:
                page = company.boss.get(f"{feed}&limit=100{cursor}").expect(200)
                lines |= {line["id"] for line in page["items"]}
                if page["next_cursor"] is None:
                    break
                cursor = f"&cursor={page['next_cursor']}"
            assert len(lines) == numbers[metric], (path, metric)


@pytest.mark.parametrize("what", ["range", "days", "heat-map"])
def test_days_that_cannot_be_asked_for_are_refused_with_the_wrong_end(visited, what):
    boss = visited[0].boss
    for query, pointer in [
        (f"from={today() - timedelta(days=400)}", "from"), (f"to={today() + timedelta(days=2)}", "to"),
        (f"from={today()}&to={today() - timedelta(days=1)}", "from"), ("from=2026-02-30", "from"), ("to=x", "to"),
    ]:
        problem = boss.get(f"/v1/radar/company/{what}?{query}").expect(400, "invalid_query")
        assert [error["pointer"] for error in problem["errors"]] == [pointer], query


def test_the_range_before_is_as_long(visited):
    boss, last = visited[0].boss, today()
    answer = seen(boss, "company", "range", last - timedelta(days=9), last)
    assert answer["previous"]["to"] == str(last - timedelta(days=10))
    assert date.fromisoformat(answer["previous"]["to"]) - date.fromisoformat(answer["previous"]["from"]) == timedelta(days=9)
    assert seen(boss, "company", "range", last - timedelta(days=300), last)["previous"] is None
