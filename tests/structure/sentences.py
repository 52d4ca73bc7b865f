"""Reads the sentences that people have written into the repository: documents, comments and docstrings.

What belongs here: finding and reading. What does not: rules (`test_sentences.py`).
"""

import ast
import io
import re
import tokenize

from repository import TOKEN, files, line_of, short, text

PRONOUNS = re.compile(r"\b(?:he|his|him|himself|she|her)\b", re.IGNORECASE)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
# Code in a document or in a comment is quoted, not written for the reader.
FENCE = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.S | re.M)
SPAN = re.compile(r"`[^`\n]*`")


def rust(source):
    """(line, text) of every comment of Rust source."""
    for found in TOKEN.finditer(source):
        if found.group("comment"):
            yield from numbered(found.group(), line_of(source, found.start()))


def python(source):
    """(line, text) of every comment and docstring of Python source."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False):
            yield from numbered(ast.get_docstring(node, clean=False), node.body[0].lineno)


def shell(source):
    """(line, text) of every comment of a shell script."""
    for number, line in enumerate(source.splitlines(), 1):
        found = re.search(r"(?:^|\s)#(?!!)(.*)", line)
        if found:
            yield number, found[1]


def markdown(source):
    """(line, text) of a document without its code."""
    yield from numbered(FENCE.sub(lambda found: "\n" * found.group().count("\n"), source), 1)


def numbered(passage, first):
    """(line, text) of a passage that begins in line `first`."""
    return enumerate(passage.split("\n"), first)


def reader_of(path):
    """The function that reads a file's sentences; `None` for a file that holds none."""
    readers = {".rs": rust, ".py": python, ".md": markdown}
    if path.suffix in readers:
        return readers[path.suffix]
    if not short(path).startswith(("scripts/", ".ci/")):
        return None
    shebang = text(path).partition("\n")[0]
    if shebang.startswith("#!") and "python" in shebang:
        return python
    return shell if re.match(r"#!.*\b(?:ba)?sh\b", shebang) else None


def pronouns(reader, source):
    """(line, pronoun) of the persons in a source's sentences who are not "they"."""
    return sorted(
        (line, found.group())
        for line, passage in reader(source)
        for found in PRONOUNS.finditer(SPAN.sub("", passage))
    )


def read_files():
    """(path, reader) of every file that holds sentences."""
    return [(path, reader) for path in files() if (reader := reader_of(path))]
