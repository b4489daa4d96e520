"""A hunt finds a planted fault and shrinks it to a file that replays alone; the number of jobs changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from atm_sim.fuzz.hunt import Failure, Hunt, fuzz, hunt_in_pieces, shrunk
from atm_sim.fuzz.trial import Finding, read, trial
from atm_sim.fuzz.written import file_text
from atm_sim.runner.files import open_scenario
from atm_sim.runner.play import play
from atm_sim.runner.suite import run_tests
from atm_sim.scenario import ScenarioError, rows
from atm_sim.world.lab import Parts
from bank_host.policy import load_policy
from bank_host.rules import RULES
from tests.faults.in_worlds import lab_parts
from tests.faults.mutants import MUTANTS

PLANTED = {mutant.name: lab_parts(mutant.parts) for mutant in MUTANTS}
NO_FUNDS_CHECK = PLANTED["no funds check"]


def broken_rules() -> Parts:
    def decide(*asked: object) -> object:
        raise LookupError("the rule book is lost")

    return Parts(rules=RULES._replace(decide=decide))  # type: ignore[arg-type]


def first_failure(parts: Callable[[], Parts], worlds: int = 40) -> Failure:
    found = fuzz(range(worlds), parts)
    assert found is not None
    return found


def test_the_product_itself_shows_nothing() -> None:
    assert fuzz(range(10)) is None


def test_a_planted_fault_is_found_at_its_first_seed_with_the_invariant_that_broke() -> None:
    found = first_failure(NO_FUNDS_CHECK)
    assert "I4" == found.name
    assert fuzz(range(found.seed), NO_FUNDS_CHECK) is None


def test_an_error_of_the_product_is_a_finding_named_by_its_place() -> None:
    assert "crash LookupError in test_hunt.py:decide" == first_failure(broken_rules).name


def test_the_shrunk_file_has_few_steps_and_replays_without_the_fuzzer(tmp_path: Path) -> None:
    """It fails with the fault and passes without it, as `atm-sim test` plays it."""
    path = tmp_path / "seed.yaml"
    path.write_text(file_text(shrunk(first_failure(NO_FUNDS_CHECK), NO_FUNDS_CHECK)), encoding="utf-8")
    loaded = open_scenario(path, load_policy())
    assert 1 == len(loaded.scenario.steps)
    assert () == loaded.scenario.faults
    played = play(loaded, rows(loaded)[0], parts=lambda replication: NO_FUNDS_CHECK())
    assert ["I4"] == [check.name for check in played.checks if not check.passed]
    assert [True] == [tested.passed for tested in run_tests([path], load_policy())]


@pytest.mark.parametrize("name", ["part reversal treated as full", "step checked, then written"])
def test_a_shrunk_world_needs_each_of_its_steps(name: str) -> None:
    parts = PLANTED[name]
    failure = first_failure(parts, 200)
    small = shrunk(failure, parts)
    steps = small["steps"]
    assert isinstance(steps, list)
    assert len(steps) <= 3
    for number in range(len(steps) if len(steps) > 1 else 0):
        try:
            fewer = read({**small, "steps": steps[:number] + steps[number + 1 :]})
        except ScenarioError:  # another step speaks of this one
            continue
        assert failure.name not in trial(fewer, parts()).names


def test_shrinking_is_the_same_every_time() -> None:
    failure = first_failure(NO_FUNDS_CHECK)
    assert shrunk(failure, NO_FUNDS_CHECK) == shrunk(failure, NO_FUNDS_CHECK)


def together(seeds: range, jobs: int) -> Hunt:
    hunt = Hunt()
    for piece in hunt_in_pieces(seeds, jobs):
        hunt.add(piece)
    return hunt


def test_two_jobs_say_what_one_says() -> None:
    seeds = range(1000, 1050)
    assert together(seeds, 1) == together(seeds, 2)


def test_the_first_failure_of_each_name_is_shrunk() -> None:
    failures = [
        Failure(3, (Finding("I4"), Finding("I3"))),
        Failure(5, (Finding("I4"),)),
        Failure(8, (Finding("rest.queues"),)),
    ]
    assert [3, 8] == [failure.seed for failure in Hunt(9, failures).to_shrink()]
