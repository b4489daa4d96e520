"""Counts, factors and times as a demand file says, within three standard errors."""

from datetime import date
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.demand import (
    amounts_of_visits,
    arrivals_us,
    day_factors,
    generator,
    load_demand,
    services_of_visits,
    visits_of_day,
)
from bank_host.jst import DAY_US, HOUR_US

DEMAND = load_demand("convenience")


def test_the_same_seed_gives_the_same_day_and_another_name_another() -> None:
    first, again, other = (generator(42, 1, name).random(5).tolist() for name in ("a", "a", "b"))
    assert first == again
    assert first != other


def test_day_factors_have_the_given_spread_and_remember_yesterday() -> None:
    factors = day_factors(generator(1, 1, "factors"), 4_000, 50, cv=0.3, lag1=0.2)
    assert 1.0 == pytest.approx(factors.mean(), abs=0.005)
    assert 0.3 == pytest.approx(factors.std(), abs=0.005)
    assert 0.2 == pytest.approx(np.corrcoef(factors[1:].ravel(), factors[:-1].ravel())[0, 1], abs=0.01)
    assert 0.0 < factors.min()


def test_daily_counts_are_over_dispersed_as_published() -> None:
    """Variance / mean of daily counts is 14 to 47 in five machines; Poisson alone has 1."""
    rng = generator(2, 1, "counts")
    busy = DEMAND._replace(per_atm_day=150.0)
    counts = visits_of_day(rng, busy, date(2014, 1, 14), day_factors(rng, 1, 50_000, cv=0.32)[0])
    assert 150 == pytest.approx(counts.mean(), abs=3 * 50 / sqrt(50_000))
    assert 14 <= counts.var() / counts.mean() <= 47
    plain = visits_of_day(rng, busy, date(2014, 1, 14), day_factors(rng, 1, 50_000, cv=0)[0])
    assert 1 == pytest.approx(plain.var() / plain.mean(), abs=0.03)


@given(
    st.lists(st.floats(0, 100), min_size=24, max_size=24).filter(lambda h: sum(h) > 1), st.integers(0, 300)
)
def test_arrivals_are_sorted_whole_microseconds_of_hours_that_have_a_share(
    hours: list[float], visits: int
) -> None:
    at_us = arrivals_us(generator(3, 1, "times"), hours, visits)
    assert visits == len(at_us)
    assert np.int64 == at_us.dtype
    assert sorted(at_us) == at_us.tolist()
    assert all(0 <= at < DAY_US and hours[at // HOUR_US] > 0 for at in at_us.tolist())


def test_the_curve_of_a_day_is_the_given_one() -> None:
    at_us = arrivals_us(generator(4, 1, "times"), DEMAND.hours, 200_000)
    shares = np.bincount(at_us // HOUR_US, minlength=24) / len(at_us)
    assert shares.tolist() == pytest.approx(list(DEMAND.hours), abs=3 * sqrt(0.08 * 0.92 / 200_000))


def test_services_and_amounts_come_in_their_shares() -> None:
    rng = generator(5, 1, "mix")
    services = services_of_visits(rng, DEMAND, 100_000)
    shares = [share for _, share in DEMAND.mix]
    assert shares == pytest.approx((np.bincount(services) / 100_000).tolist(), abs=0.005)
    amounts = amounts_of_visits(rng, DEMAND, "withdraw", 100_000)
    assert DEMAND.mean_amount_jpy["withdraw"] == pytest.approx(amounts.mean(), rel=0.02)
    assert [0, 0] == amounts_of_visits(rng, DEMAND, "balance", 2).tolist()


@pytest.mark.parametrize("mistake", [{"cv": -1.0}, {"lag1": 1.0}, {"lag1": -0.1}])
def test_a_factor_that_cannot_be_is_refused(mistake: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="lag1 lies from 0 to below 1"):
        day_factors(generator(1, 1, "x"), 2, **mistake)
