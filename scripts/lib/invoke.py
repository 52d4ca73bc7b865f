"""Calls a function of the local stack with a file of events/, and prints its answer.

    scripts/invoke FUNCTION events/FUNCTION/CASE.json

A file may hold placeholders, which are filled in from the demo company:

    ${token_boss} ${token_lin} ${token_chen} ${token_wang} ${token_visitor}
    ${card_lin} ${card_chen} ${card_wang} ${member_lin} ${member_chen} ${member_wang}
    ${company_id} ${visitor_id} ${appid} ${login_code} ${operator_key} ${share_code}
    ${idempotency_key} ${batch_id} ${now} ${now_ms} ${product_id}
    ${upload_avatar} ${upload_photo} ${upload_card_video} ${upload_voice}  (tickets of lin's, no file sent)
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any, Callable

from common import StepFailed, fail, functions
from demo import SHANGHAI, Demo, batch_id
from dev import demo_of, running_stack

TICKETS = {"avatar": "image/jpeg", "photo": "image/jpeg", "card_video": "video/mp4", "voice": "audio/mpeg"}
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")


def values(demo: Demo) -> dict[str, Callable[[], str]]:
    """Each placeholder with the way to its value; only those that a file uses are asked for."""
    found: dict[str, Callable[[], str]] = {
        "company_id": lambda: demo.state["company"]["id"],
        "appid": lambda: demo.state["appid"],
        "operator_key": lambda: demo.stack.operator_key,
        "idempotency_key": lambda: secrets.token_hex(16),
        "login_code": lambda: demo.stack.login_code(demo.state["appid"], "demo-v001"),
        "token_visitor": lambda: demo.login("v001")["token"],
        "visitor_id": lambda: demo.login("v001")["person_id"],
        "batch_id": batch_id,
        "share_code": demo.share_code,
        "product_id": lambda: "prd_06fc0h52g1s0u9c3vr4mq8d2b4",
        "now": lambda: datetime.now(SHANGHAI).isoformat(timespec="milliseconds"),
        "now_ms": lambda: str(time.time_ns() // 1_000_000),
        "token_boss": lambda: demo.login("boss")["token"],
    }
    for purpose, kind in TICKETS.items():
        found[f"upload_{purpose}"] = lambda purpose=purpose, kind=kind: demo.ticket(purpose, kind)
    for key, person in demo.state["staff"].items():
        found[f"token_{key}"] = lambda key=key: demo.login(key)["token"]
        found[f"card_{key}"] = lambda person=person: person["card_id"]
        found[f"member_{key}"] = lambda key=key: demo.login(key)["member"]["id"]
    return found


def fill(text: str, known: dict[str, Callable[[], str]]) -> str:
    """The text with every placeholder filled in; the same name gives the same value."""
    made: dict[str, str] = {}

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in known:
            raise StepFailed(f"unknown placeholder ${{{name}}}", f"use one of: {', '.join(sorted(known))}")
        if name not in made:
            made[name] = known[name]()
        return json.dumps(made[name], ensure_ascii=False)[1:-1]

    return PLACEHOLDER.sub(value, text)


def pretty(answer: Any) -> str:
    """The answer with its JSON body unfolded."""
    if isinstance(answer, dict) and isinstance(answer.get("body"), str):
        try:
            answer = {**answer, "body": json.loads(answer["body"])}
        except ValueError:
            pass
    return json.dumps(answer, ensure_ascii=False, indent=1)


def invoke(function: str, file: Path) -> int:
    stack = running_stack()
    demo = demo_of(stack)
    if not file.exists():
        raise StepFailed(f"{file} is missing", f"ls events/{function}")
    payload = fill(file.read_text("utf-8"), values(demo))
    answer = stack.boto("lambda").invoke(
        FunctionName=f"mingpian-dev-{function}", Qualifier="live", Payload=payload.encode()
    )
    print(pretty(json.loads(answer["Payload"].read())))
    if answer.get("FunctionError"):
        raise StepFailed(f"the function failed: {answer['FunctionError']}", f"scripts/dev logs {function}")
    return 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="scripts/invoke", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("function", choices=functions())
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        return invoke(options.function, options.file)
    except StepFailed as error:
        return fail(error)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
