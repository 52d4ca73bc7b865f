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


# The name of a variable where it is read.
VARIABLE = re.compile(r'\.(?:required|optional|dead_letters)\w*\(\s*"([A-Z][A-Z0-9_]*)"')


def variables_read(folder):
    """Names of the environment variables that Rust files below a folder read, themselves or by `function::Start`."""
    names, shared = set(), variables_of_start()
    for path in named(f"{folder}/**/*.rs"):
        source = without_comments(without_tests(text(path)))
        names |= set(VARIABLE.findall(source))
        for method in re.findall(r"\bstart\s*\.(\w+)\(", source):
            names |= shared.get(method, set())
    return names


def variables_of_start():
    """method of `function::Start` -> names of the variables it reads, itself or by another of them."""
    source = without_comments(without_tests(text(ROOT / "shared" / "function" / "src" / "start.rs")))
    bodies = {part.split("(")[0]: part for part in source.split("pub fn ")[1:]}
    assert bodies, "no method of Start was found"
    names = {method: set(VARIABLE.findall(body)) for method, body in bodies.items()}
    for _ in bodies:
        for method, body in bodies.items():
            for called in re.findall(r"\bself\.(\w+)\(", body):
                names[method] |= names.get(called, set())
    return names


def store_methods():
    """`store::file::method` of every public asynchronous method of the store."""
    methods = set()
    for path in named("shared/store/src/*.rs"):
        source = without_comments(without_tests(text(path)))
        module = short(path).rsplit("/", 1)[1].removesuffix(".rs")
        methods |= {f"store::{module}::{name}" for name in re.findall(r"\bpub async fn (\w+)", source)}
    return methods
