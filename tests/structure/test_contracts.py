"""Template, OpenAPI document, event files, configuration and documents say the same."""

import re

from contracts import deployed, operations_of_openapi, problem_codes, routes_of_template, store_methods, variables_read
from repository import ROOT, named, shipped_rust, short, text

# Read by the Lambda adapter, not by our code.
NOT_OURS = {"AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"}


def test_the_template_and_the_openapi_document_have_the_same_routes():
    assert set(routes_of_template()) == set(operations_of_openapi())


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


def test_a_function_reads_exactly_the_variables_that_the_template_gives_it():
    shared = variables_read("shared/runtime") | variables_read("shared/edge")
    for folder, properties in deployed().items():
        given = properties["variables"] - NOT_OURS
        read = variables_read(f"functions/{folder}")
        assert read <= given, f"{folder} reads {sorted(read - given)}, which the template does not set"
        assert given <= read | shared, f"{folder} never reads {sorted(given - read - shared)}"


def test_every_problem_code_is_explained_to_clients():
    codes = problem_codes()
    assert codes, "no codes were found"
    document = text(ROOT / "docs" / "API-DESIGN.md")
    missing = [code for code in codes if f"`{code}`" not in document]
    assert not missing, f"docs/API-DESIGN.md does not explain {missing}"


def test_every_access_pattern_of_the_store_has_a_row_and_every_row_a_method():
    document = text(ROOT / "docs" / "ACCESS-PATTERNS.md")
    rows = [line for line in document.splitlines() if line.startswith("|")]
    named_methods = [name for row in rows for name in re.findall(r"`(store::\w+::\w+)`", row)]
    assert len(named_methods) == len(set(named_methods)), "a method has two rows"
    assert set(named_methods) == store_methods()
