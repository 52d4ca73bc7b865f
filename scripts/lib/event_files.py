"""The files of events/: a Lambda payload with placeholders, and the row of a request.

What belongs here: finding, reading and filling them. What does not: sending them, and what
is expected (tests/e2e/access.py).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Callable

from common import ROOT

FOLDER = ROOT / "events"
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# The placeholders that every reader of the files fills: the ids of one company, and values that are new each time.
PLACEHOLDERS = {
    *(f"token_{name}" for name in ("boss", "lin", "chen", "wang", "visitor", "anonymous")),
    *(f"member_{name}" for name in ("boss", "lin", "chen", "wang")),
    "person_lin",
    *(f"card_{name}" for name in ("lin", "chen", "wang")),
    *(f"upload_{name}" for name in ("avatar", "photo", "card_video", "voice", "customer_table")),
    "company_id", "visitor_id", "merge_id", "product_id", "share_code", "appid", "operator_key",
    "idempotency_key", "batch_id", "login_code", "staff_code", "newcomer_code", "new_appid", "phone", "unique", "now", "now_ms", "tomorrow",
}  # fmt: skip


@dataclass(frozen=True)
class EventFile:
    """One file: the payload for a function."""

    function: str
    path: Path

    @property
    def case(self) -> str:
        """Its name without ending."""
        return self.path.stem

    @property
    def place(self) -> str:
        """The file's path as people write it."""
        return f"events/{self.function}/{self.path.name}"

    @cached_property
    def text(self) -> str:
        """Its text, with placeholders."""
        return self.path.read_text("utf-8")

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The payload for the function, without the row."""
        return {name: value for name, value in json.loads(self.text).items() if name != "expect"}

    @cached_property
    def row(self) -> dict[str, Any]:
        """The row; empty if the file holds no request."""
        return json.loads(self.text).get("expect", {})

    @property
    def is_request(self) -> bool:
        """Whether it is a request to the HTTP API."""
        return "http" in self.payload.get("requestContext", {})

    @property
    def operation(self) -> str:
        """The operation id of a request."""
        return self.case.split(".")[0]

    @property
    def is_sample(self) -> bool:
        """Whether it is the sample of the operation, and not another case of it."""
        return self.is_request and self.case == self.operation

    @property
    def route(self) -> str:
        """Method and path of a request, as the API document writes them."""
        return self.payload["routeKey"]

    @property
    def deployed_body(self) -> str | None:
        """The body for a deployed stack, with placeholders: some fields differ from the file's."""
        body, other = self.payload.get("body"), self.row.get("deployed", {}).get("body")
        return body if other is None else json.dumps({**json.loads(body), **other}, ensure_ascii=False)


@cache
def event_files() -> list[EventFile]:
    """All files, read once."""
    return [EventFile(path.parent.name, path) for path in sorted(FOLDER.glob("*/*.json"))]


@cache
def requests() -> list[EventFile]:
    """The files that hold a request."""
    return [file for file in event_files() if file.is_request]


@cache
def find(case: str) -> EventFile:
    """The file of this name."""
    [file] = [file for file in event_files() if file.case == case]
    return file


def fill(text: str, value: Callable[[str], str]) -> str:
    """The text with every placeholder filled in; each name has one value."""
    made: dict[str, str] = {}

    def filled(match: re.Match[str]) -> str:
        name = match[1]
        if name not in made:
            made[name] = json.dumps(value(name), ensure_ascii=False)[1:-1]
        return made[name]

    return PLACEHOLDER.sub(filled, text)


def look_up(body: Any, pointer: str) -> Any:
    """The value at a JSON pointer."""
    for part in pointer.removeprefix("/").split("/"):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def taken(file: EventFile, send: Callable[[EventFile, dict[str, str]], Any]) -> dict[str, str]:
    """Sends the files before this one; returns the placeholders that their last answer fills.

    `send` sends one file with these placeholders and returns the body of its success.
    """
    answer = None
    for case in file.row.get("before", []):
        before = find(case)
        answer = send(before, taken(before, send))
    return {name: str(look_up(answer, pointer)) for name, pointer in file.row.get("take", {}).items()}
