"""The tables of docs/reference/dialects.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bank_host.iso8583.framing import FRAMINGS, Framing
from bank_host.iso8583.settings import Element, Settings

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "dialects.md"
LENGTHS = {
    "binary": "{} bytes, big-endian",
    "ascii": "{} ASCII digits",
    "bcd": "{} bytes of two digits each",
    "hex": "{} hexadecimal digits",
}


def row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def values(annotation: Any, field: FieldInfo) -> str:
    """What a setting takes, in words."""
    choices = [part for part in get_args(annotation) or (annotation,) if part is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" if choice != "" else "nothing" for choice in choices)
    if annotation is bool or choices == [bool]:
        return "`true`, `false`"
    limits = re.findall(r"[gl]e=(\d+)", repr(field.metadata) + repr(annotation))
    if limits:
        return " to ".join(limits)
    pattern = re.search(r"pattern='\^(.+?)\$'", repr(field.metadata) + repr(annotation))
    if pattern:
        return f"`{pattern[1]}`"
    if get_origin(choices[0]) is Literal:
        return values(choices[0], field)
    return "a table" if get_origin(annotation) is dict else "four numbers"


def setting_rows(section: str, model: type[BaseModel]) -> list[str]:
    lines = []
    for name, field in model.model_fields.items():
        default = "" if field.default is None else f"`{as_default(field.default)}`"
        lines.append(row(f"`{section}{name}`", values(field.annotation, field), default, field.description))
    return lines


def as_default(value: Any) -> str:
    """A default as the file writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(list(value)) if isinstance(value, tuple) else str(value)


def framing_row(framing: Framing) -> str:
    counts = "itself and the message" if framing.counts_itself else "the message"
    extra = [word for word, there in (("TPDU", framing.tpdu), ("keep-alive", framing.keep_alive)) if there]
    length = LENGTHS[framing.form].format(framing.length_bytes)
    return row(f"`{framing.name}`", length, "TPDU and message" if framing.tpdu else counts, ", ".join(extra))


TABLES = {
    "settings": [
        line
        for name in Settings.model_fields
        if isinstance(section := getattr(Settings(), name), BaseModel)
        for line in setting_rows(f"{name}.", type(section))
    ],
    "element settings": setting_rows("", Element),
    "framings": [framing_row(framing) for framing in FRAMINGS.values()],
}


def table(name: str) -> list[str]:
    match = re.search(rf"<!-- {name} -->\n(.*?)<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert match, f"the page has no table of {name}"
    return match[1].splitlines()[2:]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_the_page_is_the_codes(name: str) -> None:
    assert TABLES[name] == table(name)
