"""Brings the messages of a dead-letter queue back to the queue they came from.

    scripts/redrive STAGE [QUEUE] [--limit N] [--dry-run]

STAGE is local (the stack of scripts/dev), dev, staging or prod; QUEUE is radar-stats, radar-live
or media-inspection. --dry-run counts the messages by reason. Remove the cause first; then bring them
back. The body stays the same; the attributes with the reason are dropped. A message that is sent
and not yet deleted when this command is killed is sent again by the next run: consumers count a
message once, for any number of deliveries.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from typing import Any, Iterator

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from common import StepFailed, fail

QUEUES = ("radar-stats", "radar-live", "media-inspection")
LIMIT = 1_000
LIMIT_MAX = 100_000
HIDDEN_SECONDS = 120
EMPTY_ANSWERS = 3  # SQS may return no message although one waits


def client_for(stage: str) -> Any:
    if stage != "local":
        return boto3.client("sqs")
    import dev

    return dev.running_stack().boto("sqs")


def queue_url(sqs: Any, name: str) -> str:
    try:
        return sqs.get_queue_url(QueueName=name)["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        raise StepFailed(f"there is no queue {name}", "check the stage, AWS_PROFILE and AWS_REGION") from None


def messages(sqs: Any, url: str, limit: int) -> Iterator[dict[str, Any]]:
    """At most `limit` messages, and never more than waited at the start: a message that fails again
    returns to this queue during the run."""
    name = "ApproximateNumberOfMessages"
    waiting = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
    left, empty = min(limit, waiting), 0
    while left > 0 and empty < EMPTY_ANSWERS:
        page = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=min(10, left), MessageAttributeNames=["All"],
            VisibilityTimeout=HIDDEN_SECONDS, WaitTimeSeconds=1,
        ).get("Messages", [])  # fmt: skip
        empty = 0 if page else empty + 1
        left -= len(page)
        yield from page


def reason(message: dict[str, Any]) -> str:
    """The reason of a message; the queue's own receive limit leaves none."""
    attributes = message.get("MessageAttributes", {})
    return attributes.get("reason", {}).get("StringValue", "none (received too often)")


def redrive(sqs: Any, stage: str, queue: str, limit: int, dry_run: bool) -> Counter[str]:
    name = f"mingpian-{'dev' if stage == 'local' else stage}-{queue}"
    source, dead = queue_url(sqs, name), queue_url(sqs, f"{name}-dlq")
    reasons: Counter[str] = Counter()
    handles = []
    for message in messages(sqs, dead, limit):
        reasons[reason(message)] += 1
        handle = message["ReceiptHandle"]
        if dry_run:
            handles.append(handle)
            continue
        sqs.send_message(QueueUrl=source, MessageBody=message["Body"])
        sqs.delete_message(QueueUrl=dead, ReceiptHandle=handle)
    for handle in handles:
        sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=handle, VisibilityTimeout=0)
    return reasons


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/redrive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=["local", "dev", "staging", "prod"])
    parser.add_argument("queue", choices=QUEUES, nargs="?", default=QUEUES[0])
    parser.add_argument("--limit", type=int, default=LIMIT, help=f"at most so many messages (default {LIMIT})")
    parser.add_argument("--dry-run", action="store_true", help="only count the reasons")
    options = parser.parse_args(arguments)
    if not 1 <= options.limit <= LIMIT_MAX:
        parser.error(f"--limit must lie in 1..{LIMIT_MAX}")
    return options


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        reasons = redrive(client_for(options.stage), options.stage, options.queue, options.limit, options.dry_run)
    except StepFailed as error:
        return fail(error)
    except (BotoCoreError, ClientError) as error:
        return fail(StepFailed(str(error), "set AWS_PROFILE and AWS_REGION; then run this again, it goes on"))
    for name, count in reasons.most_common():
        print(f"  {count:>6}  {name}")
    verb = "waiting" if options.dry_run else "brought back"
    print(f"{verb}: {reasons.total()} messages of {options.queue}-dlq")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
