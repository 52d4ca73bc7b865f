"""The keys of one stage, in SSM and Secrets Manager: made once, rotated without a gap.

Tokens are signed by `organization` with the key in its secret and verified by every HTTP function
with the public keys in its environment, which a deploy takes from SSM. A rotation therefore has
two halves: publish the new public key, deploy, then sign with it.

The key of cursors is in a secret of its own, under a name that is an SSM parameter. A deploy puts the key of
that name into the functions with lists. The key before stays in the secret: a deploy may be rolled back.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from common import StepFailed

KEYS_MAX = 2
SMS_FIELDS = ("secret_id", "secret_key", "sdk_app_id", "sign_name", "template_id", "region")


class Credentials:
    """`boto` makes a client for a service name."""

    def __init__(self, stage: str, boto: Any) -> None:
        self.stage = stage
        self.ssm = boto("ssm")
        self.secrets = boto("secretsmanager")
        self.awslambda = boto("lambda")
        self.jwks_name = f"/mingpian/{stage}/token/jwks"
        self.secret_name = f"mingpian/{stage}/organization"
        # No function can read this one: a key waits here until all functions know its public half.
        self.next_name = f"mingpian/{stage}/token-next"
        self.cursor_secret_name = f"mingpian/{stage}/cursor"
        self.cursor_id_name = f"/mingpian/{stage}/cursor/key-id"

    def init(self) -> str | None:
        """Makes the missing keys. Returns the operator key if it was made now; it is stored nowhere."""
        if not self.cursor_key_id():
            self.rotate_cursor_key()
        secret = self._read_secret(self.secret_name)
        if secret is not None:
            if not self.jwks()["keys"]:
                self._write_jwks([_public_jwk(secret["signing_key"])])
            return None
        operator_key, digest = _new_operator_key()
        key = _new_signing_key()
        self._write_jwks([_public_jwk(key)])
        self._write_secret(
            self.secret_name, {"signing_key": key, "operator_key_sha256": [digest], "claim_pepper": _new_pepper()}
        )
        return operator_key

    def jwks(self) -> dict[str, Any]:
        return json.loads(self._read_parameter(self.jwks_name) or '{"keys": []}')

    def cursor_key_id(self) -> str | None:
        """The name of the current key of cursors."""
        return self._read_parameter(self.cursor_id_name)

    def rotate_cursor_key(self) -> str:
        """Makes a new key of cursors, which the next deploy gives to the functions; returns its name."""
        kept = list((self._read_secret(self.cursor_secret_name) or {}).items())[1 - KEYS_MAX :]
        name = _new_key_id()
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self._write_secret(self.cursor_secret_name, dict([*kept, (name, key)]))
        # The name comes last: it never names a key that is not there.
        self.ssm.put_parameter(Name=self.cursor_id_name, Value=name, Type="String", Overwrite=True)
        return name

    def start_rotation(self) -> str:
        """Publishes the public half of a new signing key; returns its id."""
        secret = self._need_secret()
        pending = self._read_secret(self.next_name)
        if pending and pending["kid"] != secret["signing_key"]["kid"]:
            key = pending
        else:
            key = _new_signing_key()
            self._write_secret(self.next_name, key)
        self._write_jwks([_public_jwk(secret["signing_key"]), _public_jwk(key)])
        return key["kid"]

    def finish_rotation(self) -> str:
        """Signs with the new key from now on; returns its id. The old one still verifies until the next rotation."""
        secret, pending = self._need_secret(), self._read_secret(self.next_name)
        if not pending or pending["kid"] == secret["signing_key"]["kid"]:
            raise StepFailed("no rotation is under way", f"scripts/secrets rotate {self.stage}")
        if pending["kid"] not in self._deployed_keys():
            raise StepFailed(
                f"the deployed functions do not know key {pending['kid']} yet",
                f"scripts/deploy {self.stage}, then scripts/secrets rotate {self.stage} --finish",
            )
        secret["signing_key"] = pending
        self._write_secret(self.secret_name, secret)
        return pending["kid"]

    def rotate_pepper(self) -> None:
        """Makes a new pepper: codes that were not used yet are void, and all sessions end."""
        secret = self._need_secret()
        secret["claim_pepper"] = _new_pepper()
        self._write_secret(self.secret_name, secret)

    def revision(self) -> dict[str, Any]:
        """Names of all keys that functions hold for as long as they run: others after each rotation."""
        secret = self._secret(self.secret_name)
        version = secret and secret["VersionId"]
        return {"jwks": self.jwks(), "cursor_key": self.cursor_key_id(), self.secret_name: version}

    def rotate_operator_key(self) -> str:
        """Makes a new operator key; the old one stays valid until the next rotation."""
        secret = self._need_secret()
        operator_key, digest = _new_operator_key()
        secret["operator_key_sha256"] = [digest, *secret["operator_key_sha256"]][:KEYS_MAX]
        self._write_secret(self.secret_name, secret)
        return operator_key

    def put_wechat_secret(self, appid: str, app_secret: str) -> None:
        self._write_text(f"mingpian/{self.stage}/wechat/{appid}", app_secret)

    def put_wecom_secret(self, name: str, secret: str) -> None:
        """Under the `secret_name` of a company's WeCom, or the company's id."""
        self._write_text(f"mingpian/{self.stage}/wecom/{name}", secret)

    def put_sms_secret(self, account: dict[str, str]) -> None:
        """The SMS account: secret_id, secret_key, sdk_app_id, sign_name, template_id, region."""
        self._write_secret(f"mingpian/{self.stage}/sms", account)

    def check(self) -> None:
        """Fails unless the deployed `organization` can use its secret, which it reads at the first need: it
        rejects a wrong operator key only after comparing it."""
        http = {"method": "POST", "path": "/v1/companies", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}
        request = {
            "version": "2.0", "routeKey": "POST /v1/companies", "rawPath": "/v1/companies", "rawQueryString": "",
            "headers": {"x-operator-key": "check"}, "isBase64Encoded": False,
            "requestContext": {"http": {**http, "userAgent": "scripts/secrets"}, "requestId": "check", "stage": "$default"},
        }
        name = f"mingpian-{self.stage}-organization"
        answer = self.awslambda.invoke(FunctionName=name, Qualifier="live", Payload=json.dumps(request).encode())
        status = json.loads(answer["Payload"].read()).get("statusCode")
        if status != 401:
            raise StepFailed(
                f"organization cannot use {self.secret_name}: it answers {status}",
                f"read the log group /aws/lambda/{name} for level ERROR",
            )

    def _deployed_keys(self) -> str:
        """The verification keys of a deployed function that verifies tokens."""
        try:
            name = f"mingpian-{self.stage}-card"
            found = self.awslambda.get_function_configuration(FunctionName=name, Qualifier="live")
        except self.awslambda.exceptions.ResourceNotFoundException:
            return ""
        return found["Environment"]["Variables"]["TOKEN_VERIFICATION_KEYS"]

    def _need_secret(self) -> dict[str, Any]:
        secret = self._read_secret(self.secret_name)
        if secret is None:
            raise StepFailed(f"stage {self.stage} has no keys yet", f"scripts/secrets init {self.stage}")
        return secret

    def _write_jwks(self, keys: list[dict[str, str]]) -> None:
        value = json.dumps({"keys": keys[-KEYS_MAX:]}, separators=(",", ":"))
        self.ssm.put_parameter(Name=self.jwks_name, Value=value, Type="String", Overwrite=True)

    def _read_parameter(self, name: str) -> str | None:
        try:
            return self.ssm.get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ParameterNotFound":
                raise
            return None

    def _read_secret(self, name: str) -> dict[str, Any] | None:
        found = self._secret(name)
        return found and json.loads(found["SecretString"])

    def _secret(self, name: str) -> dict[str, Any] | None:
        try:
            return self.secrets.get_secret_value(SecretId=name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            return None

    def _write_secret(self, name: str, value: dict[str, Any]) -> None:
        self._write_text(name, json.dumps(value))

    def _write_text(self, name: str, value: str) -> None:
        try:
            self.secrets.put_secret_value(SecretId=name, SecretString=value)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self.secrets.create_secret(Name=name, SecretString=value)


def _new_signing_key() -> dict[str, str]:
    der = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"kid": _new_key_id(), "pkcs8": base64.b64encode(der).decode()}


def _new_key_id() -> str:
    return time.strftime("%Y%m%d", time.gmtime()) + "-" + secrets.token_hex(4)


def _new_pepper() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _public_jwk(key: dict[str, str]) -> dict[str, str]:
    private = serialization.load_der_private_key(base64.b64decode(key["pkcs8"]), password=None)
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "kid": key["kid"], "x": x}


def _new_operator_key() -> tuple[str, str]:
    key = "op_" + secrets.token_urlsafe(32)
    return key, hashlib.sha256(key.encode()).hexdigest()
