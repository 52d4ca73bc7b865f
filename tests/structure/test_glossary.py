"""The glossary names each term once, and its types and modules exist."""

import re

import pytest

from repository import ROOT, text, without_comments

GLOSSARY = ROOT / "docs" / "GLOSSARY.md"
PATH = re.compile(r"`([a-z_]+(?:::\w+)*)`")
KINDS = r"(?:struct|enum|trait|type|union|fn|const|static|mod)"


def rows():
    """The cells of each term: English, Chinese, where, meaning."""
    lines = [line for line in text(GLOSSARY).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[1:]]


def root_of(crate):
    """The source folder of a crate, or `None`."""
    folders = (ROOT / "shared" / crate, ROOT / "functions" / crate.replace("_", "-"))
    return next((folder / "src" for folder in folders if (folder / "src" / "lib.rs").is_file()), None)


def file_of(crate, modules):
    """The file of a module, or `None`; without modules the file of the crate."""
    source = root_of(crate)
    if source is None:
        return None
    if not modules:
        return source / "lib.rs"
    place = source.joinpath(*modules)
    return next((path for path in (place.with_suffix(".rs"), place / "mod.rs") if path.is_file()), None)


def defines(source, name):
    """Whether Rust source defines an item, also as a name of `string_enum!` or `ids!`."""
    found = rf"\b{KINDS} {name}\b|\bstring_enum! \{{\s*(?:#\[[^\n]*\]\s*)*(?:pub )?{name}\b|^    {name}(?:,| =) \""
    return re.search(found, without_comments(source), re.M) is not None


def exists(path):
    """Whether a crate, a module or an item has this path; `pub use self::file::*` is followed."""
    crate, *rest = path.split("::")
    if file_of(crate, rest):
        return True
    if not rest or not (module := file_of(crate, rest[:-1])):
        return False
    shown = re.findall(r"^pub use (?:self|crate)::(?:\w+::)*(\w+)::\*;", text(module), re.M)
    files = [module, *(found for name in shown if (found := file_of(crate, [*rest[:-1], name])))]
    return any(defines(text(file), rest[-1]) for file in files)


def test_no_term_appears_twice():
    for column in (0, 1):
        terms = [cells[column].lower() for cells in rows()]
        assert not sorted({term for term in terms if terms.count(term) > 1})


def test_every_term_has_all_cells_and_a_sentence():
    assert rows(), "no rows were found"
    for cells in rows():
        assert len(cells) == 4 and all(cells), cells
        assert cells[2] == "–" or PATH.search(cells[2]), f"{cells[0]}: {cells[2]} names no path"
        assert re.search(r"[.…]$", cells[3]), f"{cells[0]} needs a sentence"


def test_every_path_exists():
    missing = [f"{cells[0]}: {path}" for cells in rows() for path in PATH.findall(cells[2]) if not exists(path)]
    assert not missing, missing


@pytest.mark.parametrize(("path", "there"), [
    ("domain::company::Company", True), ("edge::problem::Problem", True), ("edge::auth", True), ("radar", True),
    ("edge::problem::Nothing", False), ("edge::nothing::Problem", False), ("nothing", False),
])
def test_the_reader_finds_what_is_there_and_nothing_else(path, there):
    assert exists(path) is there
