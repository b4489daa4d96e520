"""A scenario as plain data, and as the text of a file: what the generator draws and the shrinker cuts.

A world is maps, lists and the YAML text of each value, so that it is always a file that a person can read and that
`atm-sim test` replays. Nothing here knows what a key means; the loader judges the text.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TypeAlias

from bank_host.jst import DAY_US, SECOND_US

Written: TypeAlias = "str | list[Written] | dict[str, Written]"
World: TypeAlias = dict[str, Written]

DAY_S = DAY_US // SECOND_US


def yen(amount_jpy: int) -> str:
    """¥30_000: with an underscore, because a comma ends a value inside { }."""
    return f"¥{amount_jpy:_}"


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def moment(day: date, at_s: int) -> str:
    """Seconds after the day's midnight as a time of that day, or of a later one by its date."""
    later, rest_s = divmod(at_s, DAY_S)
    time = f"{rest_s // 3600:02d}:{rest_s // 60 % 60:02d}:{rest_s % 60:02d}"
    return quoted(f"{day + timedelta(days=later)} {time}") if later else quoted(time)


def file_text(world: World) -> str:
    """The scenario file: one line a person, place, fault and step."""
    lines = ["# yaml-language-server: $schema=../../atm_sim/scenario/schema.json"]
    for key, value in world.items():
        lines += _top_level(key, value)
    return "\n".join(lines) + "\n"


def _top_level(key: str, value: Written) -> list[str]:
    if isinstance(value, str):
        return [f"{key}: {value}"]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [f"{key}:", *(f"  - {_inline(item)}" for item in value)]
    if isinstance(value, dict) and value:
        return [f"{key}:", *(f"  {name}: {_inline(item)}" for name, item in value.items())]
    return [f"{key}: {_inline(value)}"]


def _inline(value: Written) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return "{" + ", ".join(f"{key}: {_inline(item)}" for key, item in value.items()) + "}"
