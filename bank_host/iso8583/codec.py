"""Bytes to message and back in the default dialect: any bytes give a Message or a FormatError, and a message has one
encoding.

`plain.py` reads and writes element by element, `shapes.py` makes that fast; what stands here is what needs the message
as a whole: the mandatory and forbidden elements of its type.
"""

from __future__ import annotations

from typing import Final

from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import FIELDS
from bank_host.iso8583.message import Message
from bank_host.iso8583.message_types import BY_MTI
from bank_host.iso8583.plain import PlainCodec, bit
from bank_host.iso8583.shapes import FastCodec
from bank_host.iso8583.wire import Wire, form_of

_PRESENCE: Final = {
    mti: (sum(map(bit, row.mandatory)), ~sum(map(bit, row.mandatory + row.optional)))
    for mti, row in BY_MTI.items()
}
"""Of each message type the bits that must be set, and those that must not."""


def check_presence(mti: str, bits: int, optional: int = 0) -> None:
    """The message type's mandatory elements are there, but for the `optional`, and none that it must not carry."""
    must, must_not = _PRESENCE[mti]
    missing = must & ~bits & ~optional
    if missing:
        raise FormatError("missing_element", _first(missing))
    if bits & must_not:
        raise FormatError("forbidden_element", _first(bits & must_not))


def _first(bits: int) -> int:
    """The lowest element number among these bits."""
    return 129 - bits.bit_length()


_PLAIN: Final = PlainCodec([form_of(field, Wire()) for field in FIELDS], Wire(), BY_MTI)
_FAST: Final = FastCodec(_PLAIN, check_presence)


def encode(message: Message) -> bytes:
    """The message on the wire; FormatError if the message is not one that `decode` would accept."""
    return _FAST.write(message.mti, message._fields).encode("latin-1")


def decode(data: bytes) -> Message:
    """The message these bytes are; FormatError, and nothing else, if they are not one acceptable message."""
    mti, values, _ = _FAST.read(data)
    return Message.of_ascending(mti, values)


def check(message: Message) -> None:
    """FormatError unless type, elements and values are acceptable: for messages that came as objects."""
    encode(message)


def has_form(de: int, value: str) -> bool:
    """Whether a value has the form of one of our elements."""
    return _PLAIN.has_form(de, value)


def read_elements(data: bytes) -> Message:
    """Like `decode`, without the table of mandatory and forbidden elements: to look at foreign messages."""
    mti, values, _ = _PLAIN.read(data)
    return Message.of_ascending(mti, values)


def elements_of_bitmap(bitmap: str, first: int = 1) -> list[int]:
    """The numbers of the bits set in 16 hexadecimal digits, the leftmost bit counting as `first`."""
    bits = int(bitmap, 16)
    return [first + position for position in range(64) if bits >> (63 - position) & 1]
