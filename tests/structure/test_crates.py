"""The dependencies of crates: domain <- runtime <- store, edge, wechat; store, wechat <- app; all <- function, functions."""

import json
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from repository import ROOT

# The crates of ours that a crate may use, tests left out. Functions may use all but each other.
MAY_USE = {
    "domain": set(),
    "store": {"domain", "runtime"},
    "edge": {"domain", "runtime"},
    "runtime": {"domain"},
    "wechat": {"domain", "runtime"},
    "tables": {"domain"},
    "app": {"domain", "store", "runtime", "wechat"},
    "function": {"domain", "store", "edge", "runtime", "wechat"},
    "testkit": {"domain", "store", "edge", "runtime", "wechat"},
}
NOT_IN_DOMAIN = (
    "aws", "lambda", "http", "hyper", "axum", "tower", "tokio", "futures", "reqwest", "tracing", "log", "rand", "getrandom",
    "async", "jsonwebtoken",
)

# Flows serve routes, queues and schedules alike: they know nothing about their callers.
NOT_IN_APP = ("axum", "http", "hyper", "lambda", "tower", "utoipa", "aws_lambda_events", "edge")


@cache
def members():
    """name -> package of the workspace."""
    command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {package["name"]: package for package in json.loads(output)["packages"]}


def uses(package, kinds):
    """Names of the dependencies of these kinds (None is an ordinary one)."""
    return {found["name"] for found in package["dependencies"] if found["kind"] in kinds}


def is_function(package):
    return "/functions/" in package["manifest_path"]


def is_test(package):
    """Whether a package is never shipped: those below tests/."""
    return Path(package["manifest_path"]).is_relative_to(ROOT / "tests")


def test_domain_is_pure():
    used = uses(members()["domain"], {None, "build"})
    impure = sorted(name for name in used if any(name == bad or name.startswith(bad + "-") or name.startswith(bad + "_") for bad in NOT_IN_DOMAIN))
    assert not impure, f"domain must not know {impure}"


def test_flows_know_neither_http_nor_lambda():
    used = uses(members()["app"], {None, "build"})
    foreign = sorted(name for name in used if any(re.match(rf"{bad}(?:[-_].*)?$", name) for bad in NOT_IN_APP))
    assert used and not foreign, f"app must not know {foreign}"


def test_domain_takes_neither_clock_nor_randomness_from_its_libraries():
    wanted = {found["name"]: found for found in members()["domain"]["dependencies"] if found["kind"] is None}
    assert not {"v4", "v7", "rng", "fast-rng", "now"} & set(wanted["uuid"]["features"]), "ids are arguments"
    assert "local-offset" not in wanted["time"]["features"]


@pytest.mark.parametrize("name", sorted(MAY_USE))
def test_a_shared_crate_uses_only_what_its_layer_may(name):
    ours = uses(members()[name], {None, "build"}) & set(members())
    assert ours <= MAY_USE[name], f"{name} must not use {sorted(ours - MAY_USE[name])}"


def test_every_shared_crate_has_its_layer_written_here():
    shared = {name for name, package in members().items() if "/shared/" in package["manifest_path"]}
    assert shared == set(MAY_USE)


def test_functions_are_at_the_top_and_do_not_know_each_other():
    functions = {name for name, package in members().items() if is_function(package)}
    assert functions
    for name, package in members().items():
        used = uses(package, {None, "build"}) & functions
        assert not used or is_test(package), f"{name} uses {sorted(used)}"


def test_testkit_is_only_for_tests():
    for name, package in members().items():
        if not is_test(package):
            assert "testkit" not in uses(package, {None, "build"}), f"{name} ships the test kit"


def test_versions_and_features_are_written_once():
    for name, package in members().items():
        manifest = (ROOT / package["manifest_path"]).read_text(encoding="utf-8")
        in_dependencies = False
        for number, line in enumerate(manifest.splitlines(), 1):
            if line.startswith("["):
                in_dependencies = "dependencies" in line
            elif in_dependencies and "=" in line and not line.startswith("#"):
                assert ".workspace = true" in line or ".optional = true" in line, f"{name}/Cargo.toml:{number}: say `{line.split()[0]}.workspace = true`"


def test_function_crates_wire_in_main_and_work_in_lib():
    for name, package in members().items():
        if is_function(package):
            source = ROOT / "functions" / name / "src"
            assert (source / "lib.rs").exists() and (source / "main.rs").exists(), name
            lines = (source / "main.rs").read_text(encoding="utf-8").count("\n")
            assert lines <= 60, f"{name}/src/main.rs has {lines} lines: main only wires"
