"""The hardware token (トークン) in a customer's hand: it shows a code and nothing else (R7, R10, R32, R33)."""

from __future__ import annotations

import json
from pathlib import Path

import pyotp

from bank_host.jst import SECOND_US

STEP_S = 60
DIGITS = 6


class TokenDevice:
    """Shares a seed and the time of day with the bank, and no line; `drift_s` is how far its clock runs ahead.

    The serial number is printed on its back; nothing ever asks the device for it.
    """

    __slots__ = ("_totp", "drift_s", "serial")

    def __init__(self, secret: str, drift_s: int = 0, serial: str = "") -> None:
        self._totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_S)
        self.drift_s = drift_s
        self.serial = serial

    @classmethod
    def from_file(cls, path: Path) -> TokenDevice:
        """The device of a token file, as a bank hands it to its holder; ValueError when the file is none."""
        try:
            holds = json.loads(path.read_text(encoding="utf-8"))
            device = cls(holds["secret"], serial=holds["serial"])
            device.display(0)
        except (KeyError, TypeError, ValueError):  # not quoted: the file is a secret
            raise ValueError(f"{path}: not a token file") from None
        return device

    def display(self, now_us: int) -> str:
        """The six digits on the display."""
        return self._totp.at(now_us // SECOND_US + self.drift_s)

    def seconds_left(self, now_us: int) -> int:
        """How long the display still shows this code."""
        return STEP_S - (now_us // SECOND_US + self.drift_s) % STEP_S
