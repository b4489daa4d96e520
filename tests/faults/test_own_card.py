"""A person's own card at the simulated ATM: it stands for a made-up account, and leaves no trace but three words.

The card here is a virtual one with secrets of its own, treated as a stranger's; everything that a run writes and says
is searched for them (I22).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from atm_sim.checks.invariants.canary import Canary, contents_of, leaks
from atm_sim.cli import main
from cardreader import apdu
from cardreader.emv.des import Des3
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.in_process import InProcess
from cardreader.virtual.profile import Profile, payment_application
from tests.cardreader.cards import READER

OWN_CARD = Path(__file__).parents[2] / "scenarios/cards/own_card.yaml"
PAN, TRACK, NAME = "4999007391648207", "4999007391648207=310620173916482", "MARUYAMA/KAORUKO"
SECRETS = [
    Canary("PAN", PAN),
    Canary("track 2", TRACK),
    Canary("track 2 of the chip", TRACK.replace("=", "D")),
    Canary("name", NAME),
    Canary("name as record bytes", NAME.encode().hex().upper()),
]


def personal_card() -> VirtualCard:
    application = payment_application(
        PAN,
        Des3(bytes(range(16))),
        expires=date(2031, 6, 30),
        effective=date(2013, 1, 1),
        name=NAME,
        track2=TRACK,
        label="MY OWN BANK",
    )
    return VirtualCard(Profile((application,)))


def run(folder: Path, card: VirtualCard | None, *options: str, answers: str = "") -> Result:
    readers = InProcess(READER, made_here=False)
    if card is not None:
        readers.insert(READER, card)
    command = ["run", str(OWN_CARD), "--out", str(folder / "run"), "--wait", "0", *options]
    return CliRunner().invoke(main, command, obj=lambda: readers, input=answers)


def kinds(card: VirtualCard) -> set[int]:
    return {command[1] for command in card.log}


def test_nothing_that_a_run_writes_or_says_holds_anything_of_the_card(tmp_path: Path) -> None:
    card = personal_card()
    result = run(tmp_path, card, "--level", "read", answers="y\n")
    assert 0 == result.exit_code, result.output
    assert apdu.GET_PROCESSING_OPTIONS in kinds(card), (
        "the card was read, so that there was something to leak"
    )
    trace = CliRunner().invoke(main, ["trace", str(tmp_path / "run"), "--card", "visitor"])
    written = contents_of(tmp_path / "run") | {
        "standard output": result.output.encode(),
        "trace": trace.output.encode(),
    }
    assert [] == leaks(written, SECRETS)
    for secret in SECRETS:  # the negative control
        assert leaks({**written, "log": f"read {secret.value}".encode()}, SECRETS)


def test_application_interface_and_family_of_the_atr_are_kept(tmp_path: Path) -> None:
    assert 0 == run(tmp_path, personal_card()).exit_code
    trace = CliRunner().invoke(main, ["trace", str(tmp_path / "run"), "--card", "visitor"]).output
    assert "(atm-sim test card, contact, 3b t=1)" in trace
    assert "my own bank" not in trace.lower(), "only names of the shipped list are kept"


def test_the_message_is_that_of_the_made_up_account_and_says_that_there_is_no_chip(tmp_path: Path) -> None:
    assert 0 == run(tmp_path, personal_card()).exit_code
    trace = CliRunner().invoke(main, ["trace", str(tmp_path / "run"), "--card", "visitor"]).output
    assert "DE22  Entry mode: 021" in trace
    assert "DE23  Card sequence number: 000" in trace
    assert "DE2   Primary account number: 499900••••••0013" in trace
    assert "DE55" not in trace


def test_the_card_is_only_identified_unless_somebody_asks_for_more(tmp_path: Path) -> None:
    card = personal_card()
    assert 0 == run(tmp_path, card).exit_code
    assert kinds(card) <= {apdu.SELECT, apdu.READ_RECORD, apdu.GET_DATA}
    assert card.log


def test_reading_asks_first_and_says_that_the_counter_will_rise(tmp_path: Path) -> None:
    card = personal_card()
    result = run(tmp_path, card, "--level", "read", answers="n\n")
    assert (3, []) == (result.exit_code, card.log)
    assert "transaction counter will go up" in result.output
    assert not (tmp_path / "run").exists()


def test_no_cryptogram_and_no_pin_is_ever_asked_of_it(tmp_path: Path) -> None:
    card = personal_card()
    run(tmp_path, card, "--level", "read", "--yes")
    assert set() == kinds(card) & {apdu.GENERATE_AC, apdu.EXTERNAL_AUTHENTICATE, 0x20}


def test_an_empty_reader_is_told_in_words_and_exits_3(tmp_path: Path) -> None:
    result = run(tmp_path, None)
    assert 3 == result.exit_code
    assert "no card in the reader: insert a card" in result.output
    assert "Traceback" not in result.output


def test_no_reader_at_all_is_told_in_words_and_exits_3(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["run", str(OWN_CARD), "--out", str(tmp_path)], obj=InProcess)
    assert 3 == result.exit_code
    assert "no reader connected" in result.output


@pytest.mark.parametrize(("options", "not_run"), [((), 1), (("--virtual-card",), 0)])
def test_a_suite_says_that_it_did_not_run_the_file_unless_a_virtual_card_stands_in(
    tmp_path: Path, options: tuple[str, ...], not_run: int
) -> None:
    junit = tmp_path / "junit.xml"
    result = CliRunner().invoke(main, ["test", str(OWN_CARD), "--junit", str(junit), *options])
    assert 0 == result.exit_code
    assert f"{1 - not_run} passed, 0 failed" in result.output
    assert bool(not_run) == ("1 not run" in result.output)
    skipped = ElementTree.parse(junit).findall(".//skipped")
    assert not_run == len(skipped)
    (told,) = json.loads(CliRunner().invoke(main, ["test", str(OWN_CARD), "--json", *options]).output)[
        "tests"
    ]
    assert (bool(not_run), not not_run) == ("not_run" in told, told["passed"])
