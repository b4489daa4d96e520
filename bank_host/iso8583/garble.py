"""A wrong value that looks right: what a receiver cannot tell from the element's own."""

from __future__ import annotations

from bank_host.iso8583.fields import MATCHERS


def another_value(element: int, value: str, first: int) -> str | None:
    """Another well-formed value: every digit moved on by the same step, the first that fits from `first` (0 to 8) on;
    None where no step fits."""
    for turn in range(9):
        step = (first + turn) % 9 + 1
        moved = "".join(str((int(c) + step) % 10) if c in "0123456789" else c for c in value)
        if moved != value and MATCHERS[element].fullmatch(moved):
            return moved
    return None
