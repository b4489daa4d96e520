"""The machine's cash: every note is in one place, and only the shutter changes how many (X10, I7, I9)."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.terminal.note_mix import counted


def unit() -> CashUnit:
    return CashUnit(
        [
            Cassette(10_000, 20, capacity=25, near_end=5),
            Cassette(2_000, 0, pays_out=False),
            Cassette(1_000, 30, near_end=5),
        ]
    )


def test_2000_yen_notes_can_be_taken_in_and_are_not_paid_out():
    cash = unit()
    cash.take_in(((2_000, 5),))
    cash.keep_deposit()
    assert (2_000, 5) in cash.stock
    assert ((1_000, 2),) == cash.mix(2_000)


def test_deposited_notes_are_paid_out_again():
    cash = CashUnit([Cassette(10_000, 0)])
    assert not cash.can_pay()
    cash.take_in(((10_000, 3),))
    assert not cash.can_pay(), "notes in escrow are still the customer's"
    cash.keep_deposit()
    assert ((10_000, 3),) == cash.mix(30_000)


def test_what_a_full_cassette_cannot_take_goes_into_the_reject_bin():
    cash = unit()
    cash.take_in(((10_000, 8), (5_000, 1)))
    cash.keep_deposit()
    assert ((10_000, 25), (2_000, 0), (1_000, 30)) == cash.stock
    assert Counter({10_000: 3, 5_000: 1}) == cash.reject_bin


def test_near_end_is_told_once_for_each_fall():
    cash = unit()
    assert () == cash.newly_near_end()
    cash.count_out(((10_000, 15),))
    assert (10_000,) == cash.newly_near_end()
    assert () == cash.newly_near_end()


def test_the_last_note_is_told_once():
    cash = CashUnit([Cassette(1_000, 1)])
    assert not cash.newly_empty()
    cash.count_out(((1_000, 1),))
    assert cash.newly_empty()
    assert not cash.newly_empty()


def test_more_notes_than_there_are_cannot_be_counted_out():
    with pytest.raises(ValueError, match="holds fewer than 21 notes"):
        unit().count_out(((10_000, 21),))


def test_cash_is_the_banks_until_taken_and_a_deposit_only_when_kept():
    cash = unit()
    full_jpy = cash.total_jpy()
    cash.count_out(((10_000, 2),))
    assert full_jpy == cash.total_jpy()
    cash.hand_out()
    assert full_jpy - 20_000 == cash.total_jpy()
    cash.take_in(((10_000, 2),))
    assert full_jpy - 20_000 == cash.total_jpy()
    cash.keep_deposit()
    assert full_jpy == cash.total_jpy()


moves = st.lists(
    st.sampled_from(
        ("pay", "short", "hand_out", "retract", "lose_sight", "take_in", "keep", "give_back", "found")
    ),
    max_size=30,
)


@given(moves, st.integers(1, 12))
def test_notes_are_conserved_per_denomination(steps, thousands):
    """Notes in the machine + notes handed out - notes put in never changes (I9)."""
    cash = unit()
    at_first = cash.every_note()
    outside: Counter[int] = Counter()
    for step in steps:
        match step:
            case "pay":
                mix = cash.mix(thousands * 1_000)
                if mix is not None:
                    cash.count_out(mix)
            case "short":
                cash.reject_short(tuple((d, n // 2) for d, n in counted(cash.stacker)))
            case "hand_out":
                outside.update(dict(cash.hand_out()))
            case "retract":
                cash.retract()
            case "lose_sight":
                cash.lose_sight()
            case "take_in":
                cash.take_in(((10_000, 2), (2_000, 1)))
                outside.subtract({10_000: 2, 2_000: 1})
            case "keep":
                cash.keep_deposit()
            case "give_back":
                outside.update(dict(cash.give_back()))
            case "found":
                cash.keep_as_found()
        now = cash.every_note()
        now.update(outside)
        assert +at_first == +now
