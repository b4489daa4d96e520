"""Figures of a load run: from the intended moment, with what was never answered, by an HdrHistogram of three digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.load.figures import PERCENTILES, Figures, figures, spread
from atm_sim.load.judge import FAILED, INVALID, MET, judge
from atm_sim.load.plan import Deed
from atm_sim.load.record import NO_ANSWER, Record
from atm_sim.load.times import Times
from atm_sim.scenario.loading import Load
from tests.atm_sim.load.loads import scenario_with


def record(*rows: tuple[str, int, int | None, int | None, str]) -> Record:
    """Rows of service, intended, sent, answered (ms) and code."""
    made = Record()
    for service, intended, sent, answered, code in rows:
        transaction = made.planned(intended * 1_000, Deed(service, 10_000, 0, 0))
        if sent is None:
            made.set_state(transaction, "dropped")
            continue
        made.sent([transaction], sent * 1_000)
        if answered is not None:
            made.answered(transaction, answered * 1_000, code)
    made.close()
    return made


@given(st.lists(st.integers(1, 60_000_000), min_size=1, max_size=300))
def test_percentiles_are_those_of_the_sorted_times_to_three_digits(times):
    """At the nearest rank, as HdrHistogram has it."""
    found, ordered = spread(Times(times)), sorted(times)
    for name, percent in PERCENTILES.items():
        rank = max(1, int(len(ordered) * percent / 100 + 0.5))
        assert ordered[rank - 1] == pytest.approx(found.at(name), rel=0.002, abs=2)
    assert (len(times), max(times)) == (found.number, found.at("max"))


def test_latency_counts_from_the_intended_moment_and_the_lag_is_told_apart():
    found = figures(record(("withdraw", 100, 130, 150, "00")), 1)
    assert (50_000, 30_000) == (found.latency.at("max"), found.send_lag.at("max"))


def test_what_was_never_answered_counts_with_the_time_it_was_waited_for():
    """Leaving it out would flatter the host."""
    found = figures(record(("withdraw", 0, 0, 10, "00"), ("withdraw", 0, 0, 10_000, NO_ANSWER)), 1)
    assert 10_000_000 == found.latency.at("max")
    assert {"", "00"} == set(found.by_code)
    assert ((1, 1), 1) == (found.approvals[""], found.counts["answered"])


def test_what_was_dropped_is_counted_and_has_no_latency():
    found = figures(record(("balance", 0, None, None, ""), ("balance", 0, 0, 5, "51")), 2)
    assert (2, 1, 1) == tuple(found.counts[name] for name in ("planned", "sent", "dropped"))
    assert (1, {"51": 1}, (0, 1)) == (found.latency.number, found.declines, found.approvals["balance"])


def test_seconds_show_what_was_planned_beside_what_was_done():
    found = figures(record(("balance", 100, 100, 1_500, "00"), ("balance", 1_200, 1_200, 1_210, "00")), 2)
    assert [(1, 1, 0, 1_400_000), (1, 1, 2, 10_000)] == [
        (each.planned, each.sent, each.answered, each.p99_us) for each in found.series
    ]


def test_a_run_in_which_nothing_happened_has_figures_too():
    found = figures(Record(), 1)
    assert (0, 0, ()) == (found.latency.number, found.counts["planned"], found.series)


# ---------------- the verdict


def load(expect: str, more: str = "") -> Load:
    made = scenario_with(f"arrivals: [{{rate: 1/s, for: 1 s}}]\n{more}\nexpect: [{expect}]").load
    assert made is not None
    return made


RUN = figures(
    record(("withdraw", 0, 0, 40, "00"), ("withdraw", 0, 1, 80, "51"), ("balance", 0, 2, 10, "00")),
    1,
)


@pytest.mark.parametrize(
    ("expect", "met"),
    [
        ("{measure: latency.max, at_most: 80 ms}", True),
        ("{measure: latency.max, at_most: 79 ms}", False),
        ("{measure: latency.max, of: balance, at_most: 10 ms}", True),
        ('{measure: latency.max, code: "00", at_most: 40 ms}', True),
        ('{measure: latency.max, code: "91", at_most: 40 ms}', False),  # there is none to measure
        ("{measure: approval_rate, of: withdraw, between: [0.5, 0.6]}", True),
        ("{measure: approval_rate, at_least: 0.7}", False),
        ("{measure: declines, equals: 1}", True),
        ("{measure: throughput, at_least: 3}", True),
        ("{measure: send_lag.max, at_most: 1 ms}", False),
        ("{measure: differences, equals: 0}", False),  # nothing was compared
    ],
)
def test_an_expectation_is_judged_by_its_comparison(expect, met):
    verdict = judge(load(expect), RUN, None)
    assert [met] == [check.met for check in verdict.checks]
    assert (MET if met else FAILED) == verdict.exit_code


def test_differences_with_the_books_fail_a_run_that_expects_nothing():
    assert FAILED == judge(load(""), RUN, 1).exit_code
    assert MET == judge(load(""), RUN, 0).exit_code


@pytest.mark.parametrize(("bound", "code"), [("2 ms", MET), ("1900 us", INVALID)])
def test_beyond_its_bound_the_lag_makes_the_run_invalid(bound, code):
    assert code == judge(load("", f"send_lag_at_most: {bound}"), RUN, None).exit_code


def test_a_run_that_sent_nothing_is_no_measurement():
    nothing: Figures = figures(Record(), 1)
    assert INVALID == judge(load(""), nothing, None).exit_code
