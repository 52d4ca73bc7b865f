"""Recounts companies from their event logs, now, and prints the wrong numbers.

    scripts/recount COMPANY [STAGE] [--dry-run]
    scripts/recount --all [STAGE] [--dry-run]

COMPANY is an id, com_...; STAGE is local (the stack of scripts/dev, also if none is named), dev,
staging or prod. Wrong numbers are repaired; --dry-run only prints them, and writes nothing. A
schedule does the same every night. Companies are recounted one after the other; a company that
fails is named, and the others follow.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, Callable

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common import StepFailed, fail

STAGES = ("local", "dev", "staging", "prod")
# The function's own time-out and a little; asking twice would recount twice.
PATIENT = Config(read_timeout=930, retries={"max_attempts": 0})

Call = Callable[[dict[str, Any]], dict[str, Any]]


def client_for(stage: str) -> Any:
    if stage != "local":
        return boto3.client("lambda", config=PATIENT)
    import dev

    return dev.running_stack().boto("lambda")


def function(client: Any, stage: str) -> Call:
    """The recount of a stage, as a function of its payload."""
    name = f"mingpian-{'dev' if stage == 'local' else stage}-recount"

    def call(payload: dict[str, Any]) -> dict[str, Any]:
        answer = client.invoke(FunctionName=name, Qualifier="live", Payload=json.dumps(payload).encode())
        body = json.loads(answer["Payload"].read())
        if answer.get("FunctionError"):
            raise StepFailed(str(body.get("errorMessage", body)), f"read the log of {name}")
        return body

    return call


def companies(call: Call) -> list[str]:
    """All companies, each once."""
    found: dict[str, None] = {}
    after = None
    while True:
        page = call({"companies_after": after})
        found.update(dict.fromkeys(page["companies"]))
        after = page["next"]
        if after is None:
            return list(found)


def lines(report: dict[str, Any]) -> list[str]:
    """A report as text, the wrong numbers one by one."""
    found = [f"{report['events']} events of {report['people']} people, {report['compared']} sets of counters"]
    for measure, drift in report["drift"].items():
        found.append(f"wrong: {drift['counters']} counters of {measure}, by {drift['amount']} in sum")
    for finding in report["findings"]:
        where = f"{finding.get('card', 'company')} {finding.get('day', 'lifetime')}"
        found.append(f"  {where} {finding['measure']}: {finding['stored']}, must be {finding['expected']}")
    if report["customers"]:
        found.append(f"wrong: the states of {report['customers']} people")
    for name in ("counters", "customers"):
        if report[f"unchecked_{name}"]:
            found.append(f"not checked: {report[f'unchecked_{name}']} {name}; run it again when less is written")
    return found


def wrong(report: dict[str, Any]) -> bool:
    return bool(report["drift"] or report["customers"])


def run(call: Call, wanted: list[str], dry_run: bool) -> int:
    """Recounts the companies with a line of progress for each; returns how many failed."""
    drifted, failed = 0, 0
    for number, company in enumerate(wanted, 1):
        began = time.monotonic()
        print(f"  {number}/{len(wanted)} {company} ...", end="", flush=True)
        try:
            report = call({"company_id": company, "dry_run": dry_run})
        except StepFailed as error:
            failed += 1
            print(f" failed: {error}", flush=True)
            continue
        state = "right" if not wrong(report) else "wrong" if dry_run else "repaired"
        drifted += wrong(report)
        print(f" {state}, {time.monotonic() - began:.1f} s", flush=True)
        for line in lines(report):
            print(f"      {line}")
    verb = "wrong" if dry_run else "repaired"
    print(f"recounted: {len(wanted) - failed} companies, {drifted} {verb}, {failed} failed")
    return failed


def parse(arguments: list[str], prog: str, about: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="COMPANY|STAGE")
    parser.add_argument("--all", action="store_true", help="every company")
    parser.add_argument("--dry-run", action="store_true", help="write nothing")
    options = parser.parse_args(arguments)
    options.company = None if options.all or not options.names else options.names.pop(0)
    options.stage = options.names.pop(0) if options.names else "local"
    if not options.all and not (options.company or "").startswith("com_"):
        parser.error("which company? its id, or --all")
    if options.stage not in STAGES or options.names:
        parser.error(f"STAGE is one of: {', '.join(STAGES)}")
    return options


Run = Callable[[Call, list[str], bool], int]


def main(arguments: list[str], work: Run = run, prog: str = "scripts/recount", about: str | None = __doc__) -> int:
    """Runs the work for the companies in the arguments."""
    options = parse(arguments, prog, about)
    try:
        call = function(client_for(options.stage), options.stage)
        wanted = [options.company] if options.company else companies(call)
        return 1 if work(call, wanted, options.dry_run) else 0
    except StepFailed as error:
        return fail(error)
    except (BotoCoreError, ClientError) as error:
        return fail(StepFailed(str(error), "check the stage, AWS_PROFILE and AWS_REGION; then run this again"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
