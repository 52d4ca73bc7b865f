"""An idempotency key stands for one caller and one concrete path: generated from infra/openapi.json."""

import json
import uuid

import pytest

from access import served
from document import DOCUMENT
from operations import SAMPLES, Stage, name
from test_activation import age

HEADER = "Idempotency-Key"
KEYED = [
    file for file in SAMPLES
    if any(given["name"] == HEADER and given["required"] for given in DOCUMENT[file.operation].get("parameters", []))
]
# Operations below one resource.
BELOW = [file for file in KEYED if "{" in file.route]
# Operations whose body has several fields; lists alone have no field that the test could change.
ORDERED = [file for file in KEYED if len(json.loads(file.payload["body"])) > 1 and file.operation != "tag_customers"]


@pytest.fixture(scope="module")
def scene(world):
    """Access to a stage: its own owner, whose radar is off but for the CRM, in one shared company or in one of its own."""
    company = world.company("同一把钥匙")

    def make(own_company, radar=False):
        at = world.company("另一家") if own_company else company
        return Stage(at, at.member("林晓", radar=radar))

    return make


def prepared(file, stage):
    """Sends the files that this file needs; a code by SMS was sent a while ago."""
    values = stage.prepare(file)
    if "grant_radar" in file.row.get("before", []):
        age(stage.world, stage.owner, 61_000)
    return values


def send(file, stage, values, key, body=None):
    """As the boss, or as the operator."""
    if file.row["access"] == "operator":
        headers = {"X-Operator-Key": stage.world.stack.operator_key}
        return stage.send(file, values, headers=headers, key=key, body=body)
    return stage.send(file, values, stage.company.boss.token, key=key, body=body)


def test_there_are_keyed_operations():
    assert len(KEYED) > 10
    assert {"add_seats", "create_deal", "create_claim_code"} <= {file.operation for file in BELOW}
    assert {"create_member", "create_company", "create_share_code"} <= {file.operation for file in ORDERED}


@pytest.mark.parametrize("file", BELOW, ids=name)
def test_one_key_and_body_for_two_things_act_on_both(file, scene):
    key = uuid.uuid4().hex
    # A company that makes the same rule again has one: two rules are those of two companies.
    own_company = file.row["access"] == "operator" or "automation" in file.operation
    stages = [scene(own_company, file.function == "crm") for _ in range(2)]
    values = [prepared(file, stage) for stage in stages]
    body = json.dumps(stages[0].body(file, values[0]))
    first, second = (send(file, *pair, key, body).expect(file.row["status"]) for pair in zip(stages, values))
    if file.row["access"] != "operator":  # seats have no ids: they are counted below
        assert first != second
    # A repeated request gets its own first answer.
    for pair, stored in zip(zip(stages, values), (first, second)):
        assert send(file, *pair, key, body).expect(file.row["status"]) == stored


def test_both_companies_have_their_seats(world):
    key, companies = uuid.uuid4().hex, [world.company(name, seats=10 * number) for number, name in enumerate(("甲", "乙"), 1)]
    headers = {"X-Operator-Key": world.stack.operator_key}
    for company in companies * 2:
        world.api.post(f"/v1/companies/{company.id}/seats", body={"add": 3}, headers=headers, key=key).expect(201)
    assert [company.boss.get("/v1/seats").expect(200)["limit"] for company in companies] == [13, 23]


@pytest.mark.parametrize("file", ORDERED, ids=name)
def test_the_same_fields_in_another_order_are_the_same_request(file, scene):
    stage, key = scene(False, file.function == "crm"), uuid.uuid4().hex
    values = prepared(file, stage)
    fields = stage.body(file, values)
    turned = dict(reversed(fields.items()))
    assert list(turned) != list(fields)
    first = send(file, stage, values, key, json.dumps(fields)).expect(served(file))
    again = send(file, stage, values, key, json.dumps(turned, ensure_ascii=False, indent=1)).expect(served(file))
    assert again == first
    # Another value is another request.
    changed = next(field for field, value in fields.items() if isinstance(value, (str, int)))
    other = {**fields, changed: 7 if isinstance(fields[changed], int) else fields[changed] + "x"}
    answer = send(file, stage, values, key, json.dumps(other))
    assert answer.status in (404, 422), answer
