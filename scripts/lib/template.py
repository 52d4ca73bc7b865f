"""The template that SAM deploys, assembled from its parts: scripts/template

Parts are `infra/shared/*.yaml` and `infra/functions/*.yaml`: CloudFormation, with short forms, in as
many files as a reader needs. The sections of all parts are joined; a name is in one part only. Three
things are generated: the HTTP API's definition and permissions (gateway.py), alarms of `Alarms` rows, and
the widgets of `Dashboard` that show every function.
"""

from __future__ import annotations

import copy
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import yaml

import gateway

ROOT = Path(__file__).resolve().parents[2]
ASSEMBLED = Path(".build") / "template.yaml"
HEAD = ("AWSTemplateFormatVersion", "Transform", "Description")
SECTIONS = ("Parameters", "Mappings", "Rules", "Conditions", "Globals", "Resources", "Outputs")
OURS = ("AlarmKinds", "Alarms", "Dashboard")
Part = dict[str, Any]


class WrongPart(Exception):
    """A part cannot be used; the text has its name and the reason."""


# ---- reading


class Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms, made long. A key that occurs twice is a mistake."""


def _long_form(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


def _mapping(loader: Loader, node: yaml.MappingNode) -> Any:
    seen = set()
    for key, _ in node.value:
        if key.value in seen:
            raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} comes twice", key.start_mark)
        seen.add(key.value)
    return loader.construct_mapping(node, deep=True)


Loader.add_multi_constructor("!", _long_form)
Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_parts(root: Path = ROOT) -> dict[str, Part]:
    """File name -> content of every part, in the order of their names."""
    infra = root / "infra"
    files = sorted([*infra.glob("shared/*.yaml"), *infra.glob("functions/*.yaml")])
    return {path.relative_to(root).as_posix(): read_part(path.relative_to(root).as_posix(), path.read_text("utf-8"))
            for path in files}  # fmt: skip


def read_part(name: str, text: str) -> Part:
    """One part. Fails with its name and the line where it cannot be read."""
    try:
        part = yaml.load(text, Loader)
    except yaml.YAMLError as error:
        raise WrongPart(f"{name}: {error}") from error
    if not isinstance(part, dict):
        raise WrongPart(f"{name}: no sections")
    return part


def read_routes(root: Path = ROOT) -> dict[str, list[str]]:
    """Function -> operations, as scripts/openapi wrote them."""
    return json.loads((root / "infra" / "routes.json").read_text("utf-8"))


# ---- assembling


def assemble(parts: dict[str, Part], routes: dict[str, list[str]]) -> dict[str, Any]:
    """The whole template, as plain data."""
    merged, origin = _merge(parts)
    resources = merged["Resources"]
    functions = {name for name, found in resources.items() if found["Type"] == "AWS::Serverless::Function"}
    for function in routes:
        if f"{gateway.logical_id(function)}Function" not in functions:
            raise WrongPart(f"infra/functions/{function}.yaml: {function} has routes, but this part has no function")
    try:
        exact = set(resources["Api"]["Properties"].get("RouteSettings", {}))
        table = gateway.with_default(gateway.route_table(routes, exact))
    except gateway.WrongRoutes as error:
        raise WrongPart(f"infra/routes.json: {error}") from error
    resources["Api"]["Properties"]["DefinitionBody"] = gateway.definition(table)
    made = gateway.permissions(table) | _alarms(merged, origin)
    made |= _dashboard(merged["Dashboard"], parts) if merged["Dashboard"] else {}
    for name, resource in made.items():
        if name in resources:
            raise WrongPart(f"{origin['Resources', name]}: {name} is made by scripts/template")
        resources[name] = resource
    return {name: merged[name] for name in (*HEAD, *SECTIONS) if merged[name]}


def _merge(parts: dict[str, Part]) -> tuple[dict[str, Any], dict[tuple[str, str], str]]:
    """The sections of all parts, and the part of each name."""
    merged: dict[str, Any] = {name: "" for name in HEAD} | {name: {} for name in (*SECTIONS, *OURS)}
    origin: dict[tuple[str, str], str] = {}
    for file, part in parts.items():
        for section, content in part.items():
            if section not in merged:
                raise WrongPart(f"{file}: {section} is no section of a template")
            if section in HEAD:
                content = {"": content}
            if not isinstance(content, dict):
                raise WrongPart(f"{file}: {section} is empty")
            for name, value in content.items():
                if (section, name) in origin:
                    raise WrongPart(f"{file}: {section} {name} is in {origin[section, name]} too")
                if section == "Resources" and not (isinstance(value, dict) and "Type" in value):
                    raise WrongPart(f"{file}: {name} has no Type")
                origin[section, name] = file
                if section in HEAD:
                    merged[section] = value
                else:
                    merged[section][name] = copy.deepcopy(value)
    return merged, origin


# ---- alarms


def _alarms(merged: dict[str, Any], origin: dict[tuple[str, str], str]) -> dict[str, Any]:
    """One alarm per row: the properties of every alarm, of its kind, and of the row."""
    every = merged["AlarmKinds"].get("Every", {})
    alarms = {}
    for name, row in merged["Alarms"].items():
        file, row = origin["Alarms", name], dict(row)
        kind, of = row.pop("Kind", None), row.pop("Of", "")
        if kind not in merged["AlarmKinds"]:
            raise WrongPart(f"{file}: {name} has no kind of alarm: {kind!r}")
        if of and of not in merged["Resources"]:
            raise WrongPart(f"{file}: {name} watches {of}, which no part has")
        text = {"Of": of, "Name": row.pop("Name", "") or _plain_name(of)}
        properties = _filled(every, text) | _filled(merged["AlarmKinds"][kind], text) | row
        alarms[name] = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
    return alarms


def _plain_name(of: str) -> str:
    """radar-aggregator of RadarAggregatorFunction."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", of.removesuffix("Function")).lower()


def _filled(value: Any, text: dict[str, str]) -> Any:
    """A copy with `<Of>` and `<Name>` replaced."""
    if isinstance(value, dict):
        return {key: _filled(inner, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, text) for inner in value]
    if isinstance(value, str):
        return re.sub(r"<(Of|Name)>", lambda found: text[found[1]], value)
    return value


# ---- dashboard


def _dashboard(rows: dict[str, Any], parts: dict[str, Part]) -> dict[str, Any]:
    """The dashboard. A metric `{Functions: Errors, stat: Sum}` is a line for each function."""
    functions = sorted(Path(file).stem for file in parts if "/functions/" in file)
    widgets = []
    for title, row in rows.items():
        row = dict(row)
        x, y, width, height = row.pop("At")
        metrics = []
        for line in row.pop("Metrics"):
            if isinstance(line, dict):
                name = line["Functions"]
                metrics += [["AWS/Lambda", name, "FunctionName", f"mingpian-${{Stage}}-{function}",
                             {"stat": line["stat"], "label": function}] for function in functions]  # fmt: skip
            else:
                metrics.append(line)
        properties = {"title": title, "region": "${AWS::Region}", **row, "metrics": metrics}
        widgets.append({"type": "metric", "x": x, "y": y, "width": width, "height": height, "properties": properties})
    body = json.dumps({"widgets": widgets}, separators=(",", ":"))
    properties = {"DashboardName": {"Fn::Sub": "mingpian-${Stage}"}, "DashboardBody": {"Fn::Sub": body}}
    return {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}}


# ---- writing


class Dumper(yaml.CSafeDumper):
    """Plain YAML: data that is used twice is written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        """Returns true: no aliases."""
        return True


def text_of(template: dict[str, Any]) -> str:
    """The template as a file: the same data is the same text."""
    return yaml.dump(template, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)


def write(root: Path = ROOT) -> Path:
    """Assembles the template into `.build/template.yaml`, whole or not at all."""
    path = root / ASSEMBLED
    text = text_of(assemble(read_parts(root), read_routes(root)))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".template.{os.getpid()}.yaml")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
    return path


if __name__ == "__main__":
    try:
        print(write().relative_to(ROOT))
    except WrongPart as error:
        sys.exit(f"error: {error}\nnext: fix that file; scripts/template assembles again")
