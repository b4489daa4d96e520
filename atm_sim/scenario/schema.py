"""The JSON Schema of scenario files, from the same models that the loader uses, so that editors complete and check.

`atm-sim schema` prints it; schema.json beside this file is that text, shipped for editors.
"""

from __future__ import annotations

import json
from typing import Any

from atm_sim.scenario.cases import MOST_ROWS
from atm_sim.scenario.model import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NULL = {"type": "null"}
COLUMN_REF = {"$ref": "#/$defs/Column"}
_CELL = {"type": ["string", "number", "boolean"]}
_CASES = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_ROWS,
    "items": {"type": "object", "minProperties": 1, "additionalProperties": _CELL},
}


def json_schema() -> dict[str, Any]:
    """The schema of a scenario file that stands alone; one that `extends` another need not repeat its keys."""
    schema = Scenario.model_json_schema(by_alias=True)
    definitions = schema.pop("$defs")
    schema["properties"]["cases"] = _CASES
    _allow_columns(schema["properties"]["steps"], definitions)
    definitions["Column"] = {"type": "string", "pattern": r"^\$[A-Za-z_][A-Za-z0-9_-]*$"}
    required = schema.pop("required")
    either = [{"required": required}, {"required": ["extends"]}]
    head = {"$schema": DIALECT, "title": "atm-sim scenario file"}
    return {**head, **tidied(schema), "anyOf": either, "$defs": tidied(definitions)}


def schema_text() -> str:
    """The schema as the file that is shipped."""
    return json.dumps(json_schema(), ensure_ascii=False, indent=2) + "\n"


def _allow_columns(steps: dict[str, Any], definitions: dict[str, Any]) -> None:
    """In steps, and there only, `$column` may stand for any scalar except the action itself."""
    reached: list[str] = []
    pending = _references(steps)
    while pending:
        name = pending.pop()
        if name not in reached:
            reached.append(name)
            pending.extend(_references(definitions[name]))
    for name in reached:
        definition = definitions[name]
        if "properties" in definition:
            definition["properties"] = {
                key: value if key == "do" else _or_column(value)
                for key, value in definition["properties"].items()
            }
        elif "enum" in definition:
            definitions[name] = _or_column(definition)


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"].rpartition("/")[2]] if "$ref" in node else []
        return own + [name for value in node.values() for name in _references(value)]
    if isinstance(node, list):
        return [name for value in node for name in _references(value)]
    return []


def _or_column(node: dict[str, Any]) -> dict[str, Any]:
    """The node with `$column` allowed for it and for every scalar in it."""
    if "anyOf" in node:
        return {**node, "anyOf": _with_column(node["anyOf"])}
    if node.get("type") == "object":
        maps = ("properties", "patternProperties")
        inner = {key: {name: _or_column(v) for name, v in node[key].items()} for key in maps if key in node}
        if isinstance(node.get("additionalProperties"), dict):
            inner["additionalProperties"] = _or_column(node["additionalProperties"])
        return {**node, **inner}
    if node.get("type") == "array":
        return {**node, "items": _or_column(node["items"])}
    if "$ref" in node:
        return node
    return {"anyOf": [node, COLUMN_REF]}


def _with_column(choices: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The choices flattened, and once `$column` beside them if one of them is a scalar."""
    opened = [_or_column(choice) for choice in choices if choice != NULL]
    flat = [inner for choice in opened for inner in choice.get("anyOf", [choice])]
    kept = [choice for choice in flat if choice != COLUMN_REF]
    return [*kept, COLUMN_REF] if len(kept) < len(flat) else kept


def tidied(node: Any) -> Any:
    """Without titles and defaults (they are in the loader's terms) and without null (an empty value is refused)."""
    if isinstance(node, list):
        return [tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    noise = ("default", "title", "discriminator")
    kept = {key: tidied(value) for key, value in node.items() if key not in noise}
    if "patternProperties" in kept:
        kept.setdefault("additionalProperties", False)
    choices = [choice for choice in kept.get("anyOf", ()) if choice != NULL]
    if len(choices) == 1:
        del kept["anyOf"]
        return choices[0] | kept
    return kept | {"anyOf": choices} if choices else kept
