"""Every place that calls AWS is in the laboratory's list, with the trials that test faults there."""

import re

from repository import FUNCTION, ROOT, code_only, line_of, shipped_rust, short, text

LIST = ROOT / "tests" / "lab" / "call-sites.tsv"
OPERATIONS = (
    "get_item", "batch_get_item", "query", "scan", "transact_get_items", "put_item", "update_item", "delete_item",
    "batch_write_item", "transact_write_items", "send_message", "send_message_batch", "delete_message",
    "change_message_visibility", "change_message_visibility_batch", "get_secret_value", "get_object", "put_object", "head_object", "delete_object",
    "copy_object", "post_to_connection", "delete_connection", "get_connection",
)
CALL = re.compile(rf"\.\s*({'|'.join(OPERATIONS)})\(\)")
# The trials of scripts/lab faults: processes of the pipeline, and acts.
TRIED_BY = {"tracking", "radar-aggregator", "routes", "housekeeping", "recount", "live", "media-inspector"}
# The same words in other places than calls of AWS.
NOT_AWS = re.compile(r"\buri\s*\.\s*query\(\)")


def call_sites():
    """"file::function" and operation of every call of AWS in shipped code."""
    found = set()
    for path, source in shipped_rust():
        code = NOT_AWS.sub("", code_only(source))
        functions = list(FUNCTION.finditer(code))
        for call in CALL.finditer(code):
            around = [function.group(1) for function in functions if function.start() < call.start()]
            assert around, f"{short(path)}:{line_of(code, call.start())}: a call outside of any function"
            operation = "".join(word.capitalize() for word in call.group(1).split("_"))
            found.add((f"{short(path)}::{around[-1]}", operation))
    return found


def rows():
    """The rows of the list: site, operation, what covers it, why not."""
    lines = [line for line in text(LIST).splitlines() if line and not line.startswith("#")]
    return [[*line.split("\t"), ""][:4] for line in lines]


def test_every_call_of_aws_is_in_the_list_of_faults():
    listed = {(site, operation) for site, operation, *_ in rows()}
    sites = call_sites()
    assert not sites - listed, f"add to tests/lab/call-sites.tsv, and let scripts/lab faults try them: {sorted(sites - listed)}"
    assert not listed - sites, f"no longer called: {sorted(listed - sites)}"


def test_a_call_that_is_not_tried_has_a_reason():
    for site, operation, covered, why in rows():
        assert covered != "–" or why, f"{site} {operation}: say why no fault is tried there"
        assert covered == "–" or set(covered.split(", ")) <= TRIED_BY, f"{site}: {covered}"
