"""The requests of events/, sent to the deployed stack by any caller, for the resources of a company.

What belongs here: filling and sending them. What does not: the expected answers (access.py).
"""

import json
import uuid

from access import WITHOUT_TOKEN
from event_files import fill, find, requests, taken
from numbers_of_radar import drain
from world import batch_id, event, mobile, now_ms, now_text

CARD_FIELDS = {
    "phones": [], "wechat_id": "", "email": "", "address": "", "introduction": "",
    "tags": [], "style": "classic", "share_phrase": "", "welcome_text": "",
}
NO_DEFAULTS = {"share_phrase": None, "welcome_text": None, "shortcuts": None}
OPEN_TEMPLATE = {
    "address": None, "introduction": None, "style": None, "share_phrase": None, "welcome_text": None, "defaults": NO_DEFAULTS,
}

ALL = requests()
SAMPLES = [file for file in ALL if file.is_sample]
TICKETS = {"avatar": "image/jpeg", "photo": "image/jpeg", "card_video": "video/mp4", "voice": "audio/mpeg", "customer_table": "text/csv"}


def sample_of(file):
    """The file of the same operation that has the access class."""
    return find(file.operation)


def is_guarded(file):
    """Whether the request needs a bearer token."""
    return sample_of(file).row["access"] not in WITHOUT_TOKEN


GUARDED = [file for file in SAMPLES if is_guarded(file)]


def name(file):
    """A test id."""
    return file.route if file.is_sample else f"{file.route} {file.case}"


# What changes who owns a customer: each is sent about a customer of its own.
DECIDES_OWNER = ("claim_customer", "give_customer_back", "assign_customer", "remove_collaborator", "set_collaborator")


class Stage:
    """A company as the files of events/ see it: `lin` owns the resources."""

    def __init__(self, company, owner, visitor=None, visited=None):
        self.company, self.world, self.owner = company, company.world, owner
        self.visitor = visitor or company.visitor()
        self.visited = set() if visited is None else visited
        self.stand_in = None
        self.kept = {"person_boss": company.boss, "person_lin": owner, "person_visitor": self.visitor}

    def keep(self, what, make):
        """The same value each time."""
        if what not in self.kept:
            self.kept[what] = make()
        return self.kept[what]

    def person(self, who):
        """The person that a name in a file stands for."""
        if who == "anonymous":
            return self.keep("person_anonymous", self.company.anonymous)
        return self.keep(f"person_{who}", lambda: self.company.member(who))

    def fresh(self, what):
        """A value that is new each time; None for a constant value."""
        code = self.world.simulator.code
        make = {
            "idempotency_key": lambda: uuid.uuid4().hex, "unique": lambda: uuid.uuid4().hex[:6], "phone": mobile,
            "batch_id": batch_id, "new_appid": lambda: "wx" + uuid.uuid4().hex[:16],
            "login_code": lambda: code(self.company.appid, uuid.uuid4().hex),
            "staff_code": lambda: code(self.company.appid, self.owner.openid),
            "newcomer_code": lambda: code(self.company.appid, uuid.uuid4().hex),
            "now": now_text, "tomorrow": lambda: now_text(-86_400_000), "now_ms": lambda: str(now_ms()),
        }.get(what)
        return make and make()

    def value(self, what):
        """The value of a placeholder."""
        known = {
            "company_id": self.company.id, "appid": self.company.appid, "operator_key": self.world.stack.operator_key,
            "visitor_id": (self.stand_in or self.visitor).id, "product_id": "prd_06fc0h52g1s0u9c3vr4mq8d2b4",
        }
        if what in known:
            return known[what]
        kind, _, rest = what.partition("_")
        if kind in ("token", "member", "card"):
            person = self.person(rest)
            return {"token": lambda: person.token, "member": lambda: person.member["id"], "card": lambda: person.card_id}[kind]()
        return self.fresh(what) or self.keep(what, {"share_code": self.share, "merge_id": self.merge}.get(what, lambda: self.ticket(rest)))

    def share(self):
        """A code under which the owner shares their card."""
        body = {"card_id": self.owner.card_id, "channel": "share"}
        return self.owner.post("/v1/share-codes", body, key=uuid.uuid4().hex).expect(201)["share_code"]

    def merge(self):
        """A merge of a person with their own anonymous identity."""
        self.company.log_in("merged-" + uuid.uuid4().hex, before=self.company.anonymous().token)
        return self.company.boss.get("/v1/merges").expect(200)["items"][0]["id"]

    def ticket(self, purpose):
        """An upload of the owner, without a file."""
        body = {"purpose": purpose, "content_type": TICKETS[purpose], "bytes": 1}
        return self.owner.post("/v1/uploads", body, key=uuid.uuid4().hex).expect(201)["upload_id"]

    def prepare(self, file):
        """Sends the files that this file needs; returns the placeholders that they fill."""
        self.stand_in = None
        if file.operation in DECIDES_OWNER:
            # Whoever owns nobody afterwards would be seen by all.
            self.stand_in = self.company.visitor()
            self.stand_in.send(event("view_card", self.owner.card_id))
            drain(self.world.stack)
        if file.row.get("visited") and self.owner.id not in self.visited:
            self.visited.add(self.owner.id)
            self.visitor.send(event("view_card", self.owner.card_id))
            drain(self.world.stack)

        def send(before, values):
            answer = self.send(before, values, sent_by_file=True)
            assert answer.status < 300, f"{before.case}, before {file.case}: {answer}"
            return answer.body

        return taken(file, send)

    def send(self, file, values, token=None, headers=None, sent_by_file=False, key=None, body=None):
        """Sends a file: with a token, with other headers, or as the caller in the file.

        `values` are the placeholders of `prepare`; `key` and `body` replace those of the file.
        """
        def value(what):
            return values[what] if what in values else self.value(what)

        payload, sent = file.payload, dict(headers or {})
        if sent_by_file:
            wanted = ("authorization", "x-operator-key")
            sent |= {name: fill(payload["headers"][name], value) for name in wanted if name in payload["headers"]}
        if "idempotency-key" in payload["headers"]:
            key = key or uuid.uuid4().hex
        path = self.path(file, values)
        query = payload["rawQueryString"]
        if body is None and file.deployed_body is not None:
            body = fill(file.deployed_body, value)
        raw = body.encode("utf-8") if body is not None else None
        method = payload["requestContext"]["http"]["method"]
        return self.world.api.call(method, path + (f"?{query}" if query else ""), token, raw=raw, headers=sent, key=key)

    def path(self, file, values):
        """The path of a file."""
        return fill(file.payload["rawPath"], lambda what: values[what] if what in values else self.value(what))

    def body(self, file, values):
        """The body of a file as data."""
        return json.loads(fill(file.deployed_body, lambda what: values[what] if what in values else self.value(what)))


def nowhere(file):
    """Placeholders of things that do not exist, for requests that are rejected before any id is read."""
    return dict.fromkeys(file.row.get("take", {}), "0" * 26)
