"""A whole answer from a card: T=0's two steps, lengths, endless talk, noise, silence, and cards that go."""

from __future__ import annotations

from threading import Event as Flag

import pytest

from cardreader import apdu
from cardreader.apdu import Command
from cardreader.card import Card, is_contactless
from cardreader.guard import Level
from cardreader.problems import ReaderError
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.faults import mute, pulled
from cardreader.virtual.in_process import InProcess, InProcessLink
from tests.cardreader.cards import READER, Scripted, application, card, personal, profile
from tests.cardreader.waiting import PATIENCE_S


def answers(*given: str) -> Scripted:
    queue = iter([bytes.fromhex(one) for one in given])
    return Scripted(lambda command: next(queue))


def test_both_protocols_give_the_same_answer() -> None:
    found = []
    for protocol in ("T=0", "T=1"):
        with Card(personal(card(protocol)), READER) as opened:  # type: ignore[arg-type]
            assert protocol == opened.protocol
            found.append(opened.send(apdu.select(application().aid)))
    assert found[0] == found[1]
    assert found[0].ok


def test_an_answer_that_is_ready_is_fetched_in_as_many_parts_as_it_has() -> None:
    talking = answers("6102", "AABB6101", "CC9000")
    with Card(personal(talking), READER) as opened:
        assert bytes.fromhex("AABBCC9000") == bytes(opened.send(apdu.select(b"ABCDE")))
    assert ["00c0000002", "00c0000001"] == [command.hex() for command in talking.log[1:]]


def test_a_wrong_length_is_asked_again_with_the_right_one() -> None:
    talking = answers("6C04", "9F1701039000")
    with Card(personal(talking), READER) as opened:
        assert opened.send(apdu.get_data("9F17")).ok
    assert ["80ca9f1700", "80ca9f1704"] == [command.hex() for command in talking.log]


def test_what_carries_data_is_not_sent_twice() -> None:
    """A transaction would be begun twice."""
    talking = answers("6C04")
    with Card(personal(talking), READER) as opened:
        assert 0x6C04 == opened.send(apdu.select(b"ABCDE")).status
    assert 1 == len(talking.log)


@pytest.mark.parametrize("status", [b"\x61\x10", b"\x6c\x10"])
def test_a_card_that_never_comes_to_an_end_is_left(status: bytes) -> None:
    talking = Scripted(lambda command: status)
    with Card(personal(talking), READER) as opened, pytest.raises(ReaderError, match="GET DATA has no end"):
        opened.send(apdu.get_data("9F17"))
    assert len(talking.log) < 20


@pytest.mark.parametrize("noise", [b"", b"\x90", bytes(300)])
def test_an_answer_that_is_none_is_told(noise: bytes) -> None:
    opened = Card(personal(Scripted(lambda command: noise)), READER)
    with pytest.raises(ReaderError, match="no answer"):
        opened.send(apdu.get_data("9F17"))


def test_a_silent_card_is_given_up_and_stays_so() -> None:
    """PC/SC has no time-out; the program still ends, and says why."""
    silent = card(fault=mute(at=1))
    opened = Card(personal(silent), READER)
    opened.patience_s = 0.05
    for _ in range(2):
        with pytest.raises(ReaderError, match="card stopped answering") as told:
            opened.send(apdu.get_data("9F17"))
        assert "silent" == told.value.problem
    opened.close()
    assert 1 == len(silent.log)


def test_a_card_that_opens_too_late_is_given_back() -> None:
    """A transaction that nobody ends would keep every other program from the card."""
    may_open, was_closed = Flag(), Flag()

    class Slow(InProcess):
        def connect(self, reader: str) -> InProcessLink:
            may_open.wait()
            link = super().connect(reader)
            link.close = was_closed.set  # type: ignore[method-assign]
            return link

    readers = Slow(READER)
    readers.insert(READER, card())
    with pytest.raises(ReaderError, match="reader in use by another program"):
        Card(readers, READER, patience_s=0.05)
    may_open.set()
    assert was_closed.wait(PATIENCE_S)


def test_t0_is_not_told_what_to_expect_behind_data() -> None:
    answering = card("T=0")
    with Card(personal(answering), READER) as opened:
        assert opened.send(apdu.select(application().aid)).ok
    assert ["00a4040009f041544d53494d0001", "00c0000030"] == [command.hex() for command in answering.log]


def test_a_card_that_is_pulled_in_the_middle_is_told() -> None:
    with Card(personal(card(fault=pulled(at=2))), READER) as opened:
        opened.send(apdu.select(application().aid))
        with pytest.raises(ReaderError, match="card removed"):
            opened.send(apdu.get_data("9F17"))


def test_a_card_that_was_changed_for_another_is_not_taken_for_it() -> None:
    readers = personal(card())
    with Card(readers, READER) as opened:
        readers.remove(READER)
        readers.insert(READER, card())
        with pytest.raises(ReaderError, match="card removed"):
            opened.send(apdu.get_data("9F17"))


@pytest.mark.parametrize(
    ("problem", "readers"),
    [("no_card", InProcess(READER)), ("reader_gone", InProcess()), ("mute", personal(card()))],
)
def test_what_cannot_be_opened_says_why(problem: str, readers: InProcess) -> None:
    if problem == "mute":
        readers.insert(READER, Scripted(lambda command: b"\x90\x00", atr=b""))
    with pytest.raises(ReaderError) as told:
        Card(readers, READER)
    assert problem == told.value.problem


def test_the_trace_tells_lengths_and_no_data() -> None:
    with Card(personal(VirtualCard(profile())), READER, Level.READ) as opened:
        opened.send(apdu.select(application().aid))
        opened.send(Command(0x80, apdu.GET_PROCESSING_OPTIONS, data=bytes.fromhex("8303039214"), expects=256))
        opened.send(apdu.read_record(1, 2))
    assert [
        "SELECT: 9 bytes, answer 9000 with 48 bytes",
        "GET PROCESSING OPTIONS: 5 bytes, answer 9000 with 16 bytes",
        "READ RECORD: 0 bytes, answer 9000 with 78 bytes",
    ] == [str(one) for one in opened.trace]


@pytest.mark.parametrize(
    ("expected", "atr"),
    [
        (True, "3B8F8001804F0CA000000306030001000000006A"),
        (True, "3B8180018080"),
        (False, "3B65000041544D3031"),
        (False, "3BE500008131FE4541544D3031B7"),
        (False, ""),
    ],
)
def test_a_contactless_card_is_known_by_its_atr(expected: bool, atr: str) -> None:
    assert expected == is_contactless(bytes.fromhex(atr))
