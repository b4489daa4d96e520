"""Reading and writing messages element by element, as a dialect's table says; it finds the exact fault of bad ones.

Order of the checks (each protects the next): size, message type from the closed list, bitmap within the dialect,
lengths, nothing left over, one encoding, form of each element. Bytes travel as latin-1 text, in which every character
is one byte. `shapes.py` makes fast readers and writers of the messages that this one has accepted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

from bank_host.iso8583.bounds import MAX_BYTES, MIN_BYTES
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.wire import Form, Wire, length_texts, lengths_by_text
from cardreader.emv import tlv

CHIP_DATA: Final = 55
SECOND_BITMAP: Final = 1 << 127
_HALF: Final = (1 << 64) - 1
_HEX_BITMAP: Final = re.compile("[0-9A-F]{16}", re.ASCII)
_PACKED: Final = re.compile("[0-9A-F]*", re.ASCII)


class Elements(NamedTuple):
    """What was read: message type, values in ascending order, and their bits (the last is element 128)."""

    mti: str
    values: dict[int, str]
    bits: int


def bit(de: int) -> int:
    """An element's bit in a bitmap of 128."""
    return 1 << (128 - de)


def elements_of(bits: int) -> list[int]:
    """The numbers of the elements among these bits, ascending; bit 1 announces the second half and is none."""
    return [de for de in range(2, 129) if bits >> (128 - de) & 1]


class PlainCodec:
    """The reader and writer of one dialect's messages."""

    def __init__(self, forms: Iterable[Form], wire: Wire, message_types: Iterable[str]) -> None:
        self.forms: Final = {form.field.de: form for form in sorted(forms, key=lambda form: form.field.de)}
        self.wire: Final = wire
        self.message_types: Final = frozenset(message_types)
        self.mti_bytes: Final = 4 if wire.digits == "ascii" else 2
        self.half_bytes: Final = 16 if wire.bitmap == "hex" else 8
        self.mac_bytes: Final = 16 if wire.binary == "hex" else 8
        self._known: Final = sum(map(bit, self.forms))
        self._matches: Final = {
            de: re.compile(form.field.pattern, re.ASCII).fullmatch for de, form in self.forms.items()
        }
        self._length_texts: Final = {
            de: length_texts(form) for de, form in self.forms.items() if not form.fixed
        }
        self._lengths: Final = {
            de: lengths_by_text(form) for de, form in self.forms.items() if not form.fixed
        }

    def has_form(self, de: int, value: str) -> bool:
        """Whether a value has its element's form; chip data have to be TLV to the last byte."""
        field, length = self.forms[de].field, len(value)
        if length > field.length or (length < field.length and self.forms[de].fixed):
            return False
        if self._matches[de](value) is None:
            return False
        return de != CHIP_DATA or tlv_ok(value)

    # ---------------- reading

    def read(self, data: bytes) -> Elements:
        """The elements that these bytes are; FormatError, and nothing else, if they are not acceptable."""
        if len(data) < MIN_BYTES:
            raise FormatError("too_short", offset=len(data))
        if len(data) > MAX_BYTES:
            raise FormatError("too_long", offset=MAX_BYTES)
        head = data[: self.mti_bytes]
        mti = head.decode("latin-1") if self.wire.digits == "ascii" else head.hex()
        if mti not in self.message_types:
            raise FormatError("unknown_mti", offset=0)
        bits, at = self._bitmap(data)
        faults: list[FormatError] = []
        if bits & SECOND_BITMAP and not bits & _HALF:
            faults.append(FormatError("not_canonical", offset=self.mti_bytes))
        values: dict[int, str] = {}
        wrong_forms: list[FormatError] = []
        for de in elements_of(bits):
            value, begin, at, canonical = self._element(self.forms[de], data, at)
            values[de] = value
            if not canonical:
                faults.append(FormatError("not_canonical", de, begin))
            elif not self.has_form(de, value):
                wrong_forms.append(FormatError("bad_value", de, begin))
        if at != len(data):
            raise FormatError("trailing_data", offset=at)
        for fault in faults + wrong_forms:
            raise fault
        return Elements(mti, values, bits & ~SECOND_BITMAP)

    def salvage(self, data: bytes) -> tuple[str, dict[int, str]]:
        """Of a message that `read` refuses: its type, and the elements of right form up to where lengths go wrong."""
        head = data[: self.mti_bytes]
        mti = head.decode("latin-1") if self.wire.digits == "ascii" else head.hex()
        if mti not in self.message_types:
            raise FormatError("unknown_mti", offset=0)
        bits, at = self._bitmap(data)
        values: dict[int, str] = {}
        with suppress(FormatError):
            for de in elements_of(bits):
                value, _, at, canonical = self._element(self.forms[de], data, at)
                if canonical and self.has_form(de, value):
                    values[de] = value
        return mti, values

    def _bitmap(self, data: bytes) -> tuple[int, int]:
        """The bits set, all of them known to the dialect, and where the elements begin."""
        at = self.mti_bytes
        bits = self._half(data, at) << 64
        if bits & SECOND_BITMAP:
            at += self.half_bytes
            bits |= self._half(data, at)
        unknown = bits & ~SECOND_BITMAP & ~self._known
        if unknown:
            raise FormatError("unknown_element", 129 - unknown.bit_length(), self.mti_bytes)
        return bits, at + self.half_bytes

    def _half(self, data: bytes, at: int) -> int:
        half = data[at : at + self.half_bytes]
        if self.wire.bitmap == "raw":
            if len(half) < self.half_bytes:
                raise FormatError("bad_bitmap", offset=at)
            return int.from_bytes(half, "big")
        digits = half.decode("latin-1")
        if _HEX_BITMAP.fullmatch(digits) is None:
            raise FormatError("bad_bitmap", offset=at)
        return int(digits, 16)

    def _element(self, form: Form, data: bytes, at: int) -> tuple[str, int, int, bool]:
        """A value, where it begins, where the next begins, and whether its padding is the one it must have."""
        de, count = form.field.de, form.most
        if not form.fixed:
            begin = at + form.length_bytes
            found = self._lengths[de].get(data[at:begin].decode("latin-1"))
            if found is None:
                raise FormatError("bad_length", de, at)
            at, count = begin, found
        end = at + form.bytes_of(count)
        if end > len(data):
            raise FormatError("bad_length", de, at)
        value, canonical = _unpacked(form, data[at:end], count)
        return value, at, end, canonical

    # ---------------- writing

    def write(self, mti: str, values: Mapping[int, str]) -> str:
        """The message as latin-1 text; FormatError if `read` would not accept it."""
        if mti not in self.message_types:
            raise FormatError("unknown_mti")
        parts = [self.written(de, value) for de, value in values.items()]
        text = self.head(mti, sum(map(bit, values))) + "".join(parts)
        if len(text) > MAX_BYTES:
            raise FormatError("too_long")
        if len(text) < MIN_BYTES:
            raise FormatError("too_short")
        return text

    def head(self, mti: str, bits: int) -> str:
        """Message type and bitmaps as latin-1 text."""
        kind = mti if self.wire.digits == "ascii" else bytes.fromhex(mti).decode("latin-1")
        second = bool(bits & _HALF)
        bitmap = (bits | SECOND_BITMAP).to_bytes(16, "big") if second else (bits >> 64).to_bytes(8, "big")
        return kind + (bitmap.decode("latin-1") if self.wire.bitmap == "raw" else bitmap.hex().upper())

    def written(self, de: int, value: str) -> str:
        """One element as latin-1 text, with its length."""
        form = self.forms.get(de)
        if form is None:
            raise FormatError("unknown_element", de)
        if not self.has_form(de, value) or (form.data == "bcd" and _PACKED.fullmatch(value) is None):
            raise FormatError("bad_value", de)
        packed = _packed(form, value)
        if form.fixed:
            return packed
        return self._length_texts[de][len(packed) if form.data == "raw" else len(value)] + packed


def tlv_ok(value: str) -> bool:
    """Whether chip data are TLV to the last byte."""
    try:
        tlv.read_hex(value)
    except tlv.TlvError:
        return False
    return True


def _unpacked(form: Form, data: bytes, count: int) -> tuple[str, bool]:
    """The value in these bytes; False where a half byte of padding is not the one that the dialect writes."""
    if form.data == "text":
        return data.decode("latin-1"), True
    if form.data == "signed_bcd":
        return data[:1].decode("latin-1") + data[1:].hex().upper(), True
    digits = data.hex().upper()
    if form.data == "raw" or count % 2 == 0:
        return digits, True
    if form.odd == "left":
        return digits[1:], digits[0] == form.pad
    return digits[:-1], digits[-1] == form.pad


def _packed(form: Form, value: str) -> str:
    if form.data == "text":
        return value
    if form.data == "signed_bcd":
        return value[0] + bytes.fromhex(value[1:]).decode("latin-1")
    if form.data == "bcd" and len(value) % 2:
        value = form.pad + value if form.odd == "left" else value + form.pad
    return bytes.fromhex(value).decode("latin-1")
