"""AWS's hard limits, which no emulator enforces: on the template as SAM transforms it for prod, and
on the same with a second half of the product added."""

import copy
import re
import shlex
import tomllib

import pytest

import template
from contracts import assembled
from gateway import logical_id, reached, route_table
from limits import measured
from repository import ROOT, text
from sam import transformed

ROUTES, FUNCTIONS = 160, 8
LEFT = 0.25
# The family with queue, dead-letter queue, five alarms and most statements in its role.
MODEL = "media-inspector"


def prod():
    """The parameters of prod."""
    overrides = tomllib.loads(text(ROOT / "samconfig.toml"))["prod"]["deploy"]["parameters"]["parameter_overrides"]
    return dict(pair.split("=", 1) for pair in shlex.split(overrides))


def second_half():
    """Parts and routes with 8 functions and 160 operations more. Of eight operations, four are new
    ones of today's functions beside their old ones, three stand below paths that are new, and one is
    a new function's below a path of an old one, as `crm`'s are below `/v1/cards`."""
    parts, routes = template.read_parts(ROOT), {name: list(found) for name, found in template.read_routes(ROOT).items()}
    names = [f"extra-{letter}" for letter in "abcdefgh"[:FUNCTIONS]]
    model = text(ROOT / "infra" / "functions" / f"{MODEL}.yaml")
    for name in names:
        copied = model.replace(MODEL, name).replace(logical_id(MODEL), logical_id(name))
        copied = copied.replace("media-inspection", f"{name}-work").replace("Inspection", f"{logical_id(name)}Work")
        # The bucket still depends on the policy of its own queue.
        parts[f"infra/functions/{name}.yaml"] = template.read_part(name, copied)
        routes[name] = []
    today = [(function, operation) for function, found in template.read_routes(ROOT).items() for operation in found]
    for number in range(ROUTES):
        function, operation = today[number * 37 % len(today)]
        method, path = operation.split(" ")
        kept = path.rsplit("/", 1)[0] if path.count("/") > 2 and not path.endswith("}") else path
        new = names[number // 8 % FUNCTIONS]
        if number % 8 < 4:
            routes[function].append(f"{method} {kept}/extra-{number}")
        elif number % 8 < 7:
            routes[new].append(f"{method} {path.replace('/v1/', f'/v1/{new}-', 1)}/extra-{number}")
        else:
            routes[new].append(f"{method} {kept}/extra-{number}")
    throttles = parts["infra/shared/api.yaml"]["Resources"]["Api"]["Properties"]["RouteSettings"]
    throttles |= {routes[name][0]: {"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 10} for name in names}
    return parts, routes


@pytest.fixture(scope="module")
def figures():
    """Limit -> AWS's figure, today's, and the one with twice the product."""
    larger = template.assemble(*second_half())
    now, later = (
        measured(source, transformed(source, Release="0" * 64, **prod()), prod()) for source in (assembled(), larger)
    )
    return {name: (limit, today, later[name][1]) for name, (limit, today) in now.items()}


def test_every_limit_of_aws_has_a_quarter_left_for_a_second_half(figures, show):
    show([f"limits of AWS: today, and with {ROUTES} more routes and {FUNCTIONS} more functions"])
    show([f"  {'':40}{'AWS':>10}{'today':>9}{'':>6}{'later':>9}{'':>6}"])
    show([f"  {name:40}{limit:>10,}{now:>9,}{now / limit:>6.0%}{later:>9,}{later / limit:>6.0%}"
          for name, (limit, now, later) in figures.items()])  # fmt: skip
    too_near = [name for name, (limit, _, later) in figures.items() if later > limit * (1 - LEFT)]
    assert not too_near


def test_the_second_half_is_as_large_as_it_says(figures):
    parts, routes = second_half()
    assert sum(map(len, routes.values())) == sum(map(len, template.read_routes(ROOT).values())) + ROUTES
    assert len(parts) == len(template.read_parts(ROOT)) + FUNCTIONS
    assert all(now > 0 and later >= now for _, now, later in figures.values())


def test_a_permission_per_route_as_sam_makes_them_would_be_noticed():
    source, functions = copy.deepcopy(assembled()), template.read_routes(ROOT)
    for number, operation in enumerate(functions["organization"]):
        permission = copy.deepcopy(source["Resources"]["OrganizationApiPermission"])
        path = re.sub(r"\{\w+\}", "*", operation.replace(" ", ""))
        source_arn = permission["Properties"]["SourceArn"]
        source_arn["Fn::Sub"] = source_arn["Fn::Sub"].replace("/*/*", f"/*/{path}")
        source["Resources"][f"OrganizationFunctionRoute{number}Permission"] = permission
    limit, found = measured(source, transformed(source, **prod()), prod())["policy of a function's alias, bytes"]
    assert found > limit * (1 - LEFT)


def test_no_operation_of_the_second_half_reaches_another_function():
    parts, routes = second_half()
    exact = set(parts["infra/shared/api.yaml"]["Resources"]["Api"]["Properties"]["RouteSettings"])
    table = route_table(routes, exact)
    for function, operations in routes.items():
        for operation in operations:
            assert reached(table, operation) == {function}, operation
