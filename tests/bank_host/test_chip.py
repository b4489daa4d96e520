"""Chip data of a request: the bank knows its own cards by their cryptogram, and answers it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from bank_host import chip
from bank_host.hsm import IMK_AC, Hsm
from bank_host.hsm.keys import SIMULATION_KEYS
from bank_host.iso8583 import build
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.message import Message
from cardreader.emv import tlv
from cardreader.emv.cryptogram import METHODS, arpc_1, arpc_2, authenticated_data, cryptogram, transaction_key
from cardreader.emv.des import Des3
from tests.bank_host.test_host import NOON_US, PAN, Till, till

__all__ = ["till"]

IMK = Des3(bytes.fromhex(SIMULATION_KEYS[IMK_AC].value.reveal()))
ISSUER_DATA = {10: "06010A03A06010", 18: "06011203A0B800"}
YEN_10_000 = "000000010000"


def chip_data(version: int, amount: str = YEN_10_000, **changed: str) -> dict[str, bytes]:
    """What a card of this bank and its terminal say; `changed` after the cryptogram was made, '' for left out."""
    said = {
        "9F02": amount,
        "9F03": "000000000000",
        "9F1A": "0392",
        "95": "8000048000",
        "5F2A": "0392",
        "9A": "140115",
        "9C": "01",
        "9F37": "52BF4585",
        "82": "1800",
        "9F36": "001C",
        "9F10": ISSUER_DATA[version],
        "9F27": "80",
        "5F34": "01",
    }
    values = {tag: bytes.fromhex(value) for tag, value in said.items()}
    data = authenticated_data(values, version)
    assert data is not None
    values["9F26"] = cryptogram(card_key(version), data, METHODS[version].padding)
    values |= {tag: bytes.fromhex(value) for tag, value in changed.items()}
    return {tag: value for tag, value in values.items() if value}


def card_key(version: int, sequence: str = "01") -> Des3:
    return transaction_key(IMK, PAN, sequence, bytes.fromhex("001C"), version)


def request(till: Till, values: Mapping[str, bytes], amount_jpy: int = 10_000) -> Message:
    data = tlv.write(tlv.Tlv(tag, value) for tag, value in values.items())
    return till.request("withdraw", amount_jpy, icc_data=data.hex().upper())


def ask(till: Till, values: Mapping[str, bytes], amount_jpy: int = 10_000) -> Message:
    """The answer as it goes over the wire."""
    answer = till.bank.answer(decode(encode(request(till, values, amount_jpy))), NOON_US)
    assert answer is not None
    return decode(encode(answer))


def told_to_card(answer: Message) -> bytes:
    (element,) = tlv.read_hex(answer[55])
    assert "91" == element.tag
    return element.value


@pytest.mark.parametrize("version", METHODS)
def test_a_card_with_its_own_cryptogram_is_served(till: Till, version: int) -> None:
    assert "00" == ask(till, chip_data(version))[39]


@pytest.mark.parametrize("version", METHODS)
@pytest.mark.parametrize("tag", ["9F26", "9F36", "9F37", "95", "82", "9F1A", "9F02", "5F34", "9F10"])
def test_what_was_changed_after_the_card_has_signed_is_a_forged_card(
    till: Till, tag: str, version: int
) -> None:
    values = chip_data(version)
    values[tag] = values[tag][:-1] + bytes([values[tag][-1] ^ 1])
    answer = ask(till, values)
    # of 9F10 a CVN 10 card signs the verification results only, which end it here
    assert ("05", False) == (answer[39], 55 in answer)


@pytest.mark.parametrize("tag", ["9F36", "9F37", "95", "82", "9F1A", "9F02", "9F27", "9F10"])
def test_a_cryptogram_without_what_it_is_computed_over_is_a_forged_card(till: Till, tag: str) -> None:
    assert "05" == ask(till, chip_data(10, **{tag: ""}))[39]


@pytest.mark.parametrize("kind", ["00", "40", "C0", "8000"])
def test_only_a_cryptogram_that_asks_for_an_answer_belongs_in_a_request(till: Till, kind: str) -> None:
    assert "05" == ask(till, chip_data(10, **{"9F27": kind}))[39]


def test_a_cryptogram_over_another_amount_than_is_asked_for_is_refused(till: Till) -> None:
    assert "05" == ask(till, chip_data(10), 20_000)[39]


@pytest.mark.parametrize("issuer_data", ["06010B03A06010", "0601"])
def test_a_cryptogram_version_that_no_card_of_ours_has_is_refused(till: Till, issuer_data: str) -> None:
    assert "05" == ask(till, chip_data(10, **{"9F10": issuer_data}))[39]


def test_the_sequence_number_may_stand_in_the_message_instead(till: Till) -> None:
    message = request(till, chip_data(10, **{"5F34": ""}))
    assert ["00", "05"] == [
        till.bank.answer(message.but({23: number, 11: stan}), NOON_US)[39]
        for number, stan in (("001", "000801"), ("002", "000802"))
    ]


@pytest.mark.parametrize(("code", "amount_jpy"), [("00", 10_000), ("61", 300_000)])
def test_the_card_is_answered_with_the_decision(till: Till, code: str, amount_jpy: int) -> None:
    for version in METHODS:
        values = chip_data(version, f"{amount_jpy:012d}")
        answer = ask(till, values, amount_jpy)
        assert code == answer[39]
        status = bytes.fromhex("00800000" if code == "00" else "00000000")
        if METHODS[version].arpc == 1:
            expected = arpc_1(card_key(version), values["9F26"], code.encode()) + code.encode()
        else:
            expected = arpc_2(card_key(version), values["9F26"], status) + status
        assert expected == told_to_card(answer)


def test_a_repeat_has_the_same_answer_for_the_card(till: Till) -> None:
    message = request(till, chip_data(18))
    first = till.bank.answer(message, NOON_US)
    assert first == till.bank.answer(build.as_repeat(message), NOON_US)


def test_chip_data_without_a_cryptogram_are_taken_as_they_were(till: Till) -> None:
    answer = ask(till, {"82": b"\x18\0", "9F36": b"\0\x1c"})
    assert ("00", False) == (answer[39], 55 in answer)


def test_a_bank_without_a_card_master_key_asks_for_no_cryptogram(till: Till) -> None:
    without = Hsm({handle: key for handle, key in SIMULATION_KEYS.items() if handle != IMK_AC})
    message = request(till, chip_data(10, **{"9F26": "00" * 8}))
    assert [True, False] == [chip.genuine(hsm, message) for hsm in (without, till.bank.hsm)]
    assert {} == chip.told(without, message, True, "00")


def test_an_advice_may_quote_any_cryptogram(till: Till) -> None:
    message = request(till, chip_data(10))
    assert "00" == till.bank.answer(message, NOON_US)[39]
    reversal = build.reversal_advice(message, "hardware_error", stan=900, now_us=NOON_US)
    forged = chip_data(10, **{"9F26": "00" * 8})
    data = tlv.write(tlv.Tlv(tag, value) for tag, value in forged.items()).hex().upper()
    answer = till.bank.answer(reversal.but({55: data}), NOON_US)
    assert ("0430", "00", False) == (answer.mti, answer[39], 55 in answer)
