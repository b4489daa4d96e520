"""The card as the reader hands it to the terminal; only its alias is ever recorded (security I22)."""

from __future__ import annotations

from dataclasses import dataclass

from atm_sim.terminal.chip import Chip


def masked_pan(pan: str) -> str:
    """The PAN as receipts may show it: the last four digits."""
    return "*" * max(0, len(pan) - 4) + pan[-4:]


@dataclass(frozen=True, slots=True, repr=False)
class CardData:
    """What was read from chip or stripe. `expires` is YYMM (DE14); `service_code` is the one in track 2."""

    alias: str
    pan: str
    expires: str
    track2: str
    service_code: str = "201"
    medium: str = "chip"  # chip | stripe | fallback: the stripe of a card whose chip should have been read
    chip: Chip | None = None  # one that computes cryptograms
    sequence: str = ""  # DE23, of a card whose chip is not asked

    def __repr__(self) -> str:
        return f"CardData({self.alias}, {masked_pan(self.pan)}, {self.medium})"
