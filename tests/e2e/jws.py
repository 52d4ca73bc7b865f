"""Makes tokens, right and wrong, with the stack's own keys.

What belongs here: JWS by hand, so that no library can refuse to make a bad one.
"""

import base64
import hashlib
import hmac
import json
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_der_private_key


def b64(raw):
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text):
    """The bytes of base64url without padding."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def parts(token):
    """(header, claims) of a token."""
    header, claims, _ = token.split(".")
    return json.loads(unb64(header)), json.loads(unb64(claims))


class Signer:
    """Signs with the private key of the running stack."""

    def __init__(self, world):
        secrets = world.stack.boto("secretsmanager")
        kept = json.loads(secrets.get_secret_value(SecretId=world.settings["ORGANIZATION_SECRET"])["SecretString"])
        self.kid = kept["signing_key"]["kid"]
        self.key = load_der_private_key(base64.b64decode(kept["signing_key"]["pkcs8"]), None)
        self.public = self.key.public_key().public_bytes_raw()

    def sign(self, header, claims, how=None):
        """A compact token; `how` turns the signing input into a signature."""
        text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        return f"{text}.{b64((how or self.key.sign)(text.encode()))}"

    def variants(self, good):
        """name -> a token that must be rejected, each wrong in one respect."""
        header, claims = parts(good)
        now = int(time.time())
        hour = 3600
        ec_key = ec.generate_private_key(ec.SECP256R1())
        rsa_key = rsa.generate_private_key(65537, 2048)
        stranger = Ed25519PrivateKey.generate()

        def es256(text):
            r, s = decode_dss_signature(ec_key.sign(text, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")

        def hs256(text):
            return hmac.new(self.public, text, hashlib.sha256).digest()

        def rs256(text):
            return rsa_key.sign(text, padding.PKCS1v15(), hashes.SHA256())

        def without(claim):
            return self.sign(header, {name: value for name, value in claims.items() if name != claim})

        head, body, signature = good.split(".")
        longer = b64(json.dumps({**claims, "exp": claims["exp"] + hour}).encode())
        raised = b64(json.dumps({**claims, "kind": "member", "role": "boss", "vip": True}).encode())
        flipped = b64(bytes([unb64(signature)[0] ^ 1]) + unb64(signature)[1:])
        return {
            "expired": self.sign(header, {**claims, "iat": now - 4 * hour, "nbf": now - 4 * hour, "exp": now - 2 * hour}),
            "not_yet_valid": self.sign(header, {**claims, "nbf": now + hour, "exp": now + 2 * hour}),
            "longer_life": f"{head}.{longer}.{signature}",
            "higher_role": f"{head}.{raised}.{signature}",
            "tampered_signature": f"{head}.{body}.{flipped}",
            "no_signature": f"{head}.{body}.",
            "alg_none": self.sign({**header, "alg": "none"}, claims, lambda _: b""),
            "alg_none_with_signature": self.sign({**header, "alg": "none"}, claims),
            "hs256_with_the_public_key": self.sign({**header, "alg": "HS256"}, claims, hs256),
            "es256": self.sign({**header, "alg": "ES256"}, claims, es256),
            "rs256": self.sign({**header, "alg": "RS256"}, claims, rs256),
            "eddsa_signature_named_es256": self.sign({**header, "alg": "ES256"}, claims),
            "key_of_a_stranger": self.sign(header, claims, stranger.sign),
            "unknown_kid": self.sign({**header, "kid": "nobody"}, claims),
            "no_kid": self.sign({name: value for name, value in header.items() if name != "kid"}, claims),
            "wrong_type": self.sign({**header, "typ": "JWT"}, claims),
            "wrong_audience": self.sign(header, {**claims, "aud": "another-api"}),
            "wrong_issuer": self.sign(header, {**claims, "iss": "somebody"}),
            "no_expiry": without("exp"),
            "no_audience": without("aud"),
            "no_issuer": without("iss"),
            "no_company": without("com"),
            "two_parts": f"{head}.{body}",
            "not_base64": f"{head}.{body}.***",
            "empty_json": f"{b64(b'{}')}.{b64(b'{}')}.{signature}",
            "huge": "a" * 6000,
        }
