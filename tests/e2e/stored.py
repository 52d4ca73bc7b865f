"""What is stored and logged: the table, the queues, the function logs."""

import json
from contextlib import contextmanager

from numbers_of_radar import drain, queue_depth


def table_items(stack):
    """Every item of the table, as boto3's resource-free dictionaries."""
    pages = stack.boto("dynamodb").get_paginator("scan").paginate(
        TableName=stack.outputs["TableName"], ConsistentRead=True
    )
    return [item for page in pages for item in page["Items"]]


def snapshot(stack):
    """Everything that a rejected request must leave unchanged."""
    items = sorted(json.dumps(item, sort_keys=True, default=str) for item in table_items(stack))
    return items, queue_depth(stack), queue_depth(stack, "StatsDeadLetterQueueUrl")


@contextmanager
def nothing_stored(stack):
    """Fails if the code inside changes the table or a queue."""
    drain(stack)
    before = snapshot(stack)
    yield
    drain(stack)
    after = snapshot(stack)
    added = [item for item in after[0] if item not in set(before[0])]
    assert not added, f"stored by refused requests: {added[:3]}"
    assert after == before


def function_logs(stack):
    """All log text of all functions."""
    logs, text = stack.boto("logs"), []
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
            text += [event["message"] for found in events for event in found["events"]]
    return "\n".join(text)


def key_names(stack):
    """(names of the table's keys, name of the sort key of its first index)."""
    table = stack.boto("dynamodb").describe_table(TableName=stack.outputs["TableName"])["Table"]
    names = [key["AttributeName"] for key in table["KeySchema"]]
    first = sorted(table["GlobalSecondaryIndexes"], key=lambda index: index["IndexName"])[0]
    return names, next(key["AttributeName"] for key in first["KeySchema"] if key["KeyType"] == "RANGE")
