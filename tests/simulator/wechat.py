"""A WeChat server for the local stack and the tests, on the loopback address only.

It answers as the vendor does: HTTP 200 whatever happens, the outcome in `errcode`; login codes
work once and for five minutes; `stable_token` gives the same token while it is valid. The clock
can be moved and faults can be planned through the routes under `/_sim/`, which the vendor does
not have:

    GET  /_sim/health                                          {"ok": true, "now": ...}
    POST /_sim/apps    {appid, secret}                         registers a mini-program
    POST /_sim/codes   {appid, openid?, unionid?}              {"code", "openid"}: what wx.login gives
    POST /_sim/phone-codes {appid, number, country_code?}      {"code"}: what a phone grant gives
    POST /_sim/forget-token {appid}                            its access token is no longer good
    POST /_sim/faults  {path, times?, errcode|status|delay_ms} the next `times` answers of `path`
    POST /_sim/clock   {advance_seconds}                       {"now": ...}
    GET  /_sim/log                                             the last calls of vendor routes
    POST /_sim/reset                                           forgets all but the apps

`POST /` is the SMS vendor (sms.py):

    POST /_sim/sms/accounts {secret_id, secret_key, sdk_app_id, sign_name, template_id}
    POST /_sim/sms/sent     {phone}                            {"items": [{phone, values, at}]}
    POST /_sim/sms/faults   {times?, error|code|status|delay_ms} the next `times` answers

Run: python wechat.py --port 8099 [--state FILE]   (port 0 takes a free one and prints it)
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

from sms import Sms
from vendor import BadControl, Json, VendorError, WeChat, error_answer

BODY_BYTES_MAX = 64 * 1024

VENDOR_ROUTES: dict[str, tuple[str, Callable[[WeChat, Json], Json]]] = {
    "/sns/jscode2session": ("GET", WeChat.code_to_session),
    "/cgi-bin/stable_token": ("POST", WeChat.stable_token),
    "/wxa/business/getuserphonenumber": ("POST", WeChat.phone_number),
}
CONTROL_ROUTES: dict[tuple[str, str], Callable[[WeChat, Json], Json]] = {
    ("GET", "/_sim/health"): WeChat.health,
    ("GET", "/_sim/log"): WeChat.read_log,
    ("POST", "/_sim/apps"): WeChat.add_app,
    ("POST", "/_sim/codes"): WeChat.add_code,
    ("POST", "/_sim/phone-codes"): WeChat.add_phone_code,
    ("POST", "/_sim/forget-token"): WeChat.forget_token,
    ("POST", "/_sim/faults"): WeChat.add_fault,
    ("POST", "/_sim/clock"): WeChat.move_clock,
    ("POST", "/_sim/reset"): WeChat.reset,
}
SMS_CONTROL_ROUTES: dict[str, Callable[[Sms, Json], Json]] = {
    "/_sim/sms/accounts": Sms.add_account,
    "/_sim/sms/sent": Sms.read_sent,
    "/_sim/sms/faults": Sms.add_fault,
}


class Handler(BaseHTTPRequestHandler):
    """Reads a request, asks `WeChat`, writes the answer."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wechat: WeChat
    sms: Sms

    def log_message(self, format: str, *args: Any) -> None:
        """The default log would print app secrets: they are in the query."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        url = urlsplit(self.path)
        if (method, url.path) == ("POST", "/"):
            self._send_sms()
            return
        body = self._read_body()
        if url.path in VENDOR_ROUTES:
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            # A POST has the access token in the query and the arguments in the body.
            self._vendor(method, url.path, query if method == "GET" or body is None else {**query, **body})
        elif (method, url.path) in CONTROL_ROUTES:
            self._control(CONTROL_ROUTES[method, url.path], body)
            if url.path == "/_sim/reset":
                self.sms.reset()
        elif method == "POST" and url.path in SMS_CONTROL_ROUTES:
            handle = SMS_CONTROL_ROUTES[url.path]
            self._control(lambda _wechat, fields: handle(self.sms, fields), body)
        else:
            self._send(404, {"errcode": 404, "errmsg": f"no route {method} {url.path}"})

    def _read_body(self) -> Json | None:
        length = int(self.headers.get("content-length") or 0)
        if length > BODY_BYTES_MAX:
            self.close_connection = True
            return None
        try:
            parsed = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            return None
        return parsed if isinstance(parsed, dict) else None

    def _send_sms(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), BODY_BYTES_MAX)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(*self.sms.send(headers, self.rfile.read(length)))

    def _vendor(self, method: str, path: str, fields: Json | None) -> None:
        wanted, handle = VENDOR_ROUTES[path]
        with self.wechat.lock:
            fault = self.wechat.take_fault(path)
        if fault and fault.delay_ms:
            time.sleep(fault.delay_ms / 1000)
        with self.wechat.lock:
            try:
                if fields is None or method != wanted:
                    raise VendorError("not_json")
                planned = fault and fault.errcode is not None
                answer = error_answer(fault.errcode) if planned else handle(self.wechat, fields)
            except VendorError as error:
                answer = error_answer(error.errcode)
            status = fault.status if fault and fault.status else 200
            errcode = answer.get("errcode", 0)
            appid = (fields or {}).get("appid")
            self.wechat.log.append(
                {"at": self.wechat.now(), "path": path, "appid": appid, "status": status, "errcode": errcode}
            )
        self._send(status, answer if status == 200 else {})

    def _control(self, handle: Callable[[WeChat, Json], Json], body: Json | None) -> None:
        try:
            if body is None:
                raise BadControl("the body is not a JSON object")
            with self.wechat.lock:
                answer = handle(self.wechat, body)
        except BadControl as error:
            self._send(400, {"error": str(error)})
            return
        self._send(200, answer)

    def _send(self, status: int, answer: Json) -> None:
        body = json.dumps(answer, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    """Many clients at once: the demo logs in 150 visitors."""

    daemon_threads = True
    request_queue_size = 128


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="WeChat simulator on 127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--state", type=Path, help="file that keeps the registered apps")
    options = parser.parse_args(arguments)
    handler = type("BoundHandler", (Handler,), {"wechat": WeChat(options.state), "sms": Sms()})
    with Server(("127.0.0.1", options.port), handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
