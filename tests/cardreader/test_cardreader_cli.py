"""The commands of `cardreader`, as a person and a program use them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cardreader import apdu
from cardreader.cli import Surroundings, main
from cardreader.guard import MY_NUMBER_CARD
from cardreader.problems import Problem, ReaderError
from cardreader.transport import ReaderState, Transport
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.in_process import InProcess
from tests.cardreader.cards import READER, Scripted, application, card, personal, profile


def run(
    transport: Transport | Problem, *arguments: str, folder: Path = Path("none"), stdin: str = ""
) -> Result:
    def made() -> Transport:
        if isinstance(transport, str):
            raise ReaderError(transport)
        return transport

    return CliRunner().invoke(main, arguments, obj=Surroundings(made, folder), input=stdin)


def stopped() -> InProcess:
    readers = InProcess(READER)
    readers.serve(False)
    return readers


# ---------------------------------------------------------------- list


def two_readers() -> InProcess:
    readers = InProcess("Reader A", "Reader B")
    readers.insert("Reader B", card())
    return readers


def test_readers_are_listed_with_their_cards() -> None:
    result = run(two_readers(), "list")
    assert (0, "Reader A: no card\nReader B: card\n") == (result.exit_code, result.stdout)


def test_a_program_reads_the_list_as_json() -> None:
    result = run(two_readers(), "list", "--json")
    assert {
        "readers": [
            {"name": "Reader A", "card": "no card", "atr": ""},
            {"name": "Reader B", "card": "card", "atr": "3BE500008131FE4541544D3031B7"},
        ]
    } == json.loads(result.stdout)


@pytest.mark.parametrize(
    ("words", "transport"),
    [
        ("install the pcsc extra: pip install 'atm-sim[pcsc]'", lambda: "no_binding"),
        ("PC/SC library missing", lambda: "no_library"),
        ("smart-card service not running", stopped),
        ("no reader connected", InProcess),
    ],
)
@pytest.mark.parametrize("command", ["list", "read"])
def test_without_a_reader_the_reason_is_named_and_the_exit_code_is_3(
    command: str, words: str, transport: Callable[[], Transport | Problem]
) -> None:
    result = run(transport(), command)
    assert (3, "") == (result.exit_code, result.stdout)
    assert words in result.stderr
    if command == "list":
        assert words in json.loads(run(transport(), "list", "--json").stdout)["reason"]


def test_this_machine_gives_readers_or_one_of_the_stated_reasons() -> None:
    result = CliRunner().invoke(main, ["list"])
    assert result.exit_code in (0, 3)
    assert result.exit_code == 0 or result.stderr.startswith("cardreader: ")


# ---------------------------------------------------------------- watch


def test_events_are_printed_as_they_are() -> None:
    lines = run(two_readers(), "watch", "--count", "4").stdout.splitlines()
    assert [
        "smart-card service answers",
        "Reader A: reader there",
        "Reader B: reader there",
        "Reader B: card inserted, ATR 3BE500008131FE4541544D3031B7",
    ] == lines


def test_a_program_reads_events_line_by_line() -> None:
    lines = run(two_readers(), "watch", "--count", "2", "--json").stdout.splitlines()
    assert [{"event": "service_up"}, {"event": "reader_added", "reader": "Reader A"}] == [
        json.loads(line) for line in lines
    ]


def test_a_stopped_service_is_an_event_with_its_advice() -> None:
    assert "smart-card service not running" in run(stopped(), "watch", "--count", "1").stdout


# ---------------------------------------------------------------- read


def test_the_virtual_card_needs_no_reader_and_asks_nothing() -> None:
    result = run("no_library", "read", "--virtual", "--level", "read")
    assert 0 == result.exit_code
    assert "Card number (PAN) (5A): 499900••••••0013" in result.stdout
    assert "PIN enciphered, online for cash at a machine" in result.stdout


def test_a_card_is_named_by_the_same_alias_each_time_it_is_read(tmp_path: Path) -> None:
    def name() -> str:
        result = run(personal(card()), "read", "--level", "read", "--yes", "--json", folder=tmp_path)
        found: str = json.loads(result.stdout)["alias"]
        return found

    assert name() == name()
    assert 0o600 == (tmp_path / "card-alias.key").stat().st_mode & 0o777


@pytest.mark.parametrize("level", ["read", "cryptogram"])
def test_before_the_card_changes_a_person_is_asked(level: str) -> None:
    answering = card()
    result = run(personal(answering), "read", "--level", level, stdin="n\n")
    assert (1, []) == (result.exit_code, answering.log)
    assert "transaction counter will go up" in result.stderr
    assert ("declined transaction" in result.stderr) == (level == "cryptogram")


def test_a_dry_run_says_what_would_be_sent_and_sends_nothing() -> None:
    result = run("no_library", "read", "--dry-run", "--level", "read")
    assert "select the directory: 00 A4 04 00 0E 31 50 41 59" in result.stdout
    assert "open each application; its transaction counter goes up by one" in result.stdout
    assert "cryptogram" not in result.stdout


def test_several_cards_want_a_name() -> None:
    readers = two_readers()
    readers.insert("Reader A", card())
    result = run(readers, "read")
    assert 3 == result.exit_code
    assert "several readers have a card (Reader A, Reader B): name one: --reader NAME" in result.stderr
    assert run(readers, "read", "--reader", "reader b").stdout.startswith("Reader B: a bank card")
    assert "none of that name; there are Reader A, Reader B" in run(readers, "read", "--reader", "C").stderr


def test_a_person_is_asked_for_a_card_once_and_the_card_is_read_when_it_comes() -> None:
    class Patient(InProcess):
        """Its card comes while somebody waits for it."""

        waits = 0

        def states(
            self, known: Sequence[ReaderState] | None = None, wait_s: float = 0
        ) -> tuple[ReaderState, ...]:
            if known is not None:
                self.waits += 1
                if self.waits == 3:
                    self.insert(READER, card())
            return super().states()

    result = run(Patient(READER), "read")
    assert (0, "Insert a card, or lay it on the reader.\n") == (result.exit_code, result.stderr)


def test_a_felica_cards_number_is_called_by_its_name(tmp_path: Path) -> None:
    atr = bytes.fromhex("3B8F8001804F0CA00000030611003B0000000042")
    idm = bytes.fromhex("0101060A3F120801")
    answering = Scripted(
        lambda command: idm + b"\x90\x00" if command[:2] == b"\xff\xca" else b"\x6d\x00", atr
    )
    result = run(personal(answering), "read", folder=tmp_path)
    assert "IDm (FeliCa): 0101060A3F120801" in result.stdout


def test_a_card_that_does_not_come_is_told() -> None:
    result = run(InProcess(READER), "read", "--wait", "0")
    assert (3, "cardreader: no card in the reader: insert a card\n") == (result.exit_code, result.stderr)


@pytest.mark.parametrize(
    ("words", "answering"),
    [
        ("not a bank card that is known here", Scripted(lambda command: b"\x6d\x00")),
        (
            "a My Number card, not a bank's",
            Scripted(lambda command: b"\x90\x00" if command[5:15] == MY_NUMBER_CARD else b"\x6a\x82"),
        ),
        ("the card is blocked", Scripted(lambda command: b"\x6a\x81")),
    ],
)
def test_what_is_no_bank_card_is_a_finding(words: str, answering: Scripted) -> None:
    result = run(personal(answering), "read")
    assert 1 == result.exit_code
    assert words in result.stdout


def test_an_aid_file_of_ones_own_finds_ones_own_card(tmp_path: Path) -> None:
    aid = bytes.fromhex("F0112233445566")
    own = VirtualCard(profile(application(aid=aid), directory=False))
    assert 1 == run(personal(own), "read").exit_code
    file = tmp_path / "aids.txt"
    file.write_text("# mine\nF0112233445566  My bank's cash card\n")
    assert "My bank's cash card" in run(personal(own), "read", "--aids", str(file)).stdout
    assert "My bank's cash card" in run(personal(own), "read", folder=tmp_path).stdout


@pytest.mark.parametrize("line", ["A00", "A0000000", "no hex", "A00000000310101010101010101010101010"])
def test_a_wrong_line_in_an_aid_file_is_told_with_its_place(line: str, tmp_path: Path) -> None:
    file = tmp_path / "own.txt"
    file.write_text(f"# mine\n{line}\n")
    result = run("no_library", "read", "--virtual", "--aids", str(file))
    assert 2 == result.exit_code
    assert f"{file}:2: an AID is 5 to 16 bytes in hexadecimal" in result.stderr


# ---------------------------------------------------------------- virtual


def test_a_virtual_card_answers_on_the_command_line() -> None:
    select = bytes(apdu.select(bytes.fromhex("F041544D53494D")))
    result = run("no_library", "virtual", "--stdin", stdin=f"{select.hex()}\n\n00 20 00 80\n")
    first, second = result.stdout.splitlines()
    assert first.startswith("6F 2E 84 09 F0 41 54 4D 53 49 4D 00 01")
    assert "6D 00" == second
    assert "pairs of hexadecimal digits" in run("no_library", "virtual", "--stdin", stdin="xyz\n").stderr


def test_a_missing_vpcd_is_told() -> None:
    result = run("no_library", "virtual", "--port", "1")
    assert 3 == result.exit_code
    assert "no vpcd listens on 127.0.0.1:1: install vsmartcard's vpcd" in result.stderr


# ---------------------------------------------------------------- doctor


@pytest.mark.parametrize(
    ("code", "stage", "words", "advice", "transport"),
    [
        (3, "library", "PC/SC library missing", "sudo dnf install pcsc-lite-libs", lambda: "no_library"),
        (3, "service", "smart-card service not running", "sudo systemctl start pcscd.socket", stopped),
        (3, "reader", "no reader connected", "sudo dnf install pcsc-lite-ccid", InProcess),
        (1, "card", "no card in the reader", "insert a card", lambda: InProcess(READER)),
        (
            1,
            "card",
            "does not answer to power",
            "wrong way round",
            lambda: personal(Scripted(bytes, atr=b"")),
        ),
        (
            1,
            "bank card",
            "not a bank card that is known here",
            "add your card's application identifier",
            lambda: personal(Scripted(lambda command: b"\x6d\x00")),
        ),
    ],
)
def test_the_doctor_names_the_first_fault_and_the_next_step(
    code: int, stage: str, words: str, advice: str, transport: Callable[[], Transport | Problem]
) -> None:
    result = run(transport(), "doctor", "--system", "fedora")
    *healthy, fault, step = result.stdout.splitlines()
    assert code == result.exit_code
    assert all(line.startswith("ok    ") for line in healthy)
    assert fault.startswith(f"FAIL  {stage}: ")
    assert words in fault
    assert advice in step


def test_the_doctor_is_content_with_a_bank_card_and_only_identifies_it() -> None:
    answering = card()
    result = run(personal(answering), "doctor")
    assert (0, "Cards can be read.") == (result.exit_code, result.stdout.splitlines()[-1])
    assert {0xA4, 0xB2, 0xCA} == {command[1] for command in answering.log}
