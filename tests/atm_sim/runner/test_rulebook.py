"""Every scenario of the rulebook, of attacks and of cards holds: one test for each file, or row of its cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.runner.play import play
from atm_sim.scenario import Case, Loaded, load, rows

SCENARIOS = Path(__file__).parents[3] / "scenarios"
FILES = [
    path
    for folder in ("rulebook", "attacks", "cards")
    for path in sorted((SCENARIOS / folder).glob("*.yaml"))
]


def cases() -> list[tuple[Loaded, Case]]:
    return [(loaded, case) for loaded in map(load, FILES) for case in rows(loaded)]


def name_of(value: object) -> str | None:
    match value:
        case Loaded():
            return value.path.stem
        case Case():
            return value.name
    return None


@pytest.mark.parametrize(("loaded", "case"), cases(), ids=name_of)
def test_scenario_of_the_rulebook_holds(loaded: Loaded, case: Case) -> None:
    assert [] == [str(check) for check in play(loaded, case).checks if not check.passed]
