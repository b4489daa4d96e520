"""Every seed gives a scenario file that a person can read and that the loader accepts."""

from __future__ import annotations

from datetime import date
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from atm_sim.fuzz.draft import NOTE_JPY
from atm_sim.fuzz.fault_kinds import FAULT_KINDS
from atm_sim.fuzz.generate import MOST_STEPS, world
from atm_sim.fuzz.step_kinds import STEP_KINDS
from atm_sim.fuzz.trial import read
from atm_sim.fuzz.written import file_text, moment
from atm_sim.scenario import Scenario
from atm_sim.scenario.faults import FAULTS
from bank_host.written.values import amount_jpy

WORLDS = 250


@cache
def drawn() -> list[Scenario]:
    return [read(world(seed)).scenario for seed in range(WORLDS)]


@settings(max_examples=60)
@given(seed=st.integers(0, 10**12))
def test_every_seed_gives_a_scenario_that_loads_and_has_to_come_to_rest(seed: int) -> None:
    scenario = read(world(seed)).scenario
    assert "required" == scenario.rest
    assert 3 <= len(scenario.steps) <= MOST_STEPS + len(scenario.places)


@given(seed=st.integers(0, 10**6), other=st.integers(0, 10**6))
def test_a_seed_gives_the_same_file_whatever_was_drawn_before(seed: int, other: int) -> None:
    first = file_text(world(seed))
    world(other)
    assert first == file_text(world(seed))


def test_the_steps_stand_in_the_order_of_their_times() -> None:
    for scenario in drawn():
        times = [scenario.after_midnight_us(step.at) for step in scenario.steps]
        assert sorted(times) == times


def test_every_kind_of_step_and_fault_of_the_tables_is_drawn() -> None:
    assert {kind.do for kind in STEP_KINDS} == {step.do for each in drawn() for step in each.steps}
    assert {kind.kind for kind in FAULT_KINDS} == {fault.kind for each in drawn() for fault in each.faults}


def test_every_kind_of_fault_that_a_scenario_knows_has_its_entry() -> None:
    assert set(FAULTS) == {kind.kind for kind in FAULT_KINDS}


def test_days_end_in_the_middle_of_some_worlds() -> None:
    assert any(step.at.day for scenario in drawn() for step in scenario.steps)


def test_worlds_differ_in_size_banks_and_machines() -> None:
    assert {1, 2} <= {len(each.banks) + 1 for each in drawn()}
    assert {1, 2, 3} <= {len(each.places) for each in drawn()}
    assert {1, 2} <= {place.machines for each in drawn() for place in each.places.values()}


def test_limits_are_lowered_below_what_is_used_and_amounts_lie_at_the_edge() -> None:
    """The two ways to see room taken as the distance to the limit, and a missing funds check."""
    lowered = over = 0
    for seed in range(WORLDS):
        steps, used = world(seed)["steps"], 0
        assert isinstance(steps, list)
        for step in steps:
            assert isinstance(step, dict)
            amount = amount_jpy(str(step["amount"])) if "amount" in step else 0
            if step["do"] == "withdraw":
                used += amount
            lowered += step["do"] == "set_limit" and NOTE_JPY <= amount < used
        balances = {person.balance_jpy for person in drawn()[seed].cast.values()}
        over += any(f"¥{jpy + NOTE_JPY:_}" in file_text(world(seed)) for jpy in balances)
    assert lowered > 20
    assert over > 20


def test_a_later_day_stands_in_the_moment() -> None:
    day = date(2014, 1, 15)
    assert '"23:59:59"' == moment(day, 86_399)
    assert '"2014-01-16 00:00:00"' == moment(day, 86_400)
