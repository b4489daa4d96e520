"""Published ATM queues against theory: each case as shipped, and in the long form with many visits."""

from __future__ import annotations

from collections import defaultdict
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

import pytest

from atm_sim.checks.measures import measure
from atm_sim.checks.rows import ReplicationRows
from atm_sim.runner.grade import measure_expectation, setting_of
from atm_sim.runner.play import play
from atm_sim.scenario import Case, load, rows
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate

SCENARIOS = Path(__file__).parents[2] / "scenarios"
QUEUES = sorted((SCENARIOS / "validation").glob("*.yaml"))
INCIDENTS = sorted(
    (SCENARIOS / "incidents").glob("amagasaki*.yaml")
)  # the others are models: tests/atm_sim/incidents


class Long(NamedTuple):
    """So many visits, until three standard errors of every exact value are within `precision` of it."""

    visits: int
    precision: float = 0.05


LONG = {
    "v1_hksb_one_atm": Long(220_000),
    "v2_hksb_two_atms": Long(250_000),
    # three lightly loaded queues: where few wait, the mean wait comes from few
    "v3_bank_a_three_days": Long(300_000, precision=0.15),
    "v4_patel_bhathawala": Long(240_000),
    "v5_dhar_rahman": Long(320_000),
    "v6_stevenson": Long(500_000),
}

ROUNDING = 0.005  # published and tabulated values have three digits


@pytest.mark.parametrize("file", [*QUEUES, *INCIDENTS], ids=lambda file: file.stem)
def test_a_published_case_comes_out_as_published(file: Path) -> None:
    loaded = load(file)
    for case in rows(loaded):
        assert [] == [check for check in play(loaded, case).checks if not check.passed]


def test_every_published_queue_has_its_number_of_visits() -> None:
    assert sorted(LONG) == [file.stem for file in QUEUES]


@pytest.mark.long
@pytest.mark.parametrize("file", QUEUES, ids=lambda file: file.stem)
def test_with_many_visits_every_exact_value_is_within_three_standard_errors(file: Path) -> None:
    (case,) = rows(load(file))
    exact, long = exact_values(case), LONG[file.stem]
    assert exact
    for name, values in measured(case, list(exact), long.visits // visits(case)).items():
        mean, error = fmean(values), stdev(values) / sqrt(len(values))
        assert 3 * error <= long.precision * exact[name], name
        assert exact[name] == pytest.approx(mean, abs=3 * error + ROUNDING * exact[name]), name


def test_the_exact_values_are_those_of_the_file() -> None:
    (case,) = rows(load(SCENARIOS / "validation" / "v6_stevenson.yaml"))
    assert {0.75, 0.385, 4.5 * 60_000_000} == set(exact_values(case).values())


Name = int
"""An expectation by its place in the file."""


def exact_values(case: Case) -> dict[Name, float]:
    """What a file states as exact: its `equals` judged on the interval."""
    return {
        name: float(entry.equals)
        for name, entry in enumerate(case.scenario.expectations)
        if entry.equals is not None and entry.judged_on == "interval"
    }


def measured(case: Case, names: list[Name], replications: int) -> dict[Name, list[float]]:
    """The measures of many replications, each dropped once it is measured: they would not all fit in memory."""
    asked = {name: measure_expectation(case, case.scenario.expectations[name]) for name in names}
    values = defaultdict(list)
    for replication in range(1, replications + 1):
        lab = Lab(case.scenario, seed=case.scenario.seed, replication=replication, run="validation")
        happened = ReplicationRows(simulate(lab).events)
        for name, expected in asked.items():
            value = measure(expected.measure, happened, expected.ask, setting_of(case))
            assert value is not None
            values[name].append(value)
    return values


def visits(case: Case) -> int:
    return sum(stream.customers or 0 for stream in case.scenario.streams.values())
