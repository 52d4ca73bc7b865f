"""Replays two public streams of events through the product and compares every number with a recount.

    scripts/streams [movielens|cdnow ...] [--stretches N]

movielens is 100,000 ratings of films by 943 people (MovieLens 100K, inside the package recbole),
cdnow is 6,919 purchases by 2,357 people (CDNOW, inside the package lifetimes). The packages come
from PyPI. Each stretch of 6.9 days, the age that events may have, is a company of its own on a
local stack, with the times between its events as they were; the 18 months of cdnow are one
stretch, scaled. Batches are sent in another order, one in ten twice. Both streams take hours
together: --stretches N stops after N of each.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from common import ROOT, StepFailed, fail

for folder in ("tests/demo", "tests/e2e"):
    sys.path.insert(0, str(ROOT / folder))

import real_stream  # noqa: E402

# Differences that are printed one by one.
SHOWN = 20
# A row: (seconds, person, thing, mark, what the thing is called).
Row = tuple[int, str, int, int, Any]
RATINGS = ("recbole/dataset_example/ml-100k/ml-100k.inter", "d4832a77576cb5a480517a9554eef1872331f1ba780ddcd3f4bf956d562ccfc2")
FILMS = ("recbole/dataset_example/ml-100k/ml-100k.item", "d464074b022a10862d32e8885d298ad09464733be6effaf4bd26761995afea38")
PURCHASES = ("lifetimes/datasets/CDNOW_sample.txt", "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a")


def read(file: tuple[str, str]) -> list[str]:
    """The lines of a file of the packages, which must be the one that is known."""
    name, digest = file
    setup = subprocess.run([ROOT / "scripts" / "setup", "streams"], capture_output=True, text=True, check=False)
    if setup.returncode != 0:
        raise StepFailed(f"the packages are not there: {setup.stderr[-500:]}", "scripts/setup streams")
    found = (Path(setup.stdout.strip()) / name).read_bytes()
    if hashlib.sha256(found).hexdigest() != digest:
        raise StepFailed(f"{name} has changed", f"remove {setup.stdout.strip()}, then scripts/setup streams")
    return found.decode().splitlines()


def ratings() -> list[Row]:
    """The ratings of MovieLens by their time; the thing is called by its title and its first genre."""
    films = {}
    for line in read(FILMS)[1:]:
        number, title, _, genres = line.split("\t")
        films[int(number)] = (title, genres.split(" ")[0])
    rows = []
    for line in read(RATINGS)[1:]:
        person, film, mark, seconds = line.split("\t")
        rows.append((int(seconds), person, int(film), int(mark), films[int(film)]))
    return sorted(rows)


def purchases() -> list[Row]:
    """The purchases of CDNOW by their day; the thing is the price of a disc."""
    rows = []
    for line in read(PURCHASES):
        _, person, day, discs, dollars = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=timezone.utc)
        price = round(float(dollars) / int(discs))
        rows.append((int(at.timestamp()), person, price, int(discs), f"{price} 美元的唱片"))
    return sorted(rows)


def stretches(stream: str) -> list[tuple[list[Row], Any, float]]:
    """The stretches of a stream: rows, what they become, and the scale of their times."""
    if stream == "movielens":
        return [(rows, real_stream.film_events, 1.0) for rows in real_stream.stretches(ratings())]
    rows = purchases()
    span_ms = (rows[-1][0] - rows[0][0]) * 1_000
    return [(rows, real_stream.purchase_events, real_stream.SPAN_MS / span_ms)]


def replay(world: Any, stream: str, number: int, stretch: tuple[list[Row], Any, float]) -> tuple[int, int, list[str]]:
    """Replays a stretch and prints its line; returns events, comparisons and differences."""
    from replay import Replay

    began = time.monotonic()
    made = Replay(world, *stretch)
    requests = made.send()
    comparison = made.compare()
    held = sum(event["held"] is not None for event in made.events)
    print(
        f"  {stream} {number}: {len(made.events)} events ({held} held back) of {len(made.tokens)} people in {len(made.lines)}"
        f" batches, {requests} requests: {comparison.compared} comparisons, {len(comparison.differences)} differences,"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    for route, count in comparison.by_route().most_common():
        print(f"      {count} at {route}")
    for line in comparison.differences[:SHOWN]:
        print(f"      {line}")
    return len(made.events), comparison.compared, comparison.differences


def run(streams: list[str], most: int | None) -> int:
    """Replays the streams on a stack of their own; the exit code of the command."""
    from stack import LocalStack
    from world import World

    wrong = 0
    with tempfile.TemporaryDirectory(prefix="mingpian-streams-") as state:
        stack = LocalStack(ROOT, Path(state), persist=False, auth=True)
        try:
            stack.up()
            stack.deploy()
            world = World(stack)
            for stream in streams:
                found = [replay(world, stream, number, stretch) for number, stretch in enumerate(stretches(stream)[:most], 1)]
                events, compared = (sum(part[place] for part in found) for place in (0, 1))
                differences = sum(len(part[2]) for part in found)
                print(f"{stream}: {events} events, {compared} comparisons, {differences} differences", flush=True)
                wrong += differences
        finally:
            stack.down()
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/streams", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("streams", nargs="*", metavar="movielens|cdnow", help="both, if none is named")
    parser.add_argument("--stretches", type=int, help="stop after so many of each")
    options = parser.parse_args(arguments)
    chosen = options.streams or ["cdnow", "movielens"]
    if set(chosen) - {"movielens", "cdnow"}:
        parser.error(f"no stream is called {' or '.join(sorted(set(chosen) - {'movielens', 'cdnow'}))}")
    try:
        return run(chosen, options.stretches)
    except StepFailed as error:
        return fail(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
