"""The demo company: made through the public API, with a realistic day of its visitors.

Every finished step is recorded in `demo.json`, and an interrupted one can be repeated: the creating
calls carry an idempotency key, the batches an id that never changes.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from common import StepFailed, read_json, step, wait_for, write_json
from http_api import HttpApi, Refused
from stack import LocalStack, sleep_until_quiet

SEED = 20_261_121
SENDERS = 8
SETTLE_SECONDS = 180
LEADERBOARDS_SECONDS = 60
# The lists that housekeeping fills.
LEADERBOARDS = ("objects", "sharers", "rankings", "customers")
SHANGHAI = timezone(timedelta(hours=8))
COMPANY = "云杉茶业"
BOSS = "沈一诺"
STAFF = [
    {
        "key": "lin", "name": "林悦", "position": "客户经理", "phones": ["13800000001"],
        "wechat_id": "linyue-tea", "email": "lin@example.com", "introduction": "爱喝茶，更爱聊茶🍵",
        "tags": ["懂茶", "爱聊天🍵"],
    },
    {
        "key": "chen", "name": "陈嘉", "position": "大客户总监", "phones": ["13800000002", "02100000002"],
        "wechat_id": "chenjia-tea", "email": "chen@example.com", "introduction": "企业礼品定制，十年经验。",
        "tags": ["企业礼品", "十年经验"],
    },
    {
        "key": "wang", "name": "王珂", "position": "门店店长", "phones": ["13800000003"],
        "wechat_id": "wangke-tea", "email": "wang@example.com", "introduction": "欢迎到店品茶。",
        "tags": ["门店"],
    },
]  # fmt: skip


class Demo:
    """The demo company on one local stack."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.api = HttpApi(stack.api)
        self.file = stack.state_dir / "demo.json"
        self.day_file = stack.state_dir / "demo-day.jsonl"
        self.state: dict[str, Any] = read_json(self.file)

    # ---- making it

    def ensure(self) -> None:
        """Makes the missing parts; nothing if all of them exist."""
        if not self._is_known():
            self.state = {"table": self.stack.outputs["TableName"], "keys": secrets.token_hex(8)}
            self.day_file.unlink(missing_ok=True)
            self._save()
        if "staff" not in self.state:
            with step(f"demo company {COMPANY}: boss and {len(STAFF)} employees"):
                self._make_company()
                self._make_staff()
        if "radar" not in self.state:
            with step("radar of the employees: granted, code by SMS, joined"):
                self._activate_staff()
        if "sent" not in self.state:
            with step("demo day: visitors log in and look around"):
                self._make_day()
                self._send_day()
            with step("the radar counts them"):
                sleep_until_quiet(self.stack, self.stack.outputs["StatsQueueUrl"], SETTLE_SECONDS)
        if "leaderboards" not in self.state:
            with step("housekeeping: leaderboards and likely customers"):
                wait_for(self._has_leaderboards, "leaderboards that are not empty", LEADERBOARDS_SECONDS, "scripts/dev logs housekeeping", pause=1)
                self.state["leaderboards"] = True
                self._save()

    def _save(self) -> None:
        write_json(self.file, self.state)

    def _is_known(self) -> bool:
        """Whether the stack still has the demo: an emulator that was killed has lost it."""
        if self.state.get("table") != self.stack.outputs["TableName"]:
            return False
        if "staff" not in self.state:
            return True
        self.stack.register_app(self.state["appid"], self.state["app_secret"])
        try:
            boss = self.login("boss")
        except Refused as error:
            if error.status in (401, 404):
                return False
            raise
        if boss["kind"] != "member":
            return False
        if "sent" not in self.state:
            return True
        found = self.api.get("/v1/radar/company/metrics", boss["token"])
        return found["windows"]["total"]["views"] > 0

    def _make_company(self) -> None:
        self.state.setdefault("appid", "wx" + secrets.token_hex(8))
        self.state.setdefault("app_secret", secrets.token_hex(16))
        self._save()
        self.stack.register_app(self.state["appid"], self.state["app_secret"])
        body = {"name": COMPANY, "appid": self.state["appid"], "boss": {"name": BOSS}}
        headers = {"X-Operator-Key": self.stack.operator_key, **self._key("company")}
        made = self.api.post("/v1/companies", None, body, headers)
        self.state["company"] = made["company"]
        self._claim("boss", made["boss"]["claim_code"])

    def _make_staff(self) -> None:
        boss, staff = self.login("boss")["token"], {}
        for person in STAFF:
            body = {"name": person["name"], "position": person["position"]}
            made = self.api.post("/v1/members", boss, body, self._key(person["key"]))
            token = self._claim(person["key"], made["claim_code"])["token"]
            card_id = made["member"]["card_id"]
            card = self.api.get(f"/v1/cards/{card_id}", token)
            details = {name: person[name] for name in ("phones", "wechat_id", "email", "introduction", "tags")}
            details |= {"version": card["version"], "address": "上海市徐汇区云杉路 88 号", "style": "classic"}
            details |= {"share_phrase": "", "welcome_text": f"您好，我是{person['name']}，很高兴认识您。"}
            self.api.put(f"/v1/cards/{card_id}", token, details)
            staff[person["key"]] = {"name": person["name"], "card_id": card_id, "position": person["position"]}
        self.state["staff"] = staff
        self._save()

    def _claim(self, who: str, claim_code: str) -> dict[str, Any]:
        """Logs in for the first time; a claim code that was used before an interruption is no fault."""
        try:
            return self.login(who, claim_code)
        except Refused as error:
            if error.status != 422:
                raise
            return self.login(who)

    def _activate_staff(self) -> None:
        """An activation that was interrupted after the grant or the code continues with the company's QR code."""
        boss = self.login("boss")["token"]
        for person in STAFF:
            session, phone = self.login(person["key"]), person["phones"][0]
            path = f"/v1/members/{session['member']['id']}/radar"
            granted = self.api.put(path, boss, {"phone": phone})
            if granted["state"] == "joined":
                continue
            if granted["sms"] == "sent":
                code = self.stack.sent_codes(f"+86{phone}")[-1]
                qr = self.api.post("/v1/radar/redemptions", session["token"], {"code": code})
            else:
                qr = self.api.get("/v1/radar-qr", boss)
            self.api.post("/v1/radar/joins", session["token"], {"ticket": qr["ticket"]})
        self.state["radar"] = True
        self._save()

    def _has_leaderboards(self) -> bool:
        """Runs housekeeping, which on a deployed stack runs every few minutes; returns whether every list has items.

        A run leaves out events that were counted in the last seconds: then another run is needed.
        """
        answer = self.stack.boto("lambda").invoke(FunctionName="mingpian-dev-housekeeping", Qualifier="live", Payload=b"{}")
        if answer.get("FunctionError"):
            raise StepFailed("housekeeping failed", "scripts/dev logs housekeeping")
        boss = self.login("boss")["token"]
        return all(self.api.get(f"/v1/radar/company/{name}", boss)["items"] for name in LEADERBOARDS)

    def _key(self, what: str) -> dict[str, str]:
        return {"Idempotency-Key": f"demo-{self.state['keys']}-{what}"}

    def _make_day(self) -> None:
        """The same file after an interruption: its batch ids make a repeated sending harmless."""
        if self.day_file.exists():
            return
        cards = ",".join(person["card_id"] for person in self.state["staff"].values())
        until = datetime.now(SHANGHAI).isoformat(timespec="seconds")
        fresh = self.day_file.with_suffix(".new")
        script = self.stack.root / "tests" / "demo" / "day.py"
        argv = [sys.executable, str(script), "--seed", str(SEED), "--until", until]
        argv += ["--cards", cards, "--out", str(fresh)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode != 0:
            raise StepFailed(f"the demo generator failed: {done.stderr[-500:]}", " ".join(argv))
        fresh.replace(self.day_file)
        self.state["until"] = until

    def _share_codes(self) -> dict[str, str]:
        """A share code of each employee for their own card; always the same ones."""
        codes = {}
        for key, person in self.state["staff"].items():
            body = {"card_id": person["card_id"], "channel": "share"}
            made = self.api.post("/v1/share-codes", self.login(key)["token"], body, self._key(f"day-{key}"))
            codes[person["card_id"]] = made["share_code"]
        return codes

    def _send_day(self) -> None:
        """Each person's batches in their order, many people at once."""
        batches: dict[str, list[Any]] = {}
        codes = self._share_codes()
        for line in self.day_file.read_text("utf-8").splitlines():
            entry = json.loads(line)
            # The file's codes are invented: the company's stand for them.
            for event in entry["batch"]["events"]:
                if "share_code" in event:
                    event["share_code"] = codes[event["card_id"]]
            batches.setdefault(entry["person"], []).append(entry["batch"])
        with ThreadPoolExecutor(SENDERS) as pool:
            accepted = sum(pool.map(self._send_person, batches, batches.values()))
        self.state["sent"] = {
            "visitors": len(batches), "batches": sum(map(len, batches.values())), "events": accepted,
        }  # fmt: skip
        self._save()

    def _send_person(self, person: str, batches: list[Any]) -> int:
        token = self.login(person)["token"]
        return sum(self.api.post("/v1/events", token, batch)["accepted"] for batch in batches)

    # ---- using it

    def login(self, who: str, claim_code: str | None = None) -> dict[str, Any]:
        """A session of boss, lin, chen, wang or of a visitor such as v001."""
        appid = self.state["appid"]
        body = {"appid": appid, "code": self.stack.login_code(appid, f"demo-{who}")}
        if claim_code:
            body["claim_code"] = claim_code
        return self.api.post("/v1/sessions", None, body)

    def anonymous(self) -> dict[str, Any]:
        """A session of a person who has not logged in."""
        return self.api.post("/v1/sessions/anonymous", None, {"appid": self.state["appid"]})

    def merge_id(self) -> str:
        """The merge of a visitor with their anonymous identity."""
        appid = self.state["appid"]
        code = self.stack.login_code(appid, f"demo-merged-{secrets.token_hex(8)}")
        self.api.post("/v1/sessions", None, {"appid": appid, "code": code, "anonymous_token": self.anonymous()["token"]})
        return self.api.get("/v1/merges", self.login("boss")["token"])["items"][0]["id"]

    def people(self) -> list[str]:
        return ["boss", *self.state.get("staff", {}), "v001"]

    def share_code(self) -> str:
        """A share code of lin for lin's own card; always the same one."""
        body = {"card_id": self.state["staff"]["lin"]["card_id"], "channel": "code"}
        made = self.api.post("/v1/share-codes", self.login("lin")["token"], body, self._key("share"))
        return made["share_code"]

    def ticket(self, purpose: str, content_type: str) -> str:
        """An upload with a ticket of lin; always the same one."""
        body = {"purpose": purpose, "content_type": content_type, "bytes": 1_000_000}
        made = self.api.post("/v1/uploads", self.login("lin")["token"], body, self._key(f"upload-{purpose}"))
        return made["upload_id"]

    def send(self, kind: str, card: str, visitor: str) -> dict[str, Any]:
        """Sends one event of a visitor, now; returns the body."""
        at = datetime.now(SHANGHAI).isoformat(timespec="milliseconds")
        body = {"batch_id": batch_id(), "events": [{"kind": kind, "card_id": card, "at": at}]}
        self.api.post("/v1/events", self.login(visitor)["token"], body)
        return body


def batch_id() -> str:
    """A new UUIDv7."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    digits = f"{value & ~(3 << 62) | 2 << 62:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
