"""The steps of scripts/test: each has a budget, and together they take an hour at most."""

import re

from repository import ROOT


def table(name: str) -> dict[str, str]:
    """A bash table of scripts/test."""
    text = (ROOT / "scripts" / "test").read_text()
    body = re.search(rf"declare -A {name}=\((.*?)\n\)", text, re.S)
    assert body, f"scripts/test has no table {name}"
    return dict(re.findall(r"\[(\w+)\]=('[^']*'|\S+)", body[1]))


def steps() -> list[str]:
    """The steps that run unasked, in order."""
    return re.search(r"^steps=\((.*?)\)", (ROOT / "scripts" / "test").read_text(), re.M)[1].split()


def test_each_step_has_a_budget_and_says_what_it_grows_with():
    about = set(table("about"))
    assert set(steps()) < about
    assert set(table("budget")) == set(table("grows")) == about
    assert set(table("grows").values()) <= {"0", "routes", "functions"}


def test_all_steps_together_stay_below_an_hour():
    budget = table("budget")
    together = sum(int(budget[step]) for step in steps())
    print(f"budgets: {together} s of 3,600")
    assert together <= 3_600
