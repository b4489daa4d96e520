"""What an ATM in Japan says of itself and of a transaction, by tag (EMV Book 4, annex A; EMV Book 3, annex C)."""

from __future__ import annotations

from datetime import date
from typing import Final

BALANCE_ENQUIRY: Final = "31"
_ONLINE_PIN: Final = bytes.fromhex(
    "020100"
)  # enciphered PIN, at an unattended cash machine; the bank will tell
_NO_METHOD: Final = bytes.fromhex("3F0000")
_DATA_NOT_AUTHENTICATED, _PIN_ENTERED = 0x80, 0x04


def terminal_values(
    day: date,
    unpredictable: bytes,
    *,
    amount_jpy: int = 0,
    kind: str = BALANCE_ENQUIRY,
    pin_entered: bool = False,
) -> dict[str, bytes]:
    """`kind`: the first two digits of DE3. Offline data authentication is not performed: this ATM is online only."""
    results = bytes((_DATA_NOT_AUTHENTICATED, 0, _PIN_ENTERED if pin_entered else 0, 0, 0))
    return {
        "9F02": bytes.fromhex(f"{amount_jpy:012d}"),
        "9F03": bytes(6),
        "9F1A": b"\x03\x92",
        "5F2A": b"\x03\x92",
        "95": results,
        "9A": bytes.fromhex(f"{day:%y%m%d}"),
        "9C": bytes.fromhex(kind),
        "9F15": b"\x60\x11",
        "9F33": bytes.fromhex("6040C0"),
        "9F34": _ONLINE_PIN if pin_entered else _NO_METHOD,
        "9F35": b"\x14",
        "9F37": unpredictable,
        "9F40": bytes.fromhex("8000000000"),
    }
