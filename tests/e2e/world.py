"""Builders of the end-to-end tests: companies, people, events.

What belongs here: how a test gets somebody to act as. What does not: expectations.
"""

import random
import secrets
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import requests

from client import Api

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "demo"))
from day import make_day, rfc3339, uuid7, uuid_text, wire_id  # noqa: E402

RNG = random.SystemRandom()
# A client refreshes a token that expires so soon.
EXPIRY_MARGIN_S = 30


def now_ms():
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def now_text(back_ms=0):
    """The time `back_ms` ago as RFC 3339 in Shanghai."""
    return rfc3339(now_ms() - back_ms)


def batch_id(at_ms=None):
    """A new batch id."""
    return uuid_text(uuid7(now_ms() if at_ms is None else at_ms, RNG))


def object_id(prefix):
    """A new id of a product, article or video."""
    return wire_id(prefix, uuid7(now_ms(), RNG))


def absent_id(prefix):
    """A well-formed id of a thing that does not exist."""
    return wire_id(prefix, uuid7(now_ms(), RNG))


def event(kind, card_id, back_ms=0, **fields):
    """One event that happened `back_ms` ago."""
    return {"kind": kind, "card_id": card_id, "at": now_text(back_ms), **fields}


def product(title, ident=None):
    """The object of a view_product event."""
    return {"type": "product", "id": ident or object_id("prd_"), "title": title}


def mobile():
    """A new mobile number."""
    return f"+8613{RNG.randrange(10**9):09d}"


class Simulator:
    """The control side of the WeChat simulator."""

    def __init__(self, address):
        self.address = address.rstrip("/")

    def control(self, method, path, body=None):
        """One control call; it must succeed."""
        answer = requests.request(method, f"{self.address}/_sim/{path}", json=body, timeout=10)
        assert answer.ok, f"simulator {method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def code(self, appid, openid, unionid=None):
        """A new wx.login code."""
        return self.control("POST", "codes", {"appid": appid, "openid": openid, "unionid": unionid})["code"]

    def phone_code(self, appid, phone):
        """A new code of a phone grant for a mainland number."""
        return self.control("POST", "phone-codes", {"appid": appid, "number": phone.removeprefix("+86")})["code"]

    def reset(self):
        """Forgets planned faults, codes and the moved clock; keeps the apps."""
        self.control("POST", "reset", {})

    def fault(self, times=1, path="/sns/jscode2session", **fault):
        """The next `times` calls of a vendor route fail."""
        self.control("POST", "faults", {"path": path, "times": times, **fault})


class Person:
    """A person who is logged in to one company."""

    def __init__(self, company, openid, session):
        self.company, self.openid = company, openid
        self.api = company.world.api
        self.lock = threading.RLock()
        self.id = session["person_id"]
        self.member = None
        self.take(session)
        self.merge = session.get("merge")
        self.companies = session.get("companies")

    def take(self, session):
        """Keeps what a login or a refresh has answered."""
        self.kind = session.get("kind", "member")
        self.last_token, self.refresh_token = session["token"], session.get("refresh_token")
        self.expires_at = datetime.fromisoformat(session["expires_at"]).timestamp()
        self.member = session.get("member") or self.member
        if self.openid is not None:
            self.api.people[self.last_token] = self

    @property
    def token(self):
        """The token; a new one if it is about to expire."""
        with self.lock:
            if self.refresh_token and time.time() > self.expires_at - EXPIRY_MARGIN_S:
                self.refresh()
            return self.last_token

    def refresh(self):
        """The next token of the session; a new login if the session has ended."""
        answer = self.api.post("/v1/sessions/refresh", body={"refresh_token": self.refresh_token})
        if answer.status == 401:
            answer.expect(401, "session_ended")
            return self.log_in_again()
        self.take(answer.expect(200))
        return self.last_token

    def log_in_again(self):
        """A new login in place of the session."""
        answer = self.company.session(self.openid, company_id=self.company_id, refresh_token=self.refresh_token)
        if answer.status == 404:  # no member there any more
            answer = self.company.session(self.openid)
        self.take(answer.expect(201))
        return self.last_token

    @property
    def company_id(self):
        """The company that the session was chosen for; None for the one of the mini-program."""
        current = [company["company_id"] for company in self.companies or [] if company["current"]]
        return next((ident for ident in current if ident != self.company.id), None)

    def renewed(self, used, answer):
        """The token to send a request again with after this answer; None if it stands."""
        code = answer.body.get("code") if answer.status in (401, 403) else None
        with self.lock:
            if code in ("unauthorized", "rights_changed"):
                if used != self.last_token:
                    return self.last_token  # another thread was faster
                return self.refresh() if self.refresh_token else self.log_in_again()
            return self.log_in_again() if code == "fresh_login_required" else None

    @property
    def card_id(self):
        """The card of a member."""
        return self.member["card_id"]

    def get(self, path, **more):
        """GET as this person."""
        return self.api.get(path, self.token, **more)

    def post(self, path, body=None, **more):
        """POST as this person."""
        return self.api.post(path, self.token, body, **more)

    def put(self, path, body=None, **more):
        """PUT as this person."""
        return self.api.put(path, self.token, body, **more)

    def delete(self, path, **more):
        """DELETE as this person."""
        return self.api.delete(path, self.token, **more)

    def send(self, *events, ident=None):
        """Sends a batch of events that must be accepted; returns the answer's body."""
        batch = {"batch_id": ident or batch_id(), "events": list(events)}
        body = self.post("/v1/events", batch).expect(202)
        assert body["batch_id"] == batch["batch_id"] and body["accepted"] == len(events), body
        return body


class Company:
    """A company with its mini-program, and the way to log people in to it."""

    def __init__(self, world, name, appid, secret, created):
        self.world, self.name, self.appid, self.secret = world, name, appid, secret
        self.api = world.api
        self.id = created["company"]["id"]
        self.created = created
        self.boss = self.log_in("boss-" + appid, claim=created["boss"]["claim_code"])

    def session(
        self, openid, claim=None, code=None, appid=None, invitation=None, unionid=None, company_id=None, before=None,
        refresh_token=None,
    ):
        """The raw answer of POST /v1/sessions; `before` is the token that the person had before."""
        body = {"appid": appid or self.appid, "code": code or self.world.simulator.code(self.appid, openid, unionid)}
        if claim is not None:
            body["claim_code"] = claim
        if before is not None:
            body["anonymous_token"] = before
        if invitation is not None:
            body["invitation"] = invitation
        if company_id is not None:
            body["company_id"] = company_id
        if refresh_token is not None:
            body["refresh_token"] = refresh_token
        return self.api.post("/v1/sessions", body=body)

    def log_in(self, openid, claim=None, **more):
        """A person with this openid, logged in."""
        return Person(self, openid, self.session(openid, claim, **more).expect(201))

    def anonymous(self):
        """A person who has not logged in."""
        return Person(self, None, self.api.post("/v1/sessions/anonymous", body={"appid": self.appid}).expect(201))

    def share_code(self, card):
        """A share code of the boss for a card."""
        body = {"card_id": card, "channel": "share"}
        return self.boss.post("/v1/share-codes", body, key=uuid.uuid4().hex).expect(201)["share_code"]

    def visitor(self, name=None):
        """A new visitor."""
        return self.log_in(f"visitor-{name or uuid.uuid4().hex}")

    def add_member(self, name, position="客户经理", role=None, by=None):
        """Adds a member and returns the API's answer."""
        body = {"name": name, "position": position, **({"role": role} if role else {})}
        return (by or self.boss).post("/v1/members", body, key=uuid.uuid4().hex).expect(201)

    def member(self, name, role=None, position="客户经理", radar=True):
        """A new member who has claimed their membership and is logged in, with their radar on."""
        added = self.add_member(name, position, role)
        person = self.log_in(f"member-{uuid.uuid4().hex}", claim=added["claim_code"])
        if not radar:
            return person
        phone = self.grant(person)
        redeemed = person.post("/v1/radar/redemptions", {"code": self.world.radar_code(phone)}).expect(201)
        person.post("/v1/radar/joins", {"ticket": redeemed["ticket"]}).expect(201)
        return self.log_in(person.openid)

    def invite(self, uses=1, by=None, **fields):
        """Makes an invitation and returns the API's answer."""
        body = {"uses": uses, "role": "staff", **fields}
        return (by or self.boss).post("/v1/invitations", body, key=uuid.uuid4().hex).expect(201)

    def join(self, openid, invited, name="新同事"):
        """The raw answer to a person who joins by an invitation; retries after a collision with others."""
        while True:
            answer = self.session(openid, invitation={"code": invited["invitation_code"], "name": name})
            if answer.status != 409 or answer.body["code"] != "request_in_progress":
                return answer

    def grant(self, person):
        """Grants a member the radar; returns the number that the code was sent to."""
        phone = mobile()
        answer = self.boss.put(f"/v1/members/{person.member['id']}/radar", {"phone": phone}).expect(200)
        assert (answer["state"], answer["sms"]) == ("granted", "sent"), answer
        return phone


class World:
    """The running stack, seen by its tests."""

    def __init__(self, stack):
        self.stack = stack
        self.api = Api(stack.api)
        self.simulator = Simulator(stack.simulator)
        self.settings = self.function_settings("organization")

    def function_settings(self, part):
        """The environment of the function whose name contains `part`."""
        _, settings = self.function(part)
        return settings

    def function(self, part):
        """(name, environment) of the deployed function whose name contains `part`."""
        squeezed = part.replace("-", "").lower()
        found = {}
        for page in self.stack.boto("lambda").get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                name = function["FunctionName"]
                if squeezed in name.replace("-", "").lower():
                    found[name] = function.get("Environment", {}).get("Variables", {})
        assert found, f"no function is called like {part}"
        return min(found.items(), key=lambda pair: len(pair[0]))

    def radar_code(self, phone):
        """The last radar code that was sent to a number."""
        return self.stack.sent_codes(phone)[-1]

    def make_app(self):
        """A mini-program known to WeChat, its secret stored where the functions look for it."""
        appid, secret = "wx" + secrets.token_hex(8), secrets.token_hex(16)
        self.stack.register_app(appid, secret)
        return appid, secret

    def found(self, body, key=None, operator_key=None):
        """The raw answer of POST /v1/companies."""
        headers = {"X-Operator-Key": self.stack.operator_key if operator_key is None else operator_key}
        return self.api.post("/v1/companies", body=body, headers=headers, key=key or uuid.uuid4().hex)

    def company(self, name="云岭茶业", seats=1_000):
        """A new company with its boss logged in."""
        appid, secret = self.make_app()
        created = self.found({"name": name, "appid": appid, "boss": {"name": "沈云"}, "seats": seats}).expect(201)
        return Company(self, name, appid, secret, created)

    def demo_day(self, company, cards, seed, visitors, events):
        """(lines, people): a day that has just ended, and its visitors logged in."""
        lines = make_day(seed, now_text(1_000), cards, visitors, events)
        # The day's share codes are invented: real ones stand for them.
        codes = {card: company.share_code(card) for card in cards}
        for made in (event for line in lines for event in line["batch"]["events"] if "share_code" in event):
            made["share_code"] = codes[made["card_id"]]
        names = sorted({line["person"] for line in lines})
        with ThreadPoolExecutor(6) as pool:
            people = pool.map(lambda name: company.visitor(f"{name}-{company.appid}"), names)
            return lines, dict(zip(names, people))

