"""Reading a card: what a good one tells at each level and protocol, and what becomes of bad ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader import apdu
from cardreader.apdu import Command, Response
from cardreader.card import Card
from cardreader.emv import tlv
from cardreader.emv.cryptogram import METHODS, authenticated_data, cryptogram, transaction_key
from cardreader.emv.tlv import Tlv
from cardreader.flow import ReadApplication, Reading, read_card
from cardreader.guard import Level
from cardreader.problems import ReaderError
from cardreader.transport import CardProtocol
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.faults import FAULTS
from tests.cardreader.cards import (
    ISSUER_KEY,
    KNOWN,
    PAN,
    READER,
    TERMINAL,
    Scripted,
    application,
    card,
    personal,
    profile,
    reading_of,
)


def the_application(reading: Reading) -> ReadApplication:
    assert "read" == reading.outcome
    (found,) = reading.applications
    return found


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
@pytest.mark.parametrize("directory", [True, False])
@pytest.mark.parametrize("template_77", [True, False])
def test_a_card_is_read_in_full_by_either_protocol_directory_and_format(
    protocol: str, directory: bool, template_77: bool
) -> None:
    made = application(template_77=template_77)
    reading = reading_of(VirtualCard(profile(made, protocol=protocol, directory=directory)))  # type: ignore[arg-type]
    found = the_application(reading)
    assert ("contact", "directory" if directory else "list") == (reading.interface, reading.found_by)
    assert (made.aid, "ATM-SIM TEST", "") == (found.aid, found.label, found.problem)
    assert [(one.sfi, one.number) for one in made.records] == [(one.sfi, one.number) for one in found.records]
    assert bytes.fromhex(PAN) == tlv.first(found.elements(), "5A")
    assert {"9F36", "9F13", "9F17"} == {one.tag for one in found.counters}


@pytest.mark.parametrize(
    ("level", "instructions"),
    [
        (Level.IDENTIFY, {0xA4, 0xB2, 0xCA}),
        (Level.READ, {0xA4, 0xB2, 0xCA, 0xA8}),
        (Level.CRYPTOGRAM, {0xA4, 0xB2, 0xCA, 0xA8, 0xAE}),
    ],
)
def test_a_level_sends_its_commands_and_no_other(level: Level, instructions: set[int]) -> None:
    answering = card()
    found = the_application(reading_of(answering, level))
    assert instructions == {command[1] for command in answering.log}
    assert (level >= Level.READ, level >= Level.CRYPTOGRAM) == (bool(found.records), bool(found.cryptogram))


def test_the_cryptogram_of_a_declined_transaction_is_what_the_bank_computes() -> None:
    found = the_application(reading_of(card()))
    values = {one.tag: one.value for one in found.cryptogram}
    assert b"\x00" == values["9F27"]
    data = authenticated_data(dict(TERMINAL) | values | {"82": b"\x1c\x00"}, 18)
    key = transaction_key(ISSUER_KEY, PAN, "01", values["9F36"], 18)
    assert data is not None
    assert cryptogram(key, data, METHODS[18].padding) == values["9F26"]


def test_applications_come_in_the_cards_order_and_all_are_read() -> None:
    second = application(aid=bytes.fromhex("F041544D53494D0002"), label="SECOND", priority=2)
    reading = reading_of(VirtualCard(profile(second, application())))
    assert ["ATM-SIM TEST", "SECOND"] == [one.label for one in reading.applications]
    assert all(one.records and not one.problem for one in reading.applications)


def test_without_a_directory_all_applications_that_begin_with_a_listed_name_are_found() -> None:
    second = application(aid=bytes.fromhex("F041544D53494D0002"), label="SECOND", priority=2)
    reading = reading_of(VirtualCard(profile(application(), second, directory=False)), Level.IDENTIFY)
    assert ["ATM-SIM TEST", "SECOND"] == [one.label for one in reading.applications]


def test_two_applications_in_one_directory_record_are_two() -> None:
    def one_record(number: int, command: Command, right: Response) -> Response:
        if command.ins != apdu.READ_RECORD or command.p2 != 0x0C or command.p1 != 1:
            return right
        entries = [
            Tlv("61", parts=(Tlv("4F", bytes.fromhex(f"F041544D53494D000{at}")), Tlv("50", b"TWO")))
            for at in (1, 2)
        ]
        return right._replace(data=tlv.write([Tlv("70", parts=tuple(entries))]))

    reading = reading_of(card(fault=one_record), Level.IDENTIFY)
    assert 2 == len(reading.applications)


@pytest.mark.parametrize(
    ("outcome", "problem", "fault"),
    [
        ("blocked", "", "blocked"),
        ("not_a_bank_card", "", "not_a_bank_card"),
        ("read", "selecting: the application is blocked", "application_blocked"),
        ("read", "opening: the card answers 6985 (conditions of use not satisfied)", "refused_options"),
        ("read", "record 1 of file 9: the card answers 6A83 (record not found)", "wrong_files"),
    ],
)
def test_what_a_card_refuses_ends_its_reading_with_a_word(outcome: str, problem: str, fault: str) -> None:
    reading = reading_of(card(fault=FAULTS[fault]))
    assert (outcome, problem) == (
        reading.outcome,
        reading.applications[0].problem if reading.applications else "",
    )


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("TLV error: the data end inside an element (byte", "bad_tlv"),
        ("TLV error: a length that is", "over_long_tlv"),
    ],
)
def test_bad_records_are_told_with_their_place(words: str, fault: str) -> None:
    """The directory's records are bad too, so the applications are found by the list."""
    reading = reading_of(card(fault=FAULTS[fault]))
    assert "list" == reading.found_by
    found = the_application(reading)
    assert found.problem.startswith(f"record 1 of file 1: {words}")


def test_the_same_element_in_two_records_is_an_error() -> None:
    made = application()
    twice = made._replace(records=(*made.records, made.records[1]._replace(sfi=3)))
    assert "record 2 of file 3: 5A" in the_application(reading_of(VirtualCard(profile(twice)))).problem


@pytest.mark.parametrize(
    ("problem", "pdol"),
    [
        ("", ""),
        ("", "DF01049F3303"),  # what nobody knows is filled with zeros
        ("", "9F3704" * 2),  # asked twice, answered twice
        ("opening: DOL error: the data end inside an element (byte 2)", "9F37"),
        ("opening: the card wants to know more than a command can carry", "9F37FE"),
    ],
)
def test_a_card_is_opened_with_what_it_wants_to_know(problem: str, pdol: str) -> None:
    made = application()
    control = Tlv("6F", parts=(Tlv("84", made.aid), Tlv("A5", parts=(Tlv("9F38", bytes.fromhex(pdol)),))))

    def wanting(number: int, command: Command, right: Response) -> Response:
        return right._replace(data=tlv.write([control])) if command.data == made.aid else right

    right_pdol = made._replace(pdol=pdol if not problem else "")
    assert problem == the_application(reading_of(VirtualCard(profile(right_pdol), wanting))).problem


def test_a_contactless_card_is_identified_only() -> None:
    answering = VirtualCard(profile(interface="contactless"))
    reading = reading_of(answering)
    assert ("contactless", "directory", bytes.fromhex("0892F00D")) == (
        reading.interface,
        reading.found_by,
        reading.uid,
    )
    assert "ATM-SIM TEST" == the_application(reading).label
    assert {0xA4, 0xCA} == {command[1] for command in answering.log}


def test_a_felica_card_has_its_idm_and_is_no_bank_card() -> None:
    idm = bytes.fromhex("0101060A3F120801")
    atr = bytes.fromhex("3B8F8001804F0CA00000030611003B0000000042")
    answering = Scripted(
        lambda command: idm + b"\x90\x00" if command[:2] == b"\xff\xca" else b"\x6d\x00", atr
    )
    reading = reading_of(answering)
    assert ("not_a_bank_card", idm) == (reading.outcome, reading.uid)


def test_a_card_that_is_pulled_is_told() -> None:
    with pytest.raises(ReaderError, match="card removed"):
        reading_of(card(fault=FAULTS["pulled"]))


def test_a_card_that_falls_silent_is_told_and_nothing_hangs() -> None:
    with Card(personal(card(fault=FAULTS["mute_later"])), READER) as opened:
        opened.patience_s = 0.2
        with pytest.raises(ReaderError, match="card stopped answering"):
            read_card(opened, KNOWN, TERMINAL)


OUTCOMES = ("read", "blocked", "not_a_bank_card", "my_number_card")


def outcome_of(answering: VirtualCard) -> str:
    try:
        return reading_of(answering).outcome
    except ReaderError as error:
        return error.problem


@given(
    st.dictionaries(st.integers(1, 30), st.binary(min_size=1, max_size=258), max_size=8),
    st.sampled_from(["T=0", "T=1"]),
)
def test_garbage_at_any_place_ends_in_a_reading_or_a_clear_message(
    garbage: dict[int, bytes], protocol: CardProtocol
) -> None:
    answering = card(protocol, lambda number, command, right: garbage.get(number, right))
    assert outcome_of(answering) in (*OUTCOMES, "broken")


@given(st.dictionaries(st.integers(1, 20), st.tuples(st.integers(0, 80), st.binary(min_size=1, max_size=3))))
def test_right_answers_with_bytes_changed_are_read_or_told(changes: dict[int, tuple[int, bytes]]) -> None:
    """Garbage that looks right: templates that lie about one length or tag."""

    def bent(number: int, command: Command, right: Response) -> Response:
        at, other = changes.get(number, (0, b""))
        if not other or at >= len(right.data):
            return right
        return right._replace(data=right.data[:at] + other + right.data[at + 1 :])

    assert outcome_of(card(fault=bent)) in OUTCOMES
