"""Expected measures: judged in every replication, or on the far ends of the interval over them."""

from __future__ import annotations

import pytest

from atm_sim.checks.expectations import Bound, Comparator, MeasureExpectation, bound, filters_text, judge
from atm_sim.checks.measures import Ask, Setting
from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.check import Check
from atm_sim.records.event import EventRecord

MIN = 60_000_000


def run(waits_min: list[float]) -> ReplicationRows:
    return ReplicationRows(
        EventRecord("r", 1, 0, "started", wait_us=int(wait * MIN), phase="measured") for wait in waits_min
    )


def verdict(expected: Bound, *runs: list[float], judged_on: str = "run", measure: str = "wait.mean") -> Check:
    expectation = MeasureExpectation(measure, expected, judged_on=judged_on, line=9)  # type: ignore[arg-type]
    return judge(expectation, {number: run(waits) for number, waits in enumerate(runs, 1)}, Setting())


@pytest.mark.parametrize(
    ("comparator", "values", "passes"),
    [
        ("equals", (2 * MIN,), True),
        ("equals", (3 * MIN,), False),
        ("at_most", (2 * MIN,), True),
        ("at_most", (1 * MIN,), False),
        ("at_least", (2 * MIN,), True),
        ("at_least", (3 * MIN,), False),
        ("between", (1 * MIN, 2 * MIN), True),
        ("between", (3 * MIN, 4 * MIN), False),
        ("between", (0, 1 * MIN), False),
    ],
)
def test_a_run_meets_a_bound_whose_ends_belong_to_it(
    comparator: Comparator, values: tuple[float, ...], passes: bool
) -> None:
    assert verdict(bound(comparator, *values), [1, 3]).passed is passes


def test_the_check_says_what_was_expected_where_and_what_came() -> None:
    check = verdict(bound("at_most", 3 * MIN), [4.2])
    assert check == Check("measure", "wait.mean", "at most 3 min", "4 min 12 s", False, line=9)


def test_judged_on_run_every_replication_has_to_meet_it_and_the_worst_is_named() -> None:
    check = verdict(bound("at_most", 3 * MIN), [1], [5], [4])
    assert (check.passed, check.actual) == (False, "5 min in replication 2")
    assert check.detail == "not met in 2 of 3 replications"


def test_judged_on_run_a_met_expectation_shows_the_spread() -> None:
    assert verdict(bound("at_most", 3 * MIN), [1], [2]).actual == "1 min to 2 min over 2 replications"


def test_judged_on_interval_the_mean_alone_is_not_enough() -> None:
    """Mean 2 min, interval 0.76 to 3.24 min: not surely at most 3 min, though every replication is."""
    check = verdict(bound("at_most", 3 * MIN), [1.5], [2], [2.5], judged_on="interval")
    assert (check.passed, check.actual) == (False, "2 min [45.5 s, 3 min 15 s] over 3 replications")
    assert verdict(bound("at_most", 3.3 * MIN), [1.5], [2], [2.5], judged_on="interval").passed


@pytest.mark.parametrize(("low", "high", "passes"), [(0.5, 3.5, True), (1, 3.5, False), (0.5, 3, False)])
def test_judged_on_interval_both_ends_have_to_lie_between(low: float, high: float, passes: bool) -> None:
    expected = bound("between", low * MIN, high * MIN)
    assert verdict(expected, [1.5], [2], [2.5], judged_on="interval").passed is passes


@pytest.mark.parametrize(("value", "passes"), [(2.9, True), (3.5, False)])
def test_judged_on_interval_an_equal_value_has_to_lie_inside(value: float, passes: bool) -> None:
    check = verdict(bound("equals", value * MIN), [1.5], [2], [2.5], judged_on="interval")
    assert check.passed is passes


def test_an_interval_of_one_replication_is_refused_with_what_to_do() -> None:
    check = verdict(bound("at_most", 9 * MIN), [1], judged_on="interval")
    assert not check.passed
    assert "set `replications`" in check.detail


def test_nothing_to_measure_in_one_replication_is_a_failure() -> None:
    check = verdict(bound("at_most", 9 * MIN), [1], [])
    assert (check.passed, check.actual, check.detail) == (
        False,
        "nothing to measure",
        "in 1 of 2 replications",
    )


def test_a_share_equals_the_same_share_written_in_decimals() -> None:
    assert verdict(bound("equals", 0.3), [1, 1, 1, *[0] * 7], measure="wait.share").passed
    assert not verdict(bound("equals", 0.3), [1, 1, *[0] * 8], measure="wait.share").passed


def test_filters_read_as_people_say_them() -> None:
    ask = Ask(of="withdraw", at="north", reason="no_funds", during_us=(720 * MIN, 810 * MIN), over_us=MIN)
    assert filters_text(ask) == "of withdraw, at north, for no_funds, over 1 min, from 12:00 to 13:30"
