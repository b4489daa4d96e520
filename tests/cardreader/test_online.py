"""A whole transaction with a card of this program, and that a person's own card is never asked for one."""

from __future__ import annotations

import pytest

from cardreader import apdu
from cardreader.card import Card
from cardreader.guard import Level
from cardreader.online import ARQC, ask_for_bank, kind_of, last_word
from cardreader.problems import ReaderError
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.faults import refusing
from cardreader.virtual.in_process import InProcess
from cardreader.watchdog import Direct
from tests.cardreader.cards import READER, TERMINAL, application, profile

AID = application().aid


def opened(card: VirtualCard, *, made_here: bool = True) -> Card:
    readers = InProcess(READER, made_here=made_here)
    readers.insert(READER, card)
    return Card(readers, READER, Level.CRYPTOGRAM, caller=Direct())


@pytest.mark.parametrize("protocol", ["T=0", "T=1"])
def test_the_first_cryptogram_asks_for_the_bank(protocol: str) -> None:
    virtual = VirtualCard(profile(application(), protocol=protocol))  # type: ignore[arg-type]
    read, problem = ask_for_bank(opened(virtual), [AID], TERMINAL)
    assert read is not None
    assert ("", ARQC) == (problem, kind_of(read))


@pytest.mark.parametrize("answer", [b"", bytes(8), bytes(10)])
def test_without_its_banks_answer_the_card_declines(answer: bytes) -> None:
    card = opened(VirtualCard(profile(application())))
    read, _ = ask_for_bank(card, [AID], TERMINAL)
    assert read is not None
    assert not last_word(card, read, TERMINAL, b"00", answer, approved=True)


def test_a_card_that_refuses_a_step_is_told_with_the_step() -> None:
    card = opened(VirtualCard(profile(application()), refusing(apdu.GENERATE_AC, 0x6985)))
    read, problem = ask_for_bank(card, [AID], TERMINAL)
    assert read is None
    assert problem.startswith("cryptogram: the card answers 6985")


def test_a_persons_own_card_is_never_asked_for_an_online_cryptogram() -> None:
    virtual = VirtualCard(profile(application()))
    with pytest.raises(ReaderError):
        ask_for_bank(opened(virtual, made_here=False), [AID], TERMINAL)
    assert [] == [command for command in virtual.log if command[1] == apdu.GENERATE_AC]
