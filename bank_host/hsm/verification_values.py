"""Verification values of PIN and card: Visa PVV and CVV (public algorithms, published vectors)."""

from __future__ import annotations

from bank_host.hsm.des import Des3
from bank_host.hsm.errors import HsmError

_VALUE_DIGITS = {"pvv": 4, "cvv": 3}


def pvv(key: Des3, pan: str, pin: str, key_index: int) -> str:
    """Four digits from eleven PAN digits, the key index and the first four PIN digits."""
    if len(pan) < 12 or not (pan.isascii() and pan.isdecimal()):
        raise HsmError("a PVV needs a PAN of at least 12 digits")
    if not 0 <= key_index <= 6:
        raise HsmError("a PVV key index is 0 to 6")
    block = bytes.fromhex(f"{pan[-12:-1]}{key_index}{pin[:4]}")
    return _decimalise(key.encrypt(block).hex().upper(), _VALUE_DIGITS["pvv"])


def cvv(key: Des3, pan: str, expiry_yymm: str, service_code: str) -> str:
    """Three digits from PAN, expiry and service code (000 makes it a CVV2, 999 an iCVV)."""
    data = pan + expiry_yymm + service_code
    if len(expiry_yymm) != 4 or len(service_code) != 3 or not (data.isascii() and data.isdecimal()):
        raise HsmError("a CVV needs PAN digits, expiry YYMM and a three-digit service code")
    if len(data) > 32:
        raise HsmError("a CVV needs a PAN of at most 25 digits")
    padded = bytes.fromhex(data.ljust(32, "0"))
    first = key.encrypt_single(padded[:8])
    second = bytes(a ^ b for a, b in zip(first, padded[8:], strict=True))
    return _decimalise(key.encrypt(second).hex().upper(), _VALUE_DIGITS["cvv"])


def _decimalise(hexadecimal: str, length: int) -> str:
    """The digits 0-9 in order; if they are too few, then the letters in order as A=0 ... F=5."""
    digits = [char for char in hexadecimal if char <= "9"]
    letters = [str(int(char, 16) - 10) for char in hexadecimal if char > "9"]
    return "".join((digits + letters)[:length])
