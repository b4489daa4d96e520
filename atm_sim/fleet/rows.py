"""Rows by the million: written as whole numbers one after the other, read as columns; what repeats is a number too."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Columns = dict[str, NDArray[np.int64]]
Thing = TypeVar("Thing", bound=Hashable)


class Numbered(dict[Thing, int]):
    """Each thing with its number, in the order they came up: the same in every run of a seed."""

    def __missing__(self, thing: Thing) -> int:
        number = self[thing] = len(self)
        return number


class Rows:
    """Rows of some columns. `flat` takes the numbers of one row after the other; `pack` puts what it holds so far into
    an array, at a fraction of the memory."""

    __slots__ = ("_packed", "flat", "names")

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self.flat: list[int] = []
        self._packed: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self.flat) // len(self.names) + sum(map(len, self._packed))

    def pack(self) -> None:
        flat = np.fromiter(self.flat, np.int64, len(self.flat))
        self._packed.append(flat.reshape(-1, len(self.names)))
        self.flat.clear()

    def take(self) -> Columns:
        """What was written since the last call."""
        self.pack()
        table = np.concatenate(self._packed)
        self._packed.clear()
        return {name: np.ascontiguousarray(table[:, place]) for place, name in enumerate(self.names)}


def spelled_out(rows: Columns, column: str, table: Iterable[Sequence[int]], names: Sequence[str]) -> Columns:
    """Rows with what their numbers in `column` stand for in its stead: the row of a table with these names."""
    cells = np.array(list(table), dtype=np.int64).reshape(-1, len(names))
    found = cells[rows[column]]
    named = {name: found[:, place] for place, name in enumerate(names)}
    return {**{name: values for name, values in rows.items() if name != column}, **named}
