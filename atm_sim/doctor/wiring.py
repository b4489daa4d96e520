"""What may differ in how messages lie on the wire: the settings of a dialect, changed one by one until all can be read.

The nearest change that makes every message readable is the cause. Where none does, the fault of the first message is
what there is to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from bank_host.iso8583.dialect import Dialect, make_dialect
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import FIXED
from bank_host.iso8583.plain import Elements, PlainCodec
from bank_host.iso8583.settings import DATA_OF_KIND, Element, Settings

EVERY_MTI: Final = frozenset(f"0{number:03d}" for number in range(1000))
CHARACTERS: Final = "characters"
_EBCDIC: Final = "cp500"


class Change(NamedTuple):
    """One setting of a dialect's file with another value; `wire.characters` is no setting: we speak ASCII only."""

    section: str  # wire, or elements.NUMBER
    key: str
    value: str

    def __str__(self) -> str:
        return f"{self.section}.{self.key}"


_WIRE: Final = (
    ("bitmap", ("hex", "raw")),
    ("digits", ("ascii", "bcd")),
    ("lengths", ("ascii", "bcd", "binary")),
    ("binary", ("hex", "raw")),
    ("chip", ("hex", "raw")),
    ("odd_variable", ("left", "right")),
    ("odd_fixed", ("left", "right")),
    ("pad", ("0", "F")),
    (CHARACTERS, ("EBCDIC",)),
)
_LENGTHS: Final = ("ascii", "bcd", "binary")
_LOOK_BACK: Final = 8
_ENTRY_MODES: Final = frozenset(f"{mode:02d}" for mode in (*range(8), 9, 10, *range(79, 87), 90, 91, 92, 95))
"""First two digits of DE22 in the public texts."""


_TELLTALES: Final = (2, 22)


def _is_shifted(de: int, value: str) -> bool:
    """Whether a half byte that fills was read as a digit, so that the digits stand one place aside."""
    if de == 22:
        return value[2] == "0" and value[:2] not in _ENTRY_MODES and "0" + value[0] in _ENTRY_MODES
    return value.startswith("0")


class Reader(NamedTuple):
    """Reads messages as a dialect has them after some changes; any message type, any set of known elements."""

    codec: PlainCodec
    ebcdic: bool

    def read(self, payload: bytes) -> Elements:
        elements = self.codec.read(self._ascii(payload) if self.ebcdic else payload)
        for de, value in elements.values.items():
            if de in _TELLTALES and self.codec.forms[de].data == "bcd" and _is_shifted(de, value):
                raise FormatError("not_canonical", de)
        return elements

    def fault(self, payload: bytes) -> FormatError | None:
        try:
            self.read(payload)
        except FormatError as fault:
            return fault
        return None

    def _ascii(self, payload: bytes) -> bytes:
        """Characters out of EBCDIC; a raw bitmap is left as it is."""
        head = 4
        if self.codec.wire.bitmap == "raw" and len(payload) > head:
            head += 16 if payload[4] & 0x80 else 8
        kept = payload[4:head]
        return _converted(payload[:4]) + kept + _converted(payload[head:])


def _converted(data: bytes) -> bytes:
    return data.decode(_EBCDIC).encode("latin-1", "replace")


class Variants:
    """A dialect and what becomes of it by changes, each made once."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect: Final = dialect
        self._dialects: dict[tuple[Change, ...], Dialect] = {(): dialect}
        self._readers: dict[tuple[Change, ...], Reader] = {}

    def changed(self, changes: tuple[Change, ...]) -> Dialect:
        """The dialect as the peer seems to have it."""
        if changes not in self._dialects:
            self._dialects[changes] = make_dialect(self.dialect.name, changed(self.dialect.settings, changes))
        return self._dialects[changes]

    def reader(self, changes: tuple[Change, ...] = ()) -> Reader:
        if changes not in self._readers:
            plain = self.changed(changes).plain
            codec = PlainCodec(plain.forms.values(), plain.wire, EVERY_MTI)
            self._readers[changes] = Reader(codec, any(change.key == CHARACTERS for change in changes))
        return self._readers[changes]


def changed(settings: Settings, changes: Sequence[Change]) -> Settings:
    for change in changes:
        if change.key == CHARACTERS:
            continue
        update: dict[str, object] = {change.key: change.value}
        if change.section == "wire":
            settings = settings.model_copy(update={"wire": settings.wire.model_copy(update=update)})
        else:
            number = change.section.removeprefix("elements.")
            if change.key == "prefix":
                update["length"] = 99 if change.value == "LL" else 999
            row = settings.elements.get(number, Element()).model_copy(update=update)
            settings = settings.model_copy(update={"elements": {**settings.elements, number: row}})
    return settings


# ---------------------------------------------------------------- the search


class Cause(NamedTuple):
    """Why some messages cannot be read as the dialect has them: changes that help, or the fault of the first."""

    changes: tuple[Change, ...]
    fault: FormatError  # of the first message, read without the changes
    payloads: tuple[int, ...]  # which messages


def causes(variants: Variants, payloads: Sequence[bytes], *, deep: bool = True) -> list[Cause]:
    """Every cause, the one of the first unreadable message first; empty where all can be read.

    Unless `deep`, no changes are tried, which is quick: enough to see whether all fits.
    """
    faults = {
        number: fault
        for number, payload in enumerate(payloads)
        if (fault := variants.reader().fault(payload)) is not None
    }
    found: list[Cause] = []
    while faults:
        numbers = list(faults)
        changes = _cause_of(variants, payloads, numbers, faults) if deep else ()
        if changes is None:
            changes = _cause_of(variants, payloads, numbers[:1], faults) or ()
        covered = tuple(_covered(variants, changes, payloads, numbers, faults))
        found.append(Cause(changes, faults[covered[0]], covered))
        for number in covered:
            del faults[number]
    return found


def _covered(
    variants: Variants,
    changes: tuple[Change, ...],
    payloads: Sequence[bytes],
    numbers: list[int],
    faults: dict[int, FormatError],
) -> Iterator[int]:
    """The messages that have this cause: those that the changes make readable, or with the first one's fault."""
    first = faults[numbers[0]]
    reader = variants.reader(changes)
    for number in numbers:
        if changes:
            alike = reader.fault(payloads[number]) is None
        else:
            alike = (faults[number].reason, faults[number].de) == (first.reason, first.de)
        if alike:
            yield number


def _cause_of(
    variants: Variants, payloads: Sequence[bytes], numbers: list[int], faults: dict[int, FormatError]
) -> tuple[Change, ...] | None:
    """The smallest change under which all these can be read; () where their own fault is nearer; None if nothing."""

    def helps(changes: tuple[Change, ...]) -> bool:
        reader = variants.reader(changes)
        return all(reader.fault(payloads[number]) is None for number in numbers)

    single = [(change,) for change in one_by_one(variants.dialect)]
    for changes in single:
        if helps(changes):
            return changes
    kinds = {(faults[number].reason, faults[number].de) for number in numbers}
    if len(kinds) == 1 and faults[numbers[0]].reason in ("trailing_data", "bad_value"):
        return ()
    elements = sorted({de for number in numbers for de in _near(faults[number], variants.dialect)})
    for changes in ((change,) for change in _element_changes(variants.dialect, elements)):
        if helps(changes):
            return changes
    for one, other in combinations(single, 2):
        if one[0].key != other[0].key and helps(one + other):
            return one + other
    return None


def one_by_one(dialect: Dialect) -> Iterator[Change]:
    """Each setting of the wire with each other value."""
    for key, values in _WIRE:
        for value in values:
            if value != getattr(dialect.settings.wire, key, ""):
                yield Change("wire", key, value)


def _near(fault: FormatError, dialect: Dialect) -> list[int]:
    """The element of the fault and some before it: a wrong length shows only behind it, sometimes late."""
    if fault.de is None:
        return []
    known = list(dialect.plain.forms)
    at = known.index(fault.de) if fault.de in known else 0
    return known[max(0, at - _LOOK_BACK) : at + 1]


def _element_changes(dialect: Dialect, elements: Sequence[int]) -> Iterator[Change]:
    for de in elements:
        form, section = dialect.plain.forms[de], f"elements.{de}"
        for data in DATA_OF_KIND[form.field.kind]:
            if data != form.data:
                yield Change(section, "data", data)
        if form.field.prefix != FIXED:
            for lengths in _LENGTHS:
                if lengths != form.lengths:
                    yield Change(section, "lengths", lengths)
            yield Change(section, "prefix", "LLL" if form.field.prefix == 2 else "LL")
        if form.data == "bcd":
            yield Change(section, "odd", "right" if form.odd == "left" else "left")


# ---------------------------------------------------------------- in words

_SUBJECTS: Final = {
    "bitmap": "bitmap",
    "digits": "message type and numeric elements",
    "lengths": "length before a variable element",
    "binary": "DE52, DE64 and DE128",
    "chip": "DE55",
    "odd_variable": "odd number of digits in a variable element (DE2, DE32, DE35)",
    "odd_fixed": "odd number of digits in a fixed element (DE22, DE23, DE70)",
    "pad": "half byte that fills an odd number of digits",
    CHARACTERS: "characters",
    "data": "data",
    "prefix": "length prefix",
    "odd": "odd number of digits",
}
_VALUES: Final = {
    "hex": "hexadecimal digits",
    "raw": "raw bytes",
    "text": "characters",
    "ascii": "ASCII digits",
    "bcd": "BCD, two digits a byte",
    "signed_bcd": "a sign and BCD",
    "binary": "a binary number",
    "left": "filled on the left",
    "right": "filled on the right",
}


def in_words(change: Change, dialect: Dialect) -> tuple[str, str]:
    """What is seen and the next step."""
    of = f"DE{change.section.removeprefix('elements.')}: " if change.section != "wire" else ""
    subject = of + _SUBJECTS[change.key]
    if change.key == CHARACTERS:
        return (
            "characters are EBCDIC; we speak ASCII",
            "set the peer's code page or packager to ASCII (no dialect setting makes us speak EBCDIC)",
        )
    seen = _VALUES.get(change.value, change.value)
    ours = _ours(change, dialect)
    what = f"{subject}: {seen}; {dialect.name} has {_VALUES.get(ours, ours)}"
    step = f'write {change.key} = "{change.value}" under [{change.section}] of the dialect file, or change the peer'
    return what, step


def _ours(change: Change, dialect: Dialect) -> str:
    if change.section == "wire":
        return str(getattr(dialect.settings.wire, change.key))
    form = dialect.plain.forms[int(change.section.removeprefix("elements."))]
    return {
        "data": form.data,
        "lengths": form.lengths,
        "odd": form.odd,
        "prefix": "LL" if form.field.prefix == 2 else "LLL",
    }[change.key]
