"""The parts in infra/ become one template, always the same, and a wrong part is named."""

import json

import pytest

from contracts import assembled
from gateway import logical_id
from repository import ROOT, named, short
from template import WrongPart, assemble, read_part, read_parts, read_routes, text_of


def with_part(text, name="infra/functions/extra.yaml"):
    """All parts and one more."""
    return {**read_parts(ROOT), name: read_part(name, text)}


def test_the_same_parts_are_the_same_text_and_survive_writing():
    text = text_of(assemble(read_parts(ROOT), read_routes(ROOT)))
    assert text == text_of(assemble(read_parts(ROOT), read_routes(ROOT)))
    assert read_part("assembled", text) == assembled()


def test_assembling_leaves_the_parts_as_they_are():
    parts = read_parts(ROOT)
    before = repr(parts)
    assemble(parts, read_routes(ROOT))
    assert repr(parts) == before


def test_every_part_is_read_and_every_function_has_a_part_with_what_it_alone_owns():
    parts = read_parts(ROOT)
    assert set(parts) == {short(path) for path in named("infra/*/*.yaml")}
    folders = {path.parent.name for path in named("functions/*/Cargo.toml")}
    assert folders == {path.stem for path in named("infra/functions/*.yaml")}
    for folder in folders:
        part, stem = parts[f"infra/functions/{folder}.yaml"], logical_id(folder)
        assert {f"{stem}Function", f"{stem}Logs", f"{stem}Role"} <= set(part["Resources"]), folder
        kinds = {row["Kind"] for row in part["Alarms"].values() if row.get("Of") == f"{stem}Function"}
        assert kinds == {"Errors", "Throttles", "Duration"}, folder
        queues = {name for name, found in part["Resources"].items() if found["Type"] == "AWS::SQS::Queue"}
        watched = {row["Of"]: row["Kind"] for row in part["Alarms"].values() if row.get("Of") in queues}
        assert watched == {name: "DeadLetters" if "DeadLetter" in name else "OldestMessage" for name in queues}, folder


def test_short_forms_become_long_ones():
    part = read_part("x", """
        a: !Ref Table
        b: !GetAtt Queue.Arn
        c: !If [HasDomain, !Sub "${Stage}", !Ref AWS::NoValue]
        d: !Condition HasDomain
    """)
    assert part == {
        "a": {"Ref": "Table"}, "b": {"Fn::GetAtt": ["Queue", "Arn"]}, "d": {"Condition": "HasDomain"},
        "c": {"Fn::If": ["HasDomain", {"Fn::Sub": "${Stage}"}, {"Ref": "AWS::NoValue"}]},
    }  # fmt: skip


@pytest.mark.parametrize("text, reason", [
    ("Resources: {A: {Type: b}", "(?s)extra.yaml.*line 1"),
    ("Resources:\n  A: {Type: b}\n  A: {Type: c}", "(?s)'A' comes twice.*line 3"),
    ("- a", "extra.yaml: no sections"),
    ("Resource: {A: {Type: b}}", "extra.yaml: Resource is no section"),
    ("Resources:", "extra.yaml: Resources is empty"),
    ("Resources: {Table: {Type: b}}", "extra.yaml: Resources Table is in infra/shared/table.yaml too"),
    ("Parameters: {Stage: {Type: String}}", "Parameters Stage is in infra/shared/stack.yaml too"),
    ("Description: other", "Description  is in"),
    ("Resources: {A: {Properties: {}}}", "extra.yaml: A has no Type"),
    ("Alarms: {A: {Kind: Error, Of: CardFunction}}", "extra.yaml: A has no kind of alarm: 'Error'"),
    ("Alarms: {A: {Kind: Errors, Of: ExtraFunction}}", "extra.yaml: A watches ExtraFunction, which no part has"),
    ("Resources: {CardApiPermission: {Type: b}}", "extra.yaml: CardApiPermission is made by scripts/template"),
])  # fmt: skip
def test_a_wrong_part_fails_with_its_name_and_the_reason(text, reason):
    with pytest.raises(WrongPart, match=reason):
        assemble(with_part(text), read_routes(ROOT))


def test_a_function_with_routes_and_without_a_part_is_named():
    with pytest.raises(WrongPart, match="infra/functions/shop.yaml: shop has routes"):
        assemble(read_parts(ROOT), {**read_routes(ROOT), "shop": ["GET /v1/products"]})


def test_a_throttle_of_a_route_that_nobody_serves_is_named():
    routes = {name: [key for key in found if key != "POST /v1/sessions"] for name, found in read_routes(ROOT).items()}
    with pytest.raises(WrongPart, match="POST /v1/sessions, which RouteSettings names"):
        assemble(read_parts(ROOT), routes)


def test_an_alarm_row_replaces_what_its_kind_says():
    parts = with_part("Alarms: {SlowAlarm: {Kind: Duration, Of: RadarAggregatorFunction, Threshold: 7}}")
    made = assemble(parts, read_routes(ROOT))["Resources"]["SlowAlarm"]["Properties"]
    assert made["Threshold"] == 7 and made["ExtendedStatistic"] == "p99" and "Statistic" not in made
    assert made["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "RadarAggregatorFunction"}}]
    assert made["AlarmDescription"].startswith("radar-aggregator is slow.")
    assert made["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic"


def test_the_dashboard_shows_every_function():
    body = json.loads(assembled()["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"])
    widgets = {widget["properties"]["title"]: widget["properties"]["metrics"] for widget in body["widgets"]}
    labels = [line[-1]["label"] for line in widgets["Errors"]]
    assert labels == sorted(path.parent.name for path in named("functions/*/Cargo.toml"))
