"""The operations of infra/openapi.json, each with a request that is fine by itself.

A new route has to be given a request here; `test_tenancy.py` fails until it is.
"""

import json
import uuid
from pathlib import Path

from world import batch_id, event, mobile

DOCUMENT = Path(__file__).resolve().parents[2] / "infra" / "openapi.json"
METHODS = ("get", "post", "put", "delete")

CARD_FIELDS = {
    "phones": [], "wechat_id": "", "email": "", "address": "", "introduction": "",
    "tags": [], "style": "classic", "share_phrase": "", "welcome_text": "",
}
NO_DEFAULTS = {"share_phrase": None, "welcome_text": None, "shortcuts": None}
OPEN_TEMPLATE = {
    "address": None, "introduction": None, "style": None, "share_phrase": None, "welcome_text": None, "defaults": NO_DEFAULTS,
}
# What a path names besides the ids of the caller or of somebody else.
NAMES = {
    "book": "chat", "share_code": "A" * 22, "merge_id": "mrg_" + "0" * 26, "person_id": "per_" + "0" * 26,
    "deal_id": "dea_" + "0" * 26, "product_id": "prd_06fc0h52g1s0u9c3vr4mq8d2b4", "upload_id": "upl_06fc0h52g1s0u9c3vr4mq8d2b4",
}


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
        ("POST", "/v1/companies"): lambda: {"name": "矩阵", "appid": "wx" + uuid.uuid4().hex[:16], "boss": {"name": "某"}},
        ("POST", "/v1/sessions"): lambda: {"appid": "wx" + "0" * 16, "code": "none"},
        ("POST", "/v1/sessions/anonymous"): lambda: {"appid": "wx" + "0" * 16},
        ("POST", "/v1/my/phone"): lambda: {"code": "none"},
        ("POST", "/v1/members"): lambda: {"name": "新同事", "position": "顾问"},
        ("PUT", "/v1/members/{member_id}"): lambda: {"name": "改名", "position": "顾问"},
        ("PUT", "/v1/members/{member_id}/status"): lambda: {"status": "left"},
        ("PUT", "/v1/members/{member_id}/role"): lambda: {"role": "admin"},
        ("PUT", "/v1/members/{member_id}/successor"): lambda: {"member_id": ids["member_id"]},
        ("POST", "/v1/members/{member_id}/claim-codes"): lambda: {},
        ("POST", "/v1/invitations"): lambda: {"uses": 1, "role": "staff"},
        ("PUT", "/v1/join-requests/{join_request_id}"): lambda: {"decision": "approve"},
        ("PUT", "/v1/members/{member_id}/department"): lambda: {"department_id": ids["department_id"]},
        ("POST", "/v1/departments"): lambda: {"name": f"部门{uuid.uuid4().hex[:6]}", "parent_id": ids["department_id"]},
        ("PUT", "/v1/departments/{department_id}"): lambda: {"name": f"改名{uuid.uuid4().hex[:6]}", "parent_id": None, "version": ids["tree_version"]},
        ("PUT", "/v1/company"): lambda: {"name": "改名公司"},
        ("PUT", "/v1/companies/{company_id}/wecom"): lambda: {"corp_id": "ww1", "agent_id": 1},
        ("PUT", "/v1/greeting"): lambda: {"greeting": "大家好"},
        ("POST", "/v1/companies/{company_id}/seats"): lambda: {"add": 1},
        ("PUT", "/v1/members/{member_id}/radar"): lambda: {"phone": mobile()},
        ("POST", "/v1/members/{member_id}/radar/codes"): lambda: {},
        ("POST", "/v1/radar/redemptions"): lambda: {"code": "012345"},
        ("POST", "/v1/radar/joins"): lambda: {"ticket": "0123456789abcdefghijklmnopqrstuv"},
        ("POST", "/v1/cards"): lambda: {"member_id": ids["member_id"]},
        ("POST", "/v1/events"): lambda: {"batch_id": batch_id(), "events": [event("view_card", ids["card_id"])]},
        ("POST", "/v1/share-codes"): lambda: {"card_id": ids["card_id"], "channel": "share"},
        ("POST", "/v1/uploads"): lambda: {
            "purpose": "photo", "content_type": "image/jpeg", "bytes": 1_000, "card_id": ids["card_id"],
        },
        ("PUT", "/v1/cards/{card_id}/avatar"): lambda: {"version": 1, "upload_id": None},
        ("PUT", "/v1/cards/{card_id}/photos"): lambda: {"version": 1, "upload_ids": []},
        ("PUT", "/v1/cards/{card_id}/video"): lambda: {"version": 1, "upload_id": None},
        ("PUT", "/v1/products/{product_id}/voice"): lambda: {"upload_id": None},
        ("PUT", "/v1/card-template"): lambda: {"version": 0, **OPEN_TEMPLATE},
        ("PUT", "/v1/my/phrases/{book}"): lambda: {"phrases": ["您好"]},
        ("PUT", "/v1/phrases/{book}"): lambda: {"phrases": ["您好"]},
        ("PUT", "/v1/my/greeting"): lambda: {"greeting": "加油"},
        ("PUT", "/v1/cards/{card_id}/customers/{person_id}/close-rate"): lambda: {"percent": 80},
        ("POST", "/v1/cards/{card_id}/customers/{person_id}/deals"): lambda: {"closed_on": "2026-11-20"},
        ("PUT", "/v1/my/shortcuts"): lambda: {"version": 1, "shortcuts": ["call"]},
        ("PUT", "/v1/cards/{card_id}"): lambda: {"version": 1, **CARD_FIELDS},
        ("PUT", "/v1/cards/{card_id}/identity"): lambda: {"version": 1, "name": "甲", "position": "乙", "company": "丙"},
    }[(method, path)]()


def request(api, operation, token, ids, headers=None):
    """Sends the operation's sample request, its ids taken from `ids`."""
    method, path, _ = operation
    body = None if method in ("GET", "DELETE") else body_for(method, path, ids)
    key = uuid.uuid4().hex if method == "POST" else None
    return api.call(method, path.format(**{**NAMES, **ids}), token, body, key=key, headers=headers)
