"""The product under random worlds: every invariant holds in each, and each comes to rest."""

from __future__ import annotations

from collections import Counter

import pytest

from atm_sim.fuzz.coverage import Reached, unreached
from atm_sim.fuzz.hunt import play_seeds

WORLDS_A_TEST = 25


@pytest.mark.parametrize("first", range(0, 200, WORLDS_A_TEST))
def test_200_worlds_hold_and_come_to_rest(first: int) -> None:
    assert [] == play_seeds(range(first, first + WORLDS_A_TEST)).failures


@pytest.mark.long
def test_2000_worlds_hold_and_reach_every_place() -> None:
    found: Reached = Counter()
    for first in range(0, 2_000, WORLDS_A_TEST):
        hunt = play_seeds(range(first, first + WORLDS_A_TEST))
        assert [] == hunt.failures
        found.update(hunt.reached)
    assert [] == unreached(found)
