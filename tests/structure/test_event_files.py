"""Every file of events/ can be sent, and the row of a request agrees with the API document."""

import json
import re

import pytest

from access import CALLERS, CLASSES
from contracts import OPENAPI, operations_of_openapi, problem_codes, served
from event_files import PLACEHOLDER, PLACEHOLDERS, EventFile, event_files, find, requests
from repository import named, text

FIELDS = {
    "access": str, "status": int, "code": str, "before": list, "take": dict, "visited": bool, "deployed": dict,
    "statuses": dict, "foreign": dict, "note": str, "again": str, "faults": bool,
}
PARTS = {"deployed": {"status", "body"}, "foreign": {"status", "code"}}
ROUTES = {operation: route for route, operation in operations_of_openapi().items()}
SERVED_BY = served()
CODES = set(problem_codes())
CASES = {file.case for file in requests()}
PATHS = json.loads(text(OPENAPI))["paths"]
RUST = "\n".join(text(path) for path in named("**/*.rs"))


def documented(route):
    """The operation of the API document."""
    method, path = route.split(" ")
    return PATHS[path][method.lower()]


def faults_of_request(file):
    """The faults in the request itself."""
    route, payload = ROUTES.get(file.operation), file.payload
    if route is None:
        return [f"{file.operation} is no operation of the API document"]
    found, http, (method, path) = [], payload["requestContext"]["http"], route.split(" ")
    if SERVED_BY[route] != file.function:
        found.append(f"the function {SERVED_BY[route]} serves {route}")
    if not payload["routeKey"] == payload["requestContext"]["routeKey"] == route:
        found.append(f"routeKey is not {route}")
    if http["method"] != method:
        found.append(f"the method is not {method}")
    pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
    if http["path"] != payload["rawPath"] or not re.fullmatch(pattern, payload["rawPath"]):
        found.append(f"the path is not one of {path}")
    return found


def faults_of_row(file):
    """The faults in the row."""
    row, found = file.row, []
    if not isinstance(row.get("status"), int):
        return ["expect has no status"]
    found += [f"expect has the unknown field {name}" for name in row if name not in FIELDS]
    found += [f"{name} is no {kind.__name__}" for name, kind in FIELDS.items() if name in row and type(row[name]) is not kind]
    found += [f"{name}.{part} is unknown" for name, parts in PARTS.items() for part in row.get(name, {}) if part not in parts]
    if file.is_sample != (row.get("access") in CLASSES):
        found.append(f"the file of the operation, and no other, says the access: one of {sorted(CLASSES)}")
    if (row["status"] >= 400) != (row.get("code") in CODES):
        found.append("a refusal, and nothing else, has a code, which is a code of the API")
    if route := ROUTES.get(file.operation):
        answers = documented(route)["responses"]
        found += [f"{status} is not documented" for status in {row["status"], row.get("deployed", {}).get("status", row["status"])}
                  if not {str(status), f"{status // 100}XX"} & set(answers)]
    found += [f"{caller} is no caller" for caller in row.get("statuses", {}) if caller not in CALLERS]
    return found


def faults_of_placeholders(file):
    """Placeholders that nobody would fill, and taken values that nobody uses."""
    row, used = file.row, set(PLACEHOLDER.findall(json.dumps(file.payload)))
    found = [f"before: there is no request {case}" for case in row.get("before", []) if case not in CASES]
    found += [f"${{{name}}} is filled by nobody" for name in sorted(used - PLACEHOLDERS - set(row.get("take", {})))]
    found += [f"take: {name} is not in the file" for name in row.get("take", {}) if name not in used]
    if row.get("take") and not row.get("before"):
        found.append("take needs a file before")
    return found


def faults(file):
    """All faults; empty if there is none."""
    found = faults_of_placeholders(file)
    if file.is_request:
        return found + faults_of_request(file) + faults_of_row(file)
    if file.row:
        found.append("only a request has a row")
    loads = f'"{file.case}"' in RUST or f'all("{file.function}")' in RUST
    return found if loads else [*found, "no test loads it"]


@pytest.mark.parametrize("file", event_files(), ids=lambda file: file.place)
def test_an_event_file_has_a_valid_row_or_is_used_by_a_test(file):
    assert not faults(file), file.place


def test_every_operation_has_a_file_of_its_own():
    assert {file.operation for file in requests() if file.is_sample} == set(ROUTES)


def test_row_and_document_agree_on_the_need_of_a_token():
    schemes = {"operator": {"operator"}, "public": set()}
    for operation, route in ROUTES.items():
        wanted = {name for choice in documented(route).get("security", []) for name in choice}
        access = find(operation).row["access"]
        assert wanted == schemes.get(access, {"bearer"}), f"{operation}: {access} and {wanted}"


@pytest.fixture
def broken(tmp_path):
    """A function that makes a file like one of events/, with a change."""
    def make(function, case, change):
        original = next(file for file in event_files() if (file.function, file.case) == (function, case))
        data = json.loads(original.text)
        change(data)
        path = tmp_path / f"{case}.json"
        path.write_text(json.dumps(data), "utf-8")
        return EventFile(function, path)

    return make


BREAKS = {
    "another method": (lambda data: data["requestContext"]["http"].update(method="PUT"), "the method is not GET"),
    "another path": (lambda data: data.update(rawPath="/v1/cards"), "the path is not one of"),
    "another route": (lambda data: data.update(routeKey="GET /v1/me"), "routeKey is not"),
    "no row": (lambda data: data.pop("expect"), "expect has no status"),
    "an unknown field": (lambda data: data["expect"].update(acess="boss"), "unknown field acess"),
    "a field of another type": (lambda data: data["expect"].update(before="x"), "before is no list"),
    "an unknown class": (lambda data: data["expect"].update(access="king"), "says the access"),
    "no class": (lambda data: data["expect"].pop("access"), "says the access"),
    "a status that is not documented": (lambda data: data["expect"].update(status=302), "302 is not documented"),
    "a refusal without a code": (lambda data: data["expect"].update(status=404), "has a code"),
    "a code that is none": (lambda data: data["expect"].update(status=404, code="lost"), "has a code"),
    "a caller that is none": (lambda data: data["expect"].update(statuses={"king": 200}), "king is no caller"),
    "a placeholder that nobody fills": (lambda data: data["headers"].update(x="${nobody}"), "filled by nobody"),
    "something taken for nothing": (lambda data: data["expect"].update(before=["get_me"], take={"a": "/a"}), "take: a"),
    "a file before that is none": (lambda data: data["expect"].update(before=["get_moon"]), "no request get_moon"),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_event_file_is_found(name, broken):
    change, fault = BREAKS[name]
    found = faults(broken("card", "get_card", change))
    assert any(fault in line for line in found), found


def test_a_file_in_the_folder_of_another_function_or_of_no_operation_is_found(broken):
    file = broken("card", "get_card", lambda data: None)
    assert not faults(file)
    assert any("serves" in line for line in faults(EventFile("crm", file.path)))
    assert "no operation" in faults(EventFile("card", file.path.rename(file.path.with_name("get_moon.json"))))[0]


def test_a_file_without_a_request_that_no_test_loads_is_found(broken):
    file = broken("recount", "night", lambda data: None)
    assert not faults(file)
    assert faults(EventFile("recount", file.path.rename(file.path.with_name("moon" + "_night.json")))) == ["no test loads it"]
