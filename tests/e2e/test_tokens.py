"""A bad token is rejected: every bearer operation with every kind of bad token."""

import json

import pytest

from jws import Signer, parts, unb64
from operations import GUARDED, Stage, name, nowhere


OF_MEMBERS = {"mem", "role", "crd", "rad", "gen", "sid", "auth"}


@pytest.fixture(scope="module")
def signer(world):
    return Signer(world)


@pytest.fixture(scope="module")
def bad_tokens(signer, company):
    return signer.variants(company.boss.token)


@pytest.fixture(scope="module")
def stage(company, staff):
    return Stage(company, staff)


@pytest.mark.parametrize("file", GUARDED, ids=name)
def test_no_bad_token_is_accepted(file, bad_tokens, stage):
    assert len(bad_tokens) > 20
    for kind, token in bad_tokens.items():
        answer = stage.send(file, nowhere(file), token)
        assert answer.status == 401, f"{kind}: {answer}"
        assert token not in answer.text


def test_the_same_hand_made_token_is_accepted_when_nothing_is_wrong_with_it(signer, company):
    """Without this check the test above would prove nothing."""
    header, claims = parts(company.boss.token)
    company.api.get("/v1/me", signer.sign(header, claims)).expect(200)


def test_a_token_says_what_the_contract_says(signer, company, staff, visitor):
    for person in (company.boss, staff, visitor):
        header, claims = parts(person.token)
        assert header == {"alg": "EdDSA", "typ": "mp+jwt", "kid": signer.kid}
        assert claims["iss"] == "mingpian" and claims["aud"] == "mingpian-api"
        assert claims["sub"] == person.id and claims["com"] == company.id
        assert claims["exp"] - claims["iat"] == (7200 if person is visitor else 300) and claims["nbf"] <= claims["iat"]
        assert set(claims) <= {"iss", "aud", "sub", "com", "iat", "nbf", "exp"} | OF_MEMBERS
    assert not OF_MEMBERS & set(parts(visitor.token)[1])
    assert {"mem", "role", "sid", "auth"} <= set(parts(staff.token)[1])


def test_a_public_key_is_published_for_the_key_that_signs(signer, world):
    keys = json.loads(world.settings.get("TOKEN_VERIFICATION_KEYS") or "{}")["keys"]
    assert 1 <= len(keys) <= 2
    assert signer.public in [unb64(key["x"]) for key in keys if key["kid"] == signer.kid]
    assert all(set(key) == {"kty", "crv", "kid", "x"} for key in keys), "no private part may be published"
