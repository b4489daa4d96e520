"""The generated codec accepts and refuses what the strict wrapper of pyiso8583 does, with equal messages and errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bank_host.iso8583 import codec
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.fields import FIELDS, FIXED
from bank_host.iso8583.message import Message
from bank_host.iso8583.message_types import MESSAGE_TYPES
from bank_host.iso8583.plain import PlainCodec
from bank_host.iso8583.shapes import MOST_SHAPES, FastCodec
from bank_host.iso8583.wire import Wire, form_of
from tests.bank_host.iso8583 import pyiso8583_oracle as oracle
from tests.bank_host.iso8583.test_codec import EVERY_KIND

Outcome = Message | bytes | tuple[str, int | None, int | None]


def outcome(call: Callable[[], Message | bytes]) -> Outcome:
    try:
        return call()
    except FormatError as error:
        return error.reason, error.de, error.offset


def pyiso8583_sees_another_fault(data: bytes, found: tuple[str, int | None, int | None]) -> bool:
    """A byte beyond ASCII is a bad length to it, and `+6` or `6 ` a length, so that it goes on to later faults."""
    reason, _, offset = found
    length_begins = reason == "bad_length" and offset is not None and offset < len(data)
    return not data.isascii() or (length_begins and not data[offset : offset + 3].isdigit())


def agree(data: bytes) -> None:
    """Read alike, by the general reader and by the one for messages without the table of presence."""
    for ours, theirs in ((codec.decode, oracle.decode), (codec.read_elements, oracle.read_elements)):
        expected, found = outcome(lambda read=theirs: read(data)), outcome(lambda read=ours: read(data))
        if (
            isinstance(expected, tuple)
            and isinstance(found, tuple)
            and pyiso8583_sees_another_fault(data, found)
        ):
            continue
        assert expected == found
        if isinstance(found, Message) and ours is codec.decode:
            assert data == codec.encode(found) == oracle.encode(found)


types = st.sampled_from([row.mti for row in MESSAGE_TYPES])
hexadecimal = st.text("0123456789ABCDEF", min_size=16, max_size=16)


@given(st.binary(max_size=300))
def test_on_arbitrary_bytes(data: bytes) -> None:
    agree(data)


@given(types, hexadecimal, st.text("0123456789 ABCD=+-_", max_size=400))
def test_on_text_behind_a_type_and_a_bitmap(mti: str, bitmap: str, rest: str) -> None:
    agree((mti + bitmap + rest).encode("ascii"))


@settings(max_examples=600)
@given(st.sampled_from(EVERY_KIND), st.data())
def test_on_damaged_messages(message: Message, data: st.DataObject) -> None:
    damaged = bytearray(oracle.encode(message))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, max(len(damaged) - 1, 0)))
        kind = data.draw(st.sampled_from(["change", "digit", "cut", "insert", "drop"]))
        if kind == "cut":
            del damaged[position:]
        elif kind == "drop":
            del damaged[position : position + 1]
        else:
            byte = data.draw(st.integers(48, 57) if kind == "digit" else st.integers(0, 255))
            damaged[position : position + (kind != "insert")] = bytes([byte])
    agree(bytes(damaged))


@st.composite
def any_message(draw: st.DrawFn) -> Message:
    """A message of any type with mandatory and some optional elements, each value of its form or nearly."""
    row = draw(st.sampled_from(MESSAGE_TYPES))
    elements = {*row.mandatory, *draw(st.lists(st.sampled_from(row.optional), max_size=6))}
    table = {field.de: field for field in FIELDS}
    values = {}
    for de in elements:
        formed = st.from_regex(table[de].pattern, fullmatch=True)
        values[de] = draw(formed if draw(st.integers(0, 30)) else st.text(max_size=12))
    return Message(row.mti, values)


@settings(max_examples=300)
@given(any_message())
def test_on_messages_that_came_as_objects(message: Message) -> None:
    expected, found = (outcome(lambda write=write: write(message)) for write in (oracle.encode, codec.encode))
    if isinstance(expected, bytes) or isinstance(found, bytes):
        assert expected == found
    else:
        assert expected[0] == found[0]


@pytest.mark.parametrize("message", EVERY_KIND, ids=lambda message: message.mti)
def test_at_every_cut_and_for_every_single_byte_changed(message: Message) -> None:
    data = oracle.encode(message)
    for at in range(len(data)):
        agree(data[:at])
        for byte in b"0+ \x00A":
            agree(data[:at] + bytes([byte]) + data[at + 1 :])


def test_a_fixed_elements_pattern_leaves_no_other_length() -> None:
    """What lets fixed elements in a row be read by one pattern."""
    fixed = [field for field in FIELDS if field.prefix == FIXED]
    for field in fixed:
        form = form_of(field, Wire())
        codec_of_one = PlainCodec([form], Wire(), ["0800"])
        assert not codec_of_one.has_form(field.de, "0" * (field.length - 1))
    assert len(fixed) > 20


def test_a_reader_that_does_not_ask_for_the_whole_element_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted fault: what is cut off is made up."""
    monkeypatch.setattr(codec, "decode", lambda data: oracle.decode(data.ljust(100, b"0")))
    with pytest.raises(AssertionError):
        agree(oracle.encode(EVERY_KIND[-1])[:-1])


def test_a_stranger_cannot_make_us_keep_shapes_without_end() -> None:
    plain = PlainCodec([form_of(field, Wire()) for field in FIELDS], Wire(), ["0800"])
    fast = FastCodec(plain, lambda mti, bits: None)
    single = {3: "0" * 6, 4: "0" * 12, 11: "0" * 6, 18: "0" * 4, 22: "0" * 3, 23: "0" * 3, 25: "00", 26: "00"}
    single |= {49: "392", 70: "301"}
    for bits in range(1, 4 * MOST_SHAPES):
        chosen = {de: value for at, (de, value) in enumerate(single.items()) if bits >> at & 1}
        if len(chosen) > 2:
            assert ("0800", chosen) == fast.read(plain.write("0800", chosen).encode())[:2]
    assert len(fast._readers) == MOST_SHAPES
