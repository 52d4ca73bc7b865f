"""Gaps of MiniStack 1.5.33, closed after a deploy of the unmodified template.

Each function names one gap. On AWS none of this runs.
"""

from __future__ import annotations

import json
import re
from typing import Any

from gateway import routes_of

STACK = "mingpian-dev"


def close(boto: Any, api_id: str) -> None:
    processed = _processed_template(boto)
    create_routes(boto, api_id, processed)
    store_mapping_numbers(boto)
    drop_tls_policies(boto, processed)


def create_routes(boto: Any, api_id: str, processed: dict[str, Any]) -> None:
    """Makes the routes of the API's OpenAPI body, which the emulator ignores, and deletes all others, like
    AWS. The emulator chooses among routes like API Gateway."""
    client, physical = boto("apigatewayv2"), _physical_ids(boto)
    integrations = {item["IntegrationUri"]: item["IntegrationId"] for item in _all(client.get_integrations, api_id)}
    wanted = {}
    for key, uri in routes_of(processed["Resources"]["Api"]["Properties"]["Body"]).items():
        alias = physical[re.search(r"functions/\$\{(\w+)\}", uri["Fn::Sub"])[1]]
        if alias not in integrations:
            made = client.create_integration(
                ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=alias, PayloadFormatVersion="2.0"
            )
            integrations[alias] = made["IntegrationId"]
        wanted[key] = f"integrations/{integrations[alias]}"
    there = {}
    for item in _all(client.get_routes, api_id):
        if wanted.get(item["RouteKey"]) == item["Target"]:
            there[item["RouteKey"]] = item["Target"]
        else:
            client.delete_route(ApiId=api_id, RouteId=item["RouteId"])
    for key in wanted.keys() - there.keys():
        client.create_route(ApiId=api_id, RouteKey=key, Target=wanted[key])


def store_mapping_numbers(boto: Any) -> None:
    """Stores numbers of template parameters as numbers. The emulator stores them as text; its poller then
    compares a number with a text and delivers nothing."""
    client = boto("lambda")
    for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
        if "ScalingConfig" not in mapping:  # the table's stream
            continue
        limit = int(mapping["ScalingConfig"]["MaximumConcurrency"])
        client.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": limit})


def drop_tls_policies(boto: Any, processed: dict[str, Any]) -> None:
    """Removes the queues' statements that reject plain HTTP, and the bucket's policy, because all calls
    to the emulator use plain HTTP. Other statements of the queues' policies stay."""
    physical, queues, files = _physical_ids(boto), boto("sqs"), boto("s3")
    for name, resource in processed["Resources"].items():
        if resource["Type"] == "AWS::SQS::Queue":
            url = physical[name]
            policy = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"].get("Policy")
            document = json.loads(policy or '{"Statement": []}')
            document["Statement"] = [found for found in document["Statement"] if found.get("Sid") != "TlsOnly"]
            policy = json.dumps(document) if document["Statement"] else ""
            queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        elif resource["Type"] == "AWS::S3::BucketPolicy":
            files.delete_bucket_policy(Bucket=physical["MediaBucket"])


def _processed_template(boto: Any) -> dict[str, Any]:
    body = boto("cloudformation").get_template(StackName=STACK, TemplateStage="Processed")["TemplateBody"]
    return json.loads(body) if isinstance(body, str) else body


def _physical_ids(boto: Any) -> dict[str, str]:
    found = boto("cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    return {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}


def _all(call: Any, api_id: str) -> list[dict[str, Any]]:
    items, token = [], None
    while True:
        page = call(ApiId=api_id, **({"NextToken": token} if token else {}))
        items += page["Items"]
        token = page.get("NextToken")
        if not token:
            return items
