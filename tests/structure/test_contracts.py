"""Template, OpenAPI document, event files, configuration and documents say the same."""

import json
import re

from contracts import deployed, operations_of_openapi, served, store_methods, variables_read
from repository import ROOT, named, shipped_rust, short, text

# Read by the Lambda adapter, not by our code.
NOT_OURS = {"AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"}


def test_each_operation_of_the_openapi_document_is_served_by_a_deployed_function():
    assert set(served()) == set(operations_of_openapi())
    assert set(served().values()) <= set(deployed())


def test_operation_ids_are_unique():
    ids = list(operations_of_openapi().values())
    assert len(ids) == len(set(ids))


def test_names_of_schemas_are_unique():
    """The functions' documents become one: of two schemas with one name it would keep the last."""
    schema = re.compile(r"\bToSchema\b[^\]]*\)\]\s*(?:#\[[^\n]*\]\s*)*pub(?:\(crate\))? (?:struct|enum) (\w+)")
    places = {}
    for path, source in shipped_rust():
        for found in schema.finditer(source):
            places.setdefault(found[1], []).append(short(path))
    assert len(places) > 100
    assert not {name: paths for name, paths in places.items() if len(paths) > 1}


def test_every_function_of_the_workspace_is_deployed_and_has_event_files():
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml")}
    assert folders == set(deployed())
    for folder in folders:
        assert named(f"events/{folder}/*.json"), f"events/{folder}/ has no file"


def test_every_route_has_an_event_file():
    operations = operations_of_openapi()
    for route, folder in served().items():
        cases = named(f"events/{folder}/{operations[route]}*.json")
        assert cases, f"{route} needs events/{folder}/{operations[route]}.json"


def test_every_event_file_is_json_and_used_by_a_test():
    sources = "\n".join(text(path) for path in named("**/*.rs") + named("**/*.py"))
    loops_over_all = re.search(r"testkit::events::all|fn (?:every|each)_event", sources)
    for path in named("events/**/*.json"):
        json.loads(text(path))
        assert loops_over_all or path.stem in sources or path.name in sources, f"{short(path)} is used by no test"


def test_a_function_reads_exactly_the_variables_that_the_template_gives_it():
    shared = variables_read("shared/runtime") | variables_read("shared/edge")
    for folder, properties in deployed().items():
        given = properties["variables"] - NOT_OURS
        read = variables_read(f"functions/{folder}")
        assert read <= given, f"{folder} reads {sorted(read - given)}, which the template does not set"
        assert given <= read | shared, f"{folder} never reads {sorted(given - read - shared)}"


def test_every_problem_code_is_explained_to_clients():
    source = text(ROOT / "shared" / "edge" / "src" / "problem.rs")
    codes = re.findall(r'= [A-Z_]+, "([a-z_]+)",', source)
    assert codes, "no codes were found"
    document = text(ROOT / "docs" / "api" / "README.md")
    missing = [code for code in codes if f"`{code}`" not in document]
    assert not missing, f"docs/api/README.md does not explain {missing}"


def test_the_routes_that_need_an_idempotency_key_are_listed_for_clients():
    specification = json.loads(text(ROOT / "infra" / "openapi.json"))
    needing = {
        f"{method.upper()} {path}"
        for path, operations in specification["paths"].items()
        for method, operation in operations.items()
        if any("idempotency" in json.dumps(given).lower() for given in operation.get("parameters", []))
    }
    assert needing, "no routes were found"
    section = re.search(r"## Creating: Idempotency-Key\n(.*?)\nMake one key", text(ROOT / "docs" / "api" / "README.md"), re.S)
    assert set(re.findall(r"^- `([A-Z]+ /[^`]+)`$", section[1], re.M)) == needing


def test_every_access_pattern_of_the_store_has_a_row_and_every_row_a_method():
    document = text(ROOT / "docs" / "ACCESS-PATTERNS.md")
    rows = [line for line in document.splitlines() if line.startswith("|")]
    named_methods = [name for row in rows for name in re.findall(r"`(store::\w+::\w+)`", row)]
    assert len(named_methods) == len(set(named_methods)), "a method has two rows"
    assert set(named_methods) == store_methods()
