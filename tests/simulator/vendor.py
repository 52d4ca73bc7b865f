"""The vendor's state and rules behind the WeChat simulator; wechat.py puts them on HTTP."""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CODE_SECONDS = 300
TOKEN_SECONDS = 7200
TOKEN_RENEW_SECONDS = 300  # a token this near its end is renewed; the old one works on
FORCE_REFRESH_SECONDS = 30
FORCE_REFRESH_PER_DAY = 20
LOGINS_PER_MINUTE = 100
CODES_MAX = 20_000
LOG_MAX = 1_000

# name: (errcode, errmsg)
ERRORS = {
    "busy": (-1, "system error"),
    "bad_grant_type": (40002, "invalid grant_type"),
    "bad_appid": (40013, "invalid appid"),
    "bad_token": (40001, "invalid credential, access_token is invalid or not latest"),
    "bad_code": (40029, "invalid code"),
    "bad_secret": (40125, "invalid appsecret"),
    "code_used": (40163, "code been used"),
    "missing_appid": (41002, "appid missing"),
    "missing_secret": (41004, "appsecret missing"),
    "missing_code": (41008, "missing code"),
    "quota_day": (45009, "reach max api daily quota limit"),
    "quota_minute": (45011, "api minute-quota reach limit, must slower, retry next minute"),
    "not_json": (47001, "data format error"),
}
MESSAGES = dict(ERRORS.values())

Json = dict[str, Any]


class VendorError(Exception):
    """An answer with an `errcode`; `name` is one of ERRORS."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.errcode = ERRORS[name][0]


class BadControl(Exception):
    """A wrong request to a `/_sim/` route."""


@dataclass
class Code:
    """The result of wx.login for one person."""

    appid: str
    openid: str
    made_at: float
    used: bool = False
    unionid: str | None = None


@dataclass
class PhoneCode:
    """The result of the button "get phone number" for one person."""

    appid: str
    country_code: str
    number: str
    made_at: float
    used: bool = False


@dataclass
class Token:
    """The stable token of one app."""

    value: str
    expires_at: float


@dataclass
class App:
    """A registered mini-program."""

    secret: str
    token: Token | None = None
    forced_at: list[float] = field(default_factory=list)


@dataclass
class Fault:
    """A planned failure of one route."""

    path: str
    times: int
    errcode: int | None = None
    status: int | None = None
    delay_ms: int = 0


class WeChat:
    """The vendor's state and rules. Every method is called with `lock` held."""

    def __init__(self, state: Path | None) -> None:
        self.lock = threading.Lock()
        self.apps: dict[str, App] = {}
        self.codes: dict[str, Code] = {}
        self.phone_codes: dict[str, PhoneCode] = {}
        self.logins: dict[str, deque[float]] = {}
        self.faults: list[Fault] = []
        self.log: deque[Json] = deque(maxlen=LOG_MAX)
        self.offset_seconds = 0.0
        self.state = state
        self._load()

    def now(self) -> float:
        return time.time() + self.offset_seconds

    def _load(self) -> None:
        if self.state and self.state.exists():
            saved = json.loads(self.state.read_text("utf-8"))
            self.apps = {appid: App(secret) for appid, secret in saved["apps"].items()}

    def _save(self) -> None:
        if self.state:
            saved = {"apps": {appid: app.secret for appid, app in self.apps.items()}}
            fresh = self.state.with_suffix(".new")
            fresh.write_text(json.dumps(saved), "utf-8")
            fresh.chmod(0o600)
            fresh.replace(self.state)

    # ---- vendor routes

    def code_to_session(self, query: Json) -> Json:
        app = self._app(query)
        if query.get("grant_type") != "authorization_code":
            raise VendorError("bad_grant_type")
        text = query.get("js_code")
        if not text:
            raise VendorError("missing_code")
        code = self.codes.get(text)
        if code is None or self.apps.get(code.appid) is not app:
            raise VendorError("bad_code")
        if self.now() - code.made_at >= CODE_SECONDS:
            raise VendorError("bad_code")
        if code.used:
            raise VendorError("code_used")
        self._limit_logins(code.openid)
        code.used = True
        session_key = base64.b64encode(secrets.token_bytes(16)).decode()
        union = {"unionid": code.unionid} if code.unionid else {}
        return {"openid": code.openid, "session_key": session_key, **union}

    def stable_token(self, body: Json) -> Json:
        if body.get("grant_type") != "client_credential":
            raise VendorError("bad_grant_type")
        app = self._app(body)
        now = self.now()
        force = body.get("force_refresh") is True
        if force:
            self._limit_force(app, now)
        token = app.token
        if force or token is None or token.expires_at - now < TOKEN_RENEW_SECONDS:
            token = Token(secrets.token_urlsafe(96), now + TOKEN_SECONDS)
            app.token = token
        return {"access_token": token.value, "expires_in": int(token.expires_at - now)}

    def phone_number(self, body: Json) -> Json:
        appid = next(
            (appid for appid, app in self.apps.items() if app.token and app.token.value == body.get("access_token")), None
        )
        if appid is None or self.apps[appid].token.expires_at <= self.now():
            raise VendorError("bad_token")
        code = self.phone_codes.get(body.get("code"))
        if code is None or code.used or code.appid != appid or self.now() - code.made_at >= CODE_SECONDS:
            raise VendorError("bad_code")
        code.used = True
        full = code.number if code.country_code == "86" else f"+{code.country_code}{code.number}"
        watermark = {"timestamp": int(self.now()), "appid": appid}
        info = {"phoneNumber": full, "purePhoneNumber": code.number, "countryCode": code.country_code}
        return {"errcode": 0, "errmsg": "ok", "phone_info": {**info, "watermark": watermark}}

    def _app(self, fields: Json) -> App:
        appid, secret = fields.get("appid"), fields.get("secret")
        if not appid:
            raise VendorError("missing_appid")
        if not secret:
            raise VendorError("missing_secret")
        app = self.apps.get(str(appid))
        if app is None:
            raise VendorError("bad_appid")
        if not hmac.compare_digest(app.secret.encode(), str(secret).encode()):
            raise VendorError("bad_secret")
        return app

    def _limit_logins(self, openid: str) -> None:
        recent = self.logins.setdefault(openid, deque(maxlen=LOGINS_PER_MINUTE))
        if len(recent) == LOGINS_PER_MINUTE and self.now() - recent[0] < 60:
            raise VendorError("quota_minute")
        recent.append(self.now())

    def _limit_force(self, app: App, now: float) -> None:
        app.forced_at = [at for at in app.forced_at if now - at < 86_400]
        if len(app.forced_at) >= FORCE_REFRESH_PER_DAY:
            raise VendorError("quota_day")
        if app.forced_at and now - app.forced_at[-1] < FORCE_REFRESH_SECONDS:
            raise VendorError("quota_minute")
        app.forced_at.append(now)

    # ---- control routes

    def add_app(self, body: Json) -> Json:
        appid, secret = text(body, "appid"), text(body, "secret")
        known = self.apps.get(appid)
        if known:
            known.secret = secret
        else:
            self.apps[appid] = App(secret)
        self._save()
        return {"appid": appid}

    def add_code(self, body: Json) -> Json:
        appid = text(body, "appid")
        if appid not in self.apps:
            raise BadControl(f"unknown appid {appid}")
        openid = str(body.get("openid") or "o" + secrets.token_urlsafe(20)[:27])
        if len(self.codes) >= CODES_MAX:
            self._forget_codes()
        code = "0" + secrets.token_hex(16)[:31]
        unionid = text(body, "unionid") if body.get("unionid") is not None else None
        self.codes[code] = Code(appid, openid, self.now(), unionid=unionid)
        return {"code": code, "openid": openid}

    def add_phone_code(self, body: Json) -> Json:
        appid = text(body, "appid")
        if appid not in self.apps:
            raise BadControl(f"unknown appid {appid}")
        if len(self.phone_codes) >= CODES_MAX:
            self.phone_codes.clear()
        code = secrets.token_hex(32)
        country_code = str(body.get("country_code") or "86")
        self.phone_codes[code] = PhoneCode(appid, country_code, text(body, "number"), self.now())
        return {"code": code}

    def forget_token(self, body: Json) -> Json:
        app = self.apps.get(text(body, "appid"))
        if app is not None:
            app.token = None
        return {}

    def _forget_codes(self) -> None:
        limit = self.now() - 2 * CODE_SECONDS
        kept = {text: code for text, code in self.codes.items() if code.made_at > limit}
        self.codes = dict(list(kept.items())[-CODES_MAX // 2 :])

    def add_fault(self, body: Json) -> Json:
        path = text(body, "path")
        fault = Fault(
            path=path,
            times=number(body, "times", 1),
            errcode=number(body, "errcode", None),
            status=number(body, "status", None),
            delay_ms=number(body, "delay_ms", 0),
        )
        self.faults.append(fault)
        return {"planned": fault.times}

    def move_clock(self, body: Json) -> Json:
        self.offset_seconds += number(body, "advance_seconds", 0)
        return {"now": self.now()}

    def reset(self, _body: Json) -> Json:
        self.codes.clear()
        self.phone_codes.clear()
        self.logins.clear()
        self.faults.clear()
        self.log.clear()
        self.offset_seconds = 0.0
        for app in self.apps.values():
            app.token, app.forced_at = None, []
        return {}

    def health(self, _body: Json) -> Json:
        return {"ok": True, "now": self.now()}

    def read_log(self, _body: Json) -> Json:
        return {"items": list(self.log)}

    def take_fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path == path and fault.times > 0:
                fault.times -= 1
                return fault
        return None


def text(body: Json, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadControl(f"{name}: a text is needed")
    return value


def number(body: Json, name: str, default: int | None) -> Any:
    value = body.get(name, default)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise BadControl(f"{name}: a whole number is needed")
    return value


def error_answer(errcode: int) -> Json:
    rid = f"{secrets.token_hex(4)}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    message = MESSAGES.get(errcode, "error")
    return {"errcode": errcode, "errmsg": f"{message}, rid: {rid}"}
