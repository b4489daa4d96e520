"""PIN blocks of formats 0, 3 and 4: from PIN and PAN, and back (ISO 9564-1).

Formats 0 and 3 are eight bytes that TDES enciphers whole. Format 4 enciphers the PIN field with AES, mixes in the PAN
and enciphers again, so that a block of another PAN holds no PIN at all; that is why it is a function of the cipher.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from bank_host.hsm.aes import Aes
from bank_host.hsm.errors import HsmError, MalformedPinBlock
from cardreader.emv.des import Des3, xor

Format = Literal[0, 3, 4]
Fresh = Callable[[int], bytes]

_PIN: Final = re.compile("[0-9]{4,12}", re.ASCII)
_FIELDS: Final = {
    0: re.compile("0([4-9A-C])([0-9]{4,12})F{2,10}", re.ASCII),
    3: re.compile("3([4-9A-C])([0-9]{4,12})[A-F]{2,10}", re.ASCII),
    4: re.compile("4([4-9A-C])([0-9]{4,12})A{2,10}[0-9A-F]{16}", re.ASCII),
}
_FIELD_DIGITS: Final = 16
_LETTERS: Final = "ABCDEF"


def enciphered(engine: Des3 | Aes, pin: str, pan: str, format_: Format, fresh: Fresh) -> bytes:
    """The PIN as it travels; `fresh` fills formats 3 and 4."""
    if _PIN.fullmatch(pin) is None:
        raise HsmError("a PIN has 4 to 12 digits")
    if isinstance(engine, Aes):
        field = bytes.fromhex(f"4{len(pin):X}{pin}".ljust(_FIELD_DIGITS, "A")) + fresh(8)
        return engine.encrypt(xor(engine.encrypt(field), _whole_pan(pan)))
    return engine.encrypt(clear_8(pin, pan, format_, fresh))


def deciphered(engine: Des3 | Aes, block: bytes, pan: str, format_: Format) -> str:
    """The PIN in a block; MalformedPinBlock if there is none for this PAN. Its length is the caller's to check."""
    if isinstance(engine, Aes):
        return _pin_of(engine.decrypt(xor(engine.decrypt(block), _whole_pan(pan))), 4)
    return pin_of_clear_8(engine.decrypt(block), pan, format_)


def clear_8(pin: str, pan: str, format_: Format, fresh: Fresh) -> bytes:
    """0 or 3, PIN length, PIN, fill; xor 0000 and the twelve rightmost PAN digits without the check digit."""
    field = f"{format_}{len(pin):X}{pin}"
    if format_ == 0:
        field = field.ljust(_FIELD_DIGITS, "F")
    else:
        field += "".join(_LETTERS[byte % 6] for byte in _even(fresh, _FIELD_DIGITS - len(field)))
    return (int(field, 16) ^ _twelve_of_pan(pan)).to_bytes(8)


def pin_of_clear_8(block: bytes, pan: str, format_: Format) -> str:
    """The PIN in a clear block of format 0 or 3."""
    return _pin_of((int.from_bytes(block) ^ _twelve_of_pan(pan)).to_bytes(8), format_)


def _pin_of(field: bytes, format_: Format) -> str:
    match = _FIELDS[format_].fullmatch(field.hex().upper())
    if match is None or int(match[1], 16) != len(match[2]):
        raise MalformedPinBlock
    return match[2]


def _even(fresh: Fresh, count: int) -> bytes:
    """Random bytes below 252, so that each of six letters is as likely as the others."""
    found = b""
    while len(found) < count:
        found += bytes(byte for byte in fresh(count) if byte < 252)
    return found[:count]


def _twelve_of_pan(pan: str) -> int:
    if not 13 <= len(pan) <= 19 or not (pan.isascii() and pan.isdecimal()):
        raise HsmError("a PIN block needs a PAN of 13 to 19 digits")
    return int(pan[-13:-1], 16)


def _whole_pan(pan: str) -> bytes:
    """Format 4: how many digits there are beyond twelve, the PAN, and zeros."""
    if not 13 <= len(pan) <= 19 or not (pan.isascii() and pan.isdecimal()):
        raise HsmError("a PIN block needs a PAN of 13 to 19 digits")
    return bytes.fromhex(f"{len(pan) - 12}{pan}".ljust(32, "0"))
