"""A stream gives the messages that were framed, however it was cut; an impossible length ends it at once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.iso8583.bounds import MAX_BYTES, MIN_BYTES
from bank_host.iso8583.framing import FRAMINGS, OWN_TPDU, Frame, FrameError, Framing

LEN2, ASCII4, TPDU = FRAMINGS["len2"], FRAMINGS["ascii4"], FRAMINGS["len2_tpdu"]
UNCOUNTED_TPDU = TPDU._replace(name="len2, TPDU not counted", counts_tpdu=False)
BCD_TPDU = FRAMINGS["bcd2"]._replace(name="bcd2, TPDU", tpdu=True)
every_framing = pytest.mark.parametrize(
    "framing", [*FRAMINGS.values(), UNCOUNTED_TPDU, BCD_TPDU], ids=lambda framing: framing.name
)
payloads = st.lists(st.binary(min_size=MIN_BYTES, max_size=60), max_size=6)
LONGEST_FRAME = 4 + 5 + MAX_BYTES


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    borders = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    return [stream[begin:end] for begin, end in pairwise(borders)]


@every_framing
@given(sent=payloads, cuts=st.lists(st.integers(0, 400), max_size=12))
def test_split_and_joined_frames_come_out_as_the_messages_that_went_in(
    framing: Framing, sent: list[bytes], cuts: list[int]
) -> None:
    reader = framing.reader()
    received: list[Frame] = []
    for piece in pieces(b"".join(map(framing.wrap, sent)), cuts):
        received += reader.feed(piece)
        assert reader.pending_bytes <= LONGEST_FRAME
    assert sent == [frame.payload for frame in received]
    assert 0 == reader.pending_bytes


@every_framing
def test_a_stream_may_come_byte_by_byte(framing: Framing) -> None:
    reader = framing.reader()
    received = [frame for byte in framing.wrap(b"x" * 40) * 2 for frame in reader.feed(bytes([byte]))]
    assert [b"x" * 40] * 2 == [frame.payload for frame in received]


@every_framing
@given(stream=st.binary(max_size=80), cuts=st.lists(st.integers(0, 80), max_size=6))
def test_any_bytes_give_the_same_frames_or_error_however_they_are_cut(
    framing: Framing, stream: bytes, cuts: list[int]
) -> None:
    def outcome(arriving: list[bytes]) -> tuple[list[Frame], str]:
        reader, frames = framing.reader(), list[Frame]()
        for piece in arriving:
            try:
                frames += reader.feed(piece)
            except FrameError as error:
                return [*frames, *error.before], error.reason
        return frames, ""

    assert outcome([stream]) == outcome(pieces(stream, cuts))


@every_framing
def test_the_bounds_themselves_are_inside_and_the_next_lengths_outside(framing: Framing) -> None:
    shortest, longest = b"x" * MIN_BYTES, b"y" * MAX_BYTES
    both = framing.reader().feed(framing.wrap(shortest) + framing.wrap(longest))
    assert [shortest, longest] == [frame.payload for frame in both]
    for reason, size in (("too_short", MIN_BYTES - 1), ("too_long", MAX_BYTES + 1)):
        with pytest.raises(FrameError) as writing:
            framing.wrap(b"x" * size)
        assert reason == writing.value.reason


@every_framing
def test_a_truncated_frame_stays_pending(framing: Framing) -> None:
    reader = framing.reader()
    assert [] == reader.feed(framing.wrap(b"x" * 40)[:-1])
    assert reader.pending_bytes > 0


@pytest.mark.parametrize(
    ("framing", "reason", "start"),
    [
        ("len2", "too_long", b"\xff\xff"),
        ("len2", "too_short", b"\x00\x00"),
        ("len2", "too_short", b"\x00\x05"),
        ("len2", "too_long", b"GE"),  # GET / HTTP/1.1
        ("len2", "too_long", b"02"),  # a message without a length
        ("len2_tpdu", "too_short", b"\x00\x10"),  # 16 bytes, 5 of them TPDU
        ("len2_incl", "too_short", b"\x00\x0d"),
        ("len4", "too_long", b"GET "),
        ("len4", "too_long", b"\x00\x01\x00\x00"),
        ("ascii4", "not_a_length", b"GET "),
        ("ascii4", "not_a_length", b"+100"),
        ("ascii4", "not_a_length", b" 100"),
        ("ascii4", "not_a_length", b"1_00"),
        ("ascii4", "too_short", b"0005"),
        ("ascii4", "too_long", b"2049"),
        ("bcd2", "not_a_length", b"\x00\x0a"),
        ("bcd2", "too_long", b"GE"),
        ("hex4", "not_a_length", b"0x10"),
        ("hex4", "too_long", b"FFFF"),
    ],
)
def test_a_length_that_cannot_be_ends_the_stream_at_once(framing: str, reason: str, start: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        FRAMINGS[framing].reader().feed(start)
    assert reason == caught.value.reason


def test_messages_before_an_impossible_length_are_not_lost() -> None:
    with pytest.raises(FrameError) as caught:
        LEN2.reader().feed(LEN2.wrap(b"x" * 12) + b"GET / HTTP/1.1\r\n")
    assert (Frame(b"x" * 12),) == caught.value.before


def test_an_error_shows_nothing_of_what_came() -> None:
    with pytest.raises(FrameError) as caught:
        ASCII4.reader().feed(ASCII4.wrap(b"4999000000000013") + b"4999000000000013")
    assert "4999" not in f"{caught.value} {caught.value!r} {caught.value.before!r}"


@pytest.mark.parametrize(
    ("expected", "framing"),
    [
        (b"\x01\x02", "len2"),
        (b"\x01\x04", "len2_incl"),
        (b"\x00\x00\x01\x02", "len4"),
        (b"0258", "ascii4"),
        (b"\x02\x58", "bcd2"),
        (b"0102", "hex4"),
    ],
)
def test_the_length_of_258_bytes(expected: bytes, framing: str) -> None:
    assert expected + b"x" * 258 == FRAMINGS[framing].wrap(b"x" * 258)


def test_a_keep_alive_is_a_frame_without_a_message_and_is_echoed_as_it_came() -> None:
    frames = ASCII4.reader().feed(b"00000012" + b"x" * 12 + b"0000")
    assert [Frame(b""), Frame(b"x" * 12), Frame(b"")] == frames
    assert b"0000" == ASCII4.wrap(frames[0].payload)


def test_an_answer_swaps_the_two_addresses_of_its_requests_tpdu() -> None:
    request = bytes.fromhex("0011" + "60" + "0003" + "0105") + b"x" * 12
    (frame,) = TPDU.reader().feed(request)
    assert Frame(b"x" * 12, bytes.fromhex("6000030105")) == frame
    assert bytes.fromhex("0011" + "60" + "0105" + "0003") + b"y" * 12 == TPDU.wrap(b"y" * 12, frame)
    assert b"\x00\x11" + OWN_TPDU + b"y" * 12 == TPDU.wrap(b"y" * 12)


def test_the_length_counts_the_tpdu_or_not_as_the_dialect_says() -> None:
    assert b"\x00\x0c" + OWN_TPDU + b"y" * 12 == UNCOUNTED_TPDU.wrap(b"y" * 12)
