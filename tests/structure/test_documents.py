"""The documents are complete, their links have targets, and they name nothing outside the repository."""

import re
from urllib.parse import unquote

import pytest

from repository import ROOT, files, named, short, text

FEATURES = ROOT / "docs" / "FEATURES.md"
NUMBERS = (
    [f"F{number}" for number in range(1, 119) if number != 93]
    + [f"F93{letter}" for letter in "abcdefghi"]
    + [f"R{number}" for number in range(1, 25)]
    + [f"B{number}" for number in range(1, 20)]
)
STATES = {"done", "partly", "planned"}
DOCUMENTS = (
    "README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE",
    "docs/api/README.md", "docs/ACCESS-PATTERNS.md", "docs/GLOSSARY.md", "docs/FEATURES.md", "docs/TESTING.md",
    "docs/ADDING-AN-ENDPOINT.md", "docs/SECURITY.md", "docs/adr/0000-template.md",
)
# Written in two parts so that this file does not name them itself.
FOREIGN = re.compile("|".join((
    r"(?<![\w.])\.\./" + r"shared\b",
    r"(?<![\w.$}-])/" + r"work(?![\w-])",
    r"(?<![\w])\.libr" + r"ary\b",
    r"DEVELOP" + r"ERS\.md",
    r"\bissues " + r"(?:show|take|close)\b",
    r"\bproduct" + r"\.md",
    r"\breference/" + r"(?:style|wechat|aws|emulators)",
    r"(?<![A-Za-z-])architec" + r"ture\.md",
    r"/tmp/" + r"plan\b",
)))
ROUTE = r"`((?:GET|POST|PUT|DELETE) [^`]+)`"
LEFT_OVER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def documents():
    return named("**/*.md")


def feature_rows():
    """number -> cells of its row."""
    rows = {}
    for line in text(FEATURES).splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and re.fullmatch(r"[FRB]\d+[a-i]?", cells[0]):
            assert cells[0] not in rows, f"{cells[0]} has two rows"
            rows[cells[0]] = cells
    return rows


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_of_the_list_is_there(name):
    assert (ROOT / name).is_file()


def test_every_feature_ruling_and_bet_has_one_row():
    rows = feature_rows()
    assert sorted(rows) == sorted(NUMBERS)
    for number, cells in rows.items():
        assert len(cells) == 6, f"{number} needs number, name, Chinese name, state, route, test"
        assert cells[1] and re.search(r"[\u4e00-\u9fff]", cells[2]), f"{number} needs both names"
        assert cells[3] in STATES, f"{number}: {cells[3]}"
        if cells[3] == "planned":
            assert cells[5] == "–", f"{number} is planned but names a test"
        else:
            assert "`" in cells[5], f"{number} is {cells[3]} but names no test"


def test_the_count_at_the_top_is_right():
    states = [cells[3] for cells in feature_rows().values()]
    counted = ", ".join(f"{states.count(state)} {state}" for state in ("done", "partly", "planned"))
    assert f"Now: {counted}." in text(FEATURES), counted


def test_every_test_that_a_feature_names_exists():
    assert sum(len(re.findall(r"`([^`]+)`", cells[5])) for cells in feature_rows().values()) > 50
    for number, cells in feature_rows().items():
        for name in re.findall(r"`([^`]+)`", cells[5]):
            path, _, function = name.partition("::")
            assert (ROOT / path).is_file(), f"{number} names {path}"
            assert not function or re.search(rf"\b(?:fn|def) {function}\b", text(ROOT / path)), f"{number} names {name}"


def test_every_route_that_a_feature_names_is_in_the_openapi_document():
    from contracts import operations_of_openapi

    routes = set(operations_of_openapi())
    assert sum(len(re.findall(ROUTE, cells[4])) for cells in feature_rows().values()) > 50
    for number, cells in feature_rows().items():
        for name in re.findall(ROUTE, cells[4]):
            assert name in routes, f"{number} names {name}"


def test_every_test_that_the_security_document_names_exists_and_each_risk_has_one():
    document = text(ROOT / "docs" / "SECURITY.md")
    named_tests = re.findall(r"`(tests/[\w./-]+)::(\w+)`", document)
    assert len(named_tests) > 30
    for path, function in named_tests:
        assert (ROOT / path).is_file(), path
        assert re.search(rf"\b(?:fn|def) {function}\b", text(ROOT / path)), f"{path}::{function}"
    risks = re.findall(r"^\| (API\d+) .*", document, re.M)
    assert risks == [f"API{number}" for number in range(1, 11)]
    for line in re.findall(r"^\| API\d+ .*", document, re.M):
        assert "::" in line.split("|")[3], line[:40]


def anchors(path):
    """The anchors GitHub makes for a document's headings."""
    found = set()
    for line in re.sub(r"```.*?```", "", text(path), flags=re.S).splitlines():
        if line.startswith("#"):
            title = re.sub(r"[`*]", "", line.lstrip("#").strip()).lower()
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


@pytest.mark.parametrize("path", documents(), ids=short)
def test_links_lead_somewhere(path):
    plain = re.sub(r"```.*?```|`[^`\n]*`", "", text(path), flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", plain):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = unquote(target).partition("#")
        aim = (path.parent / file).resolve() if file else path
        assert aim.exists(), f"{short(path)} links to {target}"
        assert aim == ROOT or ROOT in aim.parents, f"{short(path)} links out of the repository: {target}"
        if anchor and aim.suffix == ".md":
            assert anchor in anchors(aim), f"{short(path)}: no heading for {target}"


@pytest.mark.parametrize("path", documents(), ids=short)
def test_paths_in_backticks_exist(path):
    """`functions/…`, `shared/…`, `scripts/…` and so on, if they name one file."""
    plain = re.sub(r"```.*?```", "", text(path), flags=re.S)
    folders = r"(?:functions|shared|scripts|tests|infra|docs|\.ci)/[\w./-]+"
    for name in re.findall(rf"`({folders})`", plain):
        assert (ROOT / name.rstrip("/")).exists(), f"{short(path)} names {name}"


def readable_files():
    for path in files():
        if path.suffix in (".lock", ".png", ".svg"):
            continue
        try:
            yield path, text(path)
        except UnicodeDecodeError:
            continue


@pytest.mark.parametrize("parts", [("see ../", "shared/x"), ("in /", "work/x"), ("DEVELOP", "ERS.md"), ("issues ", "show 1"), ("product", ".md")])
def test_a_name_outside_the_repository_would_be_found(parts):
    assert FOREIGN.search("".join(parts))
    assert LEFT_OVER.search("TO" + "DO: later")
    assert len(list(readable_files())) > 400


def test_nothing_from_outside_the_repository_is_named():
    found = [f"{short(path)}: {hit.group()}" for path, content in readable_files() for hit in FOREIGN.finditer(content)]
    assert not found, found


def test_nothing_is_left_to_do_without_an_issue():
    found = [f"{short(path)}: {hit.group()}" for path, content in readable_files() for hit in LEFT_OVER.finditer(content)
             if path.name != "LICENSE"]
    assert not found, found


def test_decisions_are_numbered_without_gaps_and_have_all_parts():
    records = [path for path in files() if re.fullmatch(r"docs/adr/\d{4}-[\w-]+\.md", short(path))]
    assert [int(path.name[:4]) for path in records] == list(range(len(records)))
    for path in records:
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in text(path), f"{short(path)} needs {heading}"
        assert re.search(r"^Status: ", text(path), re.M), f"{short(path)} needs a status"
