"""Retrains the close-rate models of companies, now, and prints the result of each.

    scripts/retrain COMPANY [STAGE] [--dry-run]
    scripts/retrain --all [STAGE] [--dry-run]

COMPANY is an id, com_...; STAGE is local (the stack of scripts/dev, also if none is named), dev,
staging or prod. A model that is better than the default one comes into force;
--dry-run only prints it, and writes nothing. A schedule does the same every week.
"""

from __future__ import annotations

import sys
from typing import Any

import recounting
from common import StepFailed


def lines(report: dict[str, Any]) -> list[str]:
    """The lines of a report, band by band."""
    found = [f"{report['closed']} customers with a deal, {report['open']} without"]
    if scores := report.get("scores"):
        found.append("Brier scores in millionths: " + ", ".join(f"{name} {score}" for name, score in scores.items()))
    for band in report["bands"]:
        if band["n"]:
            found.append(f"{band['b']}: {band['p'] / 100:.1f} % predicted, {100 * band['c'] / band['n']:.1f} % of {band['n']} closed")
    return found


def run(call: recounting.Call, wanted: list[str], dry_run: bool) -> int:
    """Retrains each company, with a line of progress; returns how many failed."""
    failed = 0
    for number, company in enumerate(wanted, 1):
        print(f"  {number}/{len(wanted)} {company} ...", end="", flush=True)
        try:
            report = call({"retrain": company, "dry_run": dry_run})
        except StepFailed as error:
            failed += 1
            print(f" failed: {error}", flush=True)
            continue
        print(f" {report['verdict']}", flush=True)
        for line in lines(report):
            print(f"      {line}")
    print(f"retrained: {len(wanted) - failed} companies, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(recounting.main(sys.argv[1:], run, "scripts/retrain", __doc__))
