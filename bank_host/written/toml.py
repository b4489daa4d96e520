"""TOML with positions: the same nodes as a YAML file gives, so that its faults are told at file, line and column.

Python's own parser reads the values; where each stands is found in the text, for what begins a line exactly, for what
stands inside [ ] or { } at least at its line. Text is a quoted scalar, a number or a boolean a bare one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from bank_host.written.problems import Position, Problems, Source
from bank_host.written.source import MOST_BYTES, Mapping, Scalar, Sequence

_SECTION: Final = re.compile(r"\s*\[\s*([^\]]+?)\s*\]")
_KEY: Final = re.compile(
    r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"))*)\s*=\s*"""
)

Path = tuple[str, ...]


class Place(NamedTuple):
    """Where a key and its value begin; all count from 1."""

    line: int
    key_column: int
    value_column: int


def places(text: str) -> dict[Path, Place]:
    """Of each section and key that begins a line."""
    found: dict[Path, Place] = {}
    section: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header, key = _SECTION.match(line), _KEY.match(line)
        if header and not key:
            section = _parts(header[1])
            found[section] = Place(number, header.start(1) + 1, header.start(1) + 1)
        elif key:
            found.setdefault(section + _parts(key[1]), Place(number, key.start(1) + 1, key.end() + 1))
    return found


def _parts(dotted: str) -> Path:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def syntax_place(error: tomllib.TOMLDecodeError, text: str) -> tuple[int, int, str]:
    """Line, column and words of what is no TOML."""
    place = re.search(r" \(at line (\d+), column (\d+)\)", str(error))
    what = str(error).partition(" (at ")[0]
    line, column = (int(place[1]), int(place[2])) if place else (len(text.splitlines()) or 1, 1)
    return line, column, f"not TOML: {what[:1].lower()}{what[1:]}"


def read_toml(
    file: str, data: bytes, problems: Problems, shown: Callable[[str], str] = lambda text: text
) -> Mapping | None:
    """The file's top-level table, or None with the reason reported; `shown` is the text as messages may quote it, of
    the same lines and columns."""
    if len(data) > MOST_BYTES:
        start = Position(Source.of(file, ""), 1, 1)
        problems.add(start, f"the file has {len(data):,} bytes; at most {MOST_BYTES:,} are read")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        start = Position(Source.of(file, ""), 1, 1)
        problems.add(start, "this is not UTF-8 text; save the file as UTF-8")
        return None
    source = Source.of(file, shown(text))
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line, column, what = syntax_place(error, text)
        problems.add(Position(source, line, column), what)
        return None
    return _Nodes(source, text).table(raw, (), Place(1, 1, 1))


class _Nodes:
    """Python's values as positioned nodes."""

    def __init__(self, source: Source, text: str) -> None:
        self._source = source
        self._lines = text.splitlines()
        self._places = places(text)

    def table(self, raw: dict[str, Any], path: Path, at: Place) -> Mapping:
        node = Mapping(self._source, at.line, at.value_column)
        for name, value in raw.items():
            place = self._places.get((*path, name)) or self._inside(name, at)
            key = self._scalar(name, place.line, place.key_column, quoted=False)
            node[key] = self._node(value, (*path, name), place)
        return node

    def _node(self, value: Any, path: Path, at: Place) -> Any:
        if isinstance(value, dict):
            return self.table(value, path, at)
        if isinstance(value, list):
            items = Sequence(self._source, at.line, at.value_column)
            items.extend(self._node(each, path, at) for each in value)
            return items
        text = (
            value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else f"{value}"
        )
        return self._scalar(text, at.line, at.value_column, quoted=isinstance(value, str))

    def _inside(self, name: str, around: Place) -> Place:
        """A key inside { }: on the line where that begins, or there at least where it begins."""
        line = self._lines[around.line - 1] if around.line <= len(self._lines) else ""
        hit = re.compile(rf"\b{re.escape(name)}\s*=\s*").search(line, around.value_column - 1)
        if hit is None:
            return around
        return Place(around.line, hit.start() + 1, hit.end() + 1)

    def _scalar(self, text: str, line: int, column: int, *, quoted: bool) -> Scalar:
        scalar = Scalar(text)
        scalar.source, scalar.line, scalar.column = self._source, line, column
        scalar.quoted, scalar.start, scalar.end = quoted, 0, 0
        return scalar
