"""Commands and answers in ISO 7816-4's short form."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader import apdu
from cardreader.apdu import Command, Response, read_command, read_response

BYTE = st.integers(0, 255)
COMMANDS = st.builds(
    Command, BYTE, BYTE, BYTE, BYTE, st.binary(max_size=255), st.none() | st.integers(1, 256)
)


@pytest.mark.parametrize(
    ("expected", "command"),
    [
        ("00A40000", Command(0, 0xA4)),
        ("00B2010C00", apdu.read_record(1, 1)),
        ("80AE800002ABCD", Command(0x80, 0xAE, 0x80, data=b"\xab\xcd")),
        ("00A4040005A00000000300", apdu.select(bytes.fromhex("A000000003"))),
        ("00A4040205A00000000300", apdu.select(bytes.fromhex("A000000003"), following=True)),
        ("80CA9F3600", apdu.get_data("9F36")),
        ("80A8000004830239F000", Command(0x80, 0xA8, data=bytes.fromhex("830239F0"), expects=256)),
        ("FFCA000000", apdu.get_uid()),
    ],
)
def test_the_four_cases_as_bytes(expected: str, command: Command) -> None:
    assert expected == bytes(command).hex().upper()


@given(COMMANDS)
def test_a_command_is_read_as_it_was_written(command: Command) -> None:
    assert command == read_command(bytes(command))


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_command_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert data[:4] == bytes(read_command(data))[:4]


def test_more_than_a_short_command_carries_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 255"):
        bytes(Command(0, 0xA4, data=bytes(256)))


@pytest.mark.parametrize("size", [0, 1, 259])
def test_what_is_no_answer_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"not {size}"):
        read_response(bytes(size))


@pytest.mark.parametrize(
    ("words", "status"),
    [("done", 0x9000), ("3 tries left", 0x63C3), ("a status that is not in the list", 0x1234)],
)
def test_a_status_in_words_and_an_unknown_one_is_data(words: str, status: int) -> None:
    assert words == Response(b"", status).words


def test_reprs_tell_lengths_and_no_data() -> None:
    assert "9000, 3 bytes" == repr(Response(b"\x49\x99\x00", 0x9000))
    assert "SELECT 00 A4 04 00, 3 bytes" == repr(Command(0, 0xA4, 4, 0, b"\x49\x99\x00"))
