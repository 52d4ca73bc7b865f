"""The radar of a department: events on cards that were in the department, or below it, at that time."""

import contextlib
import os
import signal
import uuid
from datetime import datetime, timedelta

import pytest

from numbers_of_radar import differences, drain, scope_now, send_lines, tidy, until
from recount import recount
from world import absent_id, batch_id, event, now_text

QUESTIONS = ("metrics", "today", "days", "behaviour", "filtered")


def made(by, name, parent=None):
    answer = by.post("/v1/departments", {"name": name, "parent_id": parent}, key=uuid.uuid4().hex)
    return answer.expect(201)["id"]


def put(company, member, department):
    path = f"/v1/members/{member.member['id']}/department"
    company.boss.put(path, {"department_id": department}).expect(200)


def radar(by, department, question):
    return by.get(f"/v1/radar/departments/{department}/{question}")


def on_cards(lines, cards):
    """The recount of these cards as if they were the company."""
    kept = [{**line, "batch": {**line["batch"], "events": [each for each in line["batch"]["events"] if each["card_id"] in cards]}}
            for line in lines]
    return recount([line for line in kept if line["batch"]["events"]], now_text())["company"]


@pytest.fixture(scope="module")
def office(world):
    """华东 with 销售 below it, and 华北; a day of visitors on a card in each, and on one in none."""
    company = world.company("部门雷达公司")
    boss = company.boss
    east, north = made(boss, "华东"), made(boss, "华北")
    sales = made(boss, "销售", east)
    members = [company.member(name) for name in ("林晓", "陈默", "周敏", "王芳")]
    for member, department in zip(members, (sales, east, north)):
        put(company, member, department)
    cards = [member.card_id for member in members]
    lines, people = world.demo_day(company, cards, 41, 40, 500)
    send_lines(people, lines)
    drain(world.stack)
    within = {sales: cards[:1], east: cards[:2], north: cards[2:3]}
    return {"company": company, "members": members, "lines": lines, "within": within, "sales": sales, "east": east}


def test_a_departments_numbers_are_a_recount_of_the_cards_in_it_and_below_it(office):
    boss, wrong = office["company"].boss, []

    def right():
        wrong.clear()
        for department, cards in office["within"].items():
            expected = {"company": on_cards(office["lines"], cards), "cards": {}}
            seen = {"company": scope_now(boss, f"departments/{department}"), "cards": {}}
            wrong.extend(differences(tidy(expected), tidy(seen)))
        return not wrong

    until(right, 15, 0.3, "the numbers of the recount")


def test_a_departments_charts_and_analyses_say_the_same(office):
    boss, lines = office["company"].boss, office["lines"]
    for department, cards in office["within"].items():
        total = on_cards(lines, cards)["windows"]["last_7_days"]
        days = radar(boss, department, "days").expect(200)["days"]
        assert sum(day["views"] for day in days[-7:]) == total["views"]
        behaviour = radar(boss, department, "behaviour").expect(200)
        assert sum(part["count"] for part in behaviour["interests"]) == total["views"]
        assert sum(part["count"] for part in behaviour["shares"]) == total["forwards"]
    before = radar(boss, office["sales"], "filtered").expect(200)["windows"]["total"]["own"]
    owner = office["members"][0]
    owner.send(event("view_card", owner.card_id))
    for department in (office["sales"], office["east"]):
        until(lambda: radar(boss, department, "filtered").expect(200)["windows"]["total"]["own"] == before + 1)


@pytest.mark.parametrize("question", QUESTIONS)
def test_only_the_heads_see_it_and_only_of_their_company(question, office, company):
    theirs, admin = office["company"], office["company"].member("管理", role="admin")
    assert radar(admin, office["east"], question).expect(200) == radar(theirs.boss, office["east"], question).expect(200)
    for nobody in (office["members"][0], theirs.visitor(), company.boss):
        radar(nobody, office["east"], question).expect(404, "not_found")
    for unknown in (absent_id("dep_"), "dep_1", office["members"][0].card_id, "company"):
        radar(theirs.boss, unknown, question).expect(404, "not_found")


def test_a_bad_query_is_refused(office):
    first = (datetime.fromisoformat(now_text()) - timedelta(days=401)).date()
    for query in ("window=today", "window=total", "days=3"):
        radar(office["company"].boss, office["east"], f"behaviour?{query}").expect(400, "invalid_query")
    for query in (f"from={first}", "from=x", "window=yesterday"):
        radar(office["company"].boss, office["east"], f"days?{query}").expect(400, "invalid_query")


def send(person, *events):
    """Sends a batch until it is accepted."""
    batch = {"batch_id": batch_id(), "events": list(events)}

    def accepted():
        # If a process has just been ended, the gateway itself answers, not our code.
        with contextlib.suppress(AssertionError):
            return person.post("/v1/events", batch).status == 202
        return False

    until(accepted, why="an accepted batch")


def forget_cards(stack):
    """Ends the processes of tracking, and with them their cache of cards, which lasts a minute."""
    for pid in stack.function_pids("tracking"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_numbers_stay_with_the_department_in_which_it_happened(world):
    company = world.company("搬家公司")
    boss, owner, fan, guest = company.boss, company.member("林晓"), company.visitor(), company.visitor()
    old, new = made(boss, "旧部门"), made(boss, "新部门")
    card = owner.card_id
    put(company, owner, old)
    send(fan, event("view_card", card, 9_000), event("like", card, 8_000), event("save_phone", card, 7_000))
    put(company, owner, new)
    forget_cards(world.stack)
    send(fan, event("view_card", card, 6_000), event("save_phone", card, 5_000))
    send(guest, event("view_card", card, 4_000), event("like", card, 3_000))
    drain(world.stack)

    def total(department):
        window = radar(boss, department, "metrics").expect(200)["windows"]["total"]
        return tuple(window[name] for name in ("visitors", "views", "likes", "saves"))

    until(lambda: (total(old), total(new)) == ((1, 1, 1, 1), (2, 2, 1, 0)), 10, 0.3, "each number in its place")
    # An unlike counts for the department of the like.
    send(fan, event("unlike", card, 2_000))
    until(lambda: (total(old), total(new)) == ((1, 1, 0, 1), (2, 2, 1, 0)), 30, 0.3, "the like taken back")
    boss.delete(f"/v1/departments/{old}").expect(200)
    assert total(old) == (1, 1, 0, 1), "a removed department keeps its numbers"
    company_total = boss.get("/v1/radar/company/metrics").expect(200)["windows"]["total"]
    assert (company_total["visitors"], company_total["views"]) == (2, 3)
