"""Every tool accepts the API document, and its types are as narrow as the document."""

import json
import shutil
from pathlib import Path

from conftest import OPENAPI

HERE = Path(__file__).parent


def test_redocly_finds_no_error(tools):
    tools.node("redocly", "lint", "--config", HERE / "redocly.yaml", "--max-problems", "50", OPENAPI)


def test_closed_sets_are_unions_in_typescript(tools):
    tools.node("openapi-typescript", OPENAPI, "--output", tools.folder / "schema.d.ts")
    for name in ("closed_sets.ts", "tsconfig.json"):
        shutil.copy(HERE / name, tools.folder)
    tools.node("tsc", "--project", tools.folder)


def test_orval_writes_types_that_compile(tools):
    output = tools.node("orval", "--input", OPENAPI, "--output", tools.folder / "client.ts", "--mode", "split")
    assert "validation failed" not in output, output[-4000:]
    assert (tools.folder / "client.ts").is_file()
    # The functions import axios; the types stand alone.
    (tools.folder / "client.ts").unlink()
    shutil.copy(HERE / "tsconfig.json", tools.folder)
    tools.node("tsc", "--project", tools.folder)


def test_openapi_generator_writes_a_client(tools):
    tools.generator("generate", "--generator-name", "typescript-fetch", "--input-spec", OPENAPI, "--output", "client")
    names = {path.stem for path in (tools.folder / "client" / "apis").glob("*.ts")}
    tags = {tag["name"].capitalize() + "Api" for tag in json.loads(OPENAPI.read_text(encoding="utf-8"))["tags"]}
    assert tags <= names, f"no client for {sorted(tags - names)}"
