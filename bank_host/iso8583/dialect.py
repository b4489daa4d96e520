"""One frozen object for the way a network speaks ISO 8583: framing, wire forms, codes and layouts.

`decode` gives every message in our terms, whatever the network calls things; `encode` writes it in the network's. The
settings come from a TOML file (`settings.py` has them all); without any it is the default dialect, `atm-sim`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

from bank_host.iso8583.codec import check_presence, has_form
from bank_host.iso8583.dialect_file import read_settings
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import BY_DE, FIELDS, FIXED, Field
from bank_host.iso8583.framing import FRAMINGS, Framing
from bank_host.iso8583.identity import MatchKey
from bank_host.iso8583.identity import identity as identity_by_clock
from bank_host.iso8583.identity import match_key as match_by_all
from bank_host.iso8583.message import Message
from bank_host.iso8583.message_types import BY_MTI
from bank_host.iso8583.mti import request_mti
from bank_host.iso8583.plain import PlainCodec, bit
from bank_host.iso8583.settings import PREFIXES, Element, Settings
from bank_host.iso8583.shapes import FastCodec, Template
from bank_host.iso8583.translate import Translation
from bank_host.iso8583.wire import Form, Wire, form_of

_ODD: Final = {"hex": frozenset(b"13579BDF"), "raw": frozenset(range(1, 256, 2))}
_ANNOUNCE_SECOND: Final = {"hex": frozenset(b"89ABCDEF"), "raw": frozenset(range(128, 256))}
_MATCHED: Final = (7, 11, 32, 41)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one network speaks. It has no state but a cache, so connections share it."""

    name: str
    settings: Settings = field(repr=False)
    framing: Framing = field(repr=False)
    _plain: PlainCodec = field(repr=False, compare=False)
    _codec: FastCodec = field(repr=False, compare=False)
    _translation: Translation | None = field(repr=False, compare=False)
    _touched: frozenset[int] = field(repr=False, compare=False)  # elements that lie differently on the wire
    _optional: int = field(repr=False, compare=False)  # bits of the elements that the network does not have

    @property
    def plain(self) -> PlainCodec:
        """Reader and writer of its wire, element by element, for whoever looks into foreign bytes."""
        return self._plain

    # ---------------- messages

    def decode(self, data: bytes) -> Message:
        """The message these bytes are, in our terms; FormatError, and nothing else, if they are not one."""
        mti, values, _ = self._codec.read(data)
        if self._translation is not None:
            mti, values = self._translation.inward(mti, values)
            check_presence(mti, sum(map(bit, values)), self._optional)
            self._check_ours(values)
        return Message.of_ascending(mti, values)

    def salvage(self, data: bytes) -> Message | None:
        """What can be read of bytes that `decode` refuses, to answer them; None without type and trace."""
        try:
            mti, values = self._plain.salvage(data)
            if self._translation is not None:
                mti, values = self._translation.inward(mti, values)
        except FormatError:
            return None
        return Message(mti, values) if 11 in values else None

    def encode(self, message: Message, mac: Callable[[bytes], str] | None = None) -> bytes:
        """The message on the wire; `mac` gets the bytes that the MAC covers and gives it in hexadecimal."""
        if mac is None:
            return self._write(message).encode("latin-1")
        return self.seal(self.unsealed(message), mac)

    def unsealed(self, message: Message) -> bytes:
        """The message on the wire up to its MAC, which it announces."""
        return self._write(self._announcing(message)).encode("latin-1")[: -self._plain.mac_bytes]

    def seal(self, covered: bytes, mac: Callable[[bytes], str]) -> bytes:
        """What was `unsealed`, with its MAC."""
        found = mac(covered)
        sealed = found.encode("ascii") if self._plain.wire.binary == "hex" else bytes.fromhex(found)
        if len(sealed) != self._plain.mac_bytes:
            raise ValueError("a MAC is 16 hexadecimal digits")
        return covered + sealed

    def template(self, message: Message, varying: tuple[int, ...], *, macs: bool) -> Template | None:
        """Writes messages like this one with other values of some elements, unsealed if it has a MAC. None where the
        network's elements are not ours: a value then has no place of its own."""
        if self._translation is not None or self._touched.intersection(varying):
            return None
        written = self._announcing(message) if macs else message
        self._check_ours(written.fields)
        return self._codec.template(
            written.mti, written.fields, varying, sealed=self._plain.mac_bytes if macs else 0
        )

    def _announcing(self, message: Message) -> Message:
        """With a place for the MAC: the last element there is, so the order holds."""
        element = 128 if self.settings.mac.element == "128" or next(reversed(message._fields), 0) > 64 else 64
        return Message.of_ascending(message.mti, {**message._fields, element: "0" * 16})

    def mac_input(self, data: bytes) -> tuple[bytes, str] | None:
        """Of a message that `decode` accepts: the bytes that its MAC covers, and the MAC; None without one.

        A MAC covers all before it, so only the last element counts: DE128 with a second bitmap, else DE64.
        """
        half, at = self._plain.half_bytes, self._plain.mti_bytes
        second = data[at] in _ANNOUNCE_SECOND[self._plain.wire.bitmap]
        last = data[at + half + half - 1] if second else data[at + half - 1]
        if last not in _ODD[self._plain.wire.bitmap] or (self.settings.mac.element == "128" and not second):
            return None
        covered = len(data) - self._plain.mac_bytes
        found = data[covered:]
        text = found.decode("latin-1") if self._plain.wire.binary == "hex" else found.hex().upper()
        return data[:covered], text

    def _write(self, message: Message) -> str:
        mti, values = message.mti, message._fields
        self._check_ours(values)
        if self._translation is not None:
            if mti not in BY_MTI:
                raise FormatError("unknown_mti")
            check_presence(mti, sum(map(bit, values)), self._optional)
            mti, values = self._translation.outward(mti, values)
        return self._codec.write(mti, values)

    def _check_ours(self, values: Mapping[int, str]) -> None:
        """What lies on the wire in a form of the network's own has ours once it is translated."""
        for de in self._touched & values.keys():
            if not has_form(de, values[de]):
                raise FormatError("bad_value", de)

    # ---------------- which message is which

    def identity(self, message: Message) -> str:
        """The text under which a request is known for ever; by the terminal's clock or by DE7, as the dialect says."""
        if self.settings.link.identity == "local_time":
            return identity_by_clock(message)
        return identity_by_clock(message.but({13: message.get(7), 12: None}))

    def match_key(self, message: Message) -> MatchKey:
        """What joins an answer to its request; elements that the dialect does not match by are left empty."""
        key, match = match_by_all(message), self.settings.link.match
        if not match:
            return key
        by = match.get(request_mti(message.mti), _MATCHED)
        return key._replace(
            acquirer=key.acquirer if 32 in by else "",
            terminal=key.terminal if 41 in by else "",
            stan=key.stan if 11 in by else "",
            transmitted=key.transmitted if 7 in by else "",
        )


def make_dialect(name: str, settings: Settings) -> Dialect:
    """The dialect with these settings."""
    wire = _wire(settings)
    forms = _forms(settings, wire)
    translation = Translation(settings, packed_track=_track_is_packed(settings))
    plain = PlainCodec(forms, wire, translation.wire_types())
    optional = sum(bit(int(de)) for de, row in settings.elements.items() if row.absent)

    def accepts(mti: str, bits: int) -> None:
        """Presence is a question in our terms: a translated message is asked after its translation."""
        if not translation.active:
            check_presence(mti, bits, optional)

    return Dialect(
        name,
        settings,
        _framing(settings),
        plain,
        FastCodec(plain, accepts),
        translation if translation.active else None,
        (translation.elements | {int(de) for de in settings.elements}) & BY_DE.keys(),
        optional,
    )


# ---------------------------------------------------------------- from settings to tables


def _framing(settings: Settings) -> Framing:
    told, framing = settings.framing, FRAMINGS[settings.framing.name]
    return framing._replace(
        tpdu=framing.tpdu if told.tpdu is None else told.tpdu,
        counts_tpdu=told.counts_tpdu,
        keep_alive=framing.keep_alive if told.keep_alive is None else told.keep_alive,
        own_tpdu=bytes.fromhex(told.own_tpdu),
    )


def _wire(settings: Settings) -> Wire:
    told = settings.wire
    return Wire(
        told.digits,
        told.lengths,
        told.bitmap,
        told.binary,
        told.chip,
        told.odd_fixed,
        told.odd_variable,
        told.pad,
    )


def _forms(settings: Settings, wire: Wire) -> list[Form]:
    table = {row.de: _laid_out(row, settings) for row in FIELDS}
    forms = {de: form_of(row, wire) for de, row in table.items()}
    for name, told in settings.elements.items():
        de = int(name)
        if told.absent:
            forms.pop(de, None)
        else:
            forms[de] = form_of(_overridden(de, told, table.get(de)), wire, told.data, told.odd, told.lengths)
    return list(forms.values())


def _track_is_packed(settings: Settings) -> bool:
    told = settings.elements.get("35")
    return (told.data == "bcd") if told is not None and told.data else settings.wire.digits == "bcd"


def _laid_out(row: Field, settings: Settings) -> Field:
    """The element's row with the network's inner layout on the wire."""
    layouts, separator = settings.layouts, settings.wire.track_separator
    if row.de == 35 and (_track_is_packed(settings) or separator != "any"):
        on_wire = "D" if _track_is_packed(settings) else separator
        return row._replace(pattern=row.pattern.replace("[=D]", on_wire))
    if row.de == 54 and layouts.balances == 14:
        return row._replace(pattern="(?:[0-9]{14}){1,6}", length=84)
    if row.de == 55:
        most = settings.wire.chip_max
        return row._replace(pattern=f"(?:[0-9A-F]{{2}}){{1,{most}}}", length=2 * most)
    if row.de == 90 and layouts.original == "strict":
        return row._replace(pattern="[0-9]{42}")
    if row.de == 95 and layouts.replacement == "mastercard":
        return row._replace(pattern="[0-9]{36}0{6}")
    return row


_CLASSES: Final = {"n": "[0-9]", "an": "[0-9A-Za-z ]", "ans": "[ -~]", "z": "[0-9=D]"}


def _overridden(de: int, row: Element, ours: Field | None) -> Field:
    """The element's row as the file has it; its pattern is that of its kind where kind or length are told."""
    kind = row.kind or (ours.kind if ours else "ans")
    prefix = PREFIXES[row.prefix] if row.prefix is not None else (ours.prefix if ours else FIXED)
    length = row.length or (ours.length if ours else 1)
    if ours is not None and (kind, prefix, length) == (ours.kind, ours.prefix, ours.length):
        return ours
    if kind == "b":
        pattern = "(?:[0-9A-F]{2})" + (f"{{{length // 2}}}" if prefix == FIXED else f"{{1,{length // 2}}}")
    elif kind == "x+n":
        pattern = f"[CD][0-9]{{{length - 1}}}"
    else:
        pattern = _CLASSES[kind] + (f"{{{length}}}" if prefix == FIXED else f"{{1,{length}}}")
    base = ours or Field(de, f"Element {de}", f"項目{de}", kind, prefix, length, pattern, "hide")
    return base._replace(kind=kind, prefix=prefix, length=length, pattern=pattern)


# ---------------------------------------------------------------- by name


@lru_cache(maxsize=32)
def load_dialect(name_or_path: str) -> Dialect:
    """The shipped dialect of that name, or the one of a file, named by a path that ends in .toml; DialectError."""
    return make_dialect(Path(name_or_path).name.removesuffix(".toml"), read_settings(name_or_path))


DEFAULT: Final = load_dialect("atm-sim")
