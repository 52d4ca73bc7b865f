"""Template, OpenAPI document, event files, configuration and documents agree."""

import json
import re

from contracts import deployed, operations_of_openapi, problem_codes, served, store_methods, variables_read
from repository import ROOT, named, shipped_rust, short, text, without_tests

# Read by the Lambda adapter, not by our code.
NOT_OURS = {"AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"}


def test_each_operation_of_the_openapi_document_is_served_by_a_deployed_function():
    assert set(served()) == set(operations_of_openapi())
    assert set(served().values()) <= set(deployed())


def test_operation_ids_are_unique():
    ids = list(operations_of_openapi().values())
    assert len(ids) == len(set(ids))


def test_names_of_schemas_are_unique():
    """The functions' documents are joined into one: of two schemas with one name only the last would be kept."""
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
    named_methods = [name for row in rows for name in re.findall(r"`(store::(?:\w+::)+\w+)`", row)]
    assert len(named_methods) == len(set(named_methods)), "a method has two rows"
    assert set(named_methods) == store_methods()


def test_every_kind_of_item_is_registered_and_has_a_row():
    registered = dict(re.findall(r'^    (\w+) = "(\w+)", \d+, "\w+";$', text(ROOT / "shared/store/src/table/kinds.rs"), re.M))
    assert len(registered) >= 40, "the register cannot be read"
    made = [short(path) for path in named("shared/store/**/*.rs") if "Kind::new(" in without_tests(text(path))]
    assert made == ["shared/store/src/table/kinds.rs"], "kinds are made in the register only"
    items = text(ROOT / "docs" / "ACCESS-PATTERNS.md").split("## Items")[1].split("\n\nEach item")[0]
    rows = {re.sub(r"\W", "_", line.split("|")[1].strip()): line for line in items.splitlines() if line.startswith("|")}

    def has_row(constant, name):
        """By its stored name, or by its present name with the stored one in backticks."""
        return name in rows or f"{name}_entry" in rows or f"`{name}`" in rows.get(constant.lower(), "")

    missing = {name for constant, name in registered.items() if not has_row(constant, name)}
    assert not missing, f"add to docs/ACCESS-PATTERNS.md, Items: {missing}"
