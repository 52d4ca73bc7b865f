"""What bots, members, floods and people without a login say is stored, shown with its reason, and weighed."""

import pytest

from numbers_of_radar import drain, expect_recount
from world import batch_id, event

REASONS = (
    "bot", "own", "colleague", "burst", "daily_limit", "dwell_time", "reused_batch", "anonymous", "unknown_share",
)


def of(**counts):
    """The reasons, 0 where not said."""
    return {reason: counts.get(reason, 0) for reason in REASONS}


@pytest.fixture(scope="module")
def office(world):
    """A company with two cards; everybody has viewed the first."""
    company = world.company("云岭茶业")
    owner, colleague, guest = company.member("林晓"), company.member("陈默"), company.visitor()
    card = owner.card_id
    lines = []

    def send(person, events, agent=None):
        batch = {"batch_id": batch_id(), "events": events}
        headers = {"User-Agent": agent} if agent else None
        person.post("/v1/events", batch, headers=headers).expect(202)
        lines.append({"person": person.id, "batch": batch})

    send(guest, [event("view_card", card), event("like", card)])
    counted = list(lines)
    send(owner, [event("view_card", card), event("like", card), event("dwell", card, duration_ms=1_000)])
    send(colleague, [event("view_card", card), event("save_phone", card)])
    for agent in ("Mozilla/5.0 (compatible; Baiduspider-render/2.0)", "python-requests/2.32.3"):
        send(company.visitor(), [event("view_card", card)], agent=agent)
    # Twenty-four views in the same minute, one by one: twenty count.
    runner = company.visitor()
    view = event("view_card", card, back_ms=50_000)
    for _ in range(24):
        send(runner, [view])
    counted.extend(lines[-20:])
    # A call before the login counts, and so does a visit by a code of nobody.
    send(company.anonymous(), [event("view_card", card, back_ms=2_000), event("call", card, back_ms=1_000)])
    counted.append(lines[-1])
    send(company.visitor(), [event("view_card", card, share_code="nobodys-code")])
    counted.append(lines[-1])
    # Members are expected to share cards.
    send(owner, [event("forward", card)])
    counted.append(lines[-1])
    drain(world.stack)
    return {"company": company, "owner": owner, "colleague": colleague, "card": card, "counted": counted}


def test_only_what_customers_did_is_counted(office):
    expect_recount(office["company"], office["counted"], [office["card"]])


def test_filtered_events_are_counted_by_reason(office):
    expected = of(bot=2, own=3, colleague=2, burst=4, anonymous=1, unknown_share=1)
    for path in (f"cards/{office['card']}", "company"):
        answer = office["company"].boss.get(f"/v1/radar/{path}/filtered").expect(200)
        assert answer["rules_version"] == 3
        assert answer["windows"]["total"] == answer["windows"]["last_7_days"] == expected
        assert answer["windows"]["yesterday"] == dict.fromkeys(REASONS, 0)


def test_the_feed_hides_it_until_asked(office):
    def feed(path, query=""):
        return office["company"].api.pages(f"/v1/radar/{path}/feed{query}", office["company"].boss.token)

    for path in (f"cards/{office['card']}", "company"):
        counted = feed(path)
        assert len(counted) == 26
        assert sorted(item["filtered"] for item in counted if item["filtered"]) == ["anonymous", "unknown_share"]
        assert not any(item["share_code"] for item in counted)
        only = [item["filtered"] for item in feed(path, "?filtered=only")]
        assert sorted(only) == sorted(["bot"] * 2 + ["own"] * 3 + ["colleague"] * 2 + ["burst"] * 4 + ["anonymous", "unknown_share"])
        assert len(feed(path, "?filtered=include")) == 26 + 11


def test_the_feed_is_narrowed_by_kind_person_and_day(office):
    company, owner = office["company"], office["owner"]
    today = company.boss.get("/v1/radar/company/today").expect(200)["day"]
    for path in (f"cards/{office['card']}", "company"):
        def feed(query):
            return company.api.pages(f"/v1/radar/{path}/feed?{query}", company.boss.token)

        assert [item["kind"] for item in feed("kind=forward")] == ["forward"]
        assert {item["kind"] for item in feed(f"person_id={owner.id}&filtered=include")} == {"view_card", "like", "dwell", "forward"}
        assert feed(f"kind=call&person_id={owner.id}") == [] and feed("day=2026-01-01") == []
        assert {item["at"][:10] for item in feed(f"day={today}")} <= {today}
        company.boss.get(f"/v1/radar/{path}/feed?kind=sneeze").expect(400, "invalid_query")
        company.boss.get(f"/v1/radar/{path}/feed?day=2026-13-01").expect(400, "invalid_query")


def test_a_member_finds_the_cards_they_have_opened_though_the_views_do_not_count(office):
    cards = office["colleague"].get("/v1/my/cards").expect(200)["items"]
    assert [item["card"]["id"] for item in cards] == [office["card"]]


def test_the_days_of_a_chart_show_each_day_and_refuse_nonsense(office):
    boss, path = office["company"].boss, f"/v1/radar/cards/{office['card']}/days"
    days = boss.get(path).expect(200)["days"]
    assert len(days) == 30 and all(day["from"] == day["to"] for day in days)
    assert [day["to"] for day in days] == sorted(day["to"] for day in days)
    assert sum(day["views"] for day in days) == 23
    last = days[-1]["to"]
    assert boss.get(f"{path}?from={last}").expect(200)["days"] == days[-1:]
    assert len(boss.get(f"{path}?from={days[0]['to']}&to={last}").expect(200)["days"]) == 30
    for query in (f"from={last}&to={days[0]['to']}", "from=2020-01-01", "to=2099-01-01", "from=x", "days=3"):
        boss.get(f"{path}?{query}").expect(400, "invalid_query")
