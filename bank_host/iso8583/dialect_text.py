"""A dialect as the whole file that describes it: every setting with its value and its words; can be read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from bank_host.iso8583.settings import Settings


def as_toml(settings: Settings) -> str:
    """The file; settings that are unset stand in it as comments."""
    lines = [f"summary = {_value(settings.summary)}"]
    for name in Settings.model_fields:
        section = getattr(settings, name)
        if isinstance(section, BaseModel):
            lines += ["", *_section(name, section)]
        elif name == "elements":
            for number in sorted(section, key=int):
                lines += ["", f"[elements.{number}]", *_told(section[number])]
    return "\n".join(lines) + "\n"


def _section(name: str, section: BaseModel) -> Iterator[str]:
    yield f"[{name}]  # {(type(section).__doc__ or '').rstrip('.')}"
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        yield f"# {field.description}"
        yield f"# {key} = (as the name says)" if value is None else f"{key} = {_value(value)}"


def _told(element: BaseModel) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in element.model_dump(exclude_unset=True).items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
