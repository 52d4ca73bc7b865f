"""What SAM makes of the template for each stage. MiniStack transforms with the parameters'
defaults only, so the canary and the version of a release can be seen here and not there."""

import copy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = len(list((ROOT / "functions").glob("*/Cargo.toml")))


class NoManagedPolicies:
    """The template names no managed policy."""

    @staticmethod
    def load():
        """None."""
        return {}


@pytest.fixture(scope="module")
def source():
    """The template as `sam deploy` sends it: with the code in S3."""
    from samcli.yamlhelper import yaml_parse

    template = yaml_parse((ROOT / "infra" / "template.yaml").read_text("utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = {"Bucket": "bucket", "Key": "key"}
    return template


def transformed(source, **parameters):
    """The resources that CloudFormation gets."""
    from samtranslator.translator.transform import transform

    given = {"AWS::Region": "us-east-1", "AWS::Partition": "aws", **parameters}
    return transform(copy.deepcopy(source), given, NoManagedPolicies())["Resources"]


def of_type(resources, kind):
    """The names of the resources of a type."""
    return {name for name, resource in resources.items() if resource["Type"] == kind}


@pytest.fixture(autouse=True)
def region(monkeypatch):
    """SAM asks boto3 for a region."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.mark.parametrize("stage, canaries", [("dev", 0), ("staging", FUNCTIONS), ("prod", FUNCTIONS)])
def test_every_function_is_released_by_a_canary_outside_dev(source, stage, canaries):
    resources = transformed(source, Stage=stage)
    assert len(of_type(resources, "AWS::Lambda::Alias")) == FUNCTIONS
    groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup")
    assert len(groups) == canaries
    for name in groups:
        alarms = resources[name]["Properties"]["AlarmConfiguration"]
        assert alarms["Enabled"] and len(alarms["Alarms"]) == 3


def test_a_new_release_publishes_a_new_version_of_every_function(source):
    old, new = (of_type(transformed(source, Release=text), "AWS::Lambda::Version") for text in ("a1", "b2"))
    assert len(old) == len(new) == FUNCTIONS and not old & new


def test_without_a_release_the_code_decides(source):
    assert of_type(transformed(source), "AWS::Lambda::Version") == of_type(
        transformed(source, Stage="prod"), "AWS::Lambda::Version"
    )
