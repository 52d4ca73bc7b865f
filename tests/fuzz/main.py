"""Schemathesis against the product on this machine, as boss, staff, visitor, operator and anonymous.

    scripts/fuzz [--cases N] [--seed N] [--state DIRECTORY] [CALLER...]

For each kind of caller it makes a company, sends at least N cases (4,000) to all operations of
infra/openapi.json, and checks every answer against the document. Of each operation it first sends
the request of events/, filled so that it succeeds; then random ones, with ids of the company's
things. It fails when an answer is not as documented, and when an operation never succeeded for a
caller who may send it. `--state .dev` uses the stack of scripts/dev, and leaves it running.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
for folder in (ROOT / "tests" / "demo", ROOT / "scripts" / "lib", ROOT / "tests" / "e2e", HERE):
    sys.path.insert(0, str(folder))

import requests  # noqa: E402
import schemathesis  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from schemathesis.checks import load_all_checks, not_a_server_error  # noqa: E402
from schemathesis.core.failures import Failure, FailureGroup  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance, response_headers_conformance, response_schema_conformance, status_code_conformance,
)  # fmt: skip

from access import CLASSES, WITHOUT_TOKEN  # noqa: E402
from cases import from_request, prepared, strategy_of  # noqa: E402
from client import Answer  # noqa: E402
from common import StepFailed, fail  # noqa: E402
from event_files import find  # noqa: E402
from known import KnownIds  # noqa: E402
from people import CALLERS, Cast  # noqa: E402
from stack import LocalStack  # noqa: E402
from tally import Tally  # noqa: E402

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance,
]  # fmt: skip
# How often the request of the event file is sent; each time generated ones follow.
SAMPLES = 3
# Operations that a caller may send get so many times the cases of others.
SERVED_WEIGHT = 3
# They change what others find, or need time to have passed.
LAST = ("update_card_template", "create_radar_code")
# Operation and caller -> why a request that may be sent never succeeds here. Statuses that the row of
# the event file excepts need no line.
NEVER_SERVED = {("create_radar_redemption", "boss"): "the radar belongs to a card, and these bosses have none"}
# Operation -> the code of a 5xx that its description announces. All other checks apply to it too, and the
# table shows how often it came.
ANNOUNCED_5XX = {
    # The operator's cases create companies whose mini-programs have no secret.
    "create_session": "channel_not_configured",
    "create_anonymous_session": "channel_not_configured",
}
SECONDS = 60
BESIDE = 3
FIT = settings(
    phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=False
)


class Run:
    """The cases of one kind of caller."""

    def __init__(self, stack, kind, cases, number):
        self.kind, self.cases, self.number = kind, cases, number
        self.cast, self.tally, self.known = Cast(stack, kind), Tally(kind), KnownIds()
        self.used, self.base = False, None
        self.session = requests.Session()
        document = schemathesis.openapi.from_path(ROOT / "infra" / "openapi.json")
        self.url = stack.api
        found = [result.ok() for result in document.get_all_operations()]
        self.operations = {operation.definition.raw["operationId"]: operation for operation in found}
        self.served = [name for name in self.operations if self.may(name)]

    def may(self, name):
        """Whether a request of the caller can succeed: by its access class, and by the row of its event file."""
        row = find(name).row
        refused = CLASSES[row["access"]].get(self.kind)
        if not hasattr(Cast, f"for_{name}"):
            refused = refused or row.get("statuses", {}).get(self.kind)
        return (refused is None or refused < 300) and (name, self.kind) not in NEVER_SERVED

    def go(self):
        """Sends all cases."""
        names = sorted(self.operations, key=lambda name: (name in LAST, LAST.index(name) if name in LAST else 0))
        weights = {name: SERVED_WEIGHT if name in self.served else 1 for name in names}
        share = self.cases / sum(weights.values())
        for name in names:
            self.of_operation(name, round(share * weights[name]) + 1)
        extra = 0
        while self.tally.cases() < self.cases:
            extra += 1
            name = names[extra % len(names)]
            self.generate(name, 5, None, self.number * 1_000 + SAMPLES + extra)

    def of_operation(self, name, count):
        """Sends the request of the event file, then generated ones."""
        served, file = name in self.served, find(name)
        # What is sent before may change the owner of things too, though the request itself is refused.
        changes = not file.route.startswith("GET ") and (served or bool(file.row.get("before")))
        rounds = SAMPLES if served else 1
        for nth in range(rounds):
            if self.cast.stage is None or self.used:
                self.cast.new_stage()
            self.used = changes
            self.known.reserved = self.cast.reserved()
            caller, self.base = from_request(self.operations[name], self.cast.request(file, nth))
            self.send(name, self.base, caller)
            self.generate(name, max(1, count // rounds - 1), caller, self.number * 1_000 + nth)
        self.base = None

    def generate(self, name, count, owner, number):
        """Sends generated cases: half of them as the one for whom the request of the event file succeeded."""

        @seed(number)
        @settings(FIT, max_examples=count)
        @given(strategy_of(self.operations[name]))
        def one(drawn):
            rng, case = prepared(drawn, name, self.known, self.base)
            caller = rng.choice(self.cast.callers)
            self.send(name, case, owner if owner and rng.randrange(2) else caller)

        one()

    def send(self, name, case, caller):
        """Sends a case, with a new login if the token is refused, and checks the answer."""
        try:
            response = self.call(case, caller)
            if response.status_code == 401 and caller.person and find(name).row["access"] not in WITHOUT_TOKEN:
                caller.renew()
                response = self.call(case, caller)
                if response.status_code == 401:
                    self.tally.fail(name, "a new token is refused", 401, f"{response.text}\n{case.as_curl_command()}")
        except (requests.exceptions.InvalidHeader, UnicodeError):
            self.tally.unsendable += 1
            return
        except requests.RequestException as error:
            self.tally.fail(name, f"no answer: {type(error).__name__}", 0, case.as_curl_command())
            return
        self.tally.note(name, response.status_code)
        self.check(name, case, response)
        if response.status_code < 300 and response.content and "json" in response.headers.get("content-type", ""):
            self.learn(name, response.json())

    def learn(self, name, body):
        """Takes the ids of an answer, and the version that the next request has to name."""
        self.known.learn(name, body)
        wanted = self.base.body if self.base else None
        if isinstance(wanted, dict) and "version" in wanted and isinstance(body, dict) and "version" in body:
            wanted["version"] = body["version"]

    def call(self, case, caller):
        """Sends a case once. Who sends it is not random: tests/e2e/test_tokens.py has the wrong tokens."""
        sent = case.as_transport_kwargs(base_url=self.url)
        for header in ("Authorization", "X-Operator-Key"):
            sent["headers"].pop(header, None)
        sent["headers"].update(caller.headers())
        return self.session.request(**sent, timeout=SECONDS, allow_redirects=False)

    def check(self, name, case, response):
        """Notes what is wrong with an answer."""
        announced = response.status_code == 503 and name in ANNOUNCED_5XX and f'"{ANNOUNCED_5XX[name]}"' in response.text
        checks = [check for check in CHECKS if not (announced and check is not_a_server_error)]
        try:
            case.validate_response(response, checks=checks)
        except FailureGroup as group:
            for error in group.exceptions:
                self.note(name, case, response, error)
        except Failure as error:
            self.note(name, case, response, error)
        try:
            Answer(response, f"{case.method} {case.formatted_path}")
        except AssertionError as error:
            self.tally.fail(name, "a property of every answer", response.status_code, f"{error}\n{case.as_curl_command()}")

    def note(self, name, case, response, error):
        """Notes a failed check."""
        shown = f"{error}\n{response.text[:600]}\n{case.as_curl_command()}"
        self.tally.fail(name, error.title, response.status_code, shown)


def fuzz_as(state, kind, cases, number):
    """Runs one kind of caller on the running stack and prints what it saw; returns whether all is well."""
    started = time.monotonic()
    load_all_checks()
    run = Run(LocalStack(ROOT, state, persist=True, auth=True), kind, cases, number)
    run.go()
    never = run.tally.never_served(run.served)
    logins = sum(caller.logins for caller in run.cast.callers)
    report = [f"\n==> {kind}", run.tally.table(run.served)]
    if never:
        report.append(f"never succeeded, though the {kind} may send them: {', '.join(never)}")
    if run.tally.failures:
        report.append(run.tally.explain())
    seconds = time.monotonic() - started
    report.append(f"{run.tally.summary(run.served)}; {logins} logins, {run.tally.unsendable} not sent, {seconds:.0f} s")
    print("\n".join(report), flush=True)
    return not never and not run.tally.failures


def fuzz(state, kinds, cases, number):
    """Runs the kinds, some beside each other: a request mostly waits. Hypothesis wants a process for each."""
    with ProcessPoolExecutor(BESIDE, multiprocessing.get_context("spawn")) as pool:
        runs = [pool.submit(fuzz_as, state, kind, cases, number) for kind in kinds]
        return all([run.result() for run in runs])


def main(arguments):
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=4_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path)
    parser.add_argument("callers", nargs="*", metavar="CALLER", choices=[*CALLERS, []])
    chosen = parser.parse_args(arguments)
    kinds = chosen.callers or CALLERS
    with tempfile.TemporaryDirectory(prefix="mingpian-fuzz-") as state:
        stack = LocalStack(ROOT, chosen.state or Path(state), persist=bool(chosen.state), auth=True)
        try:
            stack.up()
            stack.deploy()
            fine = fuzz(stack.state_dir, kinds, chosen.cases, chosen.seed)
        except StepFailed as error:
            return fail(error)
        finally:
            if not chosen.state:
                stack.down()
    print("all answers are as documented" if fine else "not all is as documented")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
