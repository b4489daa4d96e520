"""People read messages in words; nobody reads a PAN, a track, a PIN block or chip data in them."""

from __future__ import annotations

import pytest

from bank_host.iso8583.build import (
    Acceptor,
    answer,
    financial_request,
    network_request,
    reversal_advice,
)
from bank_host.iso8583.codec import encode
from bank_host.iso8583.codes import RESPONSE_CODES, ResponseCode
from bank_host.iso8583.composite import Balance, balances_text
from bank_host.iso8583.describe import Lang, describe, describe_hex, describe_text, masked_fields, yen
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.framing import FRAMINGS
from bank_host.iso8583.message import Message

NOW_US = 1_760_000_000_000_000
PAN = "9990010000000017"
TRACK = PAN + "=30122010000000000000"
BLOCK = "0123456789ABCDEF"
ATM = Acceptor("ATM1", "OPERATOR1", "9001", name="Shibuya", city="Tokyo")
WITHDRAWAL = financial_request(
    "withdraw",
    pan=PAN,
    amount_jpy=30_000,
    stan=7,
    now_us=NOW_US,
    acceptor=ATM,
    expiry_yymm="3012",
    track2=TRACK,
    pin_block=BLOCK,
    icc_data="5A08" + PAN,
    fee_jpy=110,
)
PIN_CHANGE = WITHDRAWAL.but({3: "920000", 48: "FEDCBA9876543210"})
REVERSAL = reversal_advice(WITHDRAWAL, "part_dispense", stan=8, now_us=NOW_US, dispensed_jpy=10_000)


def words(message: Message, element: int, lang: Lang = "en") -> str:
    return next(value for de, _, value in describe(message, lang) if de == element)


@pytest.mark.parametrize(
    ("element", "english", "japanese"),
    [
        (2, "999001••••••0017", "999001••••••0017"),
        (3, "011000 cash withdrawal", "011000 お引き出し"),
        (4, "¥30,000", "¥30,000"),
        (7, "10-09 08:53:20 UTC", "10月9日 08:53:20 UTC"),
        (12, "17:53:20", "17:53:20"),
        (13, "10-09", "10月9日"),
        (14, "2030-12", "2030年12月"),
        (18, "6011 cash dispenser", "6011 現金自動支払機"),
        (22, "051 chip and PIN", "051 ICチップ・暗証番号"),
        (28, "¥110 paid by the customer", "¥110 お客さま負担"),
        (35, "present, hidden", "あり(非表示)"),
        (41, "ATM1", "ATM1"),
        (43, "Shibuya, Tokyo, JP", "Shibuya, Tokyo, JP"),
        (49, "392 yen", "392 円"),
        (52, "present, hidden", "あり(非表示)"),
        (55, "present, hidden", "あり(非表示)"),
    ],
)
def test_a_request_in_words(element: int, english: str, japanese: str) -> None:
    assert (english, japanese) == (words(WITHDRAWAL, element), words(WITHDRAWAL, element, "ja"))


@pytest.mark.parametrize(
    ("element", "english", "japanese"),
    [
        (60, "part_dispense: only a part was dispensed", "part_dispense: 一部払出"),
        (
            90,
            "0200 Financial request, trace 000007, sent 10-09 08:53:20 UTC, acquirer 9001",
            "0200 取引要求, 通番 000007, 送信 10月9日 08:53:20 UTC, 取扱機関 9001",
        ),
        (95, "¥10,000 stands", "¥10,000を確定"),
    ],
)
def test_a_reversal_in_words(element: int, english: str, japanese: str) -> None:
    assert (english, japanese) == (words(REVERSAL, element), words(REVERSAL, element, "ja"))


def test_balances_in_words() -> None:
    text = balances_text(Balance("available", 123_456), Balance("ledger", -50))
    reply = answer(WITHDRAWAL, "00", {54: text})
    assert words(reply, 54) == "available ¥123,456, savings account; ledger -¥50, savings account"


@pytest.mark.parametrize("row", RESPONSE_CODES, ids=lambda row: row.code)
def test_each_response_code_in_words(row: ResponseCode) -> None:
    code, english, japanese = row[:3]
    reply = answer(WITHDRAWAL, code)
    assert (f"{code} {english}", f"{code} {japanese}") == (words(reply, 39), words(reply, 39, "ja"))


def test_a_link_message_in_words() -> None:
    assert words(network_request("301", stan=1, now_us=NOW_US), 70) == "301 echo"


def test_original_data_of_another_layout_is_said_to_be_so() -> None:
    assert words(REVERSAL.but({90: "528217000007".ljust(42)}), 90) == "not in the standard layout"


def test_the_text_has_the_type_and_a_line_for_each_element() -> None:
    lines = describe_text(REVERSAL).splitlines()
    assert lines[0] == "0420 Reversal advice"
    assert len(lines) == 1 + len(REVERSAL.fields)
    assert "  DE4   Amount                  ¥30,000" in lines
    assert describe_text(REVERSAL, "ja").splitlines()[0] == "0420 取消通知"


@pytest.mark.parametrize("message", [WITHDRAWAL, PIN_CHANGE, REVERSAL], ids=lambda message: message.mti)
@pytest.mark.parametrize("lang", ["en", "ja"])
def test_no_secret_is_shown_or_logged(message: Message, lang: Lang) -> None:
    shown = describe_text(message, lang) + str(masked_fields(message)) + repr(message)
    for secret in (PAN, TRACK, TRACK[16:], BLOCK, PIN_CHANGE[48], WITHDRAWAL[55]):
        assert secret not in shown


def test_masked_fields_keep_every_element_and_the_values_of_the_plain_ones() -> None:
    masked = masked_fields(PIN_CHANGE)
    assert list(masked) == list(PIN_CHANGE.fields)
    assert "999001••••••0017" == masked[2]
    assert {"•"} == {masked[de] for de in (35, 48, 52, 55)}
    assert PIN_CHANGE[4] == masked[4]


@pytest.mark.parametrize(
    ("damage", "english"),
    [
        ({4: "3000O"}, "not well formed, 5 characters"),
        ({2: PAN + "X"}, "not well formed, 17 characters"),
        ({90: "0200"}, "not well formed, 4 characters"),
        ({126: "what is this"}, "not well formed, 12 characters"),
    ],
)
def test_a_damaged_value_is_described_by_its_length_only(damage: dict[int, str], english: str) -> None:
    assert english == words(REVERSAL.but(damage), next(iter(damage)))


@pytest.mark.parametrize(
    "text",
    [
        encode(REVERSAL).hex(),
        encode(REVERSAL).hex(" ").upper() + "\n",
        FRAMINGS["len2"].wrap(encode(REVERSAL)).hex(),
        encode(REVERSAL).decode("ascii") + "\n",
    ],
    ids=["hex", "spaced hex", "framed", "ascii"],
)
def test_wire_bytes_are_described_from_hexadecimal_or_as_they_are(text: str) -> None:
    assert describe_text(REVERSAL) == describe_hex(text)


def test_a_message_that_its_type_does_not_allow_is_described_with_the_objection() -> None:
    text = "0210" + encode(WITHDRAWAL).decode("ascii")[4:]
    described = describe_hex(text)
    assert "¥30,000" in described
    assert described.endswith("format error: a mandatory element is missing (DE39 Response code)")


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("too_short", "0200"),
        ("not_hexadecimal", ""),
        ("not_hexadecimal", "hello"),
        ("not_hexadecimal", "30323"),
        ("not_hexadecimal", "0200\u3042" + "0" * 40),
        ("unknown_mti", "31" * 40),
        ("bad_length", encode(REVERSAL).decode("ascii")[:60]),
    ],
)
def test_what_is_no_message_is_a_format_error(reason: str, text: str) -> None:
    with pytest.raises(FormatError) as caught:
        describe_hex(text)
    assert reason == caught.value.reason


def test_negative_yen_have_the_sign_in_front() -> None:
    assert ("¥0", "-¥1,234,567") == (yen(0), yen(-1_234_567))
