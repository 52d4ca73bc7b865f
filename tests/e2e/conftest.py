"""Fixtures of the end-to-end tests: one stack for all, one company where a test wants its own.

MINGPIAN_E2E_STATE names the state directory of a stack to use and to leave running, for
example `.dev`, the one of scripts/dev. What was built since then is deployed to it.
"""

import os
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (HERE, ROOT / "tests" / "demo", ROOT / "scripts" / "lib"):
    sys.path.insert(0, str(folder))


@pytest.fixture(scope="session")
def stack():
    """The deployed stack, with IAM on."""
    from stack import LocalStack

    running = os.environ.get("MINGPIAN_E2E_STATE")
    if running:
        found = LocalStack(ROOT, Path(running), persist=True, auth=True)
        found.up()
        found.deploy()
        yield found
        return
    with tempfile.TemporaryDirectory(prefix="mingpian-e2e-") as state:
        made = LocalStack(ROOT, Path(state), persist=False, auth=True)
        try:
            made.up()
            made.deploy()
            yield made
        finally:
            made.down()


@pytest.fixture(scope="session")
def world(stack):
    """The stack as its tests see it."""
    from world import World

    return World(stack)


@pytest.fixture(scope="module")
def company(world):
    """A company for the tests of one file."""
    return world.company()


@pytest.fixture(scope="module")
def staff(company):
    """A member with a card."""
    return company.member("林晓")


@pytest.fixture(scope="module")
def admin(company):
    """An admin."""
    return company.member("周敏", role="admin")


@pytest.fixture(scope="module")
def visitor(company):
    """A visitor."""
    return company.visitor()


@pytest.fixture
def short_visibility(world):
    """Makes the queue deliver a message again soon, so that retries need no minutes."""
    sqs, url = world.stack.boto("sqs"), world.stack.outputs["StatsQueueUrl"]
    name = "VisibilityTimeout"
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: "2"})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes={name: before})
