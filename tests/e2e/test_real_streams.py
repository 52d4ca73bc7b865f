"""Real people's ratings of films, replayed: each number of each route equals an independent recount."""

from real_stream import film_events, first_events
from replay import Replay
from streams import stretches

EVENTS = 3_000
# A week in which 53 people rate films, some of them more than one person can view in a day.
WEEK = 3


def test_three_thousand_real_events_twice_and_shuffled_are_counted_right_by_every_route(world):
    rows, make, scale = stretches("movielens")[WEEK]
    replay = Replay(world, first_events(rows, make, [""], EVENTS), film_events, scale)
    assert len(replay.events) >= EVENTS and any(event["held"] for event in replay.events)
    assert replay.send() > len(replay.lines)
    comparison = replay.compare()
    assert comparison.compared > 10_000 and not comparison.differences, "\n".join(comparison.differences[:20])
