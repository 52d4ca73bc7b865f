"""Which function serves which request: the gateway's routes against the routers, by API Gateway's own rules."""

import importlib.util
from pathlib import Path

import pytest

import gateway
from contracts import assembled, gateway_routes, served
from gateway import WrongRoutes, logical_id, matching, route_table, selected


def example(operation):
    """A request of an operation, with values for the variables."""
    method, path = operation.split(" ")
    return method, "/".join("x1" if part.startswith("{") else part for part in path.split("/"))


@pytest.fixture(scope="module")
def emulator():
    """How MiniStack chooses a route: an independent implementation of API Gateway's documentation."""
    folder = Path(importlib.util.find_spec("ministack").origin).parent
    assert folder.is_dir()
    from ministack.services import apigateway

    return apigateway


@pytest.mark.parametrize("operation", sorted(served()))
def test_an_operation_reaches_the_function_that_has_it(operation):
    routes = gateway_routes()
    best = selected(routes, operation)
    assert best, f"no route takes {operation}"
    assert {routes[key] for key in best} == {f"{logical_id(served()[operation])}Function"}


def test_the_emulator_sends_each_operation_to_the_same_function(emulator, monkeypatch):
    routes = gateway_routes()
    table = {str(number): {"routeKey": key, "target": name} for number, (key, name) in enumerate(routes.items())}
    monkeypatch.setattr(emulator, "_routes", {"api": table})
    for operation, folder in served().items():
        found = emulator._match_route("api", *example(operation))
        assert found["target"] == f"{logical_id(folder)}Function", operation


def test_greedy_routes_of_different_functions_never_meet():
    """The documentation does not define the choice between two greedy routes: no route may depend on it."""
    routes = {key: name for key, name in gateway_routes().items() if gateway.is_greedy(key)}
    for operation in served():
        assert len({routes[key] for key in matching(routes, operation)}) <= 1, operation


@pytest.mark.parametrize("request_line", [
    "GET /", "GET /v1", "GET /v1/nowhere", "HEAD /v1/members/", "GET /v1/me/", "PATCH /v1/sessions", "OPTIONS /v2/me", "TRACE /a/b/c",
])  # fmt: skip
def test_what_no_route_takes_goes_to_the_default_route(request_line, emulator, monkeypatch):
    routes = gateway_routes()
    assert routes[gateway.DEFAULT] == f"{logical_id(gateway.DEFAULT_FUNCTION)}Function"
    table = {str(number): {"routeKey": key, "target": name} for number, (key, name) in enumerate(routes.items())}
    monkeypatch.setattr(emulator, "_routes", {"api": table})
    found = emulator._match_route("api", *request_line.split(" "))["routeKey"]
    assert selected(routes, request_line) == [found]
    # Greedy routes answer what is unknown below them themselves.
    assert found == gateway.DEFAULT or found.startswith("ANY ")


def test_the_default_route_has_a_throttle_of_its_own():
    settings = assembled()["Resources"]["Api"]["Properties"]
    assert settings["RouteSettings"][gateway.DEFAULT]["ThrottlingRateLimit"] < settings["DefaultRouteSettings"]["ThrottlingRateLimit"]


# The example on AWS's page on routing HTTP API requests.
PETS = {"GET /pets/dog/1": "a", "GET /pets/dog/{id}": "b", "GET /pets/{proxy+}": "c", "ANY /{proxy+}": "d"}


@pytest.mark.parametrize("request_line, route", [
    ("GET /pets/dog/1", "GET /pets/dog/1"),
    ("GET /pets/dog/2", "GET /pets/dog/{id}"),
    ("GET /pets/cat/1", "GET /pets/{proxy+}"),
    ("POST /test/5", "ANY /{proxy+}"),
])  # fmt: skip
def test_the_rules_of_selection_are_those_of_api_gateway(request_line, route):
    assert selected(PETS, request_line) == [route]


def test_a_greedy_route_needs_a_segment_and_any_method_is_weaker_than_its_own():
    table = {"ANY /v1/members": "a", "POST /v1/members": "b", "ANY /v1/members/{proxy+}": "c"}
    assert selected(table, "POST /v1/members") == ["POST /v1/members"]
    assert selected(table, "GET /v1/members") == ["ANY /v1/members"]
    assert selected(table, "GET /v1/members/x/role") == ["ANY /v1/members/{proxy+}"]
    assert selected(table, "GET /v1/card") == []


def test_operations_of_one_function_below_a_path_are_one_greedy_route():
    table = route_table({"organization": ["GET /v1/members", "POST /v1/members", "PUT /v1/members/{id}/role"]}, set())
    assert table == {"ANY /v1/members": "organization", "ANY /v1/members/{proxy+}": "organization"}


def test_a_throttled_operation_keeps_its_route_and_the_rest_of_its_path_another():
    table = route_table({"shop": ["GET /v1/orders", "POST /v1/orders"]}, {"POST /v1/orders"})
    assert table == {"ANY /v1/orders": "shop", "POST /v1/orders": "shop"}


def test_of_two_functions_below_a_path_one_is_greedy_and_the_other_has_full_matches():
    routes = {"card": ["GET /v1/cards/{id}", "GET /v1/cards/{id}/vcard", "PUT /v1/cards/{id}/notes"],
              "crm": ["GET /v1/cards/{id}/notes", "POST /v1/cards/{id}/deals", "DELETE /v1/cards/{id}/deals"]}  # fmt: skip
    assert route_table(routes, set()) == {
        "ANY /v1/cards/{proxy+}": "card", "GET /v1/cards/{id}/notes": "crm", "ANY /v1/cards/{id}/deals": "crm",
    }  # fmt: skip


def test_nothing_is_greedy_directly_below_the_version():
    assert route_table({"a": ["GET /v1/x", "GET /v1/y", "GET /v1/z"]}, set()) == {
        "ANY /v1/x": "a", "ANY /v1/y": "a", "ANY /v1/z": "a",
    }  # fmt: skip


def test_a_path_that_two_functions_share_is_split_by_method():
    table = route_table({"crm": ["PUT /v1/x"], "card": ["GET /v1/x"]}, set())
    assert table == {"GET /v1/x": "card", "PUT /v1/x": "crm"}


@pytest.mark.parametrize("cards", [
    ["PUT /v1/cards/{card_id}/avatar"],  # `/v1/cards/import/{proxy+}` would meet `/v1/cards/{card_id}/{proxy+}`
    ["PUT /v1/cards/{card_id}/avatar", "GET /v1/cards/{card_id}/a/b", "GET /v1/cards/{card_id}/customers/x"],
])  # fmt: skip
def test_an_operation_whose_greedy_route_meets_another_functions_has_its_own(cards):
    routes = {"card": cards, "crm": ["POST /v1/cards/import/avatar", "GET /v1/cards/import/jobs"],
              "shop": ["GET /v1/cards/{card_id}/customers/{person_id}/orders"]}  # fmt: skip
    table = route_table(routes, set())
    for function, operations in routes.items():
        for operation in operations:
            assert {table[key] for key in selected(table, operation)} == {function}, operation
    assert table["POST /v1/cards/import/avatar"] == "crm"


@pytest.mark.parametrize("routes, exact, reason", [
    ({"card": ["GET /v1/x"], "crm": ["GET /v1/x"]}, set(), "served by card and by crm"),
    ({"card": ["GET /v1/x/{a}"], "crm": ["GET /v1/x/{b}"]}, set(), "two names"),
    ({"card": ["PATCH /v1/x"]}, set(), "no operation"),
    ({"card": ["GET /v1/{proxy+}"]}, set(), "no operation"),
    ({"card": ["GET /v1/x"]}, {"POST /v1/x"}, "RouteSettings"),
])  # fmt: skip
def test_operations_that_cannot_be_served_are_refused(routes, exact, reason):
    with pytest.raises(WrongRoutes, match=reason):
        route_table(routes, exact)
