"""The edges of the deployed API: what no route takes, ids with something around them, cursors of others."""

import http.client
from urllib.parse import urlsplit

import pytest

from client import Answer
from document import DOCUMENT
from operations import SAMPLES, Stage, is_guarded, name
from world import absent_id

WITH_ID = [file for file in SAMPLES if "{" in file.route and file.route.startswith("GET ") and is_guarded(file)]
LISTS = [
    file for file in SAMPLES
    if any(given["name"] == "cursor" for given in DOCUMENT[file.operation].get("parameters", []))
]  # fmt: skip
TAILS = ["%00", "%20", "%0a", "%09", "%23x", "%3Fx", "%25", "%252Fvcard", "%E4%B8%AD", "/", "%5Cvcard", ";x", "%2F..%2Fx"]


@pytest.fixture(scope="module")
def stage(company, staff, visitor):
    """`lin` with a card and a visitor."""
    return Stage(company, staff, visitor)


def apart(file, stage):
    """Whose work is handed over is gone afterwards: somebody else than `lin`."""
    return Stage(stage.company, stage.company.member("离职者")) if "handover" in file.operation else stage


def asked(world, method, target, token=None):
    """The answer to exactly this target, which no library has tidied."""
    base = urlsplit(world.stack.api)
    connection = http.client.HTTPConnection(base.hostname, base.port, timeout=30)
    try:
        connection.putrequest(method, base.path + target, skip_accept_encoding=True)
        if token is not None:
            connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        response = connection.getresponse()
        response.content, response.status_code = response.read(), response.status
        return response
    finally:
        connection.close()


@pytest.mark.parametrize("target", ["/", "/v1", "/v1/", "/v1/nowhere", "/v1/me/", "/v2/me", "//v1//me", "/v1/cards/", "/v1/%2e%2e"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_what_no_route_takes_is_a_problem(world, method, target, staff):
    answer = Answer(asked(world, method, target, staff.token), f"{method} {target}")
    answer.expect(404, "not_found")
    assert answer.headers["cache-control"] == "no-store" and answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["HEAD", "PATCH", "TRACE", "PURGE"])
def test_a_method_that_no_route_has_is_a_problem(world, method, staff):
    response = asked(world, method, "/v1/me", staff.token)
    # A path with one function for all its methods; others end at the default route.
    assert response.status in (404, 405), response.content
    assert response.headers["content-type"] == "application/problem+json"
    assert method != "HEAD" or response.content == b""


@pytest.mark.parametrize("file", WITH_ID, ids=name)
def test_an_id_with_something_around_it_is_no_id(file, world, stage):
    stage = apart(file, stage)
    path = stage.path(file, stage.prepare(file))
    for tail in TAILS:
        answer = Answer(asked(world, "GET", path + tail, stage.company.boss.token), f"{file.route} {tail}")
        answer.expect(404, "not_found")


def test_a_slash_that_is_escaped_is_the_slash_that_the_gateway_makes_of_it(world, staff, visitor):
    """API Gateway decodes the path before it chooses a route: nothing that a caller may not see is reached by it."""
    plain = asked(world, "GET", f"/v1/cards/{staff.card_id}/vcard", visitor.token)
    escaped = asked(world, "GET", f"/v1/cards/{staff.card_id}%2Fvcard", visitor.token)
    assert (escaped.status, escaped.content) == (plain.status, plain.content) == (200, plain.content)
    assert asked(world, "GET", f"/v1/cards/{absent_id('crd_')}%2Fvcard", visitor.token).status == 404
    assert asked(world, "GET", f"/v1/cards/{staff.card_id}%2Fvcard").status == 401


def test_queries_with_any_byte_are_answered(world, staff):
    for query in ['"', "<x>", "a=%22", "%", "%zz", "a=b#c", "q={}", "q=[]", "\\", "^", "`", "|"]:
        answer = Answer(asked(world, "GET", f"/v1/directory?{query}", staff.token), query)
        assert answer.status in (200, 400), answer


@pytest.mark.parametrize("file", LISTS, ids=name)
def test_a_cursor_that_is_not_ours_is_refused(file, world, stage):
    stage = apart(file, stage)
    path = stage.path(file, stage.prepare(file))
    for forged in ("x", "AgICAgICAgICAgICAgICAgIC", "AQEBAQEBAQEBbWVtXzc"):
        answer = stage.world.api.call("GET", path, stage.company.boss.token, query={"cursor": forged})
        answer.expect(400, "invalid_cursor")
