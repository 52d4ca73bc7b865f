"""The template as SAM transforms it for each stage. MiniStack transforms with the parameters'
defaults only, so the canary and the version of a release can be seen here and not there."""

from functools import cache

import pytest

from contracts import assembled
from repository import ROOT
from sam import transformed

FUNCTIONS = len(list((ROOT / "functions").glob("*/Cargo.toml")))


@cache
def resources_of(**parameters):
    """The resources that CloudFormation gets."""
    return transformed(assembled(), **parameters)["Resources"]


def of_type(resources, kind):
    """The names of the resources of a type."""
    return {name for name, resource in resources.items() if resource["Type"] == kind}


@pytest.mark.parametrize("stage, canaries", [("dev", 0), ("staging", FUNCTIONS), ("prod", FUNCTIONS)])
def test_every_function_is_released_by_a_canary_outside_dev(stage, canaries):
    resources = resources_of(Stage=stage)
    assert len(of_type(resources, "AWS::Lambda::Alias")) == FUNCTIONS
    groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == canaries
    for name in groups:
        alarms = resources[name]["Properties"]["AlarmConfiguration"]
        assert alarms["Enabled"] and len(alarms["Alarms"]) == 3


def test_a_new_release_publishes_a_new_version_of_every_function():
    old, new = (of_type(resources_of(Release=text), "AWS::Lambda::Version") for text in ("a1", "b2"))
    assert len(old) == len(new) == FUNCTIONS and not old & new


def test_without_a_release_the_code_decides():
    assert of_type(resources_of(), "AWS::Lambda::Version") == of_type(
        resources_of(Stage="prod"), "AWS::Lambda::Version"
    )


def test_the_gateway_calls_the_alias_that_the_canary_shifts_and_may_call_nothing_else():
    resources = resources_of(Stage="prod")
    integrations = resources["Api"]["Properties"]["Body"]["components"]["x-amazon-apigateway-integrations"]
    called = {found["uri"]["Fn::Sub"].split("functions/")[1].split("/")[0] for found in integrations.values()}
    permitted = []
    for name in of_type(resources, "AWS::Lambda::Permission"):
        properties = resources[name]["Properties"]
        source = properties.get("SourceArn", {}).get("Fn::Sub", "")
        if properties["Principal"] == "apigateway.amazonaws.com" and "${Api}" in source:
            assert source.endswith(":${Api}/*/*"), name
            permitted.append("${" + properties["FunctionName"]["Ref"] + "}")
    assert sorted(permitted) == sorted(called)
    assert {f"${{{name}}}" for name in of_type(resources, "AWS::Lambda::Alias")} >= called


def test_routes_with_their_own_throttle_have_their_exact_key():
    resources = resources_of(Stage="prod")
    stage = next(name for name in of_type(resources, "AWS::ApiGatewayV2::Stage") if name.startswith("ApiApi"))
    settings = resources[stage]["Properties"]["RouteSettings"]
    assert {key: found["ThrottlingRateLimit"] for key, found in settings.items()} == {
        "POST /v1/sessions": 100, "POST /v1/companies": 5, "$default": 20,
    }  # fmt: skip
    paths = resources["Api"]["Properties"]["Body"]["paths"]
    assert paths["/$default"]["x-amazon-apigateway-any-method"]["isDefaultRoute"] is True
    for key in settings.keys() - {"$default"}:
        method, path = key.split(" ")
        assert method.lower() in paths[path]
