"""The auditor finds every fault of the list within the stated number of runs, and none where there is none."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from atm_sim.checks.auditor import Auditor
from tests.faults.mutants import MUTANTS, Mutant
from tests.faults.test_cash_mutants import CASH_MUTANTS
from tests.faults.workload import Day, play

CLEAN_RUNS = 200


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_is_noticed(mutant: Mutant) -> None:
    """Each invariant named for the fault breaks within the stated number of runs."""
    broken: set[str] = set()
    for seed in range(mutant.within):
        broken.update(play(seed, mutant.parts).found.broken())
        if broken.issuperset(mutant.caught_by):
            break
    assert set() == set(mutant.caught_by) - broken, f"only {sorted(broken)} broke"


@pytest.mark.parametrize("part", range(4))
def test_a_sound_bank_breaks_nothing(part: int) -> None:
    """200 random days, reversals, locks, zeros and raises included: not one breach."""
    breaches = [(seed, breach) for seed in range(part, CLEAN_RUNS, 4) for breach in play(seed).found.breaches]
    assert [] == breaches


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_a_sound_bank_breaks_nothing_in_thousands_of_days(part: int) -> None:
    seeds = range(CLEAN_RUNS + part, 3_000, 10)
    assert [] == [(seed, breach) for seed in seeds for breach in play(seed, steps=120).found.breaches]


def test_an_auditor_that_comes_in_the_middle_takes_the_bank_as_it_stands() -> None:
    for seed in range(20):
        day = Day(seed)
        day.play()
        day.auditor = Auditor()
        day.auditor.opened(day.bank)
        day.bank.watch = day.auditor.committed
        assert () == day.play().found.breaches


def test_the_random_days_give_every_invariant_something_to_check() -> None:
    """A checker that is never asked proves nothing; notes (I7, I9) and secrets (I22) have worlds of their own."""
    checked: Counter[str] = Counter()
    for seed in range(10):
        checked.update(play(seed).found.checked)
    assert {"I7", "I9", "I22"} == {name for name, times in checked.items() if times < 10}


def test_the_reference_page_lists_every_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "invariants.md").read_text(encoding="utf-8")
    rows = [f"| {m.name} | {', '.join(m.caught_by)} | {m.within} |" for m in (*MUTANTS, *CASH_MUTANTS)]
    assert [] == [row for row in rows if row not in page]
