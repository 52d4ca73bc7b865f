"""Who sends the cases, and the company that they find.

What belongs here: people who stay logged in, and requests that succeed. What does not: random
requests (cases.py), what is expected (main.py).
"""

import time
import uuid
from functools import partial

from client import Api
from operations import Stage
from world import World, mobile

CALLERS = ("boss", "staff", "visitor", "operator", "anonymous")
# Each person has budgets of their own, so several take turns.
PEOPLE = 6
# Below the five minutes that a token may live.
TOKEN_SECONDS = 240
# A member gets a second radar code a minute after the first.
CODE_SECONDS = 61
WAIT_SECONDS = 120
SEATS = 100_000


class PatientApi(Api):
    """The API for those who prepare: it waits when a budget is used up."""

    def call(self, *arguments, **more):
        """Sends one request, and again after a refusal by a budget."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            answer = super().call(*arguments, **more)
            if answer.status != 429 or time.monotonic() > deadline:
                return answer
            time.sleep(int(answer.headers["retry-after"]))


class Caller:
    """Somebody who sends cases. They log in anew before their token ends, and when told to."""

    def __init__(self, log_in):
        self.log_in, self.logins = log_in, 0
        self.renew()

    def renew(self):
        """Logs in anew."""
        self.person, self.since = self.log_in(), time.monotonic()
        self.logins += 1

    def headers(self):
        """The headers that prove who they are."""
        if time.monotonic() - self.since > TOKEN_SECONDS:
            self.renew()
        return {"Authorization": f"Bearer {self.person.token}"}


class Operator:
    """The platform operator, whose key does not end."""

    person, logins = None, 0

    def __init__(self, key):
        self.key = key

    def headers(self):
        """The header with the key."""
        return {"X-Operator-Key": self.key}


class Cast:
    """A company for the cases of one kind of caller, and these callers."""

    def __init__(self, stack, kind):
        self.kind = kind
        self.world = World(stack)
        self.world.api = PatientApi(stack.api)
        self.company = self.world.company("模糊测试公司", seats=SEATS)
        self.visitor, self.visited = self.company.visitor(), set()
        self.callers = [self.caller() for _ in range(1 if kind == "operator" else PEOPLE)]
        self.stage = None
        waiting = self.company.member("待激活", radar=False)
        self.company.grant(waiting)
        self.waiting, self.granted_at = waiting, time.monotonic()

    def caller(self):
        """A new caller of the kind."""
        company = self.company
        if self.kind == "operator":
            return Operator(self.world.stack.operator_key)
        if self.kind == "anonymous":
            return Caller(company.anonymous)
        known = {"boss": self.new_boss, "staff": partial(company.member, "员工"), "visitor": company.visitor}[self.kind]()
        return Caller(partial(company.log_in, known.openid))

    def new_boss(self):
        """Another boss."""
        headers = {"X-Operator-Key": self.world.stack.operator_key}
        path = f"/v1/companies/{self.company.id}/bosses"
        made = self.world.api.post(path, body={"name": "另一位老板"}, headers=headers, key=uuid.uuid4().hex).expect(201)
        return self.company.log_in(f"boss-{uuid.uuid4().hex}", claim=made["claim_code"])

    def reserved(self):
        """The members that no case may demote or remove: those who send cases and those who prepare."""
        people = [self.company.boss, self.stage and self.stage.owner, *(caller.person for caller in self.callers)]
        return {person.member["id"] for person in people if person and person.member}

    def new_stage(self):
        """Makes a new owner of resources."""
        owner = self.company.member(f"员工{uuid.uuid4().hex[:6]}")
        self.stage = Stage(self.company, owner, self.visitor, self.visited)

    def request(self, file, nth):
        """(caller, path, query, headers, body) of a file, filled so that it succeeds for callers who may send it."""
        caller = self.callers[nth % len(self.callers)]
        if self.kind == "staff":
            caller = Caller(partial(self.company.log_in, self.stage.owner.openid))
        values = self.stage.prepare(file)
        path, query = self.stage.path(file, values), file.payload["rawQueryString"]
        headers = {"Idempotency-Key": uuid.uuid4().hex} if "idempotency-key" in file.payload["headers"] else {}
        body = self.stage.body(file, values) if file.deployed_body is not None else None
        special = getattr(self, f"for_{file.operation}", None)
        if special:
            caller, path, body = special(caller, path, body)
        return caller, path, query, headers, body

    # ---- operations whose event file is refused on a deployed stack

    def for_create_card(self, caller, path, body):
        """A boss without a card gets one."""
        return caller, path, {"member_id": self.new_boss().member["id"]}

    def for_grant_my_phone(self, caller, path, body):
        """A code that WeChat knows."""
        return caller, path, {**body, "code": self.world.simulator.phone_code(self.company.appid, mobile())}

    def for_create_radar_redemption(self, caller, path, body):
        """A new member has got a code."""
        if self.kind != "staff":
            return caller, path, body
        member = self.company.member("待激活", radar=False)
        phone = self.company.grant(member)
        return Caller(partial(self.company.log_in, member.openid)), path, {"code": self.world.radar_code(phone)}

    def for_create_radar_code(self, caller, path, body):
        """The member who was granted the radar at the beginning gets another code."""
        time.sleep(max(0, self.granted_at + CODE_SECONDS - time.monotonic()))
        return caller, f"/v1/members/{self.waiting.member['id']}/radar/codes", body
