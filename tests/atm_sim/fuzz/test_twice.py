"""Two processes with other hash seeds have to leave the same record of a world (I23)."""

from __future__ import annotations

from atm_sim.fuzz.generate import world
from atm_sim.fuzz.hunt import replayed, shrunk
from atm_sim.fuzz.twice import digest
from tests.faults.in_worlds import unordered


def test_the_product_leaves_the_same_record_in_two_processes() -> None:
    told = replayed(range(0, 60, 20))
    assert [] == told.failures
    assert 3 == told.reached["invariant", "I23"]


def test_a_set_that_leaks_into_the_record_is_found_and_shrunk() -> None:
    """What is left of the world still shows it, with one step."""
    failure = replayed(range(1), unordered).failures[0]
    assert "I23" == failure.name
    steps = shrunk(failure, unordered, most_tries=60)["steps"]
    assert isinstance(steps, list)
    assert 1 == len(steps)


def test_other_worlds_leave_other_records() -> None:
    assert digest(world(0)) != digest(world(1))
