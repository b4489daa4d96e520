"""Data object lists: which values a card wants, in which length, and the string that they make (EMV Book 3, 5.4).

A list comes from a card, that is from a stranger: it is read strictly, and what it asks for is bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple

from cardreader.emv.tlv import WORDS as TLV_WORDS
from cardreader.emv.tlv import Reason as TlvReason
from cardreader.emv.tlv import TlvError, tag_at

MOST_BYTES: Final = 252  # what one record can hold
MOST_FILLED_BYTES: Final = 255  # what one command can carry

_DATES_AND_CODES: Final = (
    "9A",
    "9C",
    "5F24",
    "5F25",
    "5F28",
    "5F2A",
    "5F34",
    "5F36",
    "9F1A",
    "9F21",
    "9F35",
    "9F39",
)
_AMOUNTS_AND_COUNTS: Final = ("9F02", "9F03", "9F15", "9F3C", "9F3D", "9F41")
_NUMERIC: Final = frozenset(_DATES_AND_CODES + _AMOUNTS_AND_COUNTS)
"""Digits from the right, zeros in front of them; every other value stands on the left with zeros behind it."""
_COMPRESSED: Final = frozenset(("5A", "9F20"))
"""Digits from the left, F behind them."""

Reason = TlvReason | Literal["asks_too_much"]
WORDS: Final[dict[str, str]] = {str(reason): words for reason, words in TLV_WORDS.items()} | {
    "too_long": f"more than {MOST_BYTES} bytes",
    "asks_too_much": f"asks for more than {MOST_FILLED_BYTES} bytes",
}


class DolError(ValueError):
    """Not an acceptable list: why, and at which byte; never any of the data."""

    def __init__(self, reason: Reason, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason: Reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"DOL error: {WORDS[self.reason]} (byte {self.offset})"


class DolEntry(NamedTuple):
    """One wish of a list: a tag in hexadecimal, and the number of bytes."""

    tag: str
    length: int


def read_dol(data: bytes) -> tuple[DolEntry, ...]:
    """The wishes of a list, in order; DolError, and nothing else, if it is not acceptable."""
    if len(data) > MOST_BYTES:
        raise DolError("too_long", MOST_BYTES)
    found: list[DolEntry] = []
    at = asked = 0
    while at < len(data):
        try:
            tag, at = tag_at(data, at, len(data))
        except TlvError as error:
            raise DolError(error.reason, error.offset) from None
        if at >= len(data):
            raise DolError("cut_short", at)
        asked += data[at]
        if asked > MOST_FILLED_BYTES:
            raise DolError("asks_too_much", at)
        found.append(DolEntry(tag, data[at]))
        at += 1
    return tuple(found)


def fill(wishes: Iterable[DolEntry], values: Mapping[str, bytes]) -> bytes:
    """The string for the card: each value brought to its length, zeros for what the terminal does not know."""
    return b"".join(_fitted(wish, values.get(wish.tag, b"")) for wish in wishes)


def fill_exactly(wishes: Iterable[DolEntry], values: Mapping[str, bytes]) -> bytes | None:
    """The same without bringing anything to length; None if a value is missing or has another one."""
    parts = [(wish, values.get(wish.tag)) for wish in wishes]
    if any(value is None or len(value) != wish.length for wish, value in parts):
        return None
    return b"".join(value for _, value in parts if value is not None)


def _fitted(wish: DolEntry, value: bytes) -> bytes:
    if wish.tag in _NUMERIC:
        return value[max(0, len(value) - wish.length) :].rjust(wish.length, b"\0")
    fill_byte = b"\xff" if wish.tag in _COMPRESSED and value else b"\0"
    return value[: wish.length].ljust(wish.length, fill_byte)
