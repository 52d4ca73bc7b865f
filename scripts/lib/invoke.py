"""Calls a function of the local stack with a file of events/, and prints its answer.

    scripts/invoke FUNCTION events/FUNCTION/CASE.json

A file may hold placeholders, which are filled in from the demo company:

    ${token_boss} ${token_lin} ${token_chen} ${token_wang} ${token_visitor}
    ${card_lin} ${card_chen} ${card_wang} ${member_lin} ${member_chen} ${member_wang}
    ${company_id} ${visitor_id} ${appid} ${login_code} ${operator_key} ${share_code}
    ${token_anonymous} ${merge_id} ${idempotency_key} ${batch_id} ${now} ${now_ms} ${tomorrow} ${product_id}
    ${staff_code} ${person_lin} ${newcomer_code} ${new_appid} ${phone} ${unique}
    ${upload_avatar} ${upload_photo} ${upload_card_video} ${upload_voice} ${upload_customer_table}  (tickets of lin's, no file sent)

The files that its row names under `before` are sent first, each to its own function.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Callable

from common import StepFailed, fail, functions
from demo import SHANGHAI, Demo, batch_id
from dev import demo_of, running_stack
from event_files import EventFile, fill, taken

TICKETS = {"avatar": "image/jpeg", "photo": "image/jpeg", "card_video": "video/mp4", "voice": "audio/mpeg", "customer_table": "text/csv"}


def values(demo: Demo) -> dict[str, Callable[[], str]]:
    """A function for the value of each placeholder; only those that a file uses are called."""
    found: dict[str, Callable[[], str]] = {
        "company_id": lambda: demo.state["company"]["id"],
        "appid": lambda: demo.state["appid"],
        "operator_key": lambda: demo.stack.operator_key,
        "idempotency_key": lambda: secrets.token_hex(16),
        "login_code": lambda: demo.stack.login_code(demo.state["appid"], "demo-v001"),
        "staff_code": lambda: demo.stack.login_code(demo.state["appid"], "demo-lin"),
        "person_lin": lambda: demo.login("lin")["person_id"],
        "newcomer_code": lambda: demo.stack.login_code(demo.state["appid"], f"newcomer-{secrets.token_hex(8)}"),
        "new_appid": lambda: "wx" + secrets.token_hex(8),
        "phone": lambda: f"138{secrets.randbelow(10**8):08d}",
        "unique": lambda: secrets.token_hex(3),
        "token_anonymous": lambda: demo.anonymous()["token"],
        "merge_id": demo.merge_id,
        "token_visitor": lambda: demo.login("v001")["token"],
        "visitor_id": lambda: demo.login("v001")["person_id"],
        "batch_id": batch_id,
        "share_code": demo.share_code,
        "product_id": lambda: "prd_06fc0h52g1s0u9c3vr4mq8d2b4",
        "now": lambda: datetime.now(SHANGHAI).isoformat(timespec="milliseconds"),
        "tomorrow": lambda: (datetime.now(SHANGHAI) + timedelta(days=1)).isoformat(timespec="milliseconds"),
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


def pretty(answer: Any) -> str:
    """The answer with its JSON body unfolded."""
    if isinstance(answer, dict) and isinstance(answer.get("body"), str):
        try:
            answer = {**answer, "body": json.loads(answer["body"])}
        except ValueError:
            pass
    return json.dumps(answer, ensure_ascii=False, indent=1)


class Caller:
    """Calls functions of the local stack with files of events/."""

    def __init__(self) -> None:
        self.stack = running_stack()
        self.known = values(demo_of(self.stack))

    def value(self, name: str) -> str:
        if name not in self.known:
            raise StepFailed(f"unknown placeholder ${{{name}}}", f"use one of: {', '.join(sorted(self.known))}")
        return self.known[name]()

    def call(self, function: str, text: str, taken_values: dict[str, str]) -> tuple[Any, str | None]:
        """The answer, and the error of a function that failed."""
        payload = fill(text, lambda name: taken_values[name] if name in taken_values else self.value(name))
        answer = self.stack.boto("lambda").invoke(
            FunctionName=f"mingpian-dev-{function}", Qualifier="live", Payload=payload.encode()
        )
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def prepare(self, file: EventFile) -> dict[str, str]:
        """Sends the files before this one."""

        def send(before: EventFile, taken_values: dict[str, str]) -> Any:
            answer, error = self.call(before.function, before.text, taken_values)
            if error or answer["statusCode"] >= 300:
                raise StepFailed(f"{before.place} was rejected: {pretty(answer)}", f"scripts/invoke {before.function} {before.place}")
            print(f"{before.place}: {answer['statusCode']}")
            return json.loads(answer["body"])

        return taken(file, send)


def invoke(function: str, path: Path) -> int:
    if not path.exists():
        raise StepFailed(f"{path} is missing", f"ls events/{function}")
    caller, file = Caller(), EventFile(function, path)
    answer, error = caller.call(function, file.text, caller.prepare(file))
    print(pretty(answer))
    if error:
        raise StepFailed(f"the function failed: {error}", f"scripts/dev logs {function}")
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
