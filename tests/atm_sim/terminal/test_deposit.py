"""A deposit: notes wait in escrow until the bank has spoken (X10, RS1)."""

from __future__ import annotations

import pytest

from atm_sim.sansio.effects import (
    CancelPressed,
    CardTaken,
    CashTaken,
    PinEntered,
    PowerLost,
    PowerRestored,
    RetainCard,
    Show,
)
from bank_host.iso8583.message import Message
from tests.atm_sim.terminal.bench import (
    Bench,
    kinds,
    new_bench,
    of,
    screens,
    sent,
    sent_types,
    the_record,
)

NOTES = ((10_000, 2), (5_000, 1))
FULL_JPY = 200 * 10_000 + 500 * 1_000


def deposited() -> tuple[Bench, Message]:
    bench = new_bench()
    return bench, bench.choose("deposit", notes=NOTES)


def test_the_request_is_for_the_counted_notes_and_they_are_not_yet_the_banks():
    bench, request = deposited()
    assert ("210010", "000000025000") == (request[3], request[4])
    assert FULL_JPY == bench.terminal.cash.total_jpy()
    assert {10_000: 2, 5_000: 1} == dict(bench.terminal.cash.escrow)


def test_an_approved_deposit_is_kept_and_completed():
    bench, request = deposited()
    asked = bench.reply(request)
    assert ["0220"] == sent_types(asked)
    assert FULL_JPY + 25_000 == bench.terminal.cash.total_jpy()
    assert ["take_card", "thank_you"] == screens(asked + bench.feed(CardTaken()))


def test_where_the_dialect_wants_none_no_completion_is_sent():
    bench = new_bench(completion_advice=False)
    asked = bench.reply(bench.choose("deposit", notes=NOTES))
    assert [] == sent(asked)
    assert "completed" in kinds(asked)


@pytest.mark.parametrize("code", ["14", "62", "91"])
def test_a_declined_deposit_is_given_back_after_the_card(code):
    bench, request = deposited()
    asked = bench.reply(request, code) + bench.feed(CardTaken())
    assert [] == sent(asked)
    assert Show("take_cash", amount_jpy=25_000) == of(Show, asked)[-1]
    assert "deposit_returned" == the_record("cash_taken", bench.feed(CashTaken())).reason
    assert FULL_JPY == bench.terminal.cash.total_jpy()
    assert bench.terminal.idle


def test_an_unanswered_deposit_is_reversed_and_given_back():
    bench, _ = deposited()
    assert ["0420"] == sent_types(bench.fire("answer"))
    assert ["take_cash"] == screens(bench.feed(CardTaken()))


def test_a_retained_card_does_not_keep_the_deposit():
    bench, request = deposited()
    asked = bench.reply(request, "41")
    assert [RetainCard("code_41")] == of(RetainCard, asked)
    assert "take_cash" == screens(asked)[-1]
    assert ["card_retained"] == screens(bench.feed(CashTaken()))


def test_notes_stay_in_escrow_while_the_pin_is_asked_again():
    bench, request = deposited()
    bench.reply(request, "55")
    (again,) = sent(bench.feed(PinEntered("4321")))
    bench.reply(again)
    assert FULL_JPY + 25_000 == bench.terminal.cash.total_jpy()


def test_a_person_who_gives_up_the_pin_gets_the_notes_back():
    bench, request = deposited()
    bench.reply(request, "55")
    assert ["take_card", "take_cash"] == screens(bench.feed(CancelPressed(), CardTaken()))


@pytest.mark.parametrize("left", ["card", "cash"])
def test_returned_notes_that_nobody_takes_stay_the_customers(left):
    bench, request = deposited()
    bench.reply(request, "14")
    if left == "cash":
        bench.feed(CardTaken())
    asked = bench.fire(left)
    assert (25_000, f"{left}_not_taken") == (
        the_record("retracted", asked).amount_jpy,
        the_record("retracted", asked).reason,
    )
    assert "suspect" not in kinds(asked)
    assert {10_000: 2, 5_000: 1} == dict(bench.terminal.cash.found)
    assert FULL_JPY == bench.terminal.cash.total_jpy()


def test_a_loss_of_power_reverses_the_deposit_and_keeps_the_notes_apart():
    bench, _ = deposited()
    bench.feed(PowerLost())
    assert ["0420"] == sent_types(bench.feed(PowerRestored()))
    assert {10_000: 2, 5_000: 1} == dict(bench.terminal.cash.found)
