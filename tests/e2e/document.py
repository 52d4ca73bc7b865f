"""infra/openapi.json as the end-to-end tests read it."""

import json

from common import ROOT

PATHS = json.loads((ROOT / "infra" / "openapi.json").read_text("utf-8"))["paths"]
# operation id -> the operation.
DOCUMENT = {
    operation["operationId"]: operation
    for item in PATHS.values()
    for method, operation in item.items()
    if method in ("get", "post", "put", "delete")
}
