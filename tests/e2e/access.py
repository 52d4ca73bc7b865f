"""Who may send which request: a closed set of access classes, and what each caller gets.

What belongs here: the statuses that follow from the class of an operation. What does not: single
operations; the row of their event file, `expect`, has the statuses that do not follow from the class.
"""

import re

from event_files import PLACEHOLDER

# `staff` owns the resource; `other_staff` is a colleague; `foreign_boss` comes from another company.
CALLERS = ("nobody", "anonymous", "visitor", "staff", "other_staff", "admin", "boss", "foreign_boss", "operator")
NO_TOKEN = {"nobody": 401, "operator": 401}
LOGGED_IN = {**NO_TOKEN, "anonymous": 403}
NOT_OPERATOR = {caller: 401 for caller in CALLERS if caller != "operator"}

# class -> {caller: refusal}; all others are served.
CLASSES = {
    "public": {},
    "operator": NOT_OPERATOR,
    "anybody": NO_TOKEN,  # with any token
    "visitor": LOGGED_IN,
    "member": {**LOGGED_IN, "visitor": 403},
    "card_owner": {**LOGGED_IN, "visitor": 403, "boss": 404},  # in these tests the boss has no card
    "card_editor": {**LOGGED_IN, "visitor": 403, "other_staff": 403},
    "member_for_card": {**LOGGED_IN, "visitor": 403, "other_staff": 403},  # a member first, then whose card
    "card_admin": {**LOGGED_IN, "visitor": 403, "staff": 403, "other_staff": 403},  # owner of a card, but not of this one
    "card_radar": {**LOGGED_IN, "visitor": 404, "other_staff": 404},
    "customer": {**LOGGED_IN, "visitor": 404, "other_staff": 404},
    "uploader": {**LOGGED_IN, "visitor": 404, "other_staff": 404},
    "company_radar": {**LOGGED_IN, "visitor": 404, "staff": 404, "other_staff": 404},
    "admin": {**LOGGED_IN, "visitor": 403, "staff": 403, "other_staff": 403},
    "boss": {**LOGGED_IN, "visitor": 403, "staff": 403, "other_staff": 403, "admin": 403},
    # As the two above, with a login by WeChat of the last five minutes.
    "fresh_admin": {**LOGGED_IN, "visitor": 403, "staff": 403, "other_staff": 403},
    "fresh_boss": {**LOGGED_IN, "visitor": 403, "staff": 403, "other_staff": 403, "admin": 403},
}  # fmt: skip
WITHOUT_TOKEN = {"public", "operator"}
# Decided by the role alone, before any id is read.
BY_ROLE = {"member", "member_for_card", "admin", "boss", "fresh_admin", "fresh_boss"}
# Placeholders that name a resource of one company.
THING = re.compile(r"(?:card|member|upload)_\w+|\w+_id|share_code")
NO_THINGS = {"batch_id", "product_id"}  # products do not exist yet


def things(text):
    """The placeholders of a text that name a resource of the company."""
    return [name for name in PLACEHOLDER.findall(text) if THING.fullmatch(name) and name not in NO_THINGS]


def names_things(file):
    """Whether path or body name a resource of the company."""
    text = f"{file.payload['rawPath']} {file.payload['rawQueryString']} {file.deployed_body}"
    return bool(things(text))


def served(file):
    """The status of a successful request, on a deployed stack."""
    return file.row.get("deployed", {}).get("status", file.row["status"])


def statuses(file, sample):
    """caller -> status of a file, by the access class of the operation's sample."""
    refused = CLASSES[sample.row["access"]]
    found = {caller: refused.get(caller, served(file)) for caller in CALLERS}
    if sample.row["access"] not in WITHOUT_TOKEN:
        found["foreign_boss"] = 404 if names_things(file) else found["boss"]
    return {**found, **file.row.get("statuses", {})}


def from_outside(file, sample, caller):
    """The status for `boss`, `staff` or `visitor` of another company; None: the same as in their own company."""
    by_class = CLASSES[sample.row["access"]].get(caller)
    if not names_things(file):
        return statuses(file, sample)["foreign_boss"] if caller == "boss" else by_class
    if sample.row["access"] in BY_ROLE and by_class == 403:
        return 403
    return file.row.get("foreign", {}).get("status", 404)
