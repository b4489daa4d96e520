"""The oracle of the generated codec: the same strictness around pyiso8583, which does the packing.

Slow, plain and written before the generator, so that it shares no code with it but the element table. pyiso8583 alone
accepts several encodings of one message, checks no content, and its errors carry the whole message.
"""

from __future__ import annotations

import re
from typing import Any

import iso8583

from bank_host.iso8583.bounds import MAX_BYTES, MIN_BYTES
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import BY_DE, FIELDS, MATCHERS
from bank_host.iso8583.message import Message
from bank_host.iso8583.message_types import BY_MTI
from cardreader.emv import tlv

_MTI_END = 4
_BITMAP_DIGITS = 16
_CHIP_DATA = 55
_BITMAP = re.compile(r"[0-9A-F]{16}", re.ASCII)


def _ascii(prefix: int, length: int) -> dict[str, Any]:
    return {"data_enc": "ascii", "len_enc": "ascii", "len_type": prefix, "max_len": length, "desc": ""}


_SPEC: dict[str, dict[str, Any]] = {
    "h": _ascii(0, 0),
    "t": _ascii(0, 4),
    "p": _ascii(0, _BITMAP_DIGITS),
    "1": _ascii(0, _BITMAP_DIGITS),
    **{str(field.de): _ascii(field.prefix, field.length) for field in FIELDS},
}

_MANDATORY = {mti: message_type.mandatory for mti, message_type in BY_MTI.items()}
_ALLOWED = {
    mti: frozenset(message_type.mandatory + message_type.optional) for mti, message_type in BY_MTI.items()
}


def encode(message: Message) -> bytes:
    """The message on the wire; FormatError if the message is not one that `decode` would accept."""
    check(message)
    data = _pack(message)
    if len(data) > MAX_BYTES:
        raise FormatError("too_long")
    return data


def decode(data: bytes) -> Message:
    """The message these bytes are; FormatError, and nothing else, if they are not one acceptable message."""
    message = read_elements(data)
    _check_presence(message)
    return message


def check(message: Message) -> None:
    """FormatError unless type, elements and values are acceptable: for messages that came as objects."""
    if message.mti not in BY_MTI:
        raise FormatError("unknown_mti")
    for de, value in message.fields.items():
        if de not in BY_DE:
            raise FormatError("unknown_element", de)
        if len(value) > BY_DE[de].length or not _acceptable(de, value):
            raise FormatError("bad_value", de)
    _check_presence(message)


def read_elements(data: bytes) -> Message:
    """Like `decode`, without the table of mandatory and forbidden elements: to look at foreign messages."""
    if len(data) < MIN_BYTES:
        raise FormatError("too_short", offset=len(data))
    if len(data) > MAX_BYTES:
        raise FormatError("too_long", offset=MAX_BYTES)
    mti = data[:_MTI_END].decode("latin-1")
    if mti not in BY_MTI:
        raise FormatError("unknown_mti", offset=0)
    elements = _announced(data)
    values, offsets = _unpack(data)
    for de in elements:
        if not _acceptable(de, values[de]):
            raise FormatError("bad_value", de, offsets[de])
    return Message(mti, values)


def _acceptable(de: int, value: str) -> bool:
    """Whether a value has its element's form; chip data have to be TLV to the last byte."""
    if MATCHERS[de].fullmatch(value) is None:
        return False
    if de == _CHIP_DATA:
        try:
            tlv.read_hex(value)
        except tlv.TlvError:
            return False
    return True


def elements_of_bitmap(bitmap: str, first: int = 1) -> list[int]:
    """The numbers of the bits set in 16 hexadecimal digits, the leftmost bit counting as `first`."""
    bits = int(bitmap, 16)
    return [first + position for position in range(64) if bits >> (63 - position) & 1]


def _announced(data: bytes) -> list[int]:
    """The elements the bitmaps announce, all of them known to the dialect; bits 1 and 65 are no data."""
    elements = _bitmap_at(data, _MTI_END, 1)
    if 1 in elements:
        elements = elements[1:] + _bitmap_at(data, _MTI_END + _BITMAP_DIGITS, 65)
    for de in elements:
        if de not in BY_DE:
            raise FormatError("unknown_element", de, _MTI_END)
    return elements


def _bitmap_at(data: bytes, offset: int, first: int) -> list[int]:
    bitmap = data[offset : offset + _BITMAP_DIGITS].decode("latin-1")
    if _BITMAP.fullmatch(bitmap) is None:
        raise FormatError("bad_bitmap", offset=offset)
    return elements_of_bitmap(bitmap, first)


def _unpack(data: bytes) -> tuple[dict[int, str], dict[int, int]]:
    """Values and byte offsets of the elements, read by the library and proved by writing them again."""
    fault: FormatError | None = None
    try:
        decoded, encoded = iso8583.decode(data, _SPEC)
        rewritten, _ = iso8583.encode(dict(decoded), _SPEC)
        again = bytes(rewritten)
        if again != data:
            fault = FormatError("not_canonical", *_first_difference(data, again, encoded))
    except iso8583.DecodeError as error:
        trailing = error.msg.startswith("Extra data")
        fault = FormatError(
            "trailing_data" if trailing else "bad_length",
            int(error.field) if error.field.isdecimal() and not trailing else None,
            error.pos,
        )
    except Exception:  # the promise covers whatever the library may raise on bytes from outside
        fault = FormatError("bad_length")
    if fault is not None:
        raise fault  # outside the handler, so that no library error with message data hangs on as its context
    values = {int(key): value for key, value in decoded.items() if key.isdecimal() and key != "1"}
    return values, _offsets(encoded)


def _offsets(encoded: dict[str, dict[str, bytes]]) -> dict[int, int]:
    """Where each element's data begins, after its length prefix."""
    offsets, position = {}, 0
    for key, parts in encoded.items():
        position += len(parts["len"])
        if key.isdecimal():
            offsets[int(key)] = position
        position += len(parts["data"])
    return offsets


def _first_difference(
    data: bytes, again: bytes, encoded: dict[str, dict[str, bytes]]
) -> tuple[int | None, int]:
    """The element and byte at which the input leaves its own correct encoding."""
    pairs = zip(data, again, strict=False)
    at = next((index for index, (ours, theirs) in enumerate(pairs) if ours != theirs), len(again))
    ends = _offsets(encoded)
    de = next((de for de, begin in ends.items() if at < begin + len(encoded[str(de)]["data"])), None)
    return (None if de == 1 else de), at


def _check_presence(message: Message) -> None:
    """The message type's mandatory elements are there, and none that it must not carry."""
    for de in _MANDATORY[message.mti]:
        if de not in message:
            raise FormatError("missing_element", de)
    allowed = _ALLOWED[message.mti]
    for de in message.fields:
        if de not in allowed:
            raise FormatError("forbidden_element", de)


def _pack(message: Message) -> bytes:
    document = {str(de): value for de, value in message.fields.items()}
    document["t"] = message.mti
    data, _ = iso8583.encode(document, _SPEC)
    return bytes(data)
