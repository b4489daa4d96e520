"""The fast reader and writer: Python generated from the element table for messages of one shape.

A shape is a message type and a set of elements. Most traffic has a dozen shapes, and of a known shape nearly everything
is constant: its head is one look-up, a row of elements of fixed length is one pattern, its values are assembled in one
expression. So for each shape that the plain codec has accepted, a reader and a writer are generated and kept, up to a
bound. They accept or they do not know: whatever they do not accept goes to the plain codec, which finds the fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from bank_host.iso8583.bounds import MAX_BYTES, MIN_BYTES
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.plain import CHIP_DATA, PlainCodec, bit, tlv_ok
from bank_host.iso8583.wire import Form, length_texts, lengths_by_text

MOST_SHAPES: Final = 256
"""What a stranger who varies his messages can make us keep; further shapes are read and written plainly."""

_PLAIN: Final = re.compile(r"(\[[^]]+\])\{\d+,\d+\}")  # so many characters of one class
_DIGITS: Final = re.compile(r"\[0-9\]\{(\d+),\d+\}")
_BETWEEN: Final = "\n"  # joins values for one check of all; no element's form admits it

Reader = Callable[[str, str], dict[int, str] | None]
Writer = Callable[[Mapping[int, str]], str | None]
Filler = Callable[[Sequence[str], Sequence[str]], str | None]


class Template:
    """A message of which little changes from one to the next: everything else is written already."""

    __slots__ = ("_constant", "_fill", "_length", "_plain", "_varying")

    def __init__(
        self,
        plain: PlainCodec,
        varying: tuple[int, ...],
        constant: tuple[str, ...],
        fill: Filler,
        sealed: int,
    ) -> None:
        """`sealed` bytes come behind what is written here: a MAC."""
        self._plain, self._varying, self._constant, self._fill = plain, varying, constant, fill
        self._length = range(MIN_BYTES - sealed, MAX_BYTES - sealed + 1)

    def text(self, values: Sequence[str]) -> str:
        """The message with these values of the elements that vary, in ascending order; FormatError as of any writer."""
        text = self._fill(values, self._constant)
        if text is None:
            written = (
                self._plain.written(de, value) for de, value in zip(self._varying, values, strict=True)
            )
            raise AssertionError(
                f"the plain codec writes {sum(map(len, written))} bytes that the template refuses"
            )
        if len(text) not in self._length:
            raise FormatError("too_short" if len(text) < self._length[0] else "too_long")
        return text


class FastCodec:
    """The plain codec, made fast for the shapes it has seen. `accepts` judges a shape once and for all its messages."""

    def __init__(self, plain: PlainCodec, accepts: Callable[[str, int], None]) -> None:
        self._plain = plain
        self._accepts = accepts
        self._readers: dict[str, tuple[str, int, Reader]] = {}
        self._writers: dict[tuple[str, tuple[int, ...]], Writer] = {}
        self._fillers: dict[tuple[tuple[int, ...], tuple[bool, ...]], Filler] = {}
        self._hex = any(_source_of(form) == "h" for form in plain.forms.values())
        self._one = plain.mti_bytes + plain.half_bytes
        self._two = self._one + plain.half_bytes

    def read(self, data: bytes) -> tuple[str, dict[int, str], int]:
        """What the plain codec reads, for messages whose shape is accepted."""
        t = data.decode("latin-1")
        known = self._readers.get(t[: self._one]) or self._readers.get(t[: self._two])
        if known is not None:
            values = known[2](t, data.hex().upper() if self._hex else "")
            if values is not None:
                return known[0], values, known[1]  # a bare tuple: it is made for every message
        elements = self._plain.read(data)
        self._accepts(elements.mti, elements.bits)
        self._learn(elements.mti, elements.bits, elements.values)
        return elements

    def write(self, mti: str, values: Mapping[int, str]) -> str:
        """What the plain codec writes, for messages whose shape is accepted."""
        writer = self._writers.get((mti, tuple(values)))
        text = None if writer is None else writer(values)
        if text is not None:
            return text
        text = self._plain.write(mti, values)
        bits = sum(map(bit, values))
        self._accepts(mti, bits)
        self._learn(mti, bits, values)
        return text

    def template(
        self, mti: str, values: Mapping[int, str], varying: tuple[int, ...], sealed: int = 0
    ) -> Template:
        """Of a message that `write` accepts: its last `sealed` bytes are left out, and those elements can be filled in
        with other values. It is for ourselves: nothing bounds how many there are."""
        self.write(mti, values)
        constant = [self._plain.head(mti, sum(map(bit, values)))]
        for de, value in values.items():
            if de in varying:
                constant.append("")
            else:
                constant[-1] += self._plain.written(de, value)
        if sealed:
            constant[-1] = constant[-1][:-sealed]
        there = tuple(map(bool, constant))
        fill = self._fillers.get((varying, there))
        if fill is None:
            fill = make_filler([self._plain.forms[de] for de in varying], there)
            self._fillers[varying, there] = fill
        return Template(self._plain, varying, tuple(filter(None, constant)), fill, sealed)

    def _learn(self, mti: str, bits: int, example: Mapping[int, str]) -> None:
        head = self._plain.head(mti, bits)
        if head not in self._readers and len(self._readers) < MOST_SHAPES:
            forms = [self._plain.forms[de] for de in example]
            usual = [len(value) for value in example.values()]
            reader, writer = make_shape(head, forms, usual)
            self._readers[head] = (mti, bits, reader)
            self._writers[mti, tuple(example)] = writer


def make_shape(head: str, forms: list[Form], usual: list[int]) -> tuple[Reader, Writer]:
    """A reader and a writer of messages that begin with this head and have these elements.

    `usual` are the lengths of the values in an example: the next message probably has the same.
    """
    names: dict[str, Any] = {"tlv_ok": tlv_ok, "HEAD": head}
    source = "\n".join([*_reader(head, forms, usual, names), *_writer(forms, names)])
    exec(compile(source, "<codec of one message shape>", "exec"), names)
    return names["read"], names["write"]


def make_filler(forms: list[Form], there: tuple[bool, ...]) -> Filler:
    """A writer of these elements; before each of them and behind the last is constant text, or none `there`."""
    names: dict[str, Any] = {"tlv_ok": tlv_ok}
    constants = [f"c{place}" if given else "" for place, given in enumerate(there)]
    parts = [f"{{{constant}}}" if constant else "" for constant in constants]
    elements = "".join(part + _put(form) for part, form in zip(parts, [*forms, None], strict=True) if form)
    source = [
        "def fill(values, constant):",
        *_checked("values", forms, names),
        f"  {''.join(f'{constant}, ' for constant in constants if constant)} = constant",
        f"  return f'{elements}{parts[-1]}'",
    ]
    exec(compile("\n".join(source), "<template of one message shape>", "exec"), names)
    return cast("Filler", names["fill"])


def _source_of(form: Form) -> str:
    """Where a value is taken from: the text `t`, or `h`, the same bytes as hexadecimal digits."""
    return "t" if form.data == "text" else "h"


# ---------------------------------------------------------------- reading


def _reader(head: str, forms: list[Form], usual: list[int], names: dict[str, Any]) -> list[str]:
    bounds = f"{MIN_BYTES} <= at <= {MAX_BYTES}"
    row_by_row = [
        f"at = {len(head)}",
        *_row_by_row(forms, names),
        f"if at != len(t) or not {bounds}: return None",
    ]
    if all(form.data == "text" for form in forms):
        row_by_row = [
            *_at_once(head, forms, usual, names),
            "if whole is None:",
            *("  " + line for line in row_by_row),
            "else:",
            f"  {_targets(forms)} = whole.groups()",
            *(f"  if {_not_formed(form)}: return None" for form in forms if not _is_plain(form)),
        ]
    chip = [form for form in forms if form.field.de == CHIP_DATA]
    return [
        "def read(t, h):",
        *("  " + line for line in row_by_row),
        *(f"  if not tlv_ok(v{form.field.de}): return None" for form in chip),
        f"  return {{{', '.join(f'{form.field.de}: v{form.field.de}' for form in forms)}}}",
    ]


def _targets(forms: list[Form]) -> str:
    return "".join(f"v{form.field.de}, " for form in forms)


def _at_once(head: str, forms: list[Form], usual: list[int], names: dict[str, Any]) -> list[str]:
    """The whole message as one pattern, for the usual lengths."""
    parts = [re.escape(head)]
    for form, length in zip(forms, usual, strict=True):
        if form.fixed:
            parts.append(f"({form.field.pattern})")
            continue
        plain = _PLAIN.fullmatch(form.field.pattern)
        characters = plain[1] if plain else "."
        parts.append(f"{re.escape(length_texts(form)[length])}({characters}{{{length}}})")
    names["at_once"] = re.compile("".join(parts), re.ASCII | re.DOTALL).fullmatch
    return ["whole = at_once(t)"]


def _is_plain(form: Form) -> bool:
    """Whether one pattern for the whole message has checked the element: what is not plain is only cut out by it."""
    return form.fixed or _PLAIN.fullmatch(form.field.pattern) is not None


def _row_by_row(forms: list[Form], names: dict[str, Any]) -> list[str]:
    """For any lengths: one pattern for the fixed elements that stand together, variable elements one by one."""
    lines: list[str] = []
    row: list[Form] = []
    for form in forms:
        joins = form.fixed and form.data != "signed_bcd"
        if row and not (joins and _source_of(row[0]) == _source_of(form)):
            lines += _read_row(row, names)
            row = []
        if joins:
            row.append(form)
        else:
            lines += _read_one(form, names)
    return lines + (_read_row(row, names) if row else [])


def _read_row(row: list[Form], names: dict[str, Any]) -> list[str]:
    parts = []
    for form in row:
        group, odd = f"({form.field.pattern})", form.data == "bcd" and form.most % 2
        parts.append((form.pad + group if form.odd == "left" else group + form.pad) if odd else group)
    first = row[0].field.de
    names[f"row{first}"] = re.compile("".join(parts), re.ASCII).match
    where = "t, at" if _source_of(row[0]) == "t" else "h, at + at"
    return [
        f"row = row{first}({where})",
        "if row is None: return None",
        f"{_targets(row)} = row.groups()",
        f"at += {sum(form.bytes_of(form.most) for form in row)}",
    ]


def _read_one(form: Form, names: dict[str, Any]) -> list[str]:
    """An element with a length before it, or one that is half text and half packed.

    Nothing here asks whether the bytes are there: `at` then ends behind the message, which is seen at the end.
    """
    v, de = f"v{form.field.de}", form.field.de
    names[f"match{de}"] = re.compile(form.field.pattern, re.ASCII).fullmatch
    if form.data == "signed_bcd":
        size = form.bytes_of(form.most)
        return [
            f"{v} = t[at:at + 1] + h[at + at + 2:at + at + {2 * size}]",
            f"at += {size}",
            f"if {_not_formed(form)}: return None",
        ]
    names[f"lengths{de}"] = lengths_by_text(form)
    return [
        f"n = lengths{de}.get(t[at:at + {form.length_bytes}])",
        "if n is None: return None",
        f"at += {form.length_bytes}",
        *_take(form),
        f"if {_not_formed(form)}: return None",
    ]


def _take(form: Form) -> list[str]:
    """Lines that take `n` characters, digits or bytes from `at` on, and go on behind them."""
    v = f"v{form.field.de}"
    if form.data == "text":
        return [f"{v} = t[at:at + n]", "at += n"]
    if form.data == "raw":
        return [f"{v} = h[at + at:at + at + n + n]", "at += n"]
    begin = "at + at + (n & 1)" if form.odd == "left" else "at + at"
    pad = "at + at" if form.odd == "left" else "at + at + n"
    return [
        f"{v} = h[{begin}:{begin} + n]",
        f"if n & 1 and h[{pad}:{pad} + 1] != '{form.pad}': return None",
        "at += n + 1 >> 1",
    ]


def _not_formed(form: Form) -> str:
    v, digits = f"v{form.field.de}", _DIGITS.fullmatch(form.field.pattern)
    if digits is None:
        return f"match{form.field.de}({v}) is None"
    return f"not {v}.isdecimal() or len({v}) < {digits[1]}"  # latin-1 has no decimal digits but 0 to 9


# ---------------------------------------------------------------- writing


def _writer(forms: list[Form], names: dict[str, Any]) -> list[str]:
    """All values are checked by one pattern, then put together in one expression."""
    return [
        "def write(values):",
        *_checked("values.values()", forms, names),
        f"  text = f'{{HEAD}}{''.join(_put(form) for form in forms)}'",
        f"  return text if {MIN_BYTES} <= len(text) <= {MAX_BYTES} else None",
    ]


def _checked(values: str, forms: list[Form], names: dict[str, Any]) -> list[str]:
    """Lines that take the values into variables, and give up where one has not its element's form."""
    patterns = _BETWEEN.join(f"(?:{form.field.pattern})" for form in forms)
    names["well_formed"] = re.compile(patterns, re.ASCII).fullmatch
    names["BETWEEN"] = _BETWEEN
    for form in forms:
        if not form.fixed:
            names[f"texts{form.field.de}"] = length_texts(form)
    names["packed"] = re.compile("[0-9A-F]*", re.ASCII).fullmatch
    return [
        f"  if well_formed(BETWEEN.join({values})) is None: return None",
        f"  {_targets(forms)} = {values}",
        *(f"  if {test}: return None" for form in forms for test in _not_written(form)),
    ]


def _not_written(form: Form) -> Iterator[str]:
    """Tests for what an element's pattern alone lets through: too long, no digits to pack, no TLV."""
    v = f"v{form.field.de}"
    if not form.fixed and not form.field.pattern.endswith(f",{form.field.length}}}"):
        yield f"len({v}) > {form.field.length}"
    if form.data == "bcd" and re.search("[A-Z=]", form.field.pattern):
        yield f"packed({v}) is None"
    if form.field.de == CHIP_DATA:
        yield f"not tlv_ok({v})"


def _put(form: Form) -> str:
    """The element as parts of an f-string, its length in front."""
    v, de = f"v{form.field.de}", form.field.de
    if form.data == "text":
        value = v
    elif form.data == "signed_bcd":
        value = f'{v}[0]}}{{bytes.fromhex({v}[1:]).decode("latin-1")'
    elif form.data == "raw":
        value = f'bytes.fromhex({v}).decode("latin-1")'
    else:
        padded = f'"{form.pad}" + {v}' if form.odd == "left" else f'{v} + "{form.pad}"'
        digits = f"{padded} if len({v}) & 1 else {v}"
        value = f'bytes.fromhex({digits}).decode("latin-1")'
    if form.fixed:
        return f"{{{value}}}"
    count = f"len({v}) >> 1" if form.data == "raw" else f"len({v})"
    return f"{{texts{de}[{count}]}}{{{value}}}"
