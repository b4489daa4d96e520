"""The true way to a card: our programs, PC/SC's library, pcscd, its driver, and a virtual card at the other end."""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from cardreader import apdu
from cardreader.apdu import Command, Response
from cardreader.card import Card
from cardreader.cli import Surroundings, main
from cardreader.flow import Reading, read_card
from cardreader.guard import Level
from cardreader.pcsc import PcscTransport
from cardreader.problems import ReaderError
from cardreader.transport import CardProtocol, Transport
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.faults import mute, pulled
from cardreader.virtual.in_process import Answering
from cardreader.watch import Event, watch
from tests.cardreader.cards import KNOWN, TERMINAL, Scripted, application, card, profile
from tests.cardreader.pcsc.daemon import CONTACT, CONTACTLESS, Pcscd
from tests.cardreader.waiting import PATIENCE_S, until

pytestmark = pytest.mark.xdist_group("pcscd")


def await_card(transport: Transport, reader: str = CONTACT, *, present: bool = True) -> None:
    """Returns when pcscd has seen that the card came or went."""
    states = transport.states()
    end = time.monotonic() + PATIENCE_S
    while not any((state.reader, state.present) == (reader, present) for state in states):
        assert time.monotonic() < end, f"pcscd sees no change in {reader}"
        states = transport.states(states, 1)


def inserted(pcscd: Pcscd, transport: Transport, answering: Answering, reader: str = CONTACT) -> Answering:
    pcscd.insert(answering, reader)
    await_card(transport, reader)
    return answering


def read(transport: Transport, level: Level = Level.CRYPTOGRAM, reader: str = CONTACT) -> Reading:
    with Card(transport, reader, level, patience_s=PATIENCE_S) as opened:
        return read_card(opened, KNOWN, TERMINAL)


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
def test_a_card_is_read_in_full(pcscd: Pcscd, transport: PcscTransport, protocol: CardProtocol) -> None:
    inserted(pcscd, transport, card(protocol))
    reading = read(transport)
    assert ("read", "directory", protocol) == (reading.outcome, reading.found_by, reading.protocol)
    (found,) = reading.applications
    assert (3, "") == (len(found.records), found.problem)
    assert found.cryptogram


def test_a_contactless_card_tells_its_number_through_the_reader(
    pcscd: Pcscd, transport: PcscTransport
) -> None:
    inserted(pcscd, transport, VirtualCard(profile(interface="contactless")), CONTACTLESS)
    reading = read(transport, reader=CONTACTLESS)
    assert ("contactless", bytes.fromhex("0892F00D"), "read") == (
        reading.interface,
        reading.uid,
        reading.outcome,
    )


def test_a_card_that_is_no_bank_card_is_told(pcscd: Pcscd, transport: PcscTransport) -> None:
    inserted(pcscd, transport, Scripted(lambda command: b"\x6d\x00"))
    assert "not_a_bank_card" == read(transport).outcome


def test_garbage_from_a_card_ends_in_a_reading_or_a_clear_message(
    pcscd: Pcscd, transport: PcscTransport
) -> None:
    """Forty readings of one card that answers each time with other noise, or with a right answer bent in one place."""
    random = Random(7)

    def bent(number: int, command: Command, right: Response) -> Response | bytes:
        if random.random() < 0.1:
            return random.randbytes(random.randint(2, 258))
        if right.data and random.random() < 0.3:
            at = random.randrange(len(right.data))
            return right._replace(data=right.data[:at] + random.randbytes(1) + right.data[at + 1 :])
        return right

    inserted(pcscd, transport, card(fault=bent))
    seen = set()
    for _ in range(40):
        try:
            seen.add(read(transport).outcome)
        except ReaderError as error:
            seen.add(error.problem)
    assert "read" in seen
    assert seen <= {"read", "blocked", "not_a_bank_card", "my_number_card", "broken"}


def test_the_time_of_a_command_is_printed(pcscd: Pcscd, transport: PcscTransport) -> None:
    """A figure to look at (`pytest -s`), no test of time: that all commands are answered is what must hold."""
    inserted(pcscd, transport, card())
    took_ms = []
    with Card(transport, CONTACT, patience_s=PATIENCE_S) as opened:
        opened.send(apdu.select(application().aid))
        for _ in range(200):
            begun = time.perf_counter()
            assert opened.send(apdu.get_data("9F36")).ok
            took_ms.append((time.perf_counter() - begun) * 1_000)
    sys.stdout.write(
        f"\n{transport.name}: median {statistics.median(took_ms):.2f} ms for a command through pcscd\n"
    )


# ---------------------------------------------------------------- what goes wrong in the middle


def test_a_card_pulled_in_the_middle_of_a_command_is_removed(pcscd: Pcscd, transport: PcscTransport) -> None:
    inserted(pcscd, transport, card(fault=pulled(at=5)))
    with pytest.raises(ReaderError, match="card removed"):
        read(transport)


def test_a_card_pulled_between_commands_is_removed(pcscd: Pcscd, transport: PcscTransport) -> None:
    put = pcscd.insert(card())
    await_card(transport)
    with Card(transport, CONTACT, patience_s=PATIENCE_S) as opened:
        assert opened.send(apdu.select(application().aid)).ok
        put.pull()
        with pytest.raises(ReaderError, match="card removed"):
            opened.send(apdu.get_data("9F36"))


def test_a_silent_card_holds_nobody_up_and_the_reader_works_again_without_it(
    pcscd: Pcscd, transport: PcscTransport
) -> None:
    put = pcscd.insert(card(fault=mute(at=3)))
    await_card(transport)
    with Card(transport, CONTACT, patience_s=PATIENCE_S) as opened:
        opened.patience_s = 0.5
        with pytest.raises(ReaderError, match="card stopped answering"):
            read_card(opened, KNOWN, TERMINAL)
        # A watcher has a context of its own: it goes on while the card's is stuck.
        assert 2 == len(transport.states())
    put.pull()
    await_card(transport, present=False)
    inserted(pcscd, transport, card())
    assert "read" == read(transport).outcome


def test_a_card_that_another_program_holds_is_told_and_free_again_after_it(
    pcscd: Pcscd, transport: PcscTransport
) -> None:
    inserted(pcscd, transport, card())
    with Card(transport, CONTACT, patience_s=PATIENCE_S) as held:
        with pytest.raises(ReaderError, match="reader in use by another program"):
            Card(transport, CONTACT, patience_s=0.5)
        assert held.send(apdu.select(application().aid)).ok
    assert "read" == read(transport).outcome


def test_a_missing_card_is_told(pcscd: Pcscd, transport: PcscTransport) -> None:
    with pytest.raises(ReaderError) as told:
        Card(transport, CONTACT)
    assert "no_card" == told.value.problem


def test_a_missing_reader_is_told(pcscd: Pcscd, transport: PcscTransport) -> None:
    with pytest.raises(ReaderError) as told:
        Card(transport, "No such reader")
    assert "reader_gone" == told.value.problem


# ---------------------------------------------------------------- watching


def watching(transport: Transport) -> Iterator[Event]:
    """Events, with both readers told."""
    events = watch(transport, pause=lambda seconds: time.sleep(seconds / 10), look_s=0.5)
    assert ["service_up", "reader_added", "reader_added"] == [event.kind for event in islice(events, 3)]
    return events


def cycles(pcscd: Pcscd, transport: Transport, count: int) -> None:
    """Cards come into both readers and go; each coming and each going is an event."""
    events = watching(transport)
    for _ in range(count):
        for reader in (CONTACT, CONTACTLESS):
            pcscd.insert(card(), reader)
        came = sorted((event.kind, event.reader, event.atr) for event in islice(events, 2))
        assert [("card_inserted", reader, card().atr) for reader in (CONTACT, CONTACTLESS)] == came
        pcscd.pull_all()
        went = sorted((event.kind, event.reader) for event in islice(events, 2))
        assert [("card_removed", reader) for reader in (CONTACT, CONTACTLESS)] == went


@pytest.mark.parametrize(
    "transport", ["pyscard", pytest.param("libpcsclite", marks=pytest.mark.long)], indirect=True
)
def test_of_fifty_cards_that_come_and_go_none_is_lost(pcscd: Pcscd, transport: PcscTransport) -> None:
    """Twenty-five in each reader."""
    cycles(pcscd, transport, 25)


def test_cards_that_nobody_looked_at_are_told_from_the_count(pcscd: Pcscd, transport: PcscTransport) -> None:
    events = watching(transport)
    for _ in range(3):
        put = pcscd.insert(card())
        await_card(transport)
        put.pull()
        await_card(transport, present=False)
    assert ["card_inserted", "card_removed"] * 3 == [event.kind for event in islice(events, 6)]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_watching_goes_on_when_pcscd_comes_back(pcscd: Pcscd, transport: PcscTransport, end: str) -> None:
    events = watching(transport)
    pcscd.insert(card())
    assert "card_inserted" == next(events).kind
    getattr(pcscd, end)()
    assert ["card_removed", "reader_removed", "reader_removed", "service_down"] == [
        event.kind for event in islice(events, 4)
    ]
    pcscd.pull_all()
    pcscd.start()
    pcscd.insert(card())
    back = []
    for event in events:  # the card may be there at the first look, before the second reader is told
        back.append(event.kind)
        if event.kind == "card_inserted":
            pcscd.pull_all()
        elif event.kind == "card_removed":
            break
    assert ["card_inserted", "card_removed", "reader_added", "reader_added", "service_up"] == sorted(back)
    assert "read" == read_again(pcscd, transport)


def read_again(pcscd: Pcscd, transport: Transport) -> str:
    inserted(pcscd, transport, card())
    return read(transport).outcome


def test_pcscd_ending_in_the_middle_of_a_session_is_told(pcscd: Pcscd, transport: PcscTransport) -> None:
    inserted(pcscd, transport, card())
    with Card(transport, CONTACT, patience_s=PATIENCE_S) as opened:
        assert opened.send(apdu.select(application().aid)).ok
        pcscd.kill()
        with pytest.raises(ReaderError) as told:
            opened.send(apdu.get_data("9F36"))
    assert told.value.problem in ("no_service", "removed")


# ---------------------------------------------------------------- the commands


def run(*arguments: str, folder: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, arguments, obj=Surroundings(folder=folder))
    return result.exit_code, result.output


def test_the_commands_find_and_read_the_card(pcscd: Pcscd, transport: PcscTransport, tmp_path: Path) -> None:
    assert (0, f"{CONTACT}: no card\n{CONTACTLESS}: no card\n") == run("list", folder=tmp_path)
    code, said = run("doctor", folder=tmp_path)
    assert (1, True) == (code, "FAIL  card: no card in the reader" in said)
    inserted(pcscd, transport, card())
    code, said = run("doctor", folder=tmp_path)
    assert (0, True) == (code, said.endswith("Cards can be read.\n"))
    code, said = run("read", "--level", "read", "--yes", "--json", folder=tmp_path)
    assert (0, "read") == (code, json.loads(said)["outcome"])


def test_without_a_service_the_doctor_says_so(pcscd: Pcscd, tmp_path: Path) -> None:
    pcscd.stop()
    code, said = run("doctor", "--system", "debian", folder=tmp_path)
    assert 3 == code
    assert "FAIL  service: smart-card service not running" in said
    assert "sudo apt-get install pcscd" in said


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
def test_a_virtual_card_of_the_command_line_is_read_by_another_process(
    pcscd: Pcscd, transport: PcscTransport, protocol: CardProtocol
) -> None:
    command = [
        sys.executable,
        "-m",
        "cardreader.cli",
        "virtual",
        "--port",
        str(pcscd.port),
        "--protocol",
        protocol,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        await_card(transport)
        assert ("read", protocol) == (read(transport).outcome, read(transport).protocol)
        process.send_signal(signal.SIGINT)
        said, complaint = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    assert 130 == process.returncode
    assert (said.startswith("inserted on 127.0.0.1"), complaint) == (True, "cardreader: interrupted\n")
    await_card(transport, present=False)


def test_pcscd_ends_with_the_tests(pcscd: Pcscd) -> None:
    pcscd.stop()
    assert not pcscd.is_running
    until(lambda: pcscd.ports_are_free(), "vpcd's ports are still taken")
