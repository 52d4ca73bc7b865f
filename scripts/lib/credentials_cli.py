"""Makes, rotates and shows the keys of a stage, on AWS or at AWS_ENDPOINT_URL.

    scripts/secrets init STAGE                make what is missing; prints the operator key once
    scripts/secrets rotate STAGE              publish a new signing key (then deploy)
    scripts/secrets rotate STAGE --finish     sign with it
    scripts/secrets rotate STAGE --operator   a new operator key (then deploy); the one before stays valid
    scripts/secrets rotate STAGE --pepper     a new pepper (then deploy); codes that were not used are void
    scripts/secrets rotate STAGE --cursor     a new key of cursors (then deploy); lists start over
    scripts/secrets check STAGE               that what is deployed can use them; the last step of a deploy
    scripts/secrets show-jwks STAGE           the public keys
    scripts/secrets revision STAGE            names of all keys that functions hold; a deploy compares them
    scripts/secrets wechat STAGE APPID        store a mini-program's secret, read from standard input
    scripts/secrets wecom STAGE NAME          store the secret of a company's WeCom, read from standard input
    scripts/secrets sms STAGE                 store the SMS account, read as JSON from standard input:
                                              secret_id, secret_key, sdk_app_id, sign_name, template_id, region
"""

from __future__ import annotations

import argparse
import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from common import StepFailed, fail
from credentials import SMS_FIELDS, Credentials


def init(credentials: Credentials, _options: argparse.Namespace) -> None:
    operator_key = credentials.init()
    if operator_key is None:
        print(f"secrets: stage {credentials.stage} has its keys")
        return
    print(f"secrets: made the keys of stage {credentials.stage}")
    print(f"operator key (shown only now, only its hash is stored): {operator_key}")


def rotate(credentials: Credentials, options: argparse.Namespace) -> None:
    stage = credentials.stage
    if options.operator:
        print(f"operator key (shown only now): {credentials.rotate_operator_key()}")
        print(f"next: scripts/deploy {stage}")
    elif options.pepper:
        credentials.rotate_pepper()
        print(f"secrets: made a new pepper of stage {stage}; members need new claim codes and radar codes")
        print(f"next: scripts/deploy {stage}")
    elif options.cursor:
        print(f"secrets: made key of cursors {credentials.rotate_cursor_key()}")
        print(f"next: scripts/deploy {stage}")
    elif options.finish:
        print(f"secrets: new tokens are signed with key {credentials.finish_rotation()}")
    else:
        print(f"secrets: published key {credentials.start_rotation()}")
        print(f"next: scripts/deploy {stage}, then scripts/secrets rotate {stage} --finish")


def check(credentials: Credentials, _options: argparse.Namespace) -> None:
    credentials.check()
    print(f"secrets: organization of stage {credentials.stage} can use its keys")


def show_jwks(credentials: Credentials, _options: argparse.Namespace) -> None:
    print(json.dumps(credentials.jwks(), indent=1))


def revision(credentials: Credentials, _options: argparse.Namespace) -> None:
    print(json.dumps(credentials.revision(), sort_keys=True))


def wechat(credentials: Credentials, options: argparse.Namespace) -> None:
    credentials.put_wechat_secret(options.appid, one_line("wechat", credentials.stage, options.appid))
    print(f"secrets: stored the secret of {options.appid}")


def wecom(credentials: Credentials, options: argparse.Namespace) -> None:
    credentials.put_wecom_secret(options.name, one_line("wecom", credentials.stage, options.name))
    print(f"secrets: stored the WeCom secret {options.name}")


def one_line(command: str, stage: str, name: str) -> str:
    """The secret on standard input."""
    secret = sys.stdin.readline().strip()
    if not secret:
        advice = f"scripts/secrets {command} {stage} {name} < FILE_WITH_THE_SECRET"
        raise StepFailed("no secret on standard input", advice)
    return secret


def sms(credentials: Credentials, _options: argparse.Namespace) -> None:
    command = f"scripts/secrets sms {credentials.stage} < FILE_WITH_THE_ACCOUNT"
    try:
        account = json.load(sys.stdin)
    except ValueError as error:
        raise StepFailed("standard input is not JSON", command) from error
    missing = [name for name in SMS_FIELDS if not isinstance(account, dict) or not account.get(name)]
    if missing:
        raise StepFailed(f"the SMS account has no {', '.join(missing)}", command)
    credentials.put_sms_secret({name: account[name] for name in SMS_FIELDS})
    print("secrets: stored the SMS account")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/secrets", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    runs = (("init", init), ("rotate", rotate), ("check", check), ("show-jwks", show_jwks),
            ("revision", revision), ("wechat", wechat), ("wecom", wecom), ("sms", sms))
    for name, run in runs:
        command = commands.add_parser(name)
        command.add_argument("stage", choices=["dev", "staging", "prod"])
        command.set_defaults(run=run)
        if run is rotate:
            which = command.add_mutually_exclusive_group()
            which.add_argument("--finish", action="store_true")
            which.add_argument("--operator", action="store_true")
            which.add_argument("--pepper", action="store_true")
            which.add_argument("--cursor", action="store_true")
        if run is wechat:
            command.add_argument("appid")
        if run is wecom:
            command.add_argument("name")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    try:
        options.run(Credentials(options.stage, boto3.client), options)
    except StepFailed as error:
        return fail(error)
    except (BotoCoreError, ClientError) as error:
        advice = "set AWS_PROFILE and AWS_REGION for the account (or AWS_ENDPOINT_URL for a local stack)"
        return fail(StepFailed(str(error), advice))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
