"""Dialect files: the shipped ones by name, a user's own by its path; faults with file, line, column and a next step."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from bank_host.iso8583.codes import NETWORK_BY_NAME
from bank_host.iso8583.fields import BY_DE, Field
from bank_host.iso8583.message_types import BY_MTI
from bank_host.iso8583.mti import is_response
from bank_host.iso8583.settings import DATA_OF_KIND, NEEDED, Element, Settings
from bank_host.written.toml import Place, places, syntax_place

_SHIPPED: Final = resources.files("bank_host.iso8583") / "dialects"
_MOST_BYTES: Final = 65_536
_EVERY_SETTING: Final = "`bank-host dialects show atm-sim` shows every setting"


class DialectError(ValueError):
    """A dialect that cannot be used; the text says where in which file, what is wrong, and what to do."""


def shipped() -> list[str]:
    """The names of the dialects that come with the product, the default first."""
    names = sorted(
        entry.name.removesuffix(".toml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".toml")
    )
    return sorted(names, key=lambda name: name != "atm-sim")


def read_settings(name_or_path: str) -> Settings:
    """The settings of the shipped dialect of that name, or of a file, which is named by a path that ends in .toml."""
    if name_or_path.endswith(".toml"):
        return parse_settings(_text_of(Path(name_or_path)), name_or_path)
    return parse_settings(text_of_shipped(name_or_path), f"{name_or_path}.toml")


def text_of_shipped(name: str) -> str:
    """The file of a dialect that comes with the product."""
    if name not in shipped():
        near = _did_you_mean(name, shipped())
        known = ", ".join(shipped())
        raise DialectError(
            f"no dialect {name!r}{near}; there are {known}, and your own by the path of a .toml file"
        )
    return (_SHIPPED / f"{name}.toml").read_text("utf-8")


def parse_settings(text: str, file: str) -> Settings:
    """The settings that this text describes; `file` is what its faults name."""
    source = _Source(file, text)
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(source, error) from None
    _names_are_known(raw, source)
    try:
        settings = Settings.model_validate(_with_base(raw))
    except ValidationError as error:
        raise DialectError("\n".join(_told(fault, source) for fault in error.errors())) from None
    if settings.link.key_element == 53 and "53" not in settings.elements:
        what = "DE53 is 16 digits, too short for a key block; say in [elements.53] how it lies"
        raise DialectError(source.fault(*source.at(("link", "key_element")), what))
    return settings


def _text_of(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DialectError(f"{path}: {error.strerror}; name a dialect file that can be read") from None
    if len(data) > _MOST_BYTES:
        raise DialectError(f"{path}: longer than {_MOST_BYTES:,} bytes; is it a dialect file?")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DialectError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


# ---------------------------------------------------------------- where things stand


class _Source(NamedTuple):
    file: str
    text: str

    def at(self, path: tuple[str, ...], *, value: bool = False) -> tuple[int, int]:
        """Line and column of a key or of its value; of what is around it if it does not begin a line."""
        known = places(self.text)
        while path and path not in known:
            path, value = path[:-1], True
        line, key_column, value_column = known.get(path, Place(1, 1, 1))
        return line, value_column if value else key_column

    def fault(self, line: int, column: int, message: str) -> str:
        lines = self.text.splitlines()
        quoted = lines[line - 1] if line <= len(lines) else ""
        head = f"{self.file}:{line}:{column}: {message}"
        return f"{head}\n{line:>8} | {quoted}\n{'':>8} | {' ' * (column - 1)}^"


# ---------------------------------------------------------------- what is wrong


def _syntax(source: _Source, error: tomllib.TOMLDecodeError) -> DialectError:
    return DialectError(source.fault(*syntax_place(error, source.text)))


def _names_are_known(raw: Mapping[str, Any], source: _Source) -> None:
    """What the types of the settings cannot say: element numbers, message types, acts, the base."""
    faults = []

    def fault(path: tuple[str, ...], message: str) -> None:
        faults.append(source.fault(*source.at(path), message))

    for number, row in _rows(raw, "elements"):
        path = ("elements", number)
        if not (number.isascii() and number.isdecimal() and 2 <= int(number) <= 128 and int(number) != 65):
            fault(path, f"no element {number!r}: elements are 2 to 64 and 66 to 128")
            continue
        told = row if isinstance(row, dict) else {}
        new = int(number) not in BY_DE
        if told.get("absent") and (int(number) in NEEDED):
            fault(
                (*path, "absent"),
                f"element {number} cannot be absent: no message is decided or found without it",
            )
        elif number in ("64", "128") and set(told) - {"absent"}:
            fault(path, f"element {number} is the MAC: [wire] and [mac] say how it lies")
        elif new and not told.get("ignored"):
            fault(
                path,
                f"element {number} is not one of ours; say `ignored = true` to have it read and left out",
            )
        elif new and not {"kind", "length"} <= told.keys():
            fault(path, f"element {number} needs `kind` and `length`, and `prefix` where its length varies")
        elif problem := _packing_problem(told, BY_DE.get(int(number))):
            fault(path, f"element {number}: {problem}")
    for name, _ in _rows(raw, "codes", "network"):
        if name not in NETWORK_BY_NAME:
            near = _did_you_mean(name, NETWORK_BY_NAME)
            fault(("codes", "network", name), f"no act {name!r}{near}; acts are {', '.join(NETWORK_BY_NAME)}")
    requests = [mti for mti in BY_MTI if not is_response(mti) and mti[3] == "0"]
    for name, _ in _rows(raw, "link", "match"):
        if name not in requests:
            fault(("link", "match", name), f"no request type {name!r}; they are {', '.join(requests)}")
    if "like" in raw and raw["like"] not in shipped():
        near = _did_you_mean(str(raw["like"]), shipped())
        fault(("like",), f"no shipped dialect {raw['like']!r}{near}; there are {', '.join(shipped())}")
    if faults:
        raise DialectError("\n".join(faults))


def _packing_problem(told: Mapping[str, Any], ours: Field | None) -> str:
    """Why values of this kind and length cannot lie so on the wire; '' where they can, or where a type is wrong."""
    kind, data = told.get("kind", ours.kind if ours else ""), told.get("data", "text")
    length = told.get("length", ours.length if ours else 0)
    if kind in DATA_OF_KIND and data not in DATA_OF_KIND[kind]:
        return f"{kind} lies as {' or '.join(DATA_OF_KIND[kind])}, not as {data}"
    if isinstance(length, int) and ((kind == "b" and length % 2) or (kind == "x+n" and length % 2 == 0)):
        return "b counts hexadecimal digits, two a byte; x+n a letter and an even number of digits"
    return ""


def _rows(raw: Mapping[str, Any], *path: str) -> Iterable[tuple[str, Any]]:
    node: Any = raw
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return list(node.items()) if isinstance(node, dict) else []


def _with_base(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The file's settings over those of the dialect it is like."""
    if "like" not in raw:
        return dict(raw)
    base = read_settings(raw["like"])
    return _merged(base.model_dump(exclude_unset=True, exclude={"summary", "like"}), raw)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(base[key], over[key]) for key in base.keys() & over.keys() if isinstance(over[key], dict)
    }
    return {**base, **over, **both}


def _told(fault: Mapping[str, Any], source: _Source) -> str:
    """A fault of a value or a name, in the words of this file."""
    path = tuple(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _settings_in(path[:-1])
        near = _did_you_mean(path[-1], known) or f"; {_EVERY_SETTING}"
        return source.fault(*source.at(path), f"unknown setting {path[-1]!r}{near}")
    name = ".".join(path) or "the file"
    what = fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("model_type", "dict_type"):
        what = f"expected a section [{name}]"
    return source.fault(
        *source.at(path, value=True), f"{name}: {what[:1].lower()}{what[1:]}; {_EVERY_SETTING}"
    )


def _settings_in(path: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for name in path:
        field = model.model_fields.get(name)
        kind = field.annotation if field else None
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            model = kind
        elif name == "elements":
            model = Element
    return list(model.model_fields)


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
