"""Any bytes give a message or a FormatError, a message has exactly one encoding, and errors carry no data."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bank_host.iso8583.bounds import MAX_BYTES
from bank_host.iso8583.build import (
    Acceptor,
    answer,
    as_repeat,
    completion_advice,
    financial_request,
    network_request,
    reversal_advice,
)
from bank_host.iso8583.codec import check, decode, encode, read_elements
from bank_host.iso8583.errors import WORDS, FormatError
from bank_host.iso8583.message import Message
from bank_host.iso8583.message_types import MESSAGE_TYPES

NOW_US = 1_760_000_000_000_000
PAN = "9990010000000017"
ATM = Acceptor("ATM1", "OPERATOR1", "9001", name="Shibuya", city="Tokyo")
WITHDRAWAL = financial_request(
    "withdraw",
    pan=PAN,
    amount_jpy=30_000,
    stan=7,
    now_us=NOW_US,
    acceptor=ATM,
    expiry_yymm="3012",
    track2=PAN + "=30122010000000000000",
    pin_block="0123456789ABCDEF",
    fee_jpy=110,
)
SIGN_ON = network_request("001", stan=1, now_us=NOW_US)
EVERY_KIND = (
    WITHDRAWAL,
    as_repeat(WITHDRAWAL),
    answer(WITHDRAWAL, "00", {38: "A00001", 54: "1002392C000000123456"}),
    answer(WITHDRAWAL, "51"),
    completion_advice(WITHDRAWAL, stan=8, now_us=NOW_US, approval_code="A00001"),
    reversal_advice(WITHDRAWAL, "timeout", stan=8, now_us=NOW_US),
    as_repeat(reversal_advice(WITHDRAWAL, "part_dispense", stan=8, now_us=NOW_US, dispensed_jpy=10_000)),
    answer(reversal_advice(WITHDRAWAL, "timeout", stan=8, now_us=NOW_US), "00"),
    SIGN_ON,
    answer(SIGN_ON, "00"),
)


def refusal(data: bytes) -> FormatError:
    with pytest.raises(FormatError) as caught:
        decode(data)
    return caught.value


def outcome(data: bytes) -> Message | FormatError:
    """What `decode` makes of the bytes; any other exception fails the test."""
    try:
        return decode(data)
    except FormatError as error:
        return error


def has_one_encoding(data: bytes) -> bool:
    """The bytes are refused with a known reason, or are exactly the encoding of what they were read as."""
    result = outcome(data)
    return result.reason in WORDS if isinstance(result, FormatError) else data == encode(result)


def wire(message: Message = WITHDRAWAL) -> bytearray:
    return bytearray(encode(message))


@pytest.mark.parametrize("message", EVERY_KIND, ids=lambda message: message.mti)
def test_what_is_encoded_decodes_to_the_same_message(message: Message) -> None:
    assert message == decode(encode(message))


@given(st.binary(max_size=300))
@example(b"0800" + b"8" + b"0" * 15 + b"8" + b"0" * 15)
@example(b"0200" + b"F" * 32 + b"0" * 400)
def test_any_bytes_give_a_message_or_a_format_error(data: bytes) -> None:
    assert has_one_encoding(data)


hexadecimal = st.text("0123456789ABCDEF", min_size=16, max_size=16)
types = st.sampled_from([row.mti for row in MESSAGE_TYPES])


@given(types, hexadecimal, st.text("0123456789 ABCD=+-_", max_size=400))
def test_any_text_behind_a_valid_type_and_bitmap_gives_a_message_or_a_format_error(
    mti: str, bitmap: str, rest: str
) -> None:
    assert has_one_encoding((mti + bitmap + rest).encode("ascii"))


@settings(max_examples=300)
@given(st.sampled_from(EVERY_KIND), st.data())
def test_a_damaged_message_is_refused_or_is_another_message_with_one_encoding(
    message: Message, data: st.DataObject
) -> None:
    damaged = wire(message)
    position = data.draw(st.integers(0, len(damaged) - 1))
    kind = data.draw(st.sampled_from(["change", "cut", "insert", "swap"]))
    if kind == "change":
        damaged[position] = data.draw(st.integers(0, 255))
    elif kind == "cut":
        del damaged[position:]
    elif kind == "insert":
        damaged.insert(position, data.draw(st.integers(0, 255)))
    else:
        damaged[position], damaged[-1] = damaged[-1], damaged[position]
    assert has_one_encoding(bytes(damaged))
    result = outcome(bytes(damaged))
    if isinstance(result, FormatError):
        assert (None, None) == (result.__cause__, result.__context__)  # where library errors keep the message
        assert PAN not in f"{result} {result.args}"


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("too_short", b""),
        ("too_short", b"02000000000"),
        ("too_long", b"0200" + b"0" * MAX_BYTES),
        ("unknown_mti", b"0100" + b"0" * 16),
        ("unknown_mti", b"0431" + b"0" * 16),
        ("unknown_mti", b"\xff" * 20),
        ("bad_bitmap", b"0200" + b"0" * 15),
        ("bad_bitmap", b"0200" + b"723844d108e09000"),
        ("bad_bitmap", b"0200" + b"+723844D108E0900"),
        ("bad_bitmap", b"0200" + b"8" + b"0" * 15 + b"0" * 15),
        ("bad_length", b"0800" + b"8220000000000000" + b"0400000000000000" + b"0420090613"),
    ],
)
def test_what_is_wrong_before_the_elements_is_named(reason: str, data: bytes) -> None:
    assert reason == refusal(data).reason


@pytest.mark.parametrize("element", [5, 24, 62, 65, 127])
def test_a_bit_outside_the_dialect_is_refused_and_named(element: int) -> None:
    data = wire(SIGN_ON)
    first, bit = (4, element) if element <= 64 else (20, element - 64)
    bitmap = int(data[first : first + 16], 16) | 1 << (64 - bit)
    data[first : first + 16] = f"{bitmap:016X}".encode()
    error = refusal(bytes(data))
    assert ("unknown_element", element) == (error.reason, error.de)


@pytest.mark.parametrize("length", [b"+6", b"6 ", b" 6", b"1_", b"-1", b"0x"])
def test_a_length_with_sign_space_or_underscore_is_not_a_length(length: bytes) -> None:
    data = wire()
    data[20:22] = length  # the length of DE2, the first element
    error = refusal(bytes(data))
    assert error.reason in ("bad_length", "not_canonical", "bad_value")


def test_a_second_bitmap_that_announces_nothing_is_not_the_one_encoding() -> None:
    data = wire(answer(WITHDRAWAL, "51"))
    data[4:20] = f"{int(data[4:20], 16) | 1 << 63:016X}".encode()
    data[20:20] = b"0" * 16
    assert refusal(bytes(data)).reason == "not_canonical"


def test_data_after_the_last_element_is_refused_where_it_begins() -> None:
    data = bytes(wire())
    error = refusal(data + b"0")
    assert ("trailing_data", None, len(data)) == (error.reason, error.de, error.offset)


@pytest.mark.parametrize(
    ("element", "value"),
    [
        (2, "12345678901"),  # a PAN has at least 12 digits
        (4, "-00000001000"),
        (4, "00000000_100"),
        (4, "00000000 100"),
        (7, "1309085320"),  # there is no month 13
        (12, "245959"),
        (28, "X00000110"),
        (35, "not a track"),
        (41, "        "),
        (52, "0123456789abcdef"),
        (54, "1002392X000000123456"),
    ],
)
def test_a_value_that_is_not_of_its_elements_form_is_refused_with_element_and_offset(
    element: int, value: str
) -> None:
    damaged = WITHDRAWAL.but({element: value})
    with pytest.raises(FormatError) as at_the_writer:
        encode(damaged)
    assert ("bad_value", element) == (at_the_writer.value.reason, at_the_writer.value.de)


def test_the_reader_names_the_byte_at_which_a_bad_value_begins() -> None:
    data = wire()
    begin = data.index(b"000000030000")
    data[begin : begin + 12] = b"-00000001000"
    error = refusal(bytes(data))
    assert ("bad_value", 4, begin) == (error.reason, error.de, error.offset)


@pytest.mark.parametrize("element", [2, 3, 4, 7, 11, 12, 13, 18, 22, 25, 32, 37, 41, 42, 49])
def test_a_request_without_a_mandatory_element_is_refused(element: int) -> None:
    with pytest.raises(FormatError) as caught:
        check(WITHDRAWAL.but({element: None}))
    assert ("missing_element", element) == (caught.value.reason, caught.value.de)


@pytest.mark.parametrize("element", [35, 52])
@pytest.mark.parametrize("mti", ["0210", "0220", "0221", "0230", "0420", "0421", "0430"])
def test_track_and_pin_block_travel_in_requests_only(mti: str, element: int) -> None:
    original = {"0210": 2, "0230": 7}.get(mti)
    message = next((m for m in EVERY_KIND if m.mti == mti), EVERY_KIND[original or 4]).but(mti=mti)
    with pytest.raises(FormatError) as caught:
        check(message.but({element: WITHDRAWAL[element]}))
    assert ("forbidden_element", element) == (caught.value.reason, caught.value.de)


def test_a_reversal_without_original_data_is_refused() -> None:
    reversal = reversal_advice(WITHDRAWAL, "timeout", stan=8, now_us=NOW_US)
    with pytest.raises(FormatError, match=r"mandatory element is missing .DE90 Original data"):
        check(reversal.but({90: None}))


def test_an_answer_without_terminal_is_read_so_that_the_matcher_can_say_what_is_absent() -> None:
    without_terminal = answer(WITHDRAWAL, "00").but({41: None})
    assert without_terminal == decode(encode(without_terminal))


def test_a_foreign_message_can_be_looked_at_although_its_type_does_not_allow_it() -> None:
    request = bytes(wire())
    answer_bytes = b"0210" + request[4:]
    assert read_elements(answer_bytes).mti == "0210"
    assert refusal(answer_bytes).reason == "missing_element"


def test_the_error_text_says_what_where_and_nothing_else() -> None:
    error = FormatError("bad_value", 4, 44)
    assert str(error) == "format error: the value does not have the element's form (DE4 Amount, byte 44)"
