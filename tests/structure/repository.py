"""The files of the repository and a small reader of Rust source.

What belongs here: finding and reading. What does not: rules (the tests).
"""

import re
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def files():
    """Every file of the repository: tracked, or new and not ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
    return [ROOT / name for name in sorted(set(listed)) if (ROOT / name).is_file()]


def named(pattern):
    """The files whose path from the root matches a glob pattern."""
    return [path for path in files() if re.fullmatch(glob_to_regex(pattern), short(path))]


def glob_to_regex(pattern):
    """`**/` spans folders, `*` does not."""
    parts = re.split(r"(\*\*/|\*)", pattern)
    return "".join({"**/": "(?:.*/)?", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts)


def short(path):
    """A path as people write it."""
    return path.relative_to(ROOT).as_posix()


def text(path):
    """A file's text."""
    return path.read_text(encoding="utf-8")


TOKEN = re.compile(
    r"""
    (?P<comment>//[^\n]*|/\*.*?\*/)
  | (?P<raw>b?r(?P<hashes>\#*)".*?"(?P=hashes))
  | (?P<string>b?"(?:\\.|[^"\\])*")
  | (?P<char>b?'(?:\\(?:u\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|.)|[^'\\\n])')
    """,
    re.S | re.X,
)


def blank(found):
    """Spaces in place of a match, line breaks kept."""
    return re.sub(r"[^\n]", " ", found.group())


def without_comments(source):
    """Rust source whose comments are spaces; strings stay."""
    return TOKEN.sub(lambda found: blank(found) if found.group("comment") else found.group(), source)


def code_only(source):
    """Rust source whose comments, strings and characters are spaces."""
    return TOKEN.sub(blank, source)


def block_end(code, start):
    """The position after the block that opens at or after `start`; `start` when a `;` comes first."""
    depth = 0
    for position in range(start, len(code)):
        character = code[position]
        if character == ";" and depth == 0:
            return position + 1
        if character in "{([":
            depth += 1
        elif character in "})]":
            depth -= 1
            if depth == 0 and character == "}":
                return position + 1
    return len(code)


def without_tests(source):
    """Rust source with every `#[cfg(test)]` item blanked."""
    code = code_only(source)
    for found in reversed(list(re.finditer(r"#\[cfg\(test\)\]", code))):
        end = block_end(code, found.end())
        cut = re.sub(r"[^\n]", " ", source[found.start():end])
        source = source[:found.start()] + cut + source[end:]
        code = code[:found.start()] + cut + code[end:]
    return source


def is_test_file(path):
    """Whether a Rust file holds only tests."""
    name = short(path)
    return name.startswith("tests/") or "/tests/" in name or path.stem.endswith("_tests") or path.stem == "tests"


FUNCTION = re.compile(r"^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(?:(?:const|async|unsafe)\s+)*fn\s+(\w+)", re.M)


def functions(source):
    """(name, first line, number of lines) of every Rust function with a body."""
    code = code_only(source)
    for found in FUNCTION.finditer(code):
        end = block_end(code, found.end())
        body = code[found.start():end]
        if "{" in body:
            first = code.count("\n", 0, found.start()) + 1 + (len(body) - len(body.lstrip("\n")))
            yield found.group(1), first, body.strip("\n").count("\n") + 1


def shipped_rust():
    """(file, source without tests) of the code that is deployed."""
    for path in named("functions/**/*.rs") + named("shared/**/*.rs"):
        if not is_test_file(path) and not short(path).startswith("shared/testkit/"):
            yield path, without_tests(text(path))


def line_of(source, position):
    """The line number of a position."""
    return source.count("\n", 0, position) + 1
