"""Named tuples without the price of their constructor, for those that are made or changed for every message."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

Named = TypeVar("Named", bound=tuple[Any, ...])


def of_parts(kind: type[Named]) -> Callable[[tuple[Any, ...]], Named]:
    """Makes them of a tuple of all their parts in order, defaults too: no call of Python's own is made for it."""
    return partial(tuple.__new__, kind)


def replaced(row: Named, field: str, value: Any) -> Named:
    """`_replace` of one field at a tenth of its cost."""
    at = row._fields.index(field)  # type: ignore[attr-defined]
    return tuple.__new__(type(row), (*row[:at], value, *row[at + 1 :]))
