"""Numbers for things that repeat by the million: a row names a thing by its number, a table says once what it is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

Thing = TypeVar("Thing", bound=Hashable)


class Numbered(dict[Thing, int]):
    """Each thing with its number, in the order they came up: the same in every run of a seed."""

    def __missing__(self, thing: Thing) -> int:
        number = self[thing] = len(self)
        return number
