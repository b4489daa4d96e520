"""The JSON Schema of scripts, for editors: what can be said of a script's form. The reader knows more."""

from __future__ import annotations

from typing import Any

from bank_host.iso8583.fields import BY_DE
from bank_host.script.actions import AS_IN_SCENARIOS, WORDS
from bank_host.script.reader import MOST_RULES, MOST_SEED, MOST_TIMES
from bank_host.written.values import DURATION_PATTERN

_CODE = "[0-9A-Z]{2}"
_ELEMENTS = f"({'|'.join(f'DE{number}' for number in BY_DE)})"
_BEHIND = {
    "answer": f" {_CODE}",
    "late": f" ({DURATION_PATTERN})",
    "drop": f"( {_ELEMENTS})+",
    "garble": f"( {_ELEMENTS})+",
}
"""What stands behind a word; the others stand bare."""


def json_schema() -> dict[str, Any]:
    """The schema of a script file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A script of the scripted issuer",
        "type": "object",
        "properties": {
            "rules": {"type": "array", "items": _rule(), "minItems": 1, "maxItems": MOST_RULES},
            "seed": {"type": "integer", "minimum": 0, "maximum": MOST_SEED},
        },
        "required": ["rules"],
        "additionalProperties": False,
    }


def _rule() -> dict[str, Any]:
    action = {"anyOf": [_in_words(), _in_a_map()]}
    several = {"type": "array", "items": action, "minItems": 1}
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 80},
            "when": _conditions(),
            "do": {"anyOf": [action, several]},
            "times": {"type": "integer", "minimum": 1, "maximum": MOST_TIMES},
            "chance": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        },
        "required": ["do"],
        "additionalProperties": False,
    }


def _conditions() -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    presence = {"enum": ["present", "absent"]}
    properties = {"mti": _one_or_several(text)}
    for number, field in BY_DE.items():
        properties[f"DE{number}"] = _one_or_several(presence if field.secrecy == "hide" else text)
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _one_or_several(value: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [value, {"type": "array", "items": value, "minItems": 1}]}


def _in_words() -> dict[str, Any]:
    words = [(word, word) for word in WORDS] + list(AS_IN_SCENARIOS.items())
    forms = "|".join(f"{name}{_BEHIND.get(word, '')}" for name, word in words)
    return {"type": "string", "pattern": f"^({forms})$"}


def _in_a_map() -> dict[str, Any]:
    elements = _one_or_several({"type": "string", "pattern": f"^{_ELEMENTS}( {_ELEMENTS})*$"})
    values: dict[str, Any] = {
        "answer": {"type": "string", "pattern": f"^{_CODE}$"},
        "late": {"type": "string", "pattern": f"^({DURATION_PATTERN})$"},
        "drop": elements,
        "garble": elements,
    }
    bare = {"const": True}
    names = {**{word: word for word in WORDS}, **AS_IN_SCENARIOS}
    properties = {name: values.get(word, bare) for name, word in names.items()}
    for number, field in BY_DE.items():
        if not field.secrecy:
            properties[f"DE{number}"] = {"type": "string", "minLength": 1}
    return {"type": "object", "properties": properties, "minProperties": 1, "additionalProperties": False}
