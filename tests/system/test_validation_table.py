"""The lines of docs/validation.md that need no scenario file, each with so many draws that three sigma are 5 % at most.

For one server sigma comes from the run-length formula, for more from replications. What takes long is marked so; its
short form is the lighter lines of the same table, which are as exact.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from math import ceil, sqrt
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest

from atm_sim.cash.failures import Failures, stops
from atm_sim.checks.intervals import interval
from atm_sim.checks.measures import Ask, measure
from atm_sim.checks.rows import ReplicationRows
from atm_sim.demand import day_factors, generator, load_demand, visits_of_day
from atm_sim.demand.calendar import is_holiday
from atm_sim.runner.grade import setting_of
from atm_sim.scenario import load, rows
from atm_sim.study.formulas import erlang_c, run_length_variance, wait_mean_us
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate
from bank_host.jst import HOUR_US
from tests.system.site_queue import SERVICE_US, waits_us

PRECISION = 0.05
"""Three sigma, as a share of the exact value."""

SHORT = [(1, 0.5), (2, 0.5)]
LONG = [
    (1, 0.8),
    (1, 0.9),
    (2, 0.8),
    (2, 0.9),
    *((servers, rho) for servers in (3, 4, 5) for rho in (0.5, 0.8, 0.9)),
    (10, 0.8),
    (10, 0.9),
]
BANK_A = [(3, 28 / 24 / 3), (3, 17 / 16 / 3), (3, 20 / 18 / 3)]  # V3: three lightly loaded days
CHUNK, WARM_UP, MOST_CHUNKS = 20_000, 1_000, 400

as_long = pytest.mark.long


# ---------------------------------------------------------------- table 3.1 of Erlang C


@pytest.mark.parametrize(
    ("servers", "rho"), [*SHORT, *(pytest.param(*line, marks=as_long) for line in [*LONG, *BANK_A])]
)
def test_a_queue_waits_as_erlang_c_says(servers: int, rho: float) -> None:
    exact, share = wait_mean_us(servers, servers * rho, 1.0), erlang_c(servers, servers * rho)
    mean, three_sigma, waited = one_server(rho) if servers == 1 else several_servers(servers, rho, exact)
    assert three_sigma <= PRECISION * exact
    assert exact == pytest.approx(mean, abs=three_sigma)
    assert share == pytest.approx(waited, rel=PRECISION)


def one_server(rho: float) -> tuple[float, float, float]:
    """As many customers as the run-length formula asks for; sigma is the formula's."""
    exact = wait_mean_us(1, rho, 1.0)
    customers = ceil(run_length_variance(rho, 1) * (3 / (PRECISION * exact)) ** 2)
    waits = list(waits_us(1, rho, customers, warm_up=10 * WARM_UP))
    three_sigma = 3 * sqrt(run_length_variance(rho, customers))
    return fmean(waits) / SERVICE_US, three_sigma, share_of(waits)


def several_servers(servers: int, rho: float, exact: float) -> tuple[float, float, float]:
    """Replications until their standard error is small enough; at least 20."""
    means: list[float] = []
    shares: list[float] = []
    while len(means) < 20 or 3 * stdev(means) / sqrt(len(means)) > PRECISION * exact:
        assert len(means) < MOST_CHUNKS, "this precision is out of reach"
        waits = list(waits_us(servers, rho, CHUNK, replication=len(means) + 1, warm_up=WARM_UP))
        means.append(fmean(waits) / SERVICE_US)
        shares.append(share_of(waits))
    return fmean(means), 3 * stdev(means) / sqrt(len(means)), fmean(shares)


def share_of(waits: list[int]) -> float:
    return sum(wait > 0 for wait in waits) / len(waits)


def test_a_queue_that_serves_a_tenth_slower_would_be_noticed() -> None:
    """The test above can fail: a planted service of 1.1 is far outside its three sigma."""
    mean, three_sigma, _ = one_server(0.55)
    assert abs(wait_mean_us(1, 0.5, 1.0) - mean) > three_sigma


# ---------------------------------------------------------------- Little's law


def test_littles_law_holds_in_whole_sessions() -> None:
    """People present on average, counted over time, are arrivals a second x (mean wait + mean visit)."""
    (case,) = rows(load(Path(__file__).parents[2] / "scenarios" / "validation" / "v5_dhar_rahman.yaml"))
    scenario = case.scenario.model_copy(
        update={"run": case.scenario.run.model_copy(update={"warm_up": type(case.scenario.run.warm_up)()})}
    )
    happened = ReplicationRows(simulate(Lab(scenario, seed=1, replication=1, run="little")).events)
    moves = sorted(
        [(row.time_us, 1) for row in happened.of("arrived")]
        + [(row.time_us, -1) for row in happened.of("left")]
    )
    present = area = 0
    for (now_us, step), (later_us, _) in pairwise(moves):
        present += step
        area += present * (later_us - now_us)
    span_us = moves[-1][0] - moves[0][0]
    customers, wait_us, visit_us = (
        measure(name, happened, Ask(), setting_of(case))
        for name in ("customers", "wait.mean", "service.mean")
    )
    assert customers is not None
    assert wait_us is not None
    assert visit_us is not None
    assert area / span_us == pytest.approx(customers / span_us * (wait_us + visit_us), rel=1e-9)


# ---------------------------------------------------------------- demand


WEEKDAYS = (0.779, 0.822, 1.055, 1.491, 1.313, 0.688, 0.841)
"""D1 (NN5): daily withdrawals of 111 English machines, Monday to Sunday."""


def test_the_demand_generator_returns_the_published_weekday_index() -> None:
    plain = load_demand("convenience")._replace(
        weekdays=WEEKDAYS, months=(1.0,) * 12, days_of_month=(1.0,) * 31, occasions={}, per_atm_day=100.0
    )
    days = [day for number in range(7 * 104) if not is_holiday(day := date(2012, 1, 2) + timedelta(number))]
    rng, machines, cv = generator(1, 1, "weekdays"), 100, 0.417
    factors = day_factors(rng, len(days), machines, cv=cv, lag1=0.0)
    counts = np.array(
        [visits_of_day(rng, plain, day, factor).mean() for day, factor in zip(days, factors, strict=True)]
    )
    for weekday, index in enumerate(WEEKDAYS):
        of_it = counts[[day.weekday() == weekday for day in days]] / 100
        three_sigma = 3 * sqrt(index**2 * cv**2 + index / 100) / sqrt(len(of_it) * machines)
        assert three_sigma <= PRECISION * index
        assert index == pytest.approx(of_it.mean(), abs=three_sigma)


@pytest.mark.parametrize(
    ("mean", "deviation"),
    [(90.9, 36.1), (88.0, 40.8), (123.7, 51.9), (169.5, 89.7), (143.9, 62.9)],
    ids=["airport", "big street", "christ college", "kk nagar", "mount road"],
)
def test_daily_counts_are_as_over_dispersed_as_published(mean: float, deviation: float) -> None:
    """D3: variance / mean of daily counts is 14 to 47 at five machines; Poisson alone has 1."""
    cv = sqrt((deviation / mean) ** 2 - 1 / mean)
    plain = load_demand("convenience")._replace(per_atm_day=mean, weekdays=(1.0,) * 7, months=(1.0,) * 12)
    plain = plain._replace(days_of_month=(1.0,) * 31, occasions={})
    rng, machines = generator(2, 1, f"dispersion/{mean}"), 100_000
    counts = visits_of_day(rng, plain, date(2014, 1, 14), day_factors(rng, 1, machines, cv=cv)[0])
    published, found = deviation**2 / mean, counts.var() / counts.mean()
    fourth = ((counts - counts.mean()) ** 4).mean() / counts.var() ** 2
    three_sigma = 3 * published * sqrt((fourth - 1) / machines)
    assert 14 <= published <= 48
    assert three_sigma <= PRECISION * published
    assert published == pytest.approx(found, abs=three_sigma)


# ---------------------------------------------------------------- availability


def test_availability_follows_from_mtbf_and_mttr() -> None:
    """913 h between failures and 27 min of repair are 99.95 %: 2,000 machines over two years."""
    length_us, machines, failures = 2 * 365 * 24 * HOUR_US, 2_000, Failures()
    found = [stops(generator(1, machine, "availability"), failures, length_us) for machine in range(machines)]
    down_us = sum(min(stop.until_us, length_us) - stop.from_us for each in found for stop in each)
    unavailable = down_us / (machines * length_us)
    exact = 1 - failures.availability
    three_sigma = 3 * exact * sqrt(2 / sum(map(len, found)))  # exponential repairs, Poisson many
    assert round(100 * failures.availability, 2) == 99.95
    assert three_sigma <= PRECISION * exact
    assert exact == pytest.approx(unavailable, abs=three_sigma)


# ---------------------------------------------------------------- coverage of intervals


@pytest.mark.parametrize("customers", [150, pytest.param(2_000, marks=as_long)])
def test_95_percent_intervals_cover_the_truth_in_95_of_100_repeats(customers: int) -> None:
    """200 studies of ten replications each: between 181 and 199 cover the exact wait (binomial, three sigma)."""
    exact, repeats = wait_mean_us(2, 1.0, 1.0), 200
    covered = 0
    for repeat in range(repeats):
        means = [
            fmean(waits_us(2, 0.5, customers, seed=repeat, replication=number, warm_up=50)) / SERVICE_US
            for number in range(1, 11)
        ]
        found = interval(means)
        covered += found.low <= exact <= found.high
    three_sigma = 3 * sqrt(repeats * 0.95 * 0.05)
    assert abs(covered - 0.95 * repeats) <= three_sigma
