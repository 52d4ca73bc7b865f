"""Reads the template, the OpenAPI document and the store's methods."""

import json
import re

import yaml

from repository import ROOT, named, short, text, without_comments, without_tests

TEMPLATE = ROOT / "infra" / "template.yaml"
OPENAPI = ROOT / "infra" / "openapi.json"


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, whose meaning does not matter here."""


def short_form(loader, _suffix, node):
    """The plain value of a tagged node."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", short_form)


def template():
    """The template as plain data."""
    return yaml.load(text(TEMPLATE), Loader)


def deployed():
    """function folder -> its properties, global environment merged in."""
    document = template()
    everywhere = document["Globals"]["Function"]["Environment"]["Variables"]
    found = {}
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            folder = properties["CodeUri"].rstrip("/").rsplit("/", 1)[1]
            own = properties.get("Environment", {}).get("Variables", {})
            found[folder] = {**properties, "variables": set(everywhere) | set(own)}
    return found


def routes_of_template():
    """"METHOD /path" -> function folder."""
    return {
        f"{event['Properties']['Method']} {event['Properties']['Path']}": folder
        for folder, properties in deployed().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "HttpApi"
    }


def operations_of_openapi():
    """"METHOD /path" -> operation id."""
    document = json.loads(text(OPENAPI))
    return {
        f"{method.upper()} {path}": operation["operationId"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "delete")
    }


def problem_codes():
    """The codes of problems that the API answers with."""
    return re.findall(r'= [A-Z_]+, "([a-z_]+)",', text(ROOT / "shared" / "edge" / "src" / "problem.rs"))


def variables_read(folder):
    """Names of the environment variables that Rust files below a folder read."""
    names = set()
    for path in named(f"{folder}/**/*.rs"):
        source = without_comments(without_tests(text(path)))
        names |= set(re.findall(r'\.(?:required|optional)\w*\(\s*"([A-Z][A-Z0-9_]*)"', source))
    return names


def store_methods():
    """`store::file::method` of every public asynchronous method of the store."""
    methods = set()
    for path in named("shared/store/src/*.rs"):
        source = without_comments(without_tests(text(path)))
        module = short(path).rsplit("/", 1)[1].removesuffix(".rs")
        methods |= {f"store::{module}::{name}" for name in re.findall(r"\bpub async fn (\w+)", source)}
    return methods
