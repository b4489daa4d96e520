"""Readers of single policy values: each turns plain data into a typed value or says what is wrong with it.

A value comes from the packaged file (ints, bools) or from a scenario's `policy:` block (where every scalar
may still be text), so numbers and switches are accepted in both forms.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from types import MappingProxyType
from typing import Any, TypeVar

from bank_host.jst import DAY_US, HOUR_US, MINUTE_US

T = TypeVar("T")
Reader = Callable[[Any], T]

_WHOLE = re.compile(r"[¥￥]?(-?[0-9]{1,3}(?:[,_]?[0-9]{3})*|-?[0-9]+)")
_TIME = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])")
_SWITCH = {"true": True, "on": True, "false": False, "off": False}


class PolicyError(ValueError):
    """A policy that cannot be used; `key` names the figure, the message what to change."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"policy key '{key}': {problem}" if key else f"policy: {problem}")
        self.key = key


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """The hint for a misspelt word, or '' when nothing is near."""
    near = get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def whole(low: int, high: int) -> Reader[int]:
    """A whole number in a closed range; yen may carry ¥ and thousands separators."""

    def read(value: Any) -> int:
        number = value
        if isinstance(value, str) and (match := _WHOLE.fullmatch(value.strip())):
            number = int(match[1].replace(",", "").replace("_", ""))
        if not isinstance(number, int) or isinstance(number, bool):
            raise ValueError(f"{value!r} is not a whole number")
        if not low <= number <= high:
            raise ValueError(f"{number:,} is outside {low:,} to {high:,}")
        return number

    return read


def whole_or_none(low: int, high: int) -> Reader[int | None]:
    """A whole number, or `none` for no bound."""
    number = whole(low, high)

    def read(value: Any) -> int | None:
        return None if value is None or str(value).lower() in ("none", "null", "~") else number(value)

    return read


def switch(value: Any) -> bool:
    """true/on or false/off."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _SWITCH:
        return _SWITCH[value.lower()]
    raise ValueError(f"{value!r} is not a switch; write true or false")


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text")
    return str(value)


def digits(length: int) -> Reader[str]:
    """Exactly so many ASCII digits, written as text so that leading zeros stay."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(f"[0-9]{{{length}}}", value):
            raise ValueError(f"{value!r} is not a quoted text of {length} digits")
        return str(value)

    return read


def one_of(*choices: str) -> Reader[str]:
    def read(value: Any) -> str:
        word = str(value)
        if word not in choices:
            raise ValueError(f"'{word}' is none of {', '.join(choices)}{did_you_mean(word, choices)}")
        return word

    return read


def list_of(item: Reader[T], *, unique: bool = True) -> Reader[tuple[T, ...]]:
    def read(value: Any) -> tuple[T, ...]:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ValueError(f"{value!r} is not a list")
        items = tuple(item(entry) for entry in value)
        if unique and len(set(items)) < len(items):
            raise ValueError("the same entry stands twice in the list")
        return items

    return read


def table(
    columns: Mapping[str, Reader[Any]], optional: Mapping[str, Any] = MappingProxyType({})
) -> Reader[Mapping[str, Any]]:
    """A map with exactly these keys; those in `optional` may be left out and have the value given there."""

    def read(value: Any) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            raise ValueError(f"{value!r} is not a map with the keys {', '.join(columns)}")
        for name in value:
            if name not in columns:
                raise ValueError(f"unknown entry '{name}'{did_you_mean(str(name), tuple(columns))}")
        missing = [name for name in columns if name not in value and name not in optional]
        if missing:
            raise ValueError(f"entry '{missing[0]}' is missing")
        return MappingProxyType(
            {name: _entry(name, reader, value, optional) for name, reader in columns.items()}
        )

    return read


def _entry(name: str, reader: Reader[Any], value: Mapping[str, Any], optional: Mapping[str, Any]) -> Any:
    if name not in value:
        return optional[name]
    try:
        return reader(value[name])
    except ValueError as problem:
        raise ValueError(f"{name}: {problem}") from None


def same_for(names: Sequence[str], reader: Reader[T]) -> Reader[Mapping[str, T]]:
    """A map with one value per name, all of one kind."""
    return table(dict.fromkeys(names, reader))


def time_of_day(value: Any) -> int:
    """HH:MM from 00:00 to 24:00, as microseconds after JST midnight."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    moment = int(match[1]) * HOUR_US + int(match[2]) * MINUTE_US if match else -1
    if not 0 <= moment <= DAY_US:
        raise ValueError(f"{value!r} is not a time of day from 00:00 to 24:00")
    return moment


def window(*, over_midnight: bool = False) -> Reader[tuple[int, int]]:
    """[from, to) as two times of day; only a window that may span midnight can end before it begins."""

    def read(value: Any) -> tuple[int, int]:
        if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
            raise ValueError(f"{value!r} is not a pair of times such as [08:00, 21:00]")
        begin, end = time_of_day(value[0]), time_of_day(value[1])
        if begin == end or (begin > end and not over_midnight):
            raise ValueError(f"the window from {value[0]} to {value[1]} is empty")
        return begin, end

    return read


def share(value: Any) -> Fraction:
    """An exact fraction from 0 to 1, written as a decimal."""
    try:
        fraction = Fraction(str(value))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is not a share such as 0.75") from None
    if not 0 <= fraction <= 1:
        raise ValueError(f"{value} is outside 0 to 1")
    return fraction
