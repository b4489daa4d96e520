"""One withdrawal: approved, declined, not dispensed, unanswered (requirements X1, X6; RS1-RS7)."""

from __future__ import annotations

import pytest

from atm_sim.sansio.effects import Dispense, Dispensed, Keep, RetainCard, ReturnCard, Send
from tests.atm_sim.terminal.bench import kinds, new_bench, of, screens, sent, the_record


def test_an_approved_withdrawal_gives_the_card_before_the_cash_and_then_completes():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    assert "000000030000" == request[4]

    assert [Dispense(((10_000, 3),))] == of(Dispense, bench.reply(request))

    counted = bench.feed(Dispensed(((10_000, 3),)))
    assert ["take_card"] == screens(counted)
    assert [] == sent(counted), "nothing is completed before the cash is taken"

    taken = bench.take_card_and_cash()
    assert ["take_cash", "thank_you"] == screens(taken)
    (completion,) = sent(taken)
    assert ("0220", request[37], "000000030000") == (completion.mti, completion[37], completion[4])
    assert bench.terminal.idle


@pytest.mark.parametrize(
    "code", ["05", "13", "14", "51", "54", "57", "58", "61", "62", "65", "75", "91", "99"]
)
def test_a_decline_returns_the_card_and_leaves_nothing_to_undo(code: str):
    bench = new_bench()
    asked = bench.reply(bench.choose("withdraw", 30_000), code)
    assert [ReturnCard()] == of(ReturnCard, asked)
    assert code == the_record("declined", asked).code
    assert [] == of(Dispense, asked)
    assert [] == sent(asked)


def test_when_nothing_is_dispensed_the_whole_amount_is_reversed():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    bench.reply(request, "00", {38: "A00001"})
    (reversal,) = sent(bench.feed(Dispensed((), "jam")))
    assert ("0420", request[37], "A00001") == (reversal.mti, reversal[37], reversal[38])
    assert 95 not in reversal
    assert 500 * 1_000 + 200 * 10_000 == bench.terminal.cash.total_jpy()


def test_no_answer_in_time_queues_the_reversal_before_anything_else():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    asked = bench.fire("answer")
    assert ["reversal_queued"] == kinds(asked[:1])
    assert [Keep, Keep, Send] == [type(effect) for effect in asked[1:4]], "on the disk before it is sent"
    (reversal,) = sent(asked)
    assert reversal[90].startswith("0200" + request[11] + request[7])
    assert "timeout" == reversal[60]


def test_the_reversal_repeats_unchanged_as_0421_until_it_is_acknowledged():
    bench = new_bench()
    bench.choose("withdraw", 30_000)
    (first,) = sent(bench.fire("answer"))
    bench.fire("saf/")  # the wait for its answer is over
    (repeat,) = sent(bench.fire("saf/"))
    assert "0421" == repeat.mti
    assert first.but(mti="0421") == repeat

    acknowledged = bench.acknowledge(repeat)
    assert ["reversed"] == kinds(acknowledged)


def test_a_late_approval_is_recorded_and_never_dispenses():
    bench = new_bench()
    request = bench.choose("withdraw", 30_000)
    bench.fire("answer")
    late = bench.reply(request)
    assert ["late_answer"] == kinds(late)
    assert [] == of(Dispense, late)
    assert [] == sent(late), "the reversal that is already queued stands"


@pytest.mark.parametrize("code", ["41", "43"])
def test_a_lost_or_stolen_card_is_retained(code: str):
    bench = new_bench()
    asked = bench.reply(bench.choose("withdraw", 30_000), code)
    assert [RetainCard(f"code_{code}")] == of(RetainCard, asked)
    assert [] == of(ReturnCard, asked)
    assert bench.terminal.idle
