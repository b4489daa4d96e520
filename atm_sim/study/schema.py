"""The JSON Schema of study files, from the same models that the loader uses; schema.json beside this is its text."""

from __future__ import annotations

import json
from typing import Any

from atm_sim.scenario.schema import DIALECT, tidied
from atm_sim.study.model import MACHINE_PATTERN, Study

_MACHINES = {
    "type": "array",
    "minItems": 1,
    "items": {"type": "string", "pattern": f"^({MACHINE_PATTERN})$"},
}


def json_schema() -> dict[str, Any]:
    """What a study file may say."""
    schema = Study.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")
    variants = schema["properties"]["variants"]
    goes = definitions["Variant"]["properties"]["customers_to"]
    variants["properties"] = {"remove": _MACHINES, "customers_to": goes}
    named = variants.pop("patternProperties")
    variants["patternProperties"] = {
        f"^(?!(remove|customers_to)$){pattern[1:]}": value for pattern, value in named.items()
    }
    asked = {"$ref": "#/$defs/Asked"}
    either = {"anyOf": [{"type": "string"}, asked]}
    schema["properties"]["measures"]["items"] = either
    definitions["Until"]["properties"]["of"] = either
    head = {"$schema": DIALECT, "title": "atm-sim study file"}
    return {**head, **tidied(schema), "$defs": tidied(definitions)}


def schema_text() -> str:
    """The schema as the file that is shipped."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"
