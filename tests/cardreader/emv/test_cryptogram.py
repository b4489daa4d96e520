"""Keys and cryptograms of chip cards: every published vector, each with its source."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader.emv.cryptogram import (
    METHODS,
    Option,
    arpc_1,
    arpc_2,
    authenticated_data,
    cryptogram,
    master_key,
    session_key,
    transaction_key,
    version_of,
)
from cardreader.emv.des import Des3, Padding, odd_parity

K = "0123456789ABCDEFFEDCBA9876543210"
J = "12345678" * 4


def des(key: str) -> Des3:
    return Des3(bytes.fromhex(key))


def kcv(key: bytes) -> str:
    return Des3(key).check_value()


# ---------------------------------------------------------------- pyemv's tests (Visa)

VISA_CARD = des("154F349D8585CB7F6B0798E9839B10C1")
VISA_VALUES = {
    tag: bytes.fromhex(value)
    for tag, value in {
        "9F02": "000000004000",
        "9F03": "000000000000",
        "9F1A": "0124",
        "95": "8000048000",
        "5F2A": "0124",
        "9A": "191105",
        "9C": "01",
        "9F37": "52BF4585",
        "82": "1800",
        "9F36": "001C",
    }.items()
}
ISSUER_DATA = {10: bytes.fromhex("06010A03A06010"), 18: bytes.fromhex("06011203A0B800")}


@pytest.mark.parametrize(
    ("expected", "pan", "sequence", "option"),
    [
        ("BAB0", "1234567890123456", "00", "A"),
        ("FF08", "12345678901234567", "45", "A"),
        ("0BAF", "12345678901234567", "45", "B"),
        ("0BAF", "12345678901234567", "45", None),
        ("DD73", "000000000000000005", "23", "B"),  # its digest has too few digits
    ],
)
def test_a_cards_master_key(expected: str, pan: str, sequence: str, option: Option | None) -> None:
    assert expected == kcv(master_key(des(K), pan, sequence, option))[:4]


def test_a_cards_master_key_in_full_and_its_session_key() -> None:
    master = master_key(des(K), "1234567890123456")
    assert "154F349D8585CB7F6B0798E9839B10C1" == master.hex().upper()
    session = session_key(Des3(master), bytes.fromhex("001C"))
    assert ("436B942AD637E08564B532B0EC97CB26", "22C8") == (session.hex().upper(), kcv(session)[:4])


@pytest.mark.parametrize(
    ("expected", "answer", "version"),
    [("29CCA15AE665FA2E", "28993816AFAE4AEB", 10), ("7A788EA6B8A3E733", "9AF514C1", 18)],
)
def test_visa_cryptogram_and_answer(expected: str, answer: str, version: int) -> None:
    data = authenticated_data(VISA_VALUES | {"9F10": ISSUER_DATA[version]}, version)
    assert data is not None
    key = transaction_key(des(K), "1234567890123456", "00", bytes.fromhex("001C"), version)
    made = cryptogram(key, data, METHODS[version].padding)
    assert expected == made.hex().upper()
    told = arpc_1(key, made, b"00") if METHODS[version].arpc == 1 else arpc_2(key, made, bytes(4))
    assert answer == told.hex().upper()


def test_cryptogram_under_a_session_key() -> None:
    key, data = des("29B33180E567CE38EA4CBC9D753B0E61"), bytes.fromhex("0123456789ABCDEF" * 2)
    made = cryptogram(key, data, 2)
    assert "FA624250B008B59A" == made.hex().upper()
    assert "45D4255EEF10C920" == arpc_1(key, made, bytes(2)).hex().upper()
    assert "CB56FA40" == arpc_2(key, made, bytes(4)).hex().upper()


# ---------------------------------------------------------------- jPOS, JCESecurityModuleTest

JPOS_DATA = bytes.fromhex(
    "000000010000 000000001000 0840 0000001080 0840 980704 00 11111111 5800 3456 A08003242000"
)


class Jpos(NamedTuple):
    expected: str
    derived: bool
    padding: Padding


@pytest.mark.parametrize(
    "case",
    [
        Jpos("26C8A1042D1CAF3E", False, 1),
        Jpos("2263CD868F3E0234", False, 2),
        Jpos("36DBEE15F36B1E7F", True, 1),
        Jpos("55BE45DD2C9E0CBF", True, 2),
    ],
)
def test_jpos_cryptogram(case: Jpos) -> None:
    assert case.expected == cryptogram(jpos_key(case.derived), JPOS_DATA, case.padding).hex().upper()


def jpos_key(derived: bool) -> Des3:
    master = Des3(master_key(des(J), "1234567890123456"))
    return Des3(session_key(master, bytes.fromhex("3456"))) if derived else master


def test_jpos_answers() -> None:
    first, fourth = bytes.fromhex("26C8A1042D1CAF3E"), bytes.fromhex("55BE45DD2C9E0CBF")
    assert "98DE7C7B3D80A831" == arpc_1(jpos_key(False), first, b"00").hex().upper()
    assert "01BAE8DE6A0DE9E0" == arpc_1(jpos_key(True), fourth, bytes.fromhex("0012")).hex().upper()
    assert "B4C698B6" == arpc_2(jpos_key(True), fourth, bytes.fromhex("00120000")).hex().upper()


# ---------------------------------------------------------------- what is authenticated


@pytest.mark.parametrize("version", METHODS)
@pytest.mark.parametrize("tag", VISA_VALUES)
def test_every_value_is_needed_in_its_length_and_counts(tag: str, version: int) -> None:
    values = VISA_VALUES | {"9F10": ISSUER_DATA[version]}
    whole = authenticated_data(values, version)
    assert None is authenticated_data({t: v for t, v in values.items() if t != tag}, version)
    assert None is authenticated_data(values | {tag: values[tag] + b"\0"}, version)
    other = bytes([values[tag][0] ^ 1]) + values[tag][1:]
    assert whole != authenticated_data(values | {tag: other}, version)


@pytest.mark.parametrize(
    ("expected", "issuer_data"),
    [(10, "06010A03A06010"), (18, "06011203A0B800"), (None, ""), (None, "06010A"), (None, "07010A03A06010")],
)
def test_the_version_stands_in_the_issuers_data(expected: int | None, issuer_data: str) -> None:
    assert expected == version_of(bytes.fromhex(issuer_data))


@given(st.binary(max_size=40))
def test_whatever_the_issuers_data_are_there_is_data_or_none(issuer_data: bytes) -> None:
    for version in METHODS:
        data = authenticated_data(VISA_VALUES | {"9F10": issuer_data}, version)
        assert data is None or len(data) > 29


@given(st.binary(min_size=16, max_size=16))
def test_every_byte_of_a_key_has_odd_parity_and_is_the_same_key(key: bytes) -> None:
    adjusted = odd_parity(key)
    assert all(byte.bit_count() % 2 for byte in adjusted)
    assert kcv(key) == kcv(adjusted)
    assert all((a ^ b) < 2 for a, b in zip(key, adjusted, strict=True))


@pytest.mark.parametrize(
    ("pan", "sequence"), [("", "0"), ("12A4567890123456", "00"), ("1" * 20, "00"), ("1234567890123456", "1")]
)
def test_a_key_is_made_of_a_pan_and_a_sequence_number_only(pan: str, sequence: str) -> None:
    with pytest.raises(ValueError, match="a card") as caught:
        master_key(des(K), pan, sequence)
    assert not pan or pan not in str(caught.value)
