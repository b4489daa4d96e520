"""What comes out of a dispenser that jams or pays less than it counted, and what is taken unseen (X6, RS6)."""

from __future__ import annotations

from atm_sim.sansio.effects import Dispensed
from atm_sim.terminal.note_mix import Notes

UNSEEN = ("part_taken", "power_loss")
"""Mishaps in which a person has notes that the machine does not know of."""


def paid_out(notes: Notes, device: str, partial_jpy: int) -> Dispensed:
    """What reaches the shutter: all notes, none after a jam, or the first notes up to `partial_jpy`."""
    match device:
        case "jam":
            return Dispensed((), "jam")
        case "partial":
            return Dispensed(first_notes(notes, partial_jpy), "partial")
    return Dispensed(notes)


def first_notes(notes: Notes, most_jpy: int) -> Notes:
    """The first of these notes, up to an amount."""
    first: list[tuple[int, int]] = []
    left_jpy = most_jpy
    for denomination, count in notes:
        fits = min(count, left_jpy // denomination)
        left_jpy -= fits * denomination
        if fits:
            first.append((denomination, fits))
    return tuple(first)
