"""What goes wrong after the request: answers, dispenser, customer, power (X6, X9; RS1-RS9; I10, I12)."""

from __future__ import annotations

import pytest

from atm_sim.sansio.effects import (
    CardTaken,
    CashTaken,
    Dispense,
    Dispensed,
    PowerLost,
    PowerRestored,
    Received,
    RetainCard,
    ReturnCard,
    TimerFired,
)
from bank_host.iso8583.build import answer
from bank_host.iso8583.composite import parse_replacement
from tests.atm_sim.terminal.bench import (
    kinds,
    new_bench,
    of,
    screens,
    sent,
    sent_types,
    the_record,
)

FULL_JPY = 200 * 10_000 + 500 * 1_000

# ---------------------------------------------------------------- answers


@pytest.mark.parametrize("code", ["68", "94", "96"])
def test_an_answer_that_leaves_the_posting_open_pays_nothing_and_is_reversed(code):
    bench = new_bench()
    asked = bench.reply(bench.choose("withdraw", 30_000), code)
    assert ["0420"] == sent_types(asked)
    assert [] == of(Dispense, asked)


@pytest.mark.parametrize(
    "changes", [{39: None}, {39: "0 "}, {4: "000000300000"}, {3: "311000"}, {37: "0" * 12}, {49: "840"}]
)
def test_an_answer_that_says_something_else_than_was_asked_is_reversed(changes):
    """RS3."""
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    asked = bench.feed(Received("acquirer", answer(request, "00").but(changes)))
    assert ["0420"] == sent_types(asked)
    assert "invalid_answer" == sent(asked)[0][60]
    assert [] == of(Dispense, asked)


@pytest.mark.parametrize("choice", [{"service": "balance"}, {"service": "change_pin", "new_pin": "4321"}])
def test_an_unanswered_service_that_moves_no_amount_is_not_reversed(choice):
    bench = new_bench()
    bench.choose(**choice)
    asked = bench.fire("answer")
    assert "timeout" == the_record("abandoned", asked).reason
    assert [] == sent(asked)


def test_an_answer_with_a_changed_key_field_is_named_and_the_request_then_times_out():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    asked = bench.feed(Received("acquirer", answer(request, "00").but({41: None})))
    assert ["unmatched_answer"] == kinds(asked)
    assert (
        "DE41 absent instead of TERM0001"
        in bench.terminal.journal.lines[-1] + bench.terminal.journal.lines[-2]
    )
    assert ["0420"] == sent_types(bench.fire("answer"))


def test_a_doubled_approval_dispenses_once():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    bench.reply(request)
    again = bench.reply(request)
    assert ["duplicate_answer"] == kinds(again)
    assert [] == of(Dispense, again)


def test_an_approval_that_comes_after_the_customer_left_changes_nothing():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    bench.fire("answer")
    bench.feed(CardTaken())
    assert bench.terminal.idle
    assert ["late_answer"] == kinds(bench.reply(request))
    assert bench.terminal.idle
    assert FULL_JPY == bench.terminal.cash.total_jpy()


def test_a_late_approval_does_not_answer_the_next_customers_request():
    bench = new_bench()
    first = bench.choose("withdraw", 30_000)
    bench.fire("answer")
    bench.feed(CardTaken())
    second = bench.choose("withdraw", 10_000)
    assert [] == of(Dispense, bench.reply(first))
    assert [Dispense(((10_000, 1),))] == of(Dispense, bench.reply(second))


# ---------------------------------------------------------------- the dispenser


def test_a_part_dispense_is_reversed_down_to_what_was_taken():
    """RS5: DE95 is the amount that stands."""
    bench = new_bench()
    bench.reply(bench.choose("withdraw", 30_000), "00", {38: "A00001"})
    assert [] == sent(bench.feed(Dispensed(((10_000, 2),), "partial")))
    taken = bench.take_card_and_cash()
    (reversal,) = sent(taken)
    assert ("0420", "part_dispense") == (reversal.mti, reversal[60])
    assert 20_000 == parse_replacement(reversal[95]).amount_jpy
    assert "completed" not in kinds(taken)
    assert 20_000 == the_record("cash_taken", taken).amount_jpy
    assert {10_000: 1} == dict(bench.terminal.cash.reject_bin)
    assert FULL_JPY - 20_000 == bench.terminal.cash.total_jpy()


@pytest.mark.parametrize(
    "outcome", [Dispensed((), "unknown"), Dispensed(((10_000, 4),)), Dispensed(((5_000, 1),), "partial")]
)
def test_when_the_device_cannot_say_what_came_out_the_transaction_is_suspect(outcome):
    """RS6: no automatic credit, so no message at all."""
    bench = new_bench()
    bench.reply(bench.choose("withdraw", 30_000))
    asked = bench.feed(outcome)
    assert "dispense_unknown" == the_record("suspect", asked).reason
    assert [] == sent(asked)
    assert {10_000: 3} == dict(bench.terminal.cash.unknown)
    assert FULL_JPY == bench.terminal.cash.total_jpy()


def test_a_break_off_keeps_the_card_only_where_the_switch_is_on():
    """X9."""
    for switch, kept in ((False, []), (True, [RetainCard("timeout")])):
        bench = new_bench(retains_card_on_break=switch)
        bench.choose("withdraw", 30_000)
        asked = bench.fire("answer")
        assert kept == of(RetainCard, asked)
        assert ([] if kept else [ReturnCard()]) == of(ReturnCard, asked)


def test_a_decline_is_no_break_off():
    bench = new_bench(retains_card_on_break=True)
    assert [] == of(RetainCard, bench.reply(bench.choose("withdraw", 30_000), "51"))


# ---------------------------------------------------------------- the customer


def test_cash_that_is_not_taken_is_pulled_back_and_the_transaction_is_suspect():
    """RS6: some of the notes may have been taken; counting decides."""
    bench = new_bench()
    bench.withdraw(30_000)
    bench.feed(CardTaken())
    asked = bench.fire("cash")
    assert "cash_not_taken" == the_record("suspect", asked).reason
    assert 30_000 == the_record("retracted", asked).amount_jpy
    assert [] == sent(asked)
    assert {10_000: 3} == dict(bench.terminal.cash.retract_bin)
    assert bench.terminal.idle


def test_a_card_that_is_not_taken_is_retained_and_the_unpaid_cash_reversed():
    """RS4: the shutter never opened."""
    bench = new_bench()
    bench.withdraw(30_000)
    asked = bench.fire("card")
    assert [RetainCard("card_not_taken")] == of(RetainCard, asked)
    (reversal,) = sent(asked)
    assert "0420" == reversal.mti
    assert 95 not in reversal
    assert ["card_retained"] == screens(asked)
    assert FULL_JPY == bench.terminal.cash.total_jpy()


def test_cash_taken_after_the_shutter_closed_pays_nothing():
    bench = new_bench()
    bench.withdraw(30_000)
    bench.feed(CardTaken())
    bench.fire("cash")
    assert [] == bench.feed(CashTaken())


def test_a_timer_of_an_earlier_session_does_not_end_the_present_one():
    bench = new_bench()
    request = bench.choose("balance")
    bench.reply(request)
    bench.feed(CardTaken())
    bench.choose("balance")
    assert [] == bench.feed(TimerFired("answer/1"))
    assert not bench.terminal.idle


# ---------------------------------------------------------------- power


def test_after_a_loss_of_power_a_request_in_flight_is_reversed_and_not_repeated():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    assert [] == sent(bench.feed(PowerLost()))
    assert [] == bench.reply(request), "a machine without power hears nothing"
    restored = bench.feed(PowerRestored())
    assert ["0420"] == sent_types(restored)
    assert request[37] == sent(restored)[0][37]
    assert [ReturnCard()] == of(ReturnCard, restored)
    assert ["late_answer"] == kinds(bench.reply(request))


def test_a_loss_of_power_while_notes_are_counted_leaves_a_suspect_transaction():
    bench = new_bench()
    bench.reply(bench.choose("withdraw", 30_000))
    bench.feed(PowerLost())
    restored = bench.feed(PowerRestored())
    assert "power_loss" == the_record("suspect", restored).reason
    assert [] == sent(restored)
    assert {10_000: 3} == dict(bench.terminal.cash.unknown)
    assert [] == of(Dispense, bench.feed(Dispensed(((10_000, 3),)))), "the device speaks too late"


@pytest.mark.parametrize("card_was_taken", [False, True])
def test_a_loss_of_power_before_the_cash_is_taken_leaves_a_suspect_transaction(card_was_taken):
    bench = new_bench()
    bench.withdraw(30_000)
    if card_was_taken:
        bench.feed(CardTaken())
    bench.feed(PowerLost())
    restored = bench.feed(PowerRestored())
    assert "power_loss" == the_record("suspect", restored).reason
    assert [] == sent(restored)
    assert {10_000: 3} == dict(bench.terminal.cash.retract_bin)
    assert card_was_taken == bench.terminal.idle


def test_an_unacknowledged_reversal_is_repeated_after_a_loss_of_power():
    """RS9: it survives the restart."""
    bench = new_bench()
    bench.choose("withdraw", 30_000)
    (reversal,) = sent(bench.fire("answer"))
    bench.feed(CardTaken(), PowerLost())
    assert [reversal.but(mti="0421")] == sent(bench.feed(PowerRestored()))


def test_a_machine_that_restarts_without_having_noticed_settles_just_the_same():
    bench = new_bench()
    bench.choose("withdraw", 30_000)
    assert ["0420"] == sent_types(bench.feed(PowerRestored()))


def test_a_card_in_the_reader_is_kept_after_a_loss_of_power_where_the_switch_is_on():
    bench = new_bench(retains_card_on_break=True)
    bench.choose("withdraw", 30_000)
    asked = bench.feed(PowerLost(), PowerRestored())
    assert [RetainCard("power_loss")] == of(RetainCard, asked)
    assert bench.terminal.idle
