"""Data object lists from strangers: read strictly, bounded, and filled as cards expect it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader.emv.dol import MOST_FILLED_BYTES, DolEntry, DolError, fill, fill_exactly, read_dol

CDOL1 = "9F02069F03069F1A0295055F2A029A039C019F3704"


def test_the_wishes_come_in_order() -> None:
    wishes = read_dol(bytes.fromhex(CDOL1))
    assert [("9F02", 6), ("9F03", 6), ("9F1A", 2), ("95", 5)] == [*wishes[:4]]
    assert 8 == len(wishes)


@pytest.mark.parametrize(
    ("reason", "offset", "data"),
    [
        ("cut_short", 2, "9F02"),
        ("cut_short", 1, "9F"),
        ("padding", 0, "0006"),
        ("bad_tag", 0, "9F81818106"),
        ("asks_too_much", 3, "95FF9A01"),
        ("too_long", 252, "9A00" * 127),
    ],
)
def test_a_list_that_is_none_is_refused_with_its_place(reason: str, offset: int, data: str) -> None:
    with pytest.raises(DolError) as caught:
        read_dol(bytes.fromhex(data))
    assert (reason, offset) == (caught.value.reason, caught.value.offset)
    assert f"(byte {offset})" in str(caught.value)


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_within_bounds_or_refused(data: bytes) -> None:
    try:
        wishes = read_dol(data)
    except DolError:
        return
    assert len(fill(wishes, {})) <= MOST_FILLED_BYTES
    assert data == b"".join(bytes.fromhex(wish.tag) + bytes([wish.length]) for wish in wishes)


@pytest.mark.parametrize(
    ("expected", "tag", "length", "value"),
    [
        ("000000010000", "9F02", 6, "010000"),  # numeric: zeros in front
        ("0000", "9F02", 2, "00000001" + "0000"),  # and cut in front
        ("4999000000FFFF", "5A", 7, "4999000000"),  # compressed numeric: F behind
        ("0000", "5A", 2, ""),  # not known: zeros
        ("8000", "95", 2, "8000048000"),  # other: cut behind
        ("800000", "95", 3, "80"),  # and zeros behind
    ],
)
def test_a_value_is_brought_to_the_length_that_is_wished(
    expected: str, tag: str, length: int, value: str
) -> None:
    values = {tag: bytes.fromhex(value)} if value else {}
    assert expected == fill([DolEntry(tag, length)], values).hex().upper()


def test_an_issuer_brings_nothing_to_length() -> None:
    wish = [DolEntry("9F36", 2)]
    assert b"\0\x1c" == fill_exactly(wish, {"9F36": b"\0\x1c"})
    assert None is fill_exactly(wish, {"9F36": b"\x1c"})
    assert None is fill_exactly(wish, {})
