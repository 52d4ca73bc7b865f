"""Every budget has one alarm, and every alarm of a budget one budget."""

import re

from repository import ROOT, text
from sam import transformed
from contracts import assembled
from limits import measured
from template import read_parts

SOURCE = ROOT / "shared" / "domain" / "src" / "kernel" / "budget.rs"
EDGE = {"EdgeSecret": "s" * 32, "EdgeWebAclArn": "arn:aws:wafv2:us-east-1:123456789012:global/webacl/edge/1"}


def budgets():
    """The names of the budgets in the code."""
    return re.findall(r'^ +\w+ = "([a-z_]+)", \w+, (?:Table|Memory),', text(SOURCE), re.MULTILINE)


def test_every_budget_has_an_alarm_on_its_own_metric():
    rows = [row for part in read_parts(ROOT).values() for row in part.get("Alarms", {}).values()]
    assert sorted(row["Name"] for row in rows if row["Kind"] == "Budget") == sorted(budgets())
    alarm = assembled()["Resources"]["SmsNumberBudgetAlarm"]["Properties"]
    assert alarm["Dimensions"] == [{"Name": "budget", "Value": "sms_number"}]
    assert (alarm["MetricName"], alarm["Threshold"], alarm["Period"]) == ("budget_refusals", 5, 300)
    line = text(ROOT / "shared" / "runtime" / "src" / "metrics.rs")
    assert 'DIMENSIONS: &\'static [&\'static str] = &["budget"]' in line and '("budget_refusals", "Count")' in line


def test_cloudfront_is_off_unless_it_is_asked_for_and_within_the_limits():
    resources = assembled()["Resources"]
    made = {name for name, found in resources.items() if found["Type"].startswith(("AWS::CloudFront", "AWS::WAFv2"))}
    assert made == {"Edge", "EdgeWebAcl"}
    assert all(resources[name].get("Condition") in ("HasEdge", "MakesWebAcl") for name in made)
    assert assembled()["Parameters"]["EdgeSecret"]["Default"] == ""
    rate = resources["EdgeWebAcl"]["Properties"]["Rules"][0]
    assert rate["Statement"]["RateBasedStatement"]["Limit"] == {"Ref": "EdgeRateLimit"} and "Block" in rate["Action"]
    limits = measured(assembled(), transformed(assembled(), **EDGE), EDGE)
    assert all(found <= limit * 0.75 for limit, found in limits.values()), limits


def test_the_functions_that_count_addresses_know_the_secret_and_cloudfront_sends_it():
    resources = assembled()["Resources"]
    header = resources["Edge"]["Properties"]["DistributionConfig"]["Origins"][0]["OriginCustomHeaders"]
    assert header == [{"HeaderName": "x-edge-secret", "HeaderValue": {"Ref": "EdgeSecret"}}]
    named = {name for name, found in resources.items() if found["Type"] == "AWS::Serverless::Function"
             and "EDGE_SECRET" in found["Properties"].get("Environment", {}).get("Variables", {})}  # fmt: skip
    assert named == {"OrganizationFunction", "TrackingFunction"}
