"""Named random streams, and the distributions drawn from them (invariant I23)."""

from __future__ import annotations

from math import log, sqrt
from random import Random
from statistics import fmean, stdev

import pytest

from atm_sim.world.chance import Chance, draw_us
from bank_host.written.values import Distribution

DRAWS = 20_000
MINUTE = 60_000_000


def first_draws(chance: Chance, name: str) -> list[float]:
    return [chance.stream(name).random() for _ in range(5)]


def test_the_same_seed_replication_and_name_give_the_same_draws():
    assert first_draws(Chance(1, 1), "habit/pin") == first_draws(Chance(1, 1), "habit/pin")


@pytest.mark.parametrize(
    ("other", "name"), [(Chance(2, 1), "pin"), (Chance(1, 2), "pin"), (Chance(1, 1), "choose")]
)
def test_another_seed_replication_or_name_gives_other_draws(other: Chance, name: str):
    assert first_draws(Chance(1, 1), "pin") != first_draws(other, name)


def test_seed_and_replication_do_not_run_into_each_other():
    assert first_draws(Chance(1, 11), "pin") != first_draws(Chance(11, 1), "pin")


def test_a_new_purpose_does_not_disturb_the_draws_of_another():
    alone, beside = Chance(1, 1), Chance(1, 1)
    expected = first_draws(alone, "pin")
    got = []
    for _ in range(5):
        beside.stream("new purpose").random()
        got.append(beside.stream("pin").random())
    assert expected == got


@pytest.mark.parametrize(
    ("distribution", "mean", "deviation"),
    [
        (Distribution("fixed", 2.0 * MINUTE), 2.0, 0.0),
        (Distribution("uniform", 0.0, 5.0 * MINUTE), 2.5, 5 / sqrt(12)),
        (Distribution("exponential", 1.5 * MINUTE), 1.5, 1.5),
        (Distribution("normal", 2.0 * MINUTE, 0.5 * MINUTE), 2.0, 0.5),
        (Distribution("lognormal", 0.75 * MINUTE, 0.4), 0.75, 0.3),
    ],
    ids=lambda value: value.shape if isinstance(value, Distribution) else "",
)
def test_a_distribution_has_its_mean_and_its_spread(
    distribution: Distribution, mean: float, deviation: float
):
    """The mean within four standard errors, the standard deviation within 5 %."""
    random = Random(1)
    drawn = [draw_us(distribution, random) / MINUTE for _ in range(DRAWS)]
    assert mean == pytest.approx(fmean(drawn), abs=4 * deviation / sqrt(DRAWS) + 1e-9)
    assert deviation == pytest.approx(stdev(drawn), rel=0.05, abs=1e-9)


def test_a_lognormal_is_given_by_its_mean_and_coefficient_of_variation():
    """mu = ln(mean) - sigma^2/2, sigma^2 = ln(1 + cv^2); half of the draws lie under mean / sqrt(1 + cv^2)."""
    mean, cv = 45_000_000.0, 0.6
    sigma_squared = log(1 + cv**2)
    expected = Random(7).lognormvariate(log(mean) - sigma_squared / 2, sqrt(sigma_squared))
    assert round(expected) == draw_us(Distribution("lognormal", mean, cv), Random(7))
    random = Random(1)
    median = mean / sqrt(1 + cv**2)
    below = sum(draw_us(Distribution("lognormal", mean, cv), random) < median for _ in range(DRAWS))
    assert 0.5 == pytest.approx(below / DRAWS, abs=4 * 0.5 / sqrt(DRAWS))


def test_times_are_whole_and_never_negative():
    random = Random(1)
    drawn = [draw_us(Distribution("normal", 0.0, 1_000.0), random) for _ in range(1_000)]
    assert {int} == {type(value) for value in drawn}
    assert 0 == min(drawn)


def test_an_unknown_shape_is_named():
    with pytest.raises(ValueError, match="cauchy"):
        draw_us(Distribution("cauchy", 1.0), Random(1))  # type: ignore[arg-type]
