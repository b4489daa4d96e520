"""A chip card at the terminal: the chip signs each request, hears the bank's answer, and has the last word."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from atm_sim.sansio.effects import CardTaken, CashTaken, Dispense, ServiceChosen, Show
from atm_sim.terminal.card import CardData
from atm_sim.world.cast import in_hand
from atm_sim.world.chip_card import ChipCard, chip_card
from bank_host import chip
from bank_host.hsm import Hsm
from bank_host.iso8583.message import Message
from cardreader.emv import tlv
from tests.atm_sim.terminal.bench import Bench, new_bench, of, sent, the_record

PAN = "4999000000000013"
TRACK = f"{PAN}=181220112345678"
HSM = Hsm.simulation()
NEVER_IN_DE55 = {"56", "57", "5A", "5F20", "5F24", "99", "9F0B", "9F1F", "9F20"}


def card(cvn: int = 18) -> CardData:
    """The stripe's data are not the chip's: what is sent tells which of the two was read."""
    made = chip_card(PAN, TRACK, "1812", date(2013, 12, 1), cvn)
    return CardData("hanako", "unread", "0000", "unread", chip=made)


def ask(bench: Bench, held: CardData, service: str = "withdraw", amount_jpy: int = 30_000) -> Message:
    bench.insert(card=held)
    return sent(bench.feed(ServiceChosen(service, amount_jpy)))[-1]


def chip_data(message: Message) -> dict[str, bytes]:
    return {element.tag: element.value for element in tlv.read_hex(message[55])}


def of_its_bank(request: Message, code: str = "00") -> dict[int, str]:
    return chip.told(HSM, request, True, code)


@pytest.mark.parametrize("cvn", [10, 18])
@pytest.mark.parametrize(("service", "amount_jpy"), [("withdraw", 30_000), ("balance", 0)])
def test_the_request_is_what_the_chip_says_and_signs(cvn: int, service: str, amount_jpy: int) -> None:
    request = ask(new_bench(), card(cvn), service, amount_jpy)
    assert (PAN, "1812", "051", "000", TRACK) == tuple(request[de] for de in (2, 14, 22, 23, 35))
    assert cvn == chip_data(request)["9F10"][2]
    assert chip.genuine(HSM, request)


def test_chip_data_hold_nothing_that_tells_the_card_or_its_holder() -> None:
    assert set() == NEVER_IN_DE55 & chip_data(ask(new_bench(), card())).keys()


@pytest.mark.parametrize("cvn", [10, 18])
def test_a_chip_that_was_made_without_the_banks_key_is_found_out(cvn: int) -> None:
    assert not chip.genuine(HSM, ask(new_bench(), in_hand(card(cvn), "forged")))


@pytest.mark.parametrize("cvn", [10, 18])
def test_the_card_takes_its_banks_answer_and_cash_is_paid(cvn: int) -> None:
    bench = new_bench()
    request = ask(bench, card(cvn))
    effects = bench.reply(request, "00", of_its_bank(request))
    assert "approved" == the_record("chip_told", effects).reason
    assert 1 == len(of(Dispense, effects))


@pytest.mark.parametrize(
    "answer", [{}, {55: "910AFFFFFFFFFFFFFFFF3030"}, {55: "9108FFFFFFFF00800000"}, {55: "FF"}]
)
@pytest.mark.parametrize("cvn", [10, 18])
def test_an_approval_that_is_not_from_the_cards_bank_pays_nothing_and_is_reversed(
    cvn: int, answer: dict[int, str]
) -> None:
    bench = new_bench()
    request = ask(bench, card(cvn))
    effects = bench.reply(request, "00", answer)
    assert [] == of(Dispense, effects)
    (reversal,) = sent(effects)
    assert ("0420", "card_refused") == (reversal.mti, reversal[60])
    assert "declined" == the_record("chip_told", effects).reason


def test_a_reversal_carries_the_chip_data_of_its_request() -> None:
    bench = new_bench()
    request = ask(bench, card())
    (reversal,) = sent(bench.fire("answer"))
    assert (request[55], request[23]) == (reversal[55], reversal[23])


def test_after_a_wrong_pin_the_chip_begins_a_new_transaction() -> None:
    bench, held = new_bench(), card()
    first = ask(bench, held)
    bench.reply(first, "55", of_its_bank(first, "55"))
    second = sent(bench.insert(pin="4321"))[-1]
    assert [b"\0\x01", b"\0\x02"] == [chip_data(one)["9F36"] for one in (first, second)]
    assert first[55] != second[55]
    assert 1 == len(of(Dispense, bench.reply(second, "00", of_its_bank(second))))


def test_the_counter_of_the_chip_goes_on_from_visit_to_visit() -> None:
    held, counted = card(), []
    for bench in (new_bench(), new_bench()):
        request = ask(bench, held)
        counted.append(chip_data(request)["9F36"])
        bench.reply(request, "51", of_its_bank(request, "51"))
        bench.feed(CardTaken())
    assert [b"\0\x01", b"\0\x02"] == counted


class Unreadable(ChipCard):
    """Broken contacts."""

    def sign(self, terminal: object) -> None:
        return None


def test_a_chip_that_cannot_be_used_ends_in_words_and_the_deposit_is_given_back() -> None:
    bench, held = new_bench(), card()
    assert isinstance(held.chip, ChipCard)
    held = replace(held, chip=Unreadable(held.chip._profile))
    bench.insert(card=held)
    effects = bench.feed(ServiceChosen("deposit", notes=((10_000, 2),)))
    assert [] == sent(effects)
    assert "chip_unusable" == the_record("declined", effects).reason
    assert "take_cash" in [show.screen for show in of(Show, bench.feed(CardTaken()))]
    assert 20_000 == the_record("cash_taken", bench.feed(CashTaken())).amount_jpy


def test_the_stripe_of_a_chip_card_is_told_as_such() -> None:
    copied = in_hand(card(), "skimmed")
    request = ask(new_bench(), copied)
    assert ("801", False, False) == (request[22], 55 in request, 23 in request)
