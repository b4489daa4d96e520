"""Which notes pay an amount: exact, best by policy, also where taking the largest notes first fails (X11)."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from atm_sim.terminal.note_mix import FEWEST, KEEP_SMALL, note_count, note_mix, notes_value

DENOMINATIONS = (10_000, 5_000, 2_000, 1_000)

stocks = st.fixed_dictionaries({d: st.integers(0, 5) for d in DENOMINATIONS})
amounts = st.integers(1, 40).map(lambda thousands: thousands * 1_000)


def every_mix(amount_jpy: int, stock: dict[int, int]) -> list[tuple[int, ...]]:
    """By trying all: the counts, largest denomination first, of every choice that pays the amount exactly."""
    choices = product(*(range(stock[d] + 1) for d in DENOMINATIONS))
    return [c for c in choices if sum(n * d for n, d in zip(c, DENOMINATIONS, strict=True)) == amount_jpy]


def counts(notes: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    return tuple(dict(notes).get(d, 0) for d in DENOMINATIONS)


@pytest.mark.parametrize(
    ("amount_jpy", "stock", "expected"),
    [
        (30_000, {10_000: 5, 1_000: 50}, ((10_000, 3),)),
        (30_000, {10_000: 2, 1_000: 50}, ((10_000, 2), (1_000, 10))),
        (6_000, {5_000: 1, 2_000: 3}, ((2_000, 3),)),
        (8_000, {5_000: 4, 2_000: 4}, ((2_000, 4),)),
        (11_000, {5_000: 4, 2_000: 4}, ((5_000, 1), (2_000, 3))),
        (3_000, {5_000: 4, 2_000: 4}, None),
        (1_500, {1_000: 10}, None),
        (10_000, {10_000: 0, 1_000: 9}, None),
        (0, {1_000: 10}, None),
        (-1_000, {1_000: 10}, None),
    ],
)
def test_the_mix_of_known_cases(amount_jpy, stock, expected):
    assert expected == note_mix(amount_jpy, stock)


@given(amounts, stocks)
@example(6_000, {10_000: 0, 5_000: 1, 2_000: 3, 1_000: 0})
def test_fewest_notes_is_the_best_of_all_choices_and_none_means_there_is_no_choice(amount_jpy, stock):
    choices = every_mix(amount_jpy, stock)
    mix = note_mix(amount_jpy, stock, policy=FEWEST)
    if not choices:
        assert mix is None
    else:
        assert mix is not None
        assert counts(mix) in choices
        assert min(map(sum, choices)) == note_count(mix)


@given(amounts, stocks)
def test_keep_small_notes_spares_the_smallest_denomination_first(amount_jpy, stock):
    choices = every_mix(amount_jpy, stock)
    mix = note_mix(amount_jpy, stock, policy=KEEP_SMALL)
    expected = min((choice[::-1] for choice in choices), default=None)
    assert expected == (None if mix is None else counts(mix)[::-1])


@given(amounts, stocks, st.integers(1, 12))
def test_the_note_limit_is_kept_and_never_refuses_an_amount_that_fits_it(amount_jpy, stock, max_notes):
    fits = [choice for choice in every_mix(amount_jpy, stock) if sum(choice) <= max_notes]
    for policy in (FEWEST, KEEP_SMALL):
        mix = note_mix(amount_jpy, stock, policy=policy, max_notes=max_notes)
        assert bool(fits) == (mix is not None)
        if mix is not None:
            assert counts(mix) in fits


@given(amounts, stocks)
def test_the_stock_is_only_looked_at(amount_jpy, stock):
    before = dict(stock)
    mix = note_mix(amount_jpy, stock)
    assert before == stock
    if mix is not None:
        assert amount_jpy == notes_value(mix)
