"""The API document is written for people: every sentence that they need exists, and is plain."""

import json
import re

import pytest

from contracts import OPENAPI
from repository import ROOT, text
from sentences import PRONOUNS

METHODS = ("get", "post", "put", "delete")


STATUSES = {
    "BAD_REQUEST": "400", "UNAUTHORIZED": "401", "FORBIDDEN": "403", "NOT_FOUND": "404", "METHOD_NOT_ALLOWED": "405",
    "CONFLICT": "409", "PAYLOAD_TOO_LARGE": "413", "UNSUPPORTED_MEDIA_TYPE": "415", "UNPROCESSABLE_ENTITY": "422",
    "TOO_MANY_REQUESTS": "429", "INTERNAL_SERVER_ERROR": "500", "SERVICE_UNAVAILABLE": "503",
}


def problems():
    """{(status, code)} of every problem that the API can answer."""
    source = text(ROOT / "shared" / "edge" / "src" / "problem.rs")
    return {(STATUSES[status], code) for status, code in re.findall(r'= ([A-Z_]+), "([a-z_]+)",', source)}


def problems_in(sentences):
    """{(status, code)} in the sentences: 409 `version_conflict`."""
    return set(re.findall(r"\b([45]\d\d) `([a-z_]+)`", sentences))


def document():
    """The document as plain data."""
    return json.loads(text(OPENAPI))


def operations():
    """(operation id, operation) of all."""
    items = document()["paths"].values()
    return [(item[method]["operationId"], item[method]) for item in items for method in METHODS if method in item]


def strings(value, path=""):
    """(place, string) of everything below a value."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from strings(inner, f"{path}/{number}")


def objects(schema):
    """Every object that a schema is made of."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def faults(operation):
    """The faults in the sentences of an operation."""
    summary, description = operation.get("summary", ""), operation.get("description", "")
    if not 2 <= len(summary.split()) <= 8 or summary.endswith("."):
        yield f"summary of 2 to 8 words without a full stop: {summary!r}"
    if not re.search(r"\bCallers: (?:everyone|members|admins|the )", description):
        yield "the description names who may call: `Callers: …`"
    if not re.search(r"\b(?:Idempotent|Not idempotent)\b", description):
        yield "the description says whether the operation is idempotent"
    for parameter in operation.get("parameters", []):
        if not parameter.get("description"):
            yield f"parameter {parameter['name']} has no description"


@pytest.mark.parametrize("name, operation", operations(), ids=[name for name, _ in operations()])
def test_an_operation_says_what_a_client_needs(name, operation):
    assert not list(faults(operation)), name


def test_the_check_of_an_operation_can_fail():
    bad = {"summary": "How far a member's radar has come by now, if ever", "description": "For members.", "parameters": [{"name": "x"}]}
    assert len(list(faults(bad))) == 4


def test_every_field_has_a_sentence():
    missing = [
        f"{name}.{field}"
        for name, schema in document()["components"]["schemas"].items()
        for found in objects(schema)
        for field, value in found["properties"].items()
        # The value of a choice's tag describes it.
        if not value.get("description") and len(value.get("enum", "no tag")) != 1
    ]
    assert not missing


def test_people_are_they():
    assert PRONOUNS.search("How often he opened it.")
    found = [(place, sentence) for place, sentence in strings(document()) if PRONOUNS.search(sentence)]
    assert not found


def test_every_answer_has_a_description():
    for name, operation in operations():
        for status, answer in operation["responses"].items():
            assert answer.get("description") or "$ref" in answer, f"{name} {status}"
        assert {"4XX", "5XX"} <= set(operation["responses"]), name


def test_sentences_name_problems_that_exist_with_their_status():
    for name, operation in operations():
        assert not problems_in(operation["description"]) - problems(), name


def test_every_problem_is_described_where_it_can_come():
    known = problems_in(document()["info"]["description"])
    for _, operation in operations():
        known |= problems_in(operation["description"])
    assert not problems() - known
