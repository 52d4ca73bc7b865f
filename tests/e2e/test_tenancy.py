"""Nothing of one company is visible to another: generated from infra/openapi.json."""

import json
import uuid

import pytest

from access import from_outside, names_things, statuses, things
from document import DOCUMENT
from numbers_of_radar import drain
from operations import ALL, GUARDED, SAMPLES, Stage, is_guarded, name, nowhere, sample_of
from world import batch_id, event, now_text

# Each sample, and the other successful cases that name a resource of the company.
ABOUT_THINGS = [
    file for file in ALL
    if is_guarded(file) and (file.is_sample or (file.row["status"] < 400 and names_things(file)))
]
# The plans of follow-ups stand in one list per member; test_follow_up.py has their pages.
PLANS = {"list_follow_up_plans", "list_my_follow_up_plans"}
# Lists without an id in their path.
# Only rules of automation write them, some minutes after what happened: tests/contract/pages.rs walks them.
BY_RULES = {"list_my_automation_notices"}
LISTS = [
    file for file in GUARDED
    if file.operation not in PLANS and file.operation not in BY_RULES and not names_things(file) and any(given["name"] == "cursor" for given in DOCUMENT[file.operation].get("parameters", []))
]


@pytest.fixture(scope="module")
def other(world):
    """Company B, with two items in every list."""
    company = world.company("别家公司")
    stage = Stage(company, company.member("别家员工"))
    customers = [stage.visitor, company.visitor()]
    for customer in customers:
        customer.send(event("view_card", stage.owner.card_id), event("forward", stage.owner.card_id))
    drain(world.stack)
    for customer in customers:
        company.boss.put(f"/v1/customers/{customer.id}/next-follow-up", {"at": now_text(-86_400_000)}).expect(200)
    for number in range(2):
        stage.merge()
        company.join(f"other-asker-{number}", company.invite(2, review=True)).expect(201)
        handover = {"leaver_id": company.member(f"离职者{number}").member["id"], "successor_ids": [stage.owner.member["id"]]}
        company.boss.post("/v1/handovers", handover, key=uuid.uuid4().hex).expect(202)
    company.member("第四位")
    company.session(company.boss.openid).expect(201)  # on another device
    return stage


@pytest.fixture(scope="module")
def prepared(other):
    """Access to the resources of company B that a file needs: made once, with an owner of its own if files must be sent first."""
    made = {}

    def of(file):
        if file.case not in made:
            stage = other
            if file.row.get("before") or file.row.get("visited"):
                stage = Stage(other.company, other.company.member("别家员工"), other.visitor)
            made[file.case] = (stage, stage.prepare(file))
        return made[file.case]

    return of


def ids_of(stage, values, file):
    """Every id of company B that could leak; some rejections echo the ids in the request."""
    company = stage.company
    named = {values.get(what) or stage.value(what) for what in things(file.text)}
    known = {company.id, stage.owner.card_id, stage.owner.member["id"], stage.owner.id, stage.visitor.id,
             company.boss.id, company.boss.member["id"]}
    return known | named, named


def test_every_operation_is_tried():
    assert {file.operation for file in SAMPLES} == set(DOCUMENT)
    assert len(ABOUT_THINGS) > len(GUARDED) > 90


@pytest.mark.parametrize("role", ["boss", "staff", "visitor"])
@pytest.mark.parametrize("file", ABOUT_THINGS, ids=name)
def test_a_token_of_company_a_finds_nothing_of_company_b(file, role, prepared, company, staff, visitor):
    who = {"boss": company.boss, "staff": staff, "visitor": visitor}[role]
    stage, values = prepared(file)
    answer = stage.send(file, values, who.token)
    expected = from_outside(file, sample_of(file), role)
    if expected is None:  # it changes their own company, where a colleague may have done it before
        assert answer.status in (statuses(file, sample_of(file))["boss"], 200, 201, 409), answer
    else:
        answer.expect(expected)
    code = file.row.get("foreign", {}).get("code")
    if code and answer.status == 404:
        assert code in [error["code"] for error in answer.body["errors"]], answer
    text = json.dumps(answer.body)
    ids, named = ids_of(stage, values, file)
    assert not [ident for ident in ids if ident in text and not (answer.status >= 400 and ident in named)], answer


@pytest.mark.parametrize("file", GUARDED, ids=name)
def test_without_a_token_there_is_nothing(file, other):
    other.send(file, nowhere(file)).expect(401)


@pytest.mark.parametrize("file", GUARDED, ids=name)
@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "bearer x y", "Token abc"])
def test_another_authorization_header_is_no_token(file, value, other):
    other.send(file, nowhere(file), headers={"Authorization": value}).expect(401)


def test_a_missing_and_a_foreign_card_look_the_same(other, company):
    from world import absent_id

    foreign = company.boss.get(f"/v1/cards/{other.owner.card_id}")
    absent = company.boss.get(f"/v1/cards/{absent_id('crd_')}")
    assert foreign.status == absent.status == 404
    assert {**foreign.body, "instance": ""} == {**absent.body, "instance": ""}


def test_there_are_lists():
    assert len(LISTS) >= 8


@pytest.mark.parametrize("file", LISTS, ids=name)
def test_a_cursor_of_another_company_is_refused(file, other, company):
    path = file.payload["rawPath"]
    cursor = other.company.boss.get(path, query={"limit": 1}).expect(200)["next_cursor"]
    assert cursor, f"{path} should have a second page: let company B have two of them"
    company.boss.get(path, query={"limit": 1, "cursor": cursor}).expect(400)


def test_an_event_for_a_foreign_card_is_dropped_and_costs_no_good_one(other, company, staff, visitor):
    before = len(company.api.pages("/v1/radar/company/feed", company.boss.token))
    batch = {"batch_id": batch_id(), "events": [event("view_card", staff.card_id), event("view_card", other.owner.card_id)]}
    answer = visitor.post("/v1/events", batch).expect(202)
    assert [(dropped["pointer"], dropped["code"]) for dropped in answer["dropped"]] == [("/events/1/card_id", "unknown_card")]
    drain(company.world.stack)
    assert len(company.api.pages("/v1/radar/company/feed", company.boss.token)) == before + 1


def test_within_a_company_radar_of_a_colleague_is_invisible_and_the_company_radar_is_for_the_heads(company, staff, admin, visitor):
    colleague = company.member("同事")
    for question in ("feed", "today", "metrics"):
        path = f"/v1/radar/cards/{staff.card_id}/{question}"
        colleague.get(path).expect(404)
        visitor.get(path).expect(404)
        for allowed in (staff, admin, company.boss):
            allowed.get(path).expect(200)
        path = f"/v1/radar/company/{question}"
        staff.get(path).expect(404)
        visitor.get(path).expect(404)
        for allowed in (admin, company.boss):
            allowed.get(path).expect(200)
