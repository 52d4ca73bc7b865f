"""The product's main job: a day of visitors, and the radar shows the right numbers."""

import pytest

from day import parse_ms
from numbers_of_radar import expect_recount, feed_size, send_lines


@pytest.fixture(scope="module")
def day(world):
    """A company with three cards and a whole day sent to it."""
    company = world.company("云岭茶业")
    staff = [company.member(name) for name in ("林晓", "赵一鸣", "欧阳静怡")]
    cards = [member.card_id for member in staff]
    lines, people = world.demo_day(company, cards, seed=20, visitors=150, events=2000)
    send_lines(people, lines)
    return {"company": company, "staff": staff, "cards": cards, "lines": lines, "people": people}


def test_the_radar_equals_an_independent_recount_for_every_card_and_the_company(day):
    expect_recount(day["company"], day["lines"], day["cards"])


def sent_events(day):
    """(person id, time, kind) -> (the event, its batch id)."""
    return {
        (day["people"][line["person"]].id, parse_ms(event["at"]), event["kind"]): (event, line["batch"]["batch_id"])
        for line in day["lines"]
        for event in line["batch"]["events"]
    }


def key_of(item):
    """The same key for a line of the feed."""
    return item["visitor"]["person_id"], parse_ms(item["at"]), item["kind"]


def test_the_feed_of_each_card_holds_every_event_once_and_newest_first(day):
    company, sent = day["company"], sent_events(day)
    for card in day["cards"]:
        items = company.api.pages(f"/v1/radar/cards/{card}/feed", company.boss.token)
        assert sorted(map(key_of, items)) == sorted(key for key, (event, _) in sent.items() if event["card_id"] == card)
        assert len({item["id"] for item in items}) == len(items)
        assert all(item["card_id"] == card for item in items)
        # Pages follow the time of the batches, whose first 48 bits are that time; each page is in the order
        # of receipt.
        limit, cursor = None, ""
        while cursor is not None:
            page = company.boss.get(f"/v1/radar/cards/{card}/feed?limit=50{cursor}").expect(200)
            received = [(parse_ms(item["received_at"]), parse_ms(item["at"])) for item in page["items"]]
            assert received == sorted(received, reverse=True)
            flushed = [sent[key_of(item)][1][:13] for item in page["items"]]
            assert limit is None or max(flushed) <= limit
            limit, cursor = min(flushed), page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert feed_size(company) == len(sent)


def test_a_member_reads_the_same_numbers_of_their_own_card_as_the_boss(day):
    assert len(day["staff"]) > 1
    for member in day["staff"]:
        path = f"/v1/radar/cards/{member.card_id}"
        for question in ("today", "metrics"):
            own = member.get(f"{path}/{question}").expect(200)
            assert own == day["company"].boss.get(f"{path}/{question}").expect(200)


def test_a_feed_line_tells_who_did_what_to_which_thing_and_when(day):
    company, card, sent = day["company"], day["cards"][0], sent_events(day)
    fields = {"id", "at", "received_at", "late", "kind", "visitor", "card_id", "object", "share_code", "duration_ms", "filtered", "text"}
    items = company.api.pages(f"/v1/radar/cards/{card}/feed", company.boss.token)
    assert len(items) > 100 and {"product", "card"} <= {item["object"]["type"] for item in items}
    for item in items:
        assert set(item) == fields
        event, _ = sent[key_of(item)]
        assert parse_ms(item["received_at"]) >= parse_ms(item["at"])
        assert item["share_code"] == event.get("share_code")
        assert item["duration_ms"] == event.get("duration_ms")
        assert item["text"]
        if "title" in event.get("object", {}):
            assert item["object"] == event["object"]
