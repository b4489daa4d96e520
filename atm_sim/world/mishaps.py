"""What comes out of a dispenser that jams, or pays less than it counted (X6)."""

from __future__ import annotations

from atm_sim.sansio.effects import Dispensed


def paid_out(notes: tuple[tuple[int, int], ...], device: str, partial_jpy: int) -> Dispensed:
    """What reaches the shutter: all notes, none after a jam, or the first notes up to `partial_jpy`."""
    match device:
        case "jam":
            return Dispensed((), "jam")
        case "partial":
            out: list[tuple[int, int]] = []
            left_jpy = partial_jpy
            for denomination, count in notes:
                fits = min(count, left_jpy // denomination)
                left_jpy -= fits * denomination
                if fits:
                    out.append((denomination, fits))
            return Dispensed(tuple(out), "partial")
    return Dispensed(notes)
