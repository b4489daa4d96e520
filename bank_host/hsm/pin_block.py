"""PIN block format 0: the clear block from PIN and PAN, and back (ISO 9564-1)."""

from __future__ import annotations

import re

from bank_host.hsm.errors import HsmError, MalformedPinBlock

_PIN = re.compile("[0-9]{4,12}", re.ASCII)
_PIN_FIELD = re.compile("0([4-9A-C])([0-9]{4,12})(F{2,10})", re.ASCII)
_BLOCK_DIGITS = 16


def format_0(pin: str, pan: str) -> bytes:
    """0, PIN length, PIN, F… xor 0000 and the twelve rightmost PAN digits without the check digit."""
    if _PIN.fullmatch(pin) is None:
        raise HsmError("a PIN has 4 to 12 digits")
    return _xor(f"0{len(pin):X}{pin}".ljust(_BLOCK_DIGITS, "F"), _pan_field(pan))


def pin_of_format_0(block: bytes, pan: str) -> str:
    """The PIN in a clear block; MalformedPinBlock if there is none for this PAN."""
    digits = _xor(block.hex(), _pan_field(pan)).hex().upper()
    match = _PIN_FIELD.fullmatch(digits)
    if match is None or int(match[1], 16) != len(match[2]):
        raise MalformedPinBlock
    return match[2]


def _pan_field(pan: str) -> str:
    if len(pan) < 13 or not (pan.isascii() and pan.isdecimal()):
        raise HsmError("a PIN block needs a PAN of at least 13 digits")
    return "0000" + pan[-13:-1]


def _xor(left_hex: str, right_hex: str) -> bytes:
    return (int(left_hex, 16) ^ int(right_hex, 16)).to_bytes(_BLOCK_DIGITS // 2, "big")
