"""TLV from strangers: read strictly, written back to the same bytes, refused with one error that holds no data."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader.emv.tlv import (
    LISTS,
    MOST_BYTES,
    Tlv,
    TlvError,
    first,
    is_template,
    read,
    read_hex,
    walk,
    write,
)

LEAVES = ("5A", "57", "9F26", "9F02", "DF8101", "82", "5F34")
PLAIN_TEMPLATES = ("6F", "A5")


def elements(depth: int = 3) -> st.SearchStrategy[tuple[Tlv, ...]]:
    """Lists of elements with distinct tags, templates among them."""
    leaf = st.tuples(st.sampled_from(LEAVES), st.binary(max_size=300)).map(lambda pair: Tlv(*pair))
    if not depth:
        return st.lists(leaf, max_size=3, unique_by=lambda one: one.tag).map(tuple)
    inner = elements(depth - 1)
    template = st.builds(lambda tag, parts: Tlv(tag, parts=parts), st.sampled_from(PLAIN_TEMPLATES), inner)
    return st.lists(leaf | template, max_size=3, unique_by=lambda one: one.tag).map(tuple)


@given(elements())
def test_what_is_written_is_read_back_and_is_the_only_encoding(some: tuple[Tlv, ...]) -> None:
    data = write(some)
    if len(data) <= MOST_BYTES:
        assert some == read(data)


@given(st.binary(max_size=80))
def test_whatever_comes_is_read_and_written_back_to_the_same_bytes_or_refused(data: bytes) -> None:
    try:
        some = read(data)
    except TlvError:
        return
    assert data == write(some)


@pytest.mark.parametrize(
    ("text", "reason", "offset"),
    [
        ("5A20", "cut_short", 2),
        ("5730", "cut_short", 2),
        ("5A81FF", "cut_short", 3),
        ("5A", "cut_short", 1),
        ("9F", "cut_short", 1),
        ("5A8108" + "00" * 8, "not_shortest", 1),
        ("5A820010" + "00" * 16, "not_shortest", 1),
        ("5A80" + "0000", "bad_length", 1),
        ("5A8300000101", "bad_length", 1),
        ("5A84FFFFFFFF", "bad_length", 1),
        ("5AFF", "bad_length", 1),
        ("9F808001" + "0100", "bad_tag", 0),
        ("9F01", "cut_short", 2),
        ("5A01005A0100", "twice", 3),
        ("005A0100", "padding", 0),
        ("5A0100FF", "padding", 3),
        ("6F036F0200", "cut_short", 4),
        ("5", "not_hexadecimal", 0),
        ("5G", "not_hexadecimal", 0),
        ("５Ａ0100", "not_hexadecimal", 0),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, reason: str, offset: int) -> None:
    with pytest.raises(TlvError) as raised:
        read_hex(text)
    assert (reason, offset) == (raised.value.reason, raised.value.offset)


def test_templates_without_end_are_refused_before_the_stack_is_used_up() -> None:
    data = b""
    for _ in range(600):
        data = b"\x6f" + (bytes([len(data)]) if len(data) < 128 else b"\x82" + len(data).to_bytes(2)) + data
        if len(data) > MOST_BYTES - 4:
            break
    with pytest.raises(TlvError, match="nested"):
        read(data)


def test_more_bytes_than_a_message_has_are_refused_unread() -> None:
    with pytest.raises(TlvError, match="2048 bytes"):
        read(bytes(MOST_BYTES + 1))


def test_in_a_directory_an_entry_may_come_twice_and_both_stay() -> None:
    entry = "61074F05A000000001"
    (template,) = read_hex("70" + f"{2 * len(entry) // 2:02X}" + entry + entry)
    assert ["61", "61"] == [part.tag for part in template.parts]
    assert "70" in LISTS


def test_unknown_tags_are_kept_in_their_order() -> None:
    some = read_hex("DF01020304" + "9F2608" + "11" * 8 + "C10155")
    assert ["DF01", "9F26", "C1"] == [one.tag for one in walk(some)]
    assert b"\x55" == first(some, "C1")
    assert first(some, "5A") is None
    assert not is_template("C1")


def test_neither_the_error_nor_an_element_shows_data() -> None:
    (card,) = read_hex("5A084999000000000013")
    assert "4999" not in repr(card)
    with pytest.raises(TlvError) as raised:
        read_hex("5A0849990000000000")
    assert "4999" not in str(raised.value)
