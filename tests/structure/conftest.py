"""Lets the tests here import the modules beside them and those that they look into, from wherever pytest is started, and shows
what they measured."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
for folder in (HERE.parents[1] / "scripts" / "lib", HERE.parent / "e2e", HERE):
    sys.path.insert(0, str(folder))
TABLES = pytest.StashKey()


@pytest.fixture
def show(request):
    """Prints lines at the end of the run, which pytest else hides when a test passes."""
    return request.config.stash.setdefault(TABLES, []).extend


def pytest_terminal_summary(terminalreporter, config):
    """The lines that the tests passed to `show`."""
    for line in config.stash.get(TABLES, []):
        terminalreporter.write_line(line)
