"""Visitors of the demo company, logged in, for the laboratory's load generator.

    python scripts/lib/people.py COUNT

Prints {"url": ..., "cards": [...], "tokens": [...]}. The local stack has to run.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor

from common import StepFailed, fail
from dev import demo_of, running_stack

VISITORS = 150


def main(arguments: list[str]) -> int:
    try:
        demo = demo_of(running_stack())
        names = [f"v{number:03}" for number in range(1, min(int(arguments[0]), VISITORS) + 1)]
        with ThreadPoolExecutor(4) as pool:
            tokens = list(pool.map(lambda name: demo.login(name)["token"], names))
    except StepFailed as error:
        return fail(error)
    cards = [person["card_id"] for person in demo.state["staff"].values()]
    print(json.dumps({"url": demo.stack.api, "cards": cards, "tokens": tokens}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
