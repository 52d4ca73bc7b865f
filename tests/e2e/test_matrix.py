"""Who may do what: every operation by every kind of caller, against its access class.

The class stands in the operation's event file; what each class allows is in `access.py`.
A status that does not follow from the class stands in the file's row.
"""

import uuid

import pytest

from access import CALLERS, statuses
from operations import SAMPLES, Stage, name


@pytest.fixture(scope="module")
def cast(world):
    """The callers that do not own the resource."""
    company, foreign = world.company("矩阵公司"), world.company("别家矩阵公司")
    return {
        "company": company,
        "visited": set(),
        "visitor": company.visitor(),
        "anonymous": company.anonymous(),
        "other_staff": company.member("同事"),
        "admin": company.member("管理员", role="admin"),
        "boss": company.boss,
        "foreign_boss": foreign.boss,
    }


def owner_of(cast):
    """A new person who owns the resource."""
    owner = cast["company"].member(f"员工{uuid.uuid4().hex[:6]}")
    return Stage(cast["company"], owner, cast["visitor"], cast["visited"])


def call(world, cast, file, caller, stage, values):
    """The status a caller gets."""
    if caller == "operator":
        return stage.send(file, values, headers={"X-Operator-Key": world.stack.operator_key}).status
    person = stage.owner if caller == "staff" else cast.get(caller)
    return stage.send(file, values, person and person.token).status


def test_there_are_operations():
    assert len(SAMPLES) > 100


@pytest.mark.parametrize("file", SAMPLES, ids=name)
def test_every_caller_gets_what_the_access_class_says(file, world, cast):
    stage, answered = None, {}
    for caller in CALLERS:
        # A resource that a caller has changed is not used again.
        if stage is None or (not file.route.startswith("GET ") and list(answered.values())[-1] < 300):
            stage = owner_of(cast)
            values = stage.prepare(file)
        answered[caller] = call(world, cast, file, caller, stage, values)
    assert answered == statuses(file, file)
