"""The keys of a stage are made once and rotated without a gap."""

import base64
import json
import re

import pytest
from botocore.exceptions import ClientError

from credentials import Credentials


class Account:
    """SSM and Secrets Manager in memory, with the order of writes."""

    def __init__(self):
        self.parameters, self.secrets, self.writes = {}, {}, []

    def __call__(self, _service):
        return self

    def get_parameter(self, Name):
        if Name not in self.parameters:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": self.parameters[Name]}}

    def put_parameter(self, Name, Value, **_):
        self.parameters[Name] = Value
        self.writes.append(Name)

    def get_secret_value(self, SecretId):
        if SecretId not in self.secrets:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "GetSecretValue")
        return {"SecretString": self.secrets[SecretId], "VersionId": str(hash(self.secrets[SecretId]))}

    def put_secret_value(self, SecretId, SecretString):
        self.get_secret_value(SecretId)
        self.secrets[SecretId] = SecretString
        self.writes.append(SecretId)

    def create_secret(self, Name, SecretString):
        self.secrets[Name] = SecretString
        self.writes.append(Name)


def keys_of_cursors(account):
    return json.loads(account.secrets["mingpian/dev/cursor"])


def test_a_stage_gets_its_keys_once():
    account = Account()
    assert Credentials("dev", account).init().startswith("op_")
    made = (dict(account.parameters), dict(account.secrets))
    assert Credentials("dev", account).init() is None
    assert (account.parameters, account.secrets) == made


def test_a_stage_made_before_cursors_had_a_key_gets_one():
    account = Account()
    Credentials("dev", account).init()
    del account.parameters["/mingpian/dev/cursor/key-id"], account.secrets["mingpian/dev/cursor"]
    assert Credentials("dev", account).init() is None
    (name, key), = keys_of_cursors(account).items()
    assert name == Credentials("dev", account).cursor_key_id() and len(base64.b64decode(key)) == 32


def test_a_new_key_of_cursors_is_named_once_it_is_there_and_the_one_before_stays():
    account = Account()
    credentials = Credentials("dev", account)
    names = [credentials.rotate_cursor_key() for _ in range(3)]
    assert len(set(names)) == 3 and credentials.cursor_key_id() == names[-1]
    assert list(keys_of_cursors(account)) == names[1:] and len(set(keys_of_cursors(account).values())) == 2
    assert account.writes == ["mingpian/dev/cursor", "/mingpian/dev/cursor/key-id"] * 3


@pytest.mark.parametrize("rotate", ["rotate_cursor_key", "rotate_operator_key", "rotate_pepper", "start_rotation"])
def test_after_each_rotation_a_deploy_makes_new_environments(rotate):
    account = Account()
    credentials = Credentials("dev", account)
    credentials.init()
    before = credentials.revision()
    assert credentials.revision() == before
    getattr(credentials, rotate)()
    assert credentials.revision() != before


def test_two_rotations_end_a_key_that_leaked():
    account = Account()
    credentials = Credentials("dev", account)
    credentials.init()
    leaked = json.loads(account.secrets["mingpian/dev/organization"])
    for _ in range(2):
        credentials.rotate_operator_key()
    credentials.start_rotation()
    credentials._deployed_keys = lambda: json.dumps(credentials.jwks())
    credentials.finish_rotation()
    credentials.start_rotation()
    now = json.loads(account.secrets["mingpian/dev/organization"])
    assert not set(leaked["operator_key_sha256"]) & set(now["operator_key_sha256"])
    assert leaked["signing_key"]["kid"] not in json.dumps(credentials.jwks())


def test_a_revision_names_no_secret():
    account = Account()
    credentials = Credentials("dev", account)
    credentials.init()
    told = json.dumps(credentials.revision())
    for secret in account.secrets.values():
        for value in re.findall(r'"([\w+/=-]{40,})"', secret):
            assert value not in told
