"""Reads the template, the OpenAPI document and the store's methods."""

import json
import re
from functools import cache

import template
from gateway import routes_of
from repository import ROOT, named, short, text, without_comments, without_tests

OPENAPI = ROOT / "infra" / "openapi.json"
METHODS = ("get", "post", "put", "delete")


@cache
def assembled():
    """The template that SAM deploys, as plain data with long forms."""
    return template.assemble(template.read_parts(ROOT), template.read_routes(ROOT))


def deployed():
    """function folder -> its properties, global environment merged in."""
    document = assembled()
    everywhere = document["Globals"]["Function"]["Environment"]["Variables"]
    found = {}
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            folder = properties["CodeUri"].rstrip("/").rsplit("/", 1)[1]
            own = properties.get("Environment", {}).get("Variables", {})
            found[folder] = {**properties, "variables": set(everywhere) | set(own)}
    return found


def served():
    """"METHOD /path" -> function folder, from the routers."""
    return {operation: folder for folder, operations in template.read_routes(ROOT).items() for operation in operations}


def gateway_routes():
    """Route key of the HTTP API's definition -> logical id of the function whose alias it calls."""
    body = assembled()["Resources"]["Api"]["Properties"]["DefinitionBody"]
    return {key: re.search(r"\$\{(\w+)\.Alias\}", uri["Fn::Sub"])[1] for key, uri in routes_of(body).items()}


def operations_of_openapi():
    """"METHOD /path" -> operation id."""
    document = json.loads(text(OPENAPI))
    return {
        f"{method.upper()} {path}": operation["operationId"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def problem_codes():
    """The codes of problems that the API answers with."""
    return re.findall(r'= [A-Z_]+, "([a-z_]+)",', text(ROOT / "shared" / "edge" / "src" / "problem.rs"))


# The place where variables are read, with their names.
READING = re.compile(r'\.(?:required|optional|failed_messages)\w*\(((?:\s*"[A-Z][A-Z0-9_]*",?)+)')


def variables_in(source):
    """Names of the variables that a source reads itself."""
    return {name for names in READING.findall(source) for name in re.findall(r'"(\w+)"', names)}


def variables_read(folder):
    """Names of the environment variables that Rust files below a folder read, directly or by `function::Start`."""
    names, shared = set(), variables_of_start()
    for path in named(f"{folder}/**/*.rs"):
        source = without_comments(without_tests(text(path)))
        names |= variables_in(source)
        for method in re.findall(r"\bstart\s*\.(\w+)\(", source):
            names |= shared.get(method, set())
    return names


def variables_of_start():
    """method of `function::Start` -> names of the variables it reads, directly or by another method."""
    source = without_comments(without_tests(text(ROOT / "shared" / "function" / "src" / "start.rs")))
    bodies = {part.split("(")[0]: part for part in source.split("pub fn ")[1:]}
    assert bodies, "no method of Start was found"
    names = {method: variables_in(body) for method, body in bodies.items()}
    for _ in bodies:
        for method, body in bodies.items():
            for called in re.findall(r"\bself\.(\w+)\(", body):
                names[method] |= names.get(called, set())
    return names


def store_methods():
    """`store::area::file::method` of every public asynchronous method of the store."""
    methods = set()
    for path in named("shared/store/src/**/*.rs"):
        source = without_comments(without_tests(text(path)))
        module = short(path).removeprefix("shared/store/src/").removesuffix(".rs").replace("/", "::")
        methods |= {f"store::{module}::{name}" for name in re.findall(r"\bpub async fn (\w+)", source)}
    return methods
