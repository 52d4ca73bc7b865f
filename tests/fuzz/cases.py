"""Requests from the API document, with ids that exist.

What belongs here: making one case, random or from an event file. What does not: sending it.
"""

import random
import re
from urllib.parse import parse_qsl, unquote

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument, Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from known import altered


def from_request(operation, request):
    """(caller, case) of a request that stands in an event file."""
    caller, path, query, headers, body = request
    names = re.findall(r"\{(\w+)\}", operation.path)
    pattern = re.sub(r"\{\w+\}", "([^/]+)", operation.path)
    values = re.fullmatch(pattern, path).groups()
    parts = {"path_parameters": dict(zip(names, map(unquote, values))), "headers": headers}
    if query:
        parts["query"] = dict(parse_qsl(query, keep_blank_values=True))
    if body is not None:
        parts |= {"body": body, "media_type": "application/json"}
    return caller, operation.Case(**parts)


def can_draw(strategy):
    """Whether a strategy makes anything: an operation without parameters has no wrong ones."""
    try:
        return not strategy.is_empty
    except (InvalidArgument, Unsatisfiable):
        return False


def strategy_of(operation):
    """Draws (salt, mode, case): most cases fit the document, some do not, some change a request that succeeded."""
    good = operation.as_strategy(GenerationMode.POSITIVE)
    modes = [st.tuples(st.just("good"), good), st.tuples(st.just("near"), good)]
    bad = operation.as_strategy(GenerationMode.NEGATIVE)
    if can_draw(bad):
        modes.append(st.tuples(st.just("bad"), bad))
    return st.tuples(st.integers(0, 2**64), st.one_of(modes))


def prepared(drawn, operation_id, known, base):
    """The case that was drawn, with ids that exist; near `base`, a case that succeeds, if it shall be."""
    salt, (mode, case) = drawn
    rng = random.Random(salt)
    generated = case.body if not isinstance(case.body, NotSet) else None
    if mode == "near" and base is not None:
        case.path_parameters = dict(base.path_parameters or {})
        case.query = dict(base.query or {}) if not case.query else case.query
        if not isinstance(base.body, NotSet):
            case.body, case.media_type = altered(rng, base.body, generated), base.media_type
    else:
        for part in ("path_parameters", "query", "body"):
            value = getattr(case, part)
            if isinstance(value, (dict, list)):
                setattr(case, part, known.replace(rng, operation_id, value))
    return rng, case
