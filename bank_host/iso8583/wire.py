"""How elements lie on the wire: characters, packed digits (BCD) or raw bytes, and the lengths before them.

A dialect's element table and its wire settings give one `Form` per element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from bank_host.iso8583.fields import FIXED, Field

Digits = Literal["ascii", "bcd"]
Lengths = Literal["ascii", "bcd", "binary"]
Bits = Literal["hex", "raw"]
Side = Literal["left", "right"]
Data = Literal["text", "bcd", "signed_bcd", "raw"]


class Wire(NamedTuple):
    """A dialect's settings of the wire. The defaults are those of the default dialect: printable throughout."""

    digits: Digits = "ascii"  # message type, numeric elements, track
    lengths: Lengths = "ascii"
    bitmap: Bits = "hex"
    binary: Bits = "hex"  # DE52, DE64, DE128
    chip: Bits = "hex"  # DE55
    odd_fixed: Side = "left"  # where the half byte of an odd number of packed digits stands
    odd_variable: Side = "left"
    pad: str = "0"  # that half byte, a hexadecimal digit


class Form(NamedTuple):
    """One element on the wire. `most` counts what its length counts: characters, digits, or bytes if raw."""

    field: Field
    data: Data
    most: int
    lengths: Lengths
    odd: Side
    pad: str

    @property
    def fixed(self) -> bool:
        return self.field.prefix == FIXED

    def bytes_of(self, count: int) -> int:
        """The bytes that a value of this length takes."""
        if self.data == "bcd":
            return (count + 1) // 2
        return 1 + count // 2 if self.data == "signed_bcd" else count

    @property
    def length_bytes(self) -> int:
        """The bytes of the length before a variable element."""
        digits = self.field.prefix
        return digits if self.lengths == "ascii" else (digits + 1) // 2


def form_of(
    field: Field,
    wire: Wire,
    data: Data | None = None,
    odd: Side | None = None,
    lengths: Lengths | None = None,
) -> Form:
    """The element's form by the wire settings, unless `data`, `odd` or `lengths` say otherwise."""
    data = data or _data_of(field, wire)
    most = field.length // 2 if data == "raw" else field.length
    odd = odd or (wire.odd_fixed if field.prefix == FIXED else wire.odd_variable)
    return Form(field, data, most, lengths or wire.lengths, odd, wire.pad)


def _data_of(field: Field, wire: Wire) -> Data:
    if field.kind == "b":
        bits = wire.binary if field.prefix == FIXED else wire.chip
        return "raw" if bits == "raw" else "text"
    if wire.digits == "ascii" or field.kind in ("an", "ans"):
        return "text"
    return "signed_bcd" if field.kind == "x+n" else "bcd"


def length_texts(form: Form) -> Sequence[str]:
    """The wire text (latin-1) of every length that the element may have, from 0 up."""
    return _length_texts(form.lengths, form.field.prefix, form.most)


def lengths_by_text(form: Form) -> Mapping[str, int]:
    """The same, to read lengths by."""
    return _lengths_by_text(form.lengths, form.field.prefix, form.most)


@lru_cache(maxsize=256)
def _length_texts(lengths: Lengths, digits: int, most: int) -> tuple[str, ...]:
    if lengths == "ascii":
        return tuple(f"{n:0{digits}d}" for n in range(most + 1))
    size = (digits + 1) // 2
    if lengths == "bcd":
        return tuple(bytes.fromhex(f"{n:0{2 * size}d}").decode("latin-1") for n in range(most + 1))
    return tuple(n.to_bytes(size, "big").decode("latin-1") for n in range(most + 1))


@lru_cache(maxsize=256)
def _lengths_by_text(lengths: Lengths, digits: int, most: int) -> dict[str, int]:
    return {text: length for length, text in enumerate(_length_texts(lengths, digits, most))}
