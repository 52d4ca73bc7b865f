"""The demo day keeps the promises the other tests rely on."""

import base64
import uuid

import pytest

from day import make_day, parse_ms, rfc3339, uuid7, wire_id

CARDS = ["crd_a", "crd_b", "crd_c"]
DAY_MS = 86_400_000


@pytest.mark.parametrize("until", ["2026-11-21T15:00:00+08:00", "2026-11-21T00:10:00+08:00", "2026-11-20T23:59:00Z"])
def test_a_day_is_big_enough_and_never_later_than_asked(until):
    lines = make_day(7, until, CARDS)
    events = [event for line in lines for event in line["batch"]["events"]]
    until_ms = parse_ms(until)
    times = [parse_ms(event["at"]) for event in events]
    assert len(events) >= 2000
    assert len({line["person"] for line in lines}) == 150
    assert max(times) <= until_ms
    assert min(times) > until_ms - 31 * 3_600_000
    today = (until_ms + 8 * 3_600_000) // DAY_MS
    days = {(at + 8 * 3_600_000) // DAY_MS for at in times}
    assert {today, today - 1} <= days
    for line in lines:
        batch_time = uuid.UUID(line["batch"]["batch_id"]).int >> 80
        assert max(parse_ms(event["at"]) for event in line["batch"]["events"]) <= batch_time <= until_ms
        assert uuid.UUID(line["batch"]["batch_id"]).version == 7
        assert 1 <= len(line["batch"]["events"]) <= 100


def test_the_same_seed_makes_the_same_day_and_another_seed_another():
    until = "2026-11-21T15:00:00+08:00"
    assert make_day(1, until, CARDS) == make_day(1, until, CARDS)
    assert make_day(1, until, CARDS) != make_day(2, until, CARDS)


def test_nobody_does_two_things_in_one_millisecond():
    seen = set()
    for line in make_day(3, "2026-11-21T15:00:00+08:00", CARDS):
        for event in line["batch"]["events"]:
            assert (line["person"], event["at"]) not in seen
            seen.add((line["person"], event["at"]))


def test_every_kind_happens_and_some_people_know_two_cards():
    lines = make_day(5, "2026-11-21T15:00:00+08:00", CARDS)
    kinds = {event["kind"] for line in lines for event in line["batch"]["events"]}
    assert kinds == {
        "view_card", "view_product", "view_article", "view_video", "view_website", "forward", "save_phone",
        "like", "unlike", "copy_wechat_id", "call", "open_chat", "grant_phone", "dwell",
    }
    cards = {}
    for line in lines:
        for event in line["batch"]["events"]:
            cards.setdefault(line["person"], set()).add(event["card_id"])
    assert any(len(known) == 2 for known in cards.values())
    titles = "".join(event.get("object", {}).get("title", "") for line in lines for event in line["batch"]["events"])
    assert "🎁" in titles


def test_ids_are_base32hex_of_a_uuid7():
    import random
    raw = uuid7(1_790_000_000_000, random.Random(1))
    made = wire_id("prd_", raw)
    assert len(made) == 30
    assert base64.b32hexdecode(made[4:].upper() + "======") == raw
    assert uuid.UUID(bytes=raw).version == 7


def test_times_are_written_with_the_offset_of_shanghai():
    assert rfc3339(parse_ms("2026-11-20T16:00:00.007Z")) == "2026-11-21T00:00:00.007+08:00"
