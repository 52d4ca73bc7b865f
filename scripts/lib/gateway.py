"""The HTTP API's routes, made from the operations of the API document.

AWS allows 300 routes of an API and 300 integrations, and 20,480 bytes of policy at a function. So
a function has one integration and one permission, and below a path one function has a greedy route.
API Gateway prefers a full match to a greedy one. Its documentation does not define the choice
between two greedy ones: here a request never matches greedy routes of different functions.

What no route takes goes to the default route, which the function with the fewest rights answers with a problem:
the gateway's own 404 is another document, and cannot be changed.
"""

from __future__ import annotations

import re
from typing import Any, Iterator

METHODS = ("GET", "POST", "PUT", "DELETE")
ALL, GREEDY, DEFAULT = "ANY", "{proxy+}", "$default"
DEFAULT_FUNCTION = "video"
URI = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Alias}/invocations"
SOURCE = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*"


class WrongRoutes(Exception):
    """The operations cannot be served as they are written; the text has the reason."""


class Node:
    """A place in the tree of paths: the operations there, and the places below."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.here: dict[str, str] = {}
        self.below: dict[str, Node] = {}

    def child(self, segment: str) -> Node:
        """The node of the next segment. A place has one variable, of one name."""
        node = self.below.setdefault("{}" if is_variable(segment) else segment, Node(f"{self.path}/{segment}"))
        if not node.path.endswith(f"/{segment}"):
            raise WrongRoutes(f"{node.path} and {self.path}/{segment} are the same path with two names")
        return node

    def nodes(self) -> Iterator[Node]:
        """The nodes below, at any depth."""
        for node in self.below.values():
            yield node
            yield from node.nodes()

    def full_matches(self, exact: set[str], but: str = "") -> dict[str, str]:
        """Routes of this path itself, for operations that are not in `exact` and not served by `but`."""
        left = {method: name for method, name in self.here.items() if f"{method} {self.path}" not in exact}
        if len(set(left.values())) == 1 and but not in left.values():
            return {f"{ALL} {self.path}": next(iter(left.values()))}
        return {f"{method} {self.path}": name for method, name in left.items() if name != but}

    def routes(self, exact: set[str]) -> dict[str, str]:
        """The fewest routes for this path and all below: either the routes of each part, or one function's
        greedy route with full matches for the others. Nothing is greedy directly below the version:
        a request for an unknown path goes to the default route, which has a throttle of its own."""
        ways = [{key: name for node in self.below.values() for key, name in node.routes(exact).items()}]
        left = [node for node in self.nodes() if any(f"{method} {node.path}" not in exact for method in node.here)]
        if self.path.count("/") > 1 and left:
            for owner in sorted({name for node in left for name in node.here.values()}):
                others = {key: name for node in left for key, name in node.full_matches(exact, but=owner).items()}
                ways.append({f"{ALL} {self.path}/{GREEDY}": owner, **others})
        # A greedy route is used even if it saves nothing: the function then answers unknown paths.
        return self.full_matches(exact) | min(reversed(ways), key=len)


def is_variable(segment: str) -> bool:
    """Whether a segment stands for any text."""
    return segment.startswith("{")


def logical_id(function: str) -> str:
    """The prefix of a function's resources: RadarAggregator for radar-aggregator."""
    return "".join(part.capitalize() for part in function.split("-"))


def owners(routes: dict[str, list[str]]) -> dict[str, str]:
    """Operation -> function, of function -> operations."""
    found: dict[str, str] = {}
    for function, operations in sorted(routes.items()):
        for operation in operations:
            method, _, path = operation.partition(" ")
            if method not in METHODS or not re.fullmatch(r"(/([\w.-]+|\{\w+\}))+", path):
                raise WrongRoutes(f"{operation!r} of {function} is no operation of an HTTP API")
            if operation in found:
                raise WrongRoutes(f"{operation} is served by {found[operation]} and by {function}")
            found[operation] = function
    return found


def route_table(routes: dict[str, list[str]], exact: set[str]) -> dict[str, str]:
    """Route key -> function. `exact` are the operations that keep a route of their own."""
    wanted = owners(routes)
    exact = exact - {DEFAULT}
    if unknown := sorted(exact - set(wanted)):
        raise WrongRoutes(f"no function serves {', '.join(unknown)}, which RouteSettings names")
    root = Node("")
    for operation, function in wanted.items():
        method, _, path = operation.partition(" ")
        node = root
        for segment in path.strip("/").split("/"):
            node = node.child(segment)
        node.here[method] = function
    table = {operation: wanted[operation] for operation in exact} | root.routes(exact)
    # A greedy route loses to another function's full match, as `/v1/cards/import/{proxy+}` does to
    # `/v1/cards/{card_id}/avatar`. Such an operation has a full match of its own, which may in turn
    # stand in the way of another.
    while astray := {operation: name for operation, name in wanted.items() if reached(table, operation) != {name}}:
        table |= astray
    return dict(sorted(table.items(), key=lambda row: (row[0].partition(" ")[2], row[0])))


def with_default(table: dict[str, str]) -> dict[str, str]:
    """The table with the default route."""
    return {**table, DEFAULT: DEFAULT_FUNCTION}


def is_greedy(key: str) -> bool:
    """Whether a route takes all longer paths."""
    return key.endswith(GREEDY)


def matching(table: dict[str, str], operation: str) -> dict[str, tuple[Any, ...]]:
    """The routes that take a request, each with its rank: a full match before a greedy one before the default,
    then the text itself before a variable, from the left, then the method before any method."""
    method, _, path = operation.partition(" ")
    asked = path.removeprefix("/").split("/")
    found = {}
    for key in table:
        if key == DEFAULT:
            found[key] = (-1, [], False)
            continue
        allowed, _, pattern = key.partition(" ")
        segments = pattern.strip("/").split("/")
        fixed = segments[:-1] if is_greedy(key) else segments
        long_enough = any(asked[len(fixed) :]) if is_greedy(key) else len(asked) == len(fixed)
        same = all(bool(right) if is_variable(left) else left == right for left, right in zip(fixed, asked))
        if allowed in (ALL, method) and long_enough and same:
            found[key] = (not is_greedy(key), [not is_variable(part) for part in fixed], allowed != ALL)
    return found


def selected(table: dict[str, str], operation: str) -> list[str]:
    """The routes that API Gateway may choose for a request: those of the best rank."""
    ranks = matching(table, operation)
    return [key for key, rank in ranks.items() if rank == max(ranks.values())]


def reached(table: dict[str, str], operation: str) -> set[str]:
    """The functions that may get a request. If a greedy route is selected, all greedy ones count."""
    best = selected(table, operation)
    greedy = [key for key in matching(table, operation) if is_greedy(key)]
    return {table[key] for key in (greedy if greedy and is_greedy(best[0]) else best)}


def definition(table: dict[str, str]) -> dict[str, Any]:
    """The OpenAPI definition that API Gateway imports: routes, and one integration per function."""
    paths: dict[str, Any] = {}
    for key, function in table.items():
        method, _, path = (ALL, "", f"/{DEFAULT}") if key == DEFAULT else key.partition(" ")
        name = "x-amazon-apigateway-any-method" if method == ALL else method.lower()
        reference = {"$ref": f"#/components/x-amazon-apigateway-integrations/{function}"}
        operation: dict[str, Any] = {"responses": {}, "x-amazon-apigateway-integration": reference}
        if variables := re.findall(r"\{([^}]+)\}", path):
            operation["parameters"] = [{"name": variable, "in": "path", "required": True} for variable in variables]
        if key == DEFAULT:
            operation["isDefaultRoute"] = True
        paths.setdefault(path, {})[name] = operation
    integrations = {
        function: {
            "type": "aws_proxy", "httpMethod": "POST", "payloadFormatVersion": "2.0",
            "uri": {"Fn::Sub": URI % f"{logical_id(function)}Function"},
        }
        for function in sorted(set(table.values()))
    }  # fmt: skip
    return {
        "openapi": "3.0.1",
        "info": {"title": {"Ref": "AWS::StackName"}, "version": "1.0"},  # SAM puts the Name here
        "paths": paths,
        "components": {"x-amazon-apigateway-integrations": integrations},
    }


def permissions(table: dict[str, str]) -> dict[str, Any]:
    """One permission per function: only this API may call it."""
    return {
        f"{logical_id(function)}ApiPermission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": f"{logical_id(function)}Function.Alias"},
                "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": SOURCE},
            },
        }
        for function in sorted(set(table.values()))
    }


def routes_of(body: dict[str, Any]) -> dict[str, Any]:
    """Route key -> URI of its integration, of a definition as `definition` makes it."""
    integrations = body["components"]["x-amazon-apigateway-integrations"]
    found = {}
    for path, methods in body["paths"].items():
        for name, operation in methods.items():
            method = ALL if name == "x-amazon-apigateway-any-method" else name.upper()
            reference = operation["x-amazon-apigateway-integration"]["$ref"]
            key = DEFAULT if operation.get("isDefaultRoute") else f"{method} {path}"
            found[key] = integrations[reference.rsplit("/", 1)[1]]["uri"]
    return found
