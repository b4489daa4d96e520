"""What a card says it is opened with: profile and records, read strictly and bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader.emv.processing_options import (
    MOST_RECORDS,
    AflEntry,
    Options,
    OptionsError,
    read_afl,
    read_options,
    records_of,
)
from cardreader.emv.tlv import TlvError

FILES = (AflEntry(1, 1, 2, 1), AflEntry(2, 4, 4))


@pytest.mark.parametrize(
    "answer",
    ["800A1C000801020110040400", "770E82021C0094080801020110040400", "770E9408080102011004040082021C00"],
)
def test_both_formats_say_the_same(answer: str) -> None:
    assert Options(b"\x1c\x00", FILES) == read_options(bytes.fromhex(answer))


def test_the_records_come_in_their_order() -> None:
    assert [(1, 1), (1, 2), (2, 4)] == list(records_of(FILES))


@pytest.mark.parametrize(
    ("reason", "offset", "files"),
    [
        ("bad_length", 4, "08010100080101"),
        ("bad_file", 4, "0801010000010100"),
        ("bad_file", 0, "09010100"),
        ("bad_file", 0, "F8010100"),
        ("bad_records", 1, "08000100"),
        ("bad_records", 1, "08020100"),
        ("bad_records", 1, "08010103"),
        ("asks_too_much", 6, "080101001001FE00"),
    ],
)
def test_a_file_locator_that_is_none_is_refused_with_its_place(reason: str, offset: int, files: str) -> None:
    with pytest.raises(OptionsError) as caught:
        read_afl(bytes.fromhex(files))
    assert (reason, offset) == (caught.value.reason, caught.value.offset)
    assert f"(byte {offset})" in str(caught.value)


@pytest.mark.parametrize(
    "answer", ["", "8001FF", "770482021C", "7704820200007700", "700482021C00", "7703820100"]
)
def test_an_answer_without_profile_is_refused(answer: str) -> None:
    with pytest.raises((OptionsError, TlvError)):
        read_options(bytes.fromhex(answer))


@given(st.binary(max_size=300))
def test_whatever_comes_names_few_records_or_is_refused(data: bytes) -> None:
    for answer in (data, b"\x80" + bytes([len(data) % 128]) + data[: len(data) % 128]):
        try:
            options = read_options(answer)
        except (OptionsError, TlvError):
            continue
        records = list(records_of(options.files))
        assert len(records) <= MOST_RECORDS
        assert all(1 <= sfi <= 30 and 1 <= number <= 254 for sfi, number in records)


@given(
    st.lists(
        st.builds(AflEntry, st.integers(1, 30), st.just(1), st.integers(1, 4), st.integers(0, 1)), max_size=10
    )
)
def test_a_file_locator_is_read_as_it_was_written(files: list[AflEntry]) -> None:
    assert tuple(files) == read_afl(b"".join(bytes(entry) for entry in files))
