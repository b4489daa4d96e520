"""`atm-sim fuzz` notices every mutant that a world can show, within the stated number of worlds."""

from __future__ import annotations

import pytest

from tests.faults.in_worlds import WORLD_MUTANTS, WorldMutant, worlds_to_find
from tests.faults.mutants import MUTANTS
from tests.faults.seeds_to_find import PAGE, row
from tests.faults.test_cash_mutants import CASH_MUTANTS

QUICK = 50
"""Up to so many worlds a mutant is tried in `make test`, all others in `make test-long`."""

QUICK_ONES = [mutant for mutant in WORLD_MUTANTS if mutant.within <= QUICK]
OTHERS = [mutant for mutant in WORLD_MUTANTS if mutant.within > QUICK]


def named(mutant: WorldMutant) -> str:
    return mutant.name


@pytest.mark.parametrize("mutant", QUICK_ONES, ids=named)
def test_the_page_tells_how_many_worlds_a_mutant_takes(mutant: WorldMutant) -> None:
    """Found within its bound, and docs/reliability.md has the very number."""
    assert "not found" not in row(mutant)
    assert row(mutant) in PAGE.read_text(encoding="utf-8")


@pytest.mark.long
@pytest.mark.parametrize("mutant", OTHERS, ids=named)
def test_the_page_tells_how_many_worlds_a_rarer_mutant_takes(mutant: WorldMutant) -> None:
    assert worlds_to_find(mutant, mutant.within) is not None
    assert row(mutant) in PAGE.read_text(encoding="utf-8")


def test_every_mutant_is_shown_by_worlds() -> None:
    known = {mutant.name for mutant in WORLD_MUTANTS}
    assert set() == {mutant.name for mutant in (*MUTANTS, *CASH_MUTANTS)} - known


def test_the_page_has_every_mutant_of_the_table() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [] == [each.name for each in WORLD_MUTANTS if f"| {each.name} | " not in page]
