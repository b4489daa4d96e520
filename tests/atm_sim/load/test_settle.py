"""The settlement check: planted faults of a host's journal, each named by its reference and nothing else."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.load.settle import WORDS, Done, Entry, settle
from bank_host.jst import DAY_US, SECOND_US, jst_date

START_US = 1_760_000_000_000_000
TODAY = jst_date(START_US)
TOMORROW = jst_date(START_US + DAY_US)


def done(number: int, state: str = "completed", amount_jpy: int = 10_000) -> Done:
    at_us = START_US + number * SECOND_US
    code = "51" if state == "declined" else "00"
    return Done(f"L1/{number}", f"key-{number}", "withdraw", amount_jpy, state, code, at_us, at_us + 1)  # type: ignore[arg-type]


def posting(number: int, amount_jpy: int = 10_000) -> Entry:
    return Entry(f"L1/{number}", "posting", amount_jpy, TODAY, START_US + number * SECOND_US)


def reversal(number: int, day: date = TODAY) -> Entry:
    return Entry(f"L1/{number}", "reversal", 10_000, day, START_US + number * SECOND_US)


def books(transactions: list[Done]) -> list[Entry]:
    """A journal that is right."""
    found = []
    for number, each in enumerate(transactions):
        if each.state in ("completed", "approved", "reversed"):
            found.append(posting(number, each.amount_jpy))
        if each.state == "reversed":
            found.append(reversal(number))
    return found


STATES = st.lists(st.sampled_from(["completed", "approved", "reversed", "declined"]), max_size=30)


@given(STATES)
def test_books_that_are_right_have_no_difference(states):
    transactions = [done(number, state) for number, state in enumerate(states)]
    found = settle(transactions, books(transactions))
    assert ((), len(states)) == (found.differences, found.compared)


@given(STATES.filter(lambda states: {"completed", "reversed"} <= set(states)))
def test_a_lost_posting_a_double_one_and_a_reversal_of_another_day_are_named_exactly(states):
    """One posting dropped, one posted twice, one reversal given to the wrong day."""
    transactions = [done(number, state) for number, state in enumerate([*states, "completed", "completed"])]
    lost, doubled = len(states), len(states) + 1
    wrong_day = states.index("reversed")
    entries = [entry for entry in books(transactions) if entry.reference != f"L1/{lost}"]
    entries = [
        entry._replace(day=TOMORROW)
        if entry.kind == "reversal" and entry.reference == f"L1/{wrong_day}"
        else entry
        for entry in entries
    ]
    found = settle(transactions, [*entries, posting(doubled)])
    assert {
        (f"L1/{lost}", "missing"),
        (f"L1/{doubled}", "twice"),
        (f"L1/{wrong_day}", "reversal_day"),
    } == {tuple(each) for each in found.differences}


@pytest.mark.parametrize(
    ("state", "entries", "kind"),
    [
        ("completed", [posting(0, 20_000)], "amount"),
        ("completed", [posting(0), reversal(0)], "reversed_and_completed"),
        ("reversed", [posting(0)], "not_reversed"),
        ("reversed", [posting(0), reversal(0), reversal(0)], "reversed_twice"),
        ("reversed", [reversal(0)], "reversal_without_posting"),
        ("declined", [posting(0)], "posted_though_declined"),
        ("unresolved", [posting(0)], "unresolved"),
    ],
)
def test_each_fault_has_its_name(state, entries, kind):
    (difference,) = settle([done(0, state)], entries).differences
    assert ("L1/0", kind) == tuple(difference)
    assert f"L1/0: {WORDS[difference.kind]}" == str(difference)


def test_a_reversed_request_that_never_arrived_leaves_nothing_behind():
    assert () == settle([done(0, "reversed")], []).differences


def test_a_posting_that_nobody_sent_is_a_difference():
    assert [("L9/9", "not_sent")] == [
        tuple(each) for each in settle([], [posting(0)._replace(reference="L9/9")]).differences
    ]


def test_rows_missing_because_the_file_was_cut_short_are_told_apart_from_losses():
    transactions = [done(number) for number in range(10)]
    entries = [posting(number) for number in range(7) if number != 3]
    found = settle(transactions, entries, may_be_cut=True)
    assert [("L1/3", "missing")] == [tuple(each) for each in found.differences]
    assert ["L1/7", "L1/8", "L1/9"] == [each.reference for each in found.cut_short]
    assert 4 == len(settle(transactions, entries).differences)
