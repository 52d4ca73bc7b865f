"""Sentences in documents, comments and docstrings call people "they"."""

import pytest

import sentences
from repository import short, text

SOURCES = {
    "rust": (
        sentences.rust,
        '//! What he did.\n/// The `his` of her card.\nfn his() -> &\'static str { "him" } // himself\n/* a\n she */\n',
        [(1, "he"), (2, "her"), (3, "himself"), (5, "she")],
    ),
    "python": (
        sentences.python,
        '"""Whose card\nhe opens."""\nhis = "him"  # Her.\ndef she():\n    """Like him."""\n    return """he"""\n',
        [(2, "he"), (3, "Her"), (5, "him")],
    ),
    "shell": (
        sentences.shell,
        "#!/bin/sh\n# His tools.\nhe=1; echo $# him  # she\n",
        [(2, "His"), (3, "she")],
    ),
    "markdown": (
        sentences.markdown,
        "# His card\n\n```sh\nhe\n```\n\nThe field `her` and she; the theme, this.\n",
        [(1, "His"), (7, "she")],
    ),
}


def test_people_are_they():
    found = [
        f"{short(path)}:{line}: {pronoun}"
        for path, reader in sentences.read_files()
        for line, pronoun in sentences.pronouns(reader, text(path))
    ]
    assert not found, "people are they, or the noun: member, visitor, customer, caller"


@pytest.mark.parametrize("kind", SOURCES)
def test_sentences_are_read_and_code_is_not(kind):
    reader, source, found = SOURCES[kind]
    assert sentences.pronouns(reader, source) == found


@pytest.mark.parametrize("kind", SOURCES)
def test_files_of_every_kind_are_read(kind):
    reader = SOURCES[kind][0]
    read = [path for path, of_file in sentences.read_files() if of_file is reader]
    assert read and any(passage.strip() for path in read for _, passage in reader(text(path)))
