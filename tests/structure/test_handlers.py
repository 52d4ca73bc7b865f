"""Handlers only parse, authorise, call and answer; no other code knows problems of HTTP."""

import re

from repository import FUNCTION, block_end, code_only, named, is_test_file, line_of, short, text, without_tests

HANDLER_LINES_MAX = 15
HANDLER = re.compile(r"#\[utoipa::path\(")
PLAIN_CALLER = re.compile(r":\s*Caller\b")
# Handlers for all callers who have logged in, and why they need no permission for a resource.
FOR_EVERY_PERSON = {
    "create_share_code": "everybody may share any card of the company; the sharer is the caller",
    "get_me": "the caller, by their token",
    "grant_my_phone": "the caller's own number; WeChat names it",
    "list_card_voices": "what a card shows, for everybody who may see the card",
    "list_my_cards": "the cards that the caller has opened",
    "get_my_data": "what is recorded about the caller",
    "list_my_events": "what the caller did",
    "set_my_tracking": "whether what the caller does is recorded",
    "erase_my_data": "what is kept of the caller",
}


def body_start(code, start):
    """The position where the body of the function opens whose parameters begin at or after `start`."""
    depth = 0
    for position in range(start, len(code)):
        if code[position] in "([":
            depth += 1
        elif code[position] in ")]":
            depth -= 1
        elif code[position] == "{" and depth == 0:
            return position
    raise AssertionError("a function without a body")


def async_functions():
    """(file, line, name, head, lines of the body, whether it is a handler) of every async function of the functions."""
    for path in named("functions/*/src/**/*.rs"):
        if is_test_file(path):
            continue
        source = without_tests(text(path))
        code = code_only(source)
        handlers = {FUNCTION.search(code, found.end()).start() for found in HANDLER.finditer(code)}
        for found in FUNCTION.finditer(code):
            if not re.search(r"\basync\b", found.group()):
                continue
            start = body_start(code, found.end())
            end = block_end(code, start)
            lines = sum(1 for line in source[start + 1:end - 1].splitlines() if line.strip())
            head = code[found.start():start]
            yield short(path), line_of(source, found.start()), found.group(1), head, lines, found.start() in handlers


def test_handlers_are_found():
    handlers = [name for _, _, name, _, _, is_handler in async_functions() if is_handler]
    assert len(handlers) > 100 and "create_session" in handlers, handlers


def test_a_handler_has_at_most_15_lines():
    long = [f"{path}:{line}: {name} has {lines} lines" for path, line, name, _, lines, is_handler in async_functions()
            if is_handler and lines > HANDLER_LINES_MAX]
    assert not long, long


def test_only_handlers_answer_with_a_problem():
    others = [f"{path}:{line}: {name}" for path, line, name, head, _, is_handler in async_functions()
              if not is_handler and re.search(r"->.*\bProblem\b", head, re.S)]
    assert not others, f"return a failure, and let the handler make a problem of it: {others}"


def test_a_handler_for_a_resource_takes_a_permission_and_not_a_plain_caller():
    plain = {name for _, _, name, head, _, is_handler in async_functions() if is_handler and PLAIN_CALLER.search(head)}
    assert plain == set(FOR_EVERY_PERSON), plain ^ set(FOR_EVERY_PERSON)
