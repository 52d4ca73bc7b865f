"""The HTTP client of the end-to-end tests.

What belongs here: sending one request and checking the properties of every answer.
What does not: the meaning of a route (world.py, the tests).
"""

import json
import re
import threading

import requests

SLUG = re.compile(r"[a-z][a-z0-9_]*\Z")
PROBLEM_FIELDS = {"type", "title", "status", "code", "detail", "instance", "errors", "budget", "person_id"}
# What a phone sends: a request of `requests` itself is a program's, and counts as one.
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) MicroMessenger/8.0.54 MiniProgramEnv/ios"
HAN = re.compile(r"[\u4e00-\u9fff]")


class Answer:
    """A checked answer: `status`, `body` (parsed JSON, or the text of a file), `headers`."""

    def __init__(self, response, sent):
        self.status = response.status_code
        self.headers = response.headers
        self.text = response.content.decode("utf-8")
        self.sent = sent
        self.kind = self.headers.get("content-type", "").split(";")[0].strip()
        self.body = json.loads(self.text) if self.text and "json" in self.kind else self.text or None
        self.check()

    def __repr__(self):
        return f"{self.sent} -> {self.status} {self.text[:600]}"

    def check(self):
        """Asserts the properties of every answer, good or bad."""
        if self.status < 400:
            if self.status == 204:
                assert not self.text, f"204 with a body: {self}"
                return
            expected = "text/vcard" if self.sent.endswith("/vcard") else "application/json"
            assert self.kind == expected, f"content type {self.kind!r}: {self}"
            return
        assert self.kind == "application/problem+json", f"content type {self.kind!r}: {self}"
        problem = self.body
        assert isinstance(problem, dict) and set(problem) <= PROBLEM_FIELDS, f"problem shape: {self}"
        assert problem["status"] == self.status, f"status in the body differs: {self}"
        assert SLUG.match(problem["code"]), f"code is no slug: {self}"
        assert problem["type"] == f"urn:mingpian:problem:{problem['code']}", f"type and code differ: {self}"
        assert problem["title"] and problem["instance"], f"title or request id is missing: {self}"
        assert HAN.search(problem["detail"]), f"detail is not written for the user: {self}"
        for error in problem.get("errors", []):
            assert set(error) == {"pointer", "code", "detail"}, f"field error shape: {self}"
            # A field of the body, or by its name a parameter of the query.
            of_query = self.body["code"] == "invalid_query" and error["pointer"].isidentifier()
            assert error["pointer"] == "" or error["pointer"].startswith("/") or of_query, f"pointer: {self}"
            assert SLUG.match(error["code"]), f"field code is no slug: {self}"
        assert self.status < 500 or "errors" not in problem, f"a 5xx tells its cause: {self}"

    def expect(self, status, code=None, pointer=None):
        """Asserts the status, and for a problem its code and one pointer; returns the body."""
        assert self.status == status, str(self)
        if code is not None:
            assert self.body["code"] == code, str(self)
        if pointer is not None:
            assert pointer in self.pointers(), f"no pointer {pointer}: {self}"
        return self.body

    def pointers(self):
        """The field pointers of a problem."""
        return [error["pointer"] for error in self.body.get("errors", [])]


class Api:
    """The deployed API under one base address. Safe to use from several threads."""

    def __init__(self, base):
        self.base = base.rstrip("/")
        self.local = threading.local()
        self.people = {}  # token -> the person who gets the next one

    def session(self):
        """One connection pool per thread."""
        if not hasattr(self.local, "session"):
            self.local.session = requests.Session()
            self.local.session.headers["User-Agent"] = PHONE
        return self.local.session

    def call(self, method, path, token=None, renew=True, **more):
        """Sends a request, and sends it again with a newer token where a real client does."""
        answer = self.once(method, path, token, **more)
        person = self.people.get(token) if renew else None
        newer = person and person.renewed(token, answer)
        return self.once(method, path, newer, **more) if newer else answer

    def once(self, method, path, token=None, body=None, raw=None, query=None, headers=None, key=None):
        """Sends one request. `body` is sent as JSON, `raw` as the bytes it is."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if key is not None:
            sent["Idempotency-Key"] = key
        if body is not None:
            raw = json.dumps(body, ensure_ascii=False).encode("utf-8")
        if raw is not None:
            sent.setdefault("Content-Type", "application/json")
        response = self.session().request(
            method, self.base + path, params=query, data=raw, headers=sent, timeout=60, allow_redirects=False
        )
        return Answer(response, f"{method} {path}")

    def get(self, path, token=None, **more):
        """GET."""
        return self.call("GET", path, token, **more)

    def post(self, path, token=None, body=None, **more):
        """POST."""
        return self.call("POST", path, token, body=body, **more)

    def put(self, path, token=None, body=None, **more):
        """PUT."""
        return self.call("PUT", path, token, body=body, **more)

    def delete(self, path, token=None, **more):
        """DELETE."""
        return self.call("DELETE", path, token, **more)

    def pages(self, path, token, limit=100):
        """All items of a list, read page by page."""
        items, cursor = [], None
        while True:
            query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
            page = self.get(path, token, query=query).expect(200)
            assert set(page) == {"items", "next_cursor"}, page.keys()
            assert len(page["items"]) <= limit
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items
