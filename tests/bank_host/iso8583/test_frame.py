"""A stream gives the messages that were framed, however it was cut, and never buffers beyond one message."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.iso8583.codec import MAX_BYTES, MIN_BYTES
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.frame import Deframer, frame

messages = st.lists(st.binary(min_size=MIN_BYTES, max_size=60), max_size=6)


@given(messages, st.lists(st.integers(0, 400), max_size=12))
def test_split_and_joined_frames_come_out_as_the_messages_that_went_in(
    sent: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(frame(message) for message in sent)
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    deframer = Deframer()
    received: list[bytes] = []
    for begin, end in pairwise(borders):
        received += deframer.feed(stream[begin:end])
        assert deframer.pending_bytes <= MAX_BYTES + 2
    assert sent == received
    assert deframer.pending_bytes == 0


def test_the_length_is_two_bytes_big_endian_and_does_not_count_itself() -> None:
    assert frame(b"x" * 258) == b"\x01\x02" + b"x" * 258


@pytest.mark.parametrize(("reason", "size"), [("too_short", 11), ("too_long", 2_049)])
def test_a_message_out_of_bounds_is_not_framed(reason: str, size: int) -> None:
    with pytest.raises(FormatError) as caught:
        frame(b"x" * size)
    assert reason == caught.value.reason


@pytest.mark.parametrize(
    ("reason", "length"),
    [("too_short", b"\x00\x00"), ("too_short", b"\x00\x0b"), ("too_long", b"\x08\x01"), ("too_long", b"02")],
)
def test_a_length_out_of_bounds_ends_the_stream_after_the_messages_before_it(
    reason: str, length: bytes
) -> None:
    deframer = Deframer()
    assert deframer.feed(frame(b"x" * 12) + length + b"y" * 5_000) == [b"x" * 12]
    assert deframer.error is not None
    assert reason == deframer.error.reason
    assert deframer.pending_bytes == 0
    with pytest.raises(FormatError):
        deframer.feed(b"more")


def test_the_bounds_themselves_are_inside() -> None:
    shortest, longest = b"x" * MIN_BYTES, b"y" * MAX_BYTES
    assert [shortest, longest] == Deframer().feed(frame(shortest) + frame(longest))
