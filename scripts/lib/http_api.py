"""The product's HTTP API as a client sees it."""

from __future__ import annotations

import threading
from typing import Any

import requests

from common import StepFailed

TIMEOUT_SECONDS = 30
# As WeChat says who it is. A request of `requests` itself counts as a program's.
USER_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) MicroMessenger/8.0.54 MiniProgramEnv/ios"


class Refused(StepFailed):
    """The API answered with a problem."""

    def __init__(self, method: str, path: str, answer: requests.Response) -> None:
        super().__init__(
            f"{method} {path} answered {answer.status_code}: {answer.text[:500]}",
            "scripts/dev logs organization (or the function that serves this route)",
        )
        self.status = answer.status_code


class HttpApi:
    """One connection per thread; every call returns the answer's JSON or raises Refused."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._threads = threading.local()

    def get(self, path: str, token: str) -> Any:
        return self._call("GET", path, token, None, {})

    def post(self, path: str, token: str | None, body: Any, headers: dict[str, str] | None = None) -> Any:
        return self._call("POST", path, token, body, headers or {})

    def put(self, path: str, token: str, body: Any) -> Any:
        return self._call("PUT", path, token, body, {})

    def _call(self, method: str, path: str, token: str | None, body: Any, headers: dict[str, str]) -> Any:
        if token:
            headers = {**headers, "Authorization": f"Bearer {token}"}
        try:
            answer = self._session().request(
                method, self.base + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except requests.RequestException as error:
            raise StepFailed(f"{method} {path}: {error}", "scripts/dev status, then scripts/dev up") from error
        if not answer.ok:
            raise Refused(method, path, answer)
        return answer.json()

    def _session(self) -> requests.Session:
        if not hasattr(self._threads, "session"):
            self._threads.session = requests.Session()
            self._threads.session.headers["User-Agent"] = USER_AGENT
        return self._threads.session
