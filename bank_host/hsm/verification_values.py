"""Verification values of PIN and card: Visa PVV, IBM 3624 offset, CVV (public algorithms, published vectors)."""

from __future__ import annotations

from typing import Final

from bank_host.hsm.errors import HsmError
from cardreader.emv.des import Des3, xor

CVV2_SERVICE_CODE: Final = "000"
ICVV_SERVICE_CODE: Final = "999"
"""In place of the service code: the value printed on the card, and the one on the chip."""

_VALUE_DIGITS: Final = {"pvv": 4, "cvv": 3}
_HEX_DIGITS: Final = "0123456789ABCDEF"
_DIGITS: Final = b"0123456789"
_LETTERS: Final = b"abcdef"
_LETTERS_AS_DIGITS: Final = bytes.maketrans(_LETTERS, b"012345")


def pvv(key: Des3, pan: str, pin: str, key_index: int) -> str:
    """Four digits from eleven PAN digits, the key index and the first four PIN digits."""
    if len(pan) < 12 or not (pan.isascii() and pan.isdecimal()):
        raise HsmError("a PVV needs a PAN of at least 12 digits")
    if not 0 <= key_index <= 6:
        raise HsmError("a PVV key index is 0 to 6")
    block = bytes.fromhex(f"{pan[-12:-1]}{key_index}{pin[:4]}")
    return _decimalise(key.encrypt(block), _VALUE_DIGITS["pvv"])


def offset(key: Des3, pan: str, pin: str, table: str) -> str:
    """IBM 3624: what has to be added to the natural PIN, digit by digit, to make this PIN.

    The natural PIN is made of the sixteen rightmost PAN digits (F… behind a shorter PAN); `table` says which digit
    stands for each hexadecimal one.
    """
    if len(pan) < 12 or not (pan.isascii() and pan.isdecimal()):
        raise HsmError("an offset needs a PAN of at least 12 digits")
    cipher_text = key.encrypt(bytes.fromhex(pan[-16:].ljust(16, "F"))).hex().upper()
    natural = cipher_text.translate(str.maketrans(_HEX_DIGITS, table))
    return "".join(str((int(own) - int(made)) % 10) for own, made in zip(pin, natural, strict=False))


def cvv(key: Des3, pan: str, expiry_yymm: str, service_code: str) -> str:
    """Three digits from PAN, expiry and service code (000 makes it a CVV2, 999 an iCVV)."""
    data = pan + expiry_yymm + service_code
    if len(expiry_yymm) != 4 or len(service_code) != 3 or not (data.isascii() and data.isdecimal()):
        raise HsmError("a CVV needs PAN digits, expiry YYMM and a three-digit service code")
    if len(data) > 32:
        raise HsmError("a CVV needs a PAN of at most 25 digits")
    padded = bytes.fromhex(data.ljust(32, "0"))
    first = key.encrypt_single(padded[:8])
    return _decimalise(key.encrypt(xor(first, padded[8:])), _VALUE_DIGITS["cvv"])


def _decimalise(block: bytes, length: int) -> str:
    """The digits 0-9 of a block in order; if they are too few, then its letters in order as A=0 ... F=5."""
    text = block.hex().encode()
    digits = text.translate(None, _LETTERS)
    if len(digits) < length:
        digits += text.translate(_LETTERS_AS_DIGITS, _DIGITS)
    return digits[:length].decode()
