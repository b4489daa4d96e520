"""Public example messages and bitmaps, rebuilt here from their contents; the source stands beside each."""

from __future__ import annotations

import pytest

from bank_host.iso8583.codec import decode, elements_of_bitmap, encode, read_elements
from bank_host.iso8583.dialect import DEFAULT, load_dialect
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import repeat_mti, request_mti, response_mti


@pytest.mark.parametrize(
    ("expected", "bitmap"),
    [
        # found in many tutorials
        ([2, 7, 12, 28, 32, 39, 41, 42, 50, 53, 62], "4210001102C04804"),
        (
            [2, 3, 4, 7, 11, 12, 14, 22, 24, 26, 32, 35, 37, 41, 42, 47, 49, 53, 62, 64],
            "7234054128C28805",
        ),
        # Elavon developer site
        (
            [3, 4, 11, 12, 14, 22, 26, 28, 29, 32, 35, 37, 41, 42, 43, 48, 49, 55, 63, 64],
            "3034045928E18203",
        ),
        # the same with 7, which its page lists although the bit is not set there
        (
            [3, 4, 7, 11, 12, 14, 22, 26, 28, 29, 32, 35, 37, 41, 42, 43, 48, 49, 55, 63, 64],
            "3234045928E18203",
        ),
    ],
)
def test_bits_of_a_primary_bitmap(expected: list[int], bitmap: str) -> None:
    assert expected == elements_of_bitmap(bitmap)


def test_bits_of_a_primary_and_a_secondary_bitmap() -> None:
    primary, secondary = "C000000000000001", "0000000000000003"
    assert elements_of_bitmap(primary) == [1, 2, 64]
    assert elements_of_bitmap(secondary, first=65) == [127, 128]


SIGN_ON = (
    b"0800823A0000000000000400000000000000"  # type, bitmaps
    b"0420090613"  # DE7
    b"900001"  # DE11
    b"090613"  # DE12
    b"0420"  # DE13
    b"0420"  # DE15
    b"001"  # DE70
)
SIGN_ON_ANSWER = (
    b"0810823A0000020000000480000000000000"
    b"0420090613"
    b"900001"
    b"090613"
    b"0420"
    b"0420"
    b"00"  # DE39
    b"001"
    b"031128"  # DE73
)
_COMMON = {7: "0420090613", 11: "900001", 12: "090613", 13: "0420", 15: "0420", 70: "001"}


@pytest.mark.parametrize(
    ("length", "data", "expected"),
    [  # moov-io/iso8583, test/testdata/network_management_message.dat and its _response
        (69, SIGN_ON, Message("0800", _COMMON)),
        (77, SIGN_ON_ANSWER, Message("0810", _COMMON | {39: "00", 73: "031128"})),
    ],
)
def test_network_messages_of_another_implementation(length: int, data: bytes, expected: Message) -> None:
    assert length == len(data)
    assert expected == decode(data) == DEFAULT.decode(data)
    assert data == encode(expected) == DEFAULT.encode(expected)


@pytest.mark.parametrize(
    ("reason", "element", "data"),
    [  # as the damaged samples beside them are: shifted elements, elements of length 0
        ("bad_value", 7, SIGN_ON[:36] + b"20" + SIGN_ON[36:-2]),
        ("bad_length", 70, SIGN_ON[:-1]),
        ("trailing_data", None, SIGN_ON + b"0"),
        ("bad_value", 32, b"0800" + b"822000010000000004000000000000000420090613900001" + b"00" + b"001"),
        ("bad_value", 2, b"0420" + b"4000000000000000" + b"00"),
    ],
)
def test_damaged_messages_are_refused_with_the_element(reason: str, element: int | None, data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        DEFAULT.decode(data)
    assert (reason, element) == (caught.value.reason, caught.value.de)


def test_the_same_message_in_the_other_wire_of_a_well_known_implementation() -> None:
    """Packed as jPOS's ISO87BPackager does, described from its field classes: BCD digits, binary bitmap."""
    packed = bytes.fromhex("0800" + "823A000000000000" + "0400000000000000")
    packed += bytes.fromhex("0420090613" + "900001" + "090613" + "0420" + "0420" + "0001")
    assert Message("0800", _COMMON) == load_dialect("bcd-tpdu").decode(packed)


FINANCIAL_REQUEST = (  # moov-io/iso8583, test/testdata/financial_transaction_message.dat
    b"0200323A400108418010"
    b"380000"  # DE3
    b"000000000000"  # DE4
    b"0420050805"  # DE7
    b"011392"  # DE11
    b"120805"  # DE12
    b"0420"  # DE13
    b"0422"  # DE15
    b"5132"  # DE18
    b"072000001"  # DE32
    b"000000115604"  # DE37
    b"0800411        "  # DE42
    b"012511463331563"  # DE48
    b"360"  # DE49
    b"00299"  # DE60
)


def test_a_financial_request_of_another_implementation_is_read_but_is_no_atm_request() -> None:
    expected = {
        3: "380000",
        4: "000000000000",
        7: "0420050805",
        11: "011392",
        12: "120805",
        13: "0420",
        15: "0422",
        18: "5132",
        32: "2000001",
        37: "000000115604",
        42: "0800411        ",
        48: "511463331563",
        49: "360",
        60: "99",
    }
    assert len(FINANCIAL_REQUEST) == 131
    assert Message("0200", expected) == read_elements(FINANCIAL_REQUEST)
    with pytest.raises(FormatError, match=r"mandatory element is missing .DE2 "):
        decode(FINANCIAL_REQUEST)


@pytest.mark.parametrize(
    ("answer", "request_type"),
    [  # jPOS, moov: the repeat digit is dropped
        ("0210", "0200"),
        ("0210", "0201"),
        ("0230", "0220"),
        ("0230", "0221"),
        ("0430", "0420"),
        ("0430", "0421"),
        ("0810", "0800"),
    ],
)
def test_the_type_of_an_answer(answer: str, request_type: str) -> None:
    assert answer == response_mti(request_type)
    assert request_type[:3] + "0" == request_mti(answer) == request_mti(request_type)
    assert request_type[:3] + "1" == repeat_mti(request_type)


@pytest.mark.parametrize("mti", ["0210", "0230", "0430", "0810"])
def test_an_answer_is_neither_answered_nor_given_a_repeat_type(mti: str) -> None:
    with pytest.raises(ValueError, match=mti):
        response_mti(mti)
    with pytest.raises(ValueError, match=mti):
        repeat_mti(mti)
