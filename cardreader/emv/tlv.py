"""BER-TLV as cards and DE55 carry it, read strictly (EMV Book 3, Annex B; ISO 8825-1 in part).

A card and a network are strangers: what they send may be cut short, nested without end, or say one thing twice. A
reader that forgives reads two meanings into one message. So every byte has to belong to one element, lengths are
definite and as short as they can be, and the same tag may come twice only inside a template that lists things.
Elements stay a list in the order in which they came; unknown tags are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

MOST_BYTES: Final = 2_048
MOST_TAG_BYTES: Final = 3
MOST_DEPTH: Final = 6
LISTS: Final = frozenset({"61", "70", "73", "77", "BF0C", "BF20"})
"""Templates in which a tag may come more than once: directory entries, records, issuer data."""

_CONSTRUCTED, _MANY_BYTES, _MORE = 0x20, 0x1F, 0x80

Reason = Literal[
    "too_long",
    "cut_short",
    "bad_tag",
    "bad_length",
    "not_shortest",
    "too_deep",
    "twice",
    "padding",
    "not_hexadecimal",
]

WORDS: Final[dict[Reason, str]] = {
    "too_long": f"more than {MOST_BYTES} bytes",
    "cut_short": "the data end inside an element",
    "bad_tag": f"a tag of more than {MOST_TAG_BYTES} bytes, or with a number that begins with zeros",
    "bad_length": "a length that is indefinite or of more than 2 further bytes",
    "not_shortest": "a length that is not in its shortest form",
    "too_deep": f"templates nested more than {MOST_DEPTH} deep",
    "twice": "a tag comes twice where it may come once",
    "padding": "a byte 00 or FF between elements",
    "not_hexadecimal": "not pairs of hexadecimal digits",
}


class TlvError(ValueError):
    """Not acceptable TLV: why, and at which byte; never any of the data."""

    def __init__(self, reason: Reason, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason: Reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"TLV error: {WORDS[self.reason]} (byte {self.offset})"


class Tlv(NamedTuple):
    """One element: its tag in hexadecimal, and its value, or the elements that it holds as a template."""

    tag: str
    value: bytes = b""
    parts: tuple[Tlv, ...] = ()

    def __repr__(self) -> str:
        """Without the value: it may be a card number or a track."""
        inside = f", {len(self.parts)} parts" if self.parts else f", {len(self.value)} bytes"
        return f"Tlv({self.tag}{inside})"


def read(data: bytes, *, forgiving: bool = False) -> tuple[Tlv, ...]:
    """The elements that these bytes are; TlvError, and nothing else, if they are not acceptable.

    `forgiving` is for cards alone: real ones fill up with zeros between elements, which EMV allows, and write lengths
    longer than need be.
    """
    if len(data) > MOST_BYTES:
        raise TlvError("too_long", MOST_BYTES)
    return _elements(data, 0, len(data), 1, repeats=False, forgiving=forgiving)


def read_hex(text: str) -> tuple[Tlv, ...]:
    """The same for pairs of hexadecimal digits, as DE55 has them in our dialect."""
    if len(text) % 2 or not text.isascii() or not all(digit in "0123456789ABCDEFabcdef" for digit in text):
        raise TlvError("not_hexadecimal", 0)
    return read(bytes.fromhex(text))


def write(elements: Iterable[Tlv]) -> bytes:
    """The bytes of these elements; `read` gives them back."""
    return b"".join(_written(element) for element in elements)


def walk(elements: Iterable[Tlv]) -> Iterator[Tlv]:
    """Every element, each template before its parts."""
    for element in elements:
        yield element
        yield from walk(element.parts)


def first(elements: Iterable[Tlv], tag: str) -> bytes | None:
    """The value of the first element with this tag, at whatever depth; None if there is none."""
    return next((element.value for element in walk(elements) if element.tag == tag), None)


def is_template(tag: str) -> bool:
    """Whether an element with this tag holds other elements."""
    return bool(int(tag[:2], 16) & _CONSTRUCTED)


def tag_at(data: bytes, at: int, end: int) -> tuple[str, int]:
    """The tag that begins at a byte before `end`, and where it ends; TlvError if it is none."""
    start = at
    if data[at] in (0x00, 0xFF):
        raise TlvError("padding", at)
    many = data[at] & _MANY_BYTES == _MANY_BYTES
    at += 1
    while many:
        if at >= end:
            raise TlvError("cut_short", at)
        if at - start >= MOST_TAG_BYTES or (at - start == 1 and data[at] == _MORE):
            raise TlvError("bad_tag", start)
        many = bool(data[at] & _MORE)
        at += 1
    return data[start:at].hex().upper(), at


# ---------------------------------------------------------------- inside


def _elements(
    data: bytes, at: int, end: int, depth: int, *, repeats: bool, forgiving: bool
) -> tuple[Tlv, ...]:
    if depth > MOST_DEPTH:
        raise TlvError("too_deep", at)
    found: list[Tlv] = []
    seen: set[str] = set()
    while at < end:
        if forgiving and data[at] == 0x00:
            at += 1
            continue
        start = at
        tag, at = tag_at(data, at, end)
        if tag in seen and not repeats:
            raise TlvError("twice", start)
        seen.add(tag)
        length, at = _length(data, at, end, forgiving)
        if length > end - at:
            raise TlvError("cut_short", at)
        if is_template(tag):
            parts = _elements(data, at, at + length, depth + 1, repeats=tag in LISTS, forgiving=forgiving)
            found.append(Tlv(tag, parts=parts))
        else:
            found.append(Tlv(tag, data[at : at + length]))
        at += length
    return tuple(found)


def _length(data: bytes, at: int, end: int, forgiving: bool) -> tuple[int, int]:
    if at >= end:
        raise TlvError("cut_short", at)
    first_byte = data[at]
    if first_byte < _MORE:
        return first_byte, at + 1
    size = first_byte & 0x7F
    if size not in (1, 2):
        raise TlvError("bad_length", at)
    if at + 1 + size > end:
        raise TlvError("cut_short", at)
    length = int.from_bytes(data[at + 1 : at + 1 + size])
    if not forgiving and length < (_MORE, 0x100)[size - 1]:
        raise TlvError("not_shortest", at)
    return length, at + 1 + size


def _written(element: Tlv) -> bytes:
    value = write(element.parts) if is_template(element.tag) else element.value
    size = len(value)
    if size < _MORE:
        length = bytes([size])
    elif size < 0x100:
        length = bytes([0x81, size])
    else:
        length = b"\x82" + size.to_bytes(2)
    return bytes.fromhex(element.tag) + length + value
