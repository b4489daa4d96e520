"""The hardware token (トークン) in a customer's hand: it shows a code and nothing else (R7, R10, R32, R33)."""

from __future__ import annotations

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

    def display(self, now_us: int) -> str:
        """The six digits on the display."""
        return self._totp.at(now_us // SECOND_US + self.drift_s)
