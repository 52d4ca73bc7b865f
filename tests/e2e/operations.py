"""The operations of infra/openapi.json, each with a request that is fine by itself.

A new route has to be given a request here; `test_tenancy.py` fails until it is.
"""

import json
import uuid
from pathlib import Path

from world import batch_id, event, mobile

DOCUMENT = Path(__file__).resolve().parents[2] / "infra" / "openapi.json"
METHODS = ("get", "post", "put", "delete")

CARD_FIELDS = {"phones": [], "wechat_id": "", "email": "", "address": "", "introduction": ""}


def operations():
    """[(method, path, needs a bearer token)] of every route."""
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    schemes = document.get("components", {}).get("securitySchemes", {})
    bearer = {name for name, scheme in schemes.items() if scheme.get("scheme", "").lower() == "bearer"}
    found = []
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                wanted = item[method].get("security", document.get("security", []))
                guarded = any(bearer & set(choice) for choice in wanted)
                found.append((method.upper(), path, guarded))
    return found


def name(operation):
    """A test id."""
    return f"{operation[0]} {operation[1]}"


ALL = operations() if DOCUMENT.exists() else []
GUARDED = [operation for operation in ALL if operation[2]]


def body_for(method, path, ids):
    """A body that would be accepted from the right person."""
    return {
        ("POST", "/v1/members"): lambda: {"name": "新同事", "position": "顾问"},
        ("PUT", "/v1/members/{member_id}/radar"): lambda: {"phone": mobile()},
        ("POST", "/v1/members/{member_id}/radar/codes"): lambda: {},
        ("POST", "/v1/radar/redemptions"): lambda: {"code": "012345"},
        ("POST", "/v1/radar/joins"): lambda: {"ticket": "0123456789abcdefghijklmnopqrstuv"},
        ("POST", "/v1/cards"): lambda: {"member_id": ids["member_id"]},
        ("POST", "/v1/events"): lambda: {"batch_id": batch_id(), "events": [event("view_card", ids["card_id"])]},
        ("PUT", "/v1/cards/{card_id}"): lambda: {"version": 1, **CARD_FIELDS},
        ("PUT", "/v1/cards/{card_id}/identity"): lambda: {"version": 1, "name": "甲", "position": "乙", "company": "丙"},
    }[(method, path)]()


def request(api, operation, token, ids, headers=None):
    """Sends the operation's sample request, its ids taken from `ids`."""
    method, path, _ = operation
    body = None if method in ("GET", "DELETE") else body_for(method, path, ids)
    key = uuid.uuid4().hex if method == "POST" else None
    return api.call(method, path.format(**ids), token, body, key=key, headers=headers)
