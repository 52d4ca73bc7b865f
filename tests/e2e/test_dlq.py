"""Messages that cannot be processed wait in the dead-letter queue with their reason, and can be brought back."""

import json
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from numbers_of_radar import drain, expect_recount, queue_depth, send_lines, until
from stored import table_items
from world import absent_id, batch_id, event

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 120


@pytest.fixture(autouse=True)
def retries_are_quick(short_visibility):
    """Five attempts take seconds, not minutes."""


@pytest.fixture
def dead_letters(world):
    """The dead-letter queue, emptied."""
    sqs, url = world.stack.boto("sqs"), world.stack.outputs["StatsDeadLetterQueueUrl"]
    for message in receive(sqs, url):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def read(count):
        until(lambda: queue_depth(world.stack, "StatsDeadLetterQueueUrl") >= count, WAIT_S, 0.2, f"{count} dead letters")
        found = receive(sqs, url)
        assert len(found) == count, found
        return found

    return read


def receive(sqs, url):
    """All waiting messages, made visible again at once."""
    found = {}
    while True:
        page = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=20, MessageAttributeNames=["All"]
        ).get("Messages", [])
        if not page:
            break
        found.update({message["MessageId"]: message for message in page})
    for message in found.values():
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return list(found.values())


def attributes(message):
    """name -> text of a message's attributes."""
    return {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}


def put(world, body):
    """Puts raw text into the statistics queue."""
    world.stack.boto("sqs").send_message(QueueUrl=world.stack.outputs["StatsQueueUrl"], MessageBody=body)


# name -> (text, the reason it must have in the dead-letter queue)
POISON = {
    "no JSON": ("this is no JSON", "unreadable_message"),
    "empty object": ("{}", "unreadable_message"),
    "a list": ("[]", "unreadable_message"),
    "a version of the future": (json.dumps({"v": 99, "company": absent_id("com_"), "events": []}), "unknown_version"),
    "wrong types": (json.dumps({"v": 1, "company": 7, "batch": {}, "events": "none"}), "unreadable_message"),
}


@pytest.mark.parametrize("case", POISON)
def test_a_message_that_cannot_be_read_waits_with_its_reason_and_its_own_text(case, world, dead_letters):
    body, reason = POISON[case]
    put(world, body)
    (message,) = dead_letters(1)
    assert message["Body"] == body
    attached = attributes(message)
    assert attached["reason"] == reason and attached["detail"] and int(attached["attempts"]) >= 1
    drain(world.stack)


def test_poison_between_good_messages_holds_none_of_them_up(world, dead_letters):
    company = world.company("毒丸公司")
    card = company.member("甲").card_id
    guests = {f"v{number}": company.visitor() for number in range(6)}
    lines = []
    for name in guests:
        put(world, f"poison before {name}")
        lines.append({"person": name, "batch": {"batch_id": batch_id(), "events": [event("view_card", card, 20)]}})
        send_lines(guests, lines[-1:])
    expect_recount(company, lines, [card])
    assert len(dead_letters(6)) == 6


def test_a_repeated_batch_id_with_other_events_is_told_to_its_sender_or_held_back_and_never_a_dead_letter(world, dead_letters):
    company = world.company("重复编号公司")
    owner = company.member("甲")
    card, guest, ident = owner.card_id, company.visitor(), batch_id()
    first = {"person": "v1", "batch": {"batch_id": ident, "events": [event("view_card", card, 20)]}}
    send_lines({"v1": guest}, [first])
    expect_recount(company, [first], [card])
    answer = guest.post("/v1/events", {"batch_id": ident, "events": [event("forward", card, 10)]})
    if answer.status == 202:
        # Another environment has taken it, which does not remember the first.
        feed = f"/v1/radar/cards/{card}/feed?filtered=only"
        until(lambda: owner.get(feed).expect(200)["items"], WAIT_S, 0.2, "the held back event")
        assert [line["filtered"] for line in owner.get(feed).expect(200)["items"]] == ["reused_batch"]
    else:
        answer.expect(409, "batch_id_reused")
    drain(world.stack)
    expect_recount(company, [first], [card])
    dead_letters(0)


@contextmanager
def unreadable_state(world, person_id):
    """Inside, the customer's state has an unknown layout."""
    table, database = world.stack.outputs["TableName"], world.stack.boto("dynamodb")
    schema = database.describe_table(TableName=table)["Table"]["KeySchema"]
    (item,) = [
        item for item in table_items(world.stack)
        if item.get("type") == {"S": "customer"} and any(person_id in value.get("S", "") for value in item.values())
    ]
    key = {part["AttributeName"]: item[part["AttributeName"]] for part in schema}

    def set_layout(value):
        database.update_item(
            TableName=table, Key=key, UpdateExpression="SET #l = :l",
            ExpressionAttributeNames={"#l": "layout"}, ExpressionAttributeValues={":l": value},
        )

    set_layout({"N": "99"})
    try:
        yield
    finally:
        set_layout(item["layout"])


def redrive(world):
    """Runs scripts/redrive against this stack."""
    given = {
        **os.environ,
        "AWS_ENDPOINT_URL": world.stack.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": world.stack.boto("sqs").meta.region_name,
    }
    done = subprocess.run(
        [ROOT / "scripts" / "redrive", "dev"], env=given, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_after_a_repair_redrive_brings_the_message_back_and_the_numbers_become_right(world, dead_letters):
    company = world.company("修复公司")
    card = company.member("甲").card_id
    guests = {"broken": company.visitor(), "well": company.visitor()}

    def line(name, *kinds):
        return {"person": name, "batch": {"batch_id": batch_id(), "events": [event(kind, card, 30) for kind in kinds]}}

    before = [line("broken", "view_card"), line("well", "view_card")]
    send_lines(guests, before)
    expect_recount(company, before, [card])
    stuck, flowing = line("broken", "view_card", "open_chat"), line("well", "view_card", "forward")
    with unreadable_state(world, guests["broken"].id):
        send_lines(guests, [stuck, flowing])
        (message,) = dead_letters(1)
        attached = attributes(message)
        assert attached["reason"] == "corrupt_state" and attached["detail"] and attached["attempts"] == "5"
        assert guests["broken"].id in message["Body"]
        expect_recount(company, before + [flowing], [card])
    redrive(world)
    until(lambda: queue_depth(world.stack, "StatsDeadLetterQueueUrl") == 0, WAIT_S, 0.2, "an empty dead-letter queue")
    expect_recount(company, before + [flowing, stuck], [card])
    redrive(world)  # with nothing there
    expect_recount(company, before + [flowing, stuck], [card])
