"""The SMS vendor behind the simulator: Tencent Cloud's SendSms on `POST /`.

It verifies the TC3-HMAC-SHA256 signature and the fields as the vendor does, and answers HTTP 200
with the outcome in `Response`: an `Error` for the whole request, a `Code` for each number.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import time
from collections import deque
from typing import Any, Mapping

Json = dict[str, Any]

SENT_MAX = 5_000
CLOCK_SKEW_SECONDS = 300
FIELDS = ("SmsSdkAppId", "SignName", "TemplateId")
AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<day>[\d-]+)/sms/tc3_request, "
    r"SignedHeaders=(?P<headers>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})\Z"
)


class SmsError(Exception):
    """A request that is rejected as a whole."""


def signature(secret_key: str, headers: Mapping[str, str], signed: str, body: bytes, day: str) -> str:
    """The signature of a request by the vendor's recipe."""
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/sms/tc3_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{headers.get('x-tc-timestamp', '')}\n{scope}\n{hashed}"
    key = f"TC3{secret_key}".encode()
    for part in (day, "sms", "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class Sms:
    """The vendor's accounts and the messages sent."""

    def __init__(self) -> None:
        self.accounts: dict[str, Json] = {}
        self.sent: deque[Json] = deque(maxlen=SENT_MAX)
        self.faults: list[Json] = []

    # ---- the vendor's route

    def send(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Json]:
        """Status and answer to one request; header names are in lower case."""
        fault = self._take_fault()
        if fault.get("delay_ms"):
            time.sleep(fault["delay_ms"] / 1000)
        if fault.get("status"):
            return fault["status"], {}
        request_id = secrets.token_hex(8)
        try:
            if fault.get("error"):
                raise SmsError(fault["error"])
            fields = self._check(headers, body)
        except SmsError as error:
            refused = {"Code": str(error), "Message": "refused"}
            return 200, {"Response": {"Error": refused, "RequestId": request_id}}
        statuses = [self._deliver(number, fields, fault.get("code")) for number in fields["PhoneNumberSet"]]
        return 200, {"Response": {"SendStatusSet": statuses, "RequestId": request_id}}

    def _check(self, headers: Mapping[str, str], body: bytes) -> Json:
        if headers.get("x-tc-action") != "SendSms" or headers.get("x-tc-version") != "2021-01-11":
            raise SmsError("InvalidAction")
        if not headers.get("x-tc-region"):
            raise SmsError("MissingParameter")
        account = self._signer(headers, body)
        try:
            fields = json.loads(body)
        except ValueError as error:
            raise SmsError("InvalidParameter") from error
        numbers, values = fields.get("PhoneNumberSet"), fields.get("TemplateParamSet")
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= 200:
            raise SmsError("InvalidParameterValue.IncorrectPhoneNumber")
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise SmsError("InvalidParameterValue.TemplateParameterFormatError")
        known = (account["sdk_app_id"], account["sign_name"], account["template_id"])
        refusals = (
            "InvalidParameterValue.SdkAppIdNotExist", "FailedOperation.SignatureIncorrectOrUnapproved",
            "FailedOperation.TemplateIncorrectOrUnapproved",
        )
        for name, value, refusal in zip(FIELDS, known, refusals):
            if fields.get(name) != value:
                raise SmsError(refusal)
        return fields

    def _signer(self, headers: Mapping[str, str], body: bytes) -> Json:
        found = AUTHORIZATION.match(headers.get("authorization", ""))
        if not found or not {"content-type", "host"} <= set(found["headers"].split(";")):
            raise SmsError("AuthFailure.InvalidAuthorization")
        account = self.accounts.get(found["id"])
        if account is None:
            raise SmsError("AuthFailure.SecretIdNotFound")
        stamp = headers.get("x-tc-timestamp", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > CLOCK_SKEW_SECONDS:
            raise SmsError("AuthFailure.SignatureExpire")
        if found["day"] != time.strftime("%Y-%m-%d", time.gmtime(int(stamp))):
            raise SmsError("AuthFailure.SignatureFailure")
        expected = signature(account["secret_key"], headers, found["headers"], body, found["day"])
        if not hmac.compare_digest(expected, found["signature"]):
            raise SmsError("AuthFailure.SignatureFailure")
        return account

    def _deliver(self, number: str, fields: Json, planned: str | None) -> Json:
        good = isinstance(number, str) and re.fullmatch(r"\+[1-9]\d{7,14}", number)
        code = planned or ("Ok" if good else "InvalidParameterValue.IncorrectPhoneNumber")
        if code == "Ok":
            self.sent.append({"phone": number, "values": fields["TemplateParamSet"], "at": time.time()})
        return {
            "SerialNo": secrets.token_hex(8), "PhoneNumber": number, "Fee": int(code == "Ok"),
            "SessionContext": "", "Code": code, "Message": "send success" if code == "Ok" else "refused",
            "IsoCode": "CN",
        }  # fmt: skip

    def _take_fault(self) -> Json:
        while self.faults:
            fault = self.faults[0]
            fault["times"] -= 1
            if fault["times"] <= 0:
                self.faults.pop(0)
            return fault
        return {}

    # ---- control

    def add_account(self, body: Json) -> Json:
        """Registers {secret_id, secret_key, sdk_app_id, sign_name, template_id}."""
        self.accounts[body["secret_id"]] = body
        return {"secret_id": body["secret_id"]}

    def read_sent(self, body: Json) -> Json:
        """The messages sent to {phone}, the oldest first."""
        return {"items": [item for item in self.sent if item["phone"] == body.get("phone")]}

    def add_fault(self, body: Json) -> Json:
        """Plans {times?, error|code|status|delay_ms}: for the request, the number, HTTP."""
        self.faults.append({**body, "times": body.get("times", 1)})
        return {"planned": self.faults[-1]["times"]}

    def reset(self) -> None:
        """Forgets the planned faults; keeps accounts and sent messages."""
        self.faults.clear()
