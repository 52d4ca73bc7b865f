"""Who may do what: every route by every kind of caller, against the checked-in table.

`matrix.tsv` is the expectation, reviewed by people. A new route fails until it has a row.
`MINGPIAN_WRITE_MATRIX=1` writes down what was answered, for a review of the difference.
"""

import csv
import os
import uuid
from pathlib import Path

import pytest

from numbers_of_radar import drain
from operations import ALL, name, request
from world import event

TABLE = Path(__file__).with_name("matrix.tsv")
CALLERS = ("nobody", "visitor", "staff", "other_staff", "admin", "boss", "foreign_boss", "operator")
ACTUAL = {}


def expected():
    """route -> {caller: status}"""
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, delimiter="\t")
        return {row["route"]: {caller: int(row[caller]) for caller in CALLERS} for row in rows}


@pytest.fixture(scope="module")
def cast(world):
    """The callers that are not the owner of what is asked for."""
    company, foreign = world.company("矩阵公司"), world.company("别家矩阵公司")
    company.log_in("merged-" + company.appid, before=company.anonymous().token)
    return {
        "company": company,
        "merge_id": company.boss.get("/v1/merges").expect(200)["items"][0]["id"],
        "visitor": company.visitor(),
        "visited": set(),
        "other_staff": company.member("同事"),
        "admin": company.member("管理员", role="admin"),
        "boss": company.boss,
        "foreign_boss": foreign.boss,
    }


def call(world, cast, operation, caller, owner):
    """The status a caller gets for a request about what belongs to `owner`."""
    ids = {"card_id": owner.card_id, "member_id": owner.member["id"], "company_id": cast["company"].id,
           "merge_id": cast["merge_id"], "person_id": cast["visitor"].id}
    if "{share_code}" in operation[1]:
        share = {"card_id": owner.card_id, "channel": "share"}
        ids |= owner.post("/v1/share-codes", share, key=uuid.uuid4().hex).expect(201)
    if "{person_id}" in operation[1] and owner.id not in cast["visited"]:
        cast["visited"].add(owner.id)
        cast["visitor"].send(event("view_card", owner.card_id))
        drain(world.stack)
    if "{deal_id}" in operation[1]:
        path = f"/v1/cards/{owner.card_id}/customers/{ids['person_id']}/deals"
        ids |= owner.post(path, {"closed_on": "2026-11-20"}, key=uuid.uuid4().hex).expect(201)
    if "{upload_id}" in operation[1]:
        ticket = {"purpose": "photo", "content_type": "image/jpeg", "bytes": 1}
        ids |= owner.post("/v1/uploads", ticket, key=uuid.uuid4().hex).expect(201)
    if "{invitation_id}" in operation[1]:
        ids["invitation_id"] = cast["company"].invite()["invitation"]["id"]
    if "{join_request_id}" in operation[1]:
        asked = cast["company"].join(uuid.uuid4().hex, cast["company"].invite(review=True)).expect(201)
        ids["join_request_id"] = asked["join_request"]["id"]
    if "department" in operation[1]:
        made = cast["boss"].post("/v1/departments", {"name": f"部门{uuid.uuid4().hex[:6]}"}, key=uuid.uuid4().hex).expect(201)
        ids |= {"department_id": made["id"], "tree_version": made["version"]}
    if caller == "operator":
        headers = {"X-Operator-Key": world.stack.operator_key}
        return request(world.api, operation, None, ids, headers=headers).status
    person = owner if caller == "staff" else cast.get(caller)
    return request(world.api, operation, person and person.token, ids).status


def test_the_table_has_a_row_for_every_route_and_no_other():
    assert set(expected()) == {name(operation) for operation in ALL}


@pytest.mark.parametrize("operation", ALL, ids=name)
def test_every_caller_gets_what_the_table_says(operation, world, cast):
    owner, answered = None, {}
    for caller in CALLERS:
        # What a caller has changed is not asked about again.
        if owner is None or (operation[0] != "GET" and answered and list(answered.values())[-1] < 300):
            owner = cast["company"].member(f"员工{uuid.uuid4().hex[:6]}")
        answered[caller] = call(world, cast, operation, caller, owner)
    ACTUAL[name(operation)] = answered
    if os.environ.get("MINGPIAN_WRITE_MATRIX"):
        with TABLE.open("w", encoding="utf-8", newline="") as lines:
            rows = csv.DictWriter(lines, ("route", *CALLERS), delimiter="\t", lineterminator="\n")
            rows.writeheader()
            rows.writerows({"route": route, **statuses} for route, statuses in sorted(ACTUAL.items()))
    assert answered == expected()[name(operation)]
