"""What of a card may be seen: masked numbers, shown text without control characters, and a card's alias.

A card number is shown with its first six and last four digits at most (PCI DSS 3.4.1), a card is remembered by a hash
under a key of this installation only (3.5.1.1); names, dates of expiry and tracks are not shown at all.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from cardreader.emv.dol import DolError, read_dol
from cardreader.emv.tags import NUMERIC_IN_BINARY, tag_named
from cardreader.emv.tlv import Tlv

_FIRST, _LAST = 6, 4
_SHORTEST_PAN: Final = 12
_LONG_DIGITS: Final = re.compile(r"[1-9](?:[ -]?\d){12,}")
"""A row of digits in which a card number may hide; shorter ones are also in application identifiers."""
_ALIAS_BYTES: Final = 8


class Pan:
    """A card number, which shows itself masked only."""

    __slots__ = ("_digits",)

    def __init__(self, digits: str) -> None:
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 19):
            raise ValueError("a card number has at most 19 digits")
        self._digits = digits

    def __repr__(self) -> str:
        return mask(self._digits)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pan) and hmac.compare_digest(self._digits, other._digits)

    def __hash__(self) -> int:
        return hash(self._digits)

    def reveal(self) -> str:
        """The digits, for the one computation that needs them."""
        return self._digits


def mask(digits: str) -> str:
    """First six and last four digits; none of a number that is too short to hide behind them."""
    if len(digits) < _SHORTEST_PAN:
        return "•" * len(digits)
    return digits[:_FIRST] + "•" * (len(digits) - _FIRST - _LAST) + digits[-_LAST:]


def pan_of(elements: tuple[Tlv, ...]) -> Pan | None:
    """The card number that records hold (5A, else 57); None if there is none."""
    for element in elements:
        digits = _digits(element)
        if digits:
            return Pan(digits)
    return None


def _digits(element: Tlv) -> str:
    """The card number in 5A or 57, without its filling; empty if it is none."""
    if element.tag not in ("5A", "57"):
        return ""
    digits = re.split("[DF]", element.value.hex().upper())[0]
    return digits if digits.isdecimal() and len(digits) <= 19 else ""


def alias(key: bytes, identifier: bytes) -> str:
    """A card's name on this installation: tells the same card again, and nothing else."""
    return hmac.new(key, identifier, hashlib.sha256).hexdigest()[: 2 * _ALIAS_BYTES]


def card_alias(key: bytes, pan: Pan, sequence: bytes = b"") -> str:
    return alias(key, b"pan:" + pan.reveal().encode("ascii") + b":" + sequence)


# ---------------------------------------------------------------- values in words


def shown(element: Tlv) -> str:
    """A value as a person may see it."""
    value, form = element.value, tag_named(element.tag).form
    match form:
        case "text":
            return safe_text(value)
        case "date" if len(value) == 3 and value.hex().isdecimal():
            return f"20{value[:1].hex()}-{value[1:2].hex()}-{value[2:].hex()}"
        case "number":
            return _number(element.tag, value)
        case "list":
            return _list(value)
        case "pan" | "track":
            digits = _digits(element)
            return mask(digits) if digits else _length(value)
        case "bits" if len(value) <= 32:
            return value.hex().upper()
        case "hex" if len(value) <= 32:
            return safe_digits(value.hex().upper())
        case _:
            return _length(value)


def safe_text(value: bytes) -> str:
    """Text from a card: printable characters only, and no row of digits that could be a card number."""
    text = value.decode("latin-1")
    return safe_digits("".join(char if char.isprintable() else "·" for char in text).strip())


def safe_digits(text: str) -> str:
    """The same text, with each row of digits that could be a card number masked."""
    return _LONG_DIGITS.sub(lambda found: mask(re.sub("[ -]", "", found[0])), text)


def _number(tag: str, value: bytes) -> str:
    if len(value) > 6:
        return _length(value)
    if tag in NUMERIC_IN_BINARY:
        return str(int.from_bytes(value))
    digits = value.hex().upper()
    return safe_digits(digits.lstrip("0") or "0" if digits.isdecimal() else digits)


def _list(value: bytes) -> str:
    try:
        wishes = read_dol(value)
    except DolError as error:
        return str(error)
    return " ".join(f"{wish.tag}[{wish.length}]" for wish in wishes)


def _length(value: bytes) -> str:
    return f"{len(value)} bytes, not shown"
