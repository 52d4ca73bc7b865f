"""Every event counts once, also when it is sent twice, in another order, or interrupted."""

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from numbers_of_radar import drain, expect_recount, feed_size, radar_now, send_lines, tidy, until
from world import batch_id, event


AGGREGATOR = "radar-aggregator"
# The queue drops a message after eight deliveries: no message may meet more kills.
KILLS = 6


def kill_aggregator(stack):
    """SIGKILL to the aggregator's processes of this stack; returns how many there were."""
    pids = stack.function_pids(AGGREGATOR)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return len(pids)


def a_day(world, seed, events):
    """A company with two cards and a small day that has not been sent."""
    company = world.company("海蓝设计")
    cards = [company.member(name).card_id for name in ("何芳", "罗成")]
    lines, people = world.demo_day(company, cards, seed, visitors=40, events=events)
    return company, cards, lines, people


@pytest.fixture(scope="module")
def sent_day(world):
    """A small day, sent once and counted."""
    company, cards, lines, people = a_day(world, 31, 600)
    send_lines(people, lines)
    expect_recount(company, lines, cards)
    return company, cards, lines, people


def test_the_whole_day_again_changes_nothing(sent_day):
    company, cards, lines, people = sent_day
    before, size = tidy(radar_now(company, cards)), feed_size(company)
    send_lines(people, lines)
    expect_recount(company, lines, cards)
    after = tidy(radar_now(company, cards))
    assert after["company"]["windows"]["total"] == before["company"]["windows"]["total"]
    assert feed_size(company) == size


def test_the_day_in_another_order_with_new_batches_in_between_counts_only_what_is_new(sent_day):
    company, cards, lines, people = sent_day
    rng = random.Random(5)
    fresh = [
        {"person": name, "batch": {"batch_id": batch_id(), "events": [event("view_card", rng.choice(cards), back_ms=50)]}}
        for name in sorted(people)[:20]
    ]
    mixed = lines + lines[::3] + fresh
    rng.shuffle(mixed)
    send_lines(people, mixed, threads=6)
    size = sum(len(line["batch"]["events"]) for line in lines + fresh)
    expect_recount(company, lines + fresh, cards)
    assert feed_size(company) == size
    lines += fresh


def test_twenty_parallel_copies_of_one_batch_count_once(world):
    company, cards, _, people = a_day(world, 32, 40)
    name = sorted(people)[0]
    actions = [event("view_card", cards[0], 3), event("forward", cards[1], 2), event("like", cards[0], 1)]
    line = {"person": name, "batch": {"batch_id": batch_id(), "events": actions}}
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: people[name].post("/v1/events", line["batch"]).expect(202), range(20)))
    expect_recount(company, [line], cards)
    assert feed_size(company) == 3


def test_two_people_may_use_the_same_batch_id(world):
    company, cards, _, people = a_day(world, 33, 40)
    ident = batch_id()
    lines = [
        {"person": name, "batch": {"batch_id": ident, "events": [event("view_card", cards[0], 5)]}}
        for name in sorted(people)[:2]
    ]
    send_lines(people, lines)
    expect_recount(company, lines, cards)
    items = company.api.pages("/v1/radar/company/feed", company.boss.token)
    assert len({item["id"] for item in items}) == len({item["visitor"]["person_id"] for item in items}) == 2


def test_killing_the_aggregator_in_the_middle_of_batches_loses_and_doubles_nothing(world, short_visibility):
    company, cards, lines, people = a_day(world, 34, 600)
    rng = random.Random(9)
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(send_lines, people, lines, 3)
        for number in range(KILLS):
            if sending.done():  # it was faster than the test: send work again
                send_lines(people, lines[:20])
            until(lambda: world.stack.function_pids(AGGREGATOR), 60, 0.01, f"a process for kill {number}")
            time.sleep(rng.uniform(0.02, 0.4))  # somewhere in its work
            until(lambda: kill_aggregator(world.stack), 60, 0.01, f"kill {number}")  # it may just have been replaced
        sending.result()
    drain(world.stack, 300)
    expect_recount(company, lines, cards, seconds=300)
    assert feed_size(company) == sum(len(line["batch"]["events"]) for line in lines)
