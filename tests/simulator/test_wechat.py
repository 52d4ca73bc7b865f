"""The simulator keeps the vendor's promises that the product relies on."""

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest

APP = {"appid": "wx1", "secret": "s1"}


class Client:
    """Calls one simulator."""

    def __init__(self, base):
        self.base = base

    def call(self, method, path, body=None, **query):
        """(status, JSON) of one call."""
        url = f"{self.base}{path}?{urllib.parse.urlencode(query)}"
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, method=method), timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def control(self, path, body):
        """A control call that must work."""
        status, answer = self.call("POST", f"/_sim/{path}", body)
        assert status == 200, answer
        return answer

    def code(self, openid="o1"):
        """A new login code."""
        return self.control("codes", {"appid": "wx1", "openid": openid})["code"]

    def login(self, code, **more):
        """The vendor's answer to a login; its status is always 200."""
        query = {**APP, "js_code": code, "grant_type": "authorization_code", **more}
        status, answer = self.call("GET", "/sns/jscode2session", **query)
        assert status == 200
        return answer

    def token(self, **more):
        """The vendor's answer to stable_token."""
        status, answer = self.call("POST", "/cgi-bin/stable_token", {"grant_type": "client_credential", **APP, **more})
        assert status == 200
        return answer


@pytest.fixture
def wechat(tmp_path):
    """A simulator that knows one app."""
    script = Path(__file__).with_name("wechat.py")
    argv = [sys.executable, str(script), "--port", "0", "--state", str(tmp_path / "state.json")]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as server:
        try:
            client = Client(server.stdout.readline().strip())
            client.control("apps", APP)
            yield client
        finally:
            server.terminate()


def test_a_unionid_is_told_only_where_the_mini_program_is_bound(wechat):
    code = wechat.control("codes", {"appid": "wx1", "openid": "o1", "unionid": "u1"})["code"]
    assert wechat.login(code)["unionid"] == "u1"
    assert "unionid" not in wechat.login(wechat.code())


def test_a_code_logs_in_once(wechat):
    code = wechat.code()
    first = wechat.login(code)
    assert first["openid"] == "o1" and len(first["session_key"]) == 24 and "errcode" not in first
    again = wechat.login(code)
    assert again["errcode"] == 40163 and "rid: " in again["errmsg"]


def test_a_code_is_too_old_after_five_minutes(wechat):
    young, old = wechat.code(), wechat.code()
    wechat.control("clock", {"advance_seconds": 299})
    assert "openid" in wechat.login(young)
    wechat.control("clock", {"advance_seconds": 1})
    assert wechat.login(old)["errcode"] == 40029


@pytest.mark.parametrize(
    "wrong, errcode",
    [
        ({"js_code": "nonsense"}, 40029),
        ({"js_code": ""}, 41008),
        ({"appid": "wx2"}, 40013),
        ({"secret": "s2"}, 40125),
        ({"grant_type": "password"}, 40002),
    ],
)
def test_a_wrong_login_names_the_vendors_error(wechat, wrong, errcode):
    assert wechat.login(**{"code": wechat.code(), **wrong})["errcode"] == errcode


def test_the_stable_token_stays_the_same_until_its_last_five_minutes(wechat):
    first = wechat.token()
    assert first["expires_in"] == 7200
    wechat.control("clock", {"advance_seconds": 6890})
    later = wechat.token()
    assert later["access_token"] == first["access_token"] and later["expires_in"] >= 300
    wechat.control("clock", {"advance_seconds": 20})
    assert wechat.token()["access_token"] != first["access_token"]


def test_a_forced_refresh_is_limited(wechat):
    first = wechat.token()
    assert wechat.token(force_refresh=True)["access_token"] != first["access_token"]
    assert wechat.token(force_refresh=True)["errcode"] == 45011
    for _ in range(19):
        wechat.control("clock", {"advance_seconds": 31})
        assert "access_token" in wechat.token(force_refresh=True)
    wechat.control("clock", {"advance_seconds": 31})
    assert wechat.token(force_refresh=True)["errcode"] == 45009


def test_planned_faults_come_as_often_as_planned(wechat):
    wechat.control("faults", {"path": "/sns/jscode2session", "errcode": -1, "times": 2})
    code = wechat.code()
    assert [wechat.login(code).get("errcode") for _ in range(3)] == [-1, -1, None]
    wechat.control("faults", {"path": "/cgi-bin/stable_token", "status": 502})
    assert wechat.call("POST", "/cgi-bin/stable_token", {})[0] == 502


def test_the_log_holds_no_secret(wechat):
    wechat.login(wechat.code())
    status, log = wechat.call("GET", "/_sim/log")
    assert status == 200 and [item["errcode"] for item in log["items"]] == [0]
    assert "s1" not in json.dumps(log)


def test_a_phone_code_gives_the_number_once_and_only_with_a_good_access_token(wechat):
    code = wechat.control("phone-codes", {"appid": "wx1", "number": "13800138000"})["code"]

    def ask(token, code=code):
        path = "/wxa/business/getuserphonenumber"
        status, answer = wechat.call("POST", path, {"code": code}, access_token=token)
        assert status == 200
        return answer

    assert ask("rubbish")["errcode"] == 40001
    token = wechat.token()["access_token"]
    assert ask(token, "unknown")["errcode"] == 40029
    info = ask(token)["phone_info"]
    assert (info["purePhoneNumber"], info["countryCode"], info["watermark"]["appid"]) == ("13800138000", "86", "wx1")
    assert ask(token)["errcode"] == 40029
    wechat.control("forget-token", {"appid": "wx1"})
    assert ask(token)["errcode"] == 40001
