"""Which notes make up an amount: a pure function over the notes in stock (requirements X2, X11).

Taking the largest notes first is wrong where a denomination does not divide the next one: without ¥1,000
notes, ¥6,000 is three ¥2,000 notes and not a ¥5,000 note with nothing to follow. So the mix is found by
search; for denominations that divide one another the greedy choice is provably best and taken directly.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

Notes = tuple[tuple[int, int], ...]
"""Counted notes, ((denomination_jpy, count), ...): largest denomination first, no zero counts."""

FEWEST = "fewest_notes"
KEEP_SMALL = "keep_small_notes"
POLICIES = (FEWEST, KEEP_SMALL)


def notes_value(notes: Notes) -> int:
    return sum(denomination * count for denomination, count in notes)


def note_count(notes: Notes) -> int:
    return sum(count for _, count in notes)


def counted(stock: Mapping[int, int]) -> Notes:
    """The canonical form of counted notes."""
    return tuple((d, stock[d]) for d in sorted(stock, reverse=True) if stock[d])


def note_mix(
    amount_jpy: int, stock: Mapping[int, int], *, policy: str = FEWEST, max_notes: int = 0
) -> Notes | None:
    """The notes that pay exactly `amount_jpy` from `stock`, or None where no choice of notes does.

    `fewest_notes` pays with as few notes as possible. `keep_small_notes` spares the smallest denomination,
    then the next; where that takes more than `max_notes` (0 = any number), the fewest notes are paid.
    """
    if amount_jpy <= 0:
        return None
    available = [(d, stock[d]) for d in sorted(stock, reverse=True) if stock[d] > 0]
    chain = all(larger % smaller == 0 for (larger, _), (smaller, _) in pairwise(available))
    if chain:
        mix = _greedy(amount_jpy, available)
    else:
        mix = _search(amount_jpy, available, spare_small=policy == KEEP_SMALL)
        if mix is not None and policy == KEEP_SMALL and _too_many(mix, max_notes):
            mix = _search(amount_jpy, available, spare_small=False)
    return None if mix is None or _too_many(mix, max_notes) else mix


def _too_many(mix: Notes, max_notes: int) -> bool:
    return max_notes > 0 and note_count(mix) > max_notes


def _greedy(amount_jpy: int, available: list[tuple[int, int]]) -> Notes | None:
    """Largest first. Best for both policies where each denomination divides the next larger one: smaller
    notes worth at least one larger note then contain a group worth exactly that note, which it replaces.
    """
    mix = []
    for denomination, count in available:
        taken = min(count, amount_jpy // denomination)
        if taken:
            mix.append((denomination, taken))
            amount_jpy -= taken * denomination
    return tuple(mix) if amount_jpy == 0 else None


def _search(amount_jpy: int, available: list[tuple[int, int]], *, spare_small: bool) -> Notes | None:
    """The best mix by exact search, each remainder per denomination solved once."""
    below = [0] * (len(available) + 1)  # value of all notes from this denomination down
    for i in range(len(available) - 1, -1, -1):
        below[i] = below[i + 1] + available[i][0] * available[i][1]
    solved: dict[tuple[int, int], tuple[int, ...] | None] = {}

    def rank(counts: tuple[int, ...]) -> tuple[int, ...]:
        return counts[::-1] if spare_small else (sum(counts), *counts[::-1])

    def best(i: int, rest: int) -> tuple[int, ...] | None:
        """The best counts of denominations i, i+1, ... that pay `rest`."""
        if i == len(available):
            return () if rest == 0 else None
        if (i, rest) not in solved:
            denomination, count = available[i]
            most = min(count, rest // denomination)
            least = max(0, -(-(rest - below[i + 1]) // denomination))
            found = [
                (taken, *tail)
                for taken in range(most, least - 1, -1)
                if (tail := best(i + 1, rest - taken * denomination)) is not None
            ]
            solved[i, rest] = min(found, key=rank, default=None)
        return solved[i, rest]

    counts = best(0, amount_jpy)
    if counts is None:
        return None
    return tuple((d, n) for (d, _), n in zip(available, counts, strict=True) if n)
