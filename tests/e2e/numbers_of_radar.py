"""The numbers of the radar, and waiting until they are right.

What belongs here: reading all numbers of a company, comparing them with the recount,
waiting with a deadline. Nothing here sleeps and hopes.
"""

import copy
import time
from concurrent.futures import ThreadPoolExecutor

from recount import recount
from world import now_text

IDLE_LOOKS = 5


def until(question, seconds=30, pause=0.05, why="the awaited state"):
    """Calls again and again until the answer is true; returns it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{why} did not come in {seconds} s"
        time.sleep(pause)


def queue_depth(stack, url_name="StatsQueueUrl"):
    """Messages that wait or are being processed."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    counted = stack.boto("sqs").get_queue_attributes(QueueUrl=stack.outputs[url_name], AttributeNames=names)["Attributes"]
    return sum(int(counted.get(name, 0)) for name in names)


def drain(stack, seconds=120):
    """Waits until the statistics queue is empty, and still is at several more looks."""
    looks = 0

    def idle():
        nonlocal looks
        looks = looks + 1 if queue_depth(stack) == 0 else 0
        return looks >= IDLE_LOOKS

    until(idle, seconds, 0.1, "an empty statistics queue")


def send_lines(people, lines, threads=4):
    """Sends lines of the demo day through the API; every batch must be accepted."""
    def send(line):
        people[line["person"]].post("/v1/events", line["batch"]).expect(202)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(send, lines))


def scope_now(boss, path):
    """One scope of the radar in the recount's shape."""
    metrics = boss.get(f"/v1/radar/{path}/metrics").expect(200)
    return {"today": boss.get(f"/v1/radar/{path}/today").expect(200), "windows": metrics["windows"]}


def radar_now(company, cards):
    """All numbers of a company's radar, in the recount's shape."""
    return {
        "cards": {card: scope_now(company.boss, f"cards/{card}") for card in sorted(cards)},
        "company": scope_now(company.boss, "company"),
    }


def tidy(numbers):
    """The same numbers without kinds of events that are 0."""
    numbers = copy.deepcopy(numbers)
    for scope in [numbers["company"], *numbers["cards"].values()]:
        kinds = scope["today"]["by_kind"]
        scope["today"]["by_kind"] = {kind: count for kind, count in kinds.items() if count}
    return numbers


def differences(expected, seen, path=""):
    """Readable lines for every number that differs."""
    if isinstance(expected, dict) and isinstance(seen, dict):
        lines = []
        for name in sorted(set(expected) | set(seen)):
            lines += differences(expected.get(name), seen.get(name), f"{path}/{name}")
        return lines
    return [] if expected == seen else [f"{path}: expected {expected}, the radar says {seen}"]


def wrong_numbers(company, lines, cards, same=()):
    """The differences between the radar and the recount, right now."""
    expected = recount(lines, now_text(), same)
    for card in cards:  # a card without events is a row of zeros
        expected["cards"].setdefault(card, recount([], now_text())["company"])
    return differences(tidy(expected), tidy(radar_now(company, cards)))


def expect_recount(company, lines, cards, seconds=120, same=()):
    """Waits until the queue is empty and the radar equals the recount."""
    drain(company.world.stack, seconds)
    wrong = []

    def right():
        nonlocal wrong
        wrong = wrong_numbers(company, lines, cards, same)
        return not wrong

    # The queue is reported empty a moment before the last write is seen.
    deadline = time.monotonic() + 10
    while not right():
        assert time.monotonic() < deadline, "\n".join(wrong)
        time.sleep(0.3)


def feed_size(company, path="company"):
    """The number of events in the feed."""
    return len(company.api.pages(f"/v1/radar/{path}/feed", company.boss.token))
