"""Writes what the people of two public streams did, for `scripts/lab advice` and `scripts/lab fit`.

What belongs here: the events of scripts/lib/streams.py as lines, at the hours of the people's own day. What
does not: which event a row becomes (tests/demo/real_stream.py).

A line has a stream, a person, a kind of event, its time in Unix milliseconds and how long a stay was. MovieLens
was gathered in Minnesota: its times are moved so that an hour there is the same hour in Shanghai. Of CDNOW
only the days are known: its events stand at noon. Both are from before 2000, which the product does not know:
they are moved by 28 years, which keeps the days of the week.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "demo"))

import real_stream  # noqa: E402

import streams  # noqa: E402

HOUR_S = 3_600
SHANGHAI_S = 8 * HOUR_S
MINNESOTA_S = -6 * HOUR_S
LATER_S = 28 * 1_461 * 6 * HOUR_S
# Rows, what a row becomes, and by how much the times are moved.
STREAMS: dict[str, tuple[Any, Any, int]] = {
    "movielens": (streams.ratings, real_stream.film_events, MINNESOTA_S - SHANGHAI_S),
    "cdnow": (streams.purchases, real_stream.purchase_events, 12 * HOUR_S - SHANGHAI_S),
}


def lines(stream: str) -> Iterator[str]:
    """The events of a stream, person by person."""
    rows_of, make, moved = STREAMS[stream]
    rows = rows_of()
    until_ms = (rows[-1][0] + moved + LATER_S) * 1_000
    people = real_stream.made_events(rows, make, ["card"], until_ms, 1.0)
    for person, events in sorted(people.items()):
        for event in events:
            yield f"{stream}\t{person}\t{event['kind']}\t{event['at']}\t{event.get('duration_ms', 0)}"


if __name__ == "__main__":
    for name in STREAMS:
        for line in lines(name):
            print(line)
