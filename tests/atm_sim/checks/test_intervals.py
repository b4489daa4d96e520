"""Student's t and the interval of a mean, against printed tables and by property."""

from __future__ import annotations

import random

import pytest

from atm_sim.checks.intervals import interval, t_quantile


@pytest.mark.parametrize(
    ("degrees", "printed"),
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (9, 2.262), (10, 2.228), (29, 2.045), (120, 1.980)],
)
def test_the_95_percent_quantile_is_the_printed_one(degrees: int, printed: float) -> None:
    assert round(t_quantile(degrees), 3) == printed


def test_an_interval_by_hand() -> None:
    """Mean 12, standard deviation 2, n = 3: 12 ± 4.3027 x 2 / sqrt(3)."""
    found = interval([10, 12, 14])
    assert (12.0, 7.032, 16.968) == tuple(round(value, 3) for value in found)


def test_equal_replications_leave_no_doubt() -> None:
    assert interval([5, 5, 5]) == (5, 5, 5)


def test_one_replication_has_no_interval() -> None:
    with pytest.raises(ValueError, match="at least two"):
        interval([5])


def test_about_95_of_100_intervals_contain_the_true_mean() -> None:
    chance = random.Random("intervals")
    hits = 0
    for _ in range(1000):
        found = interval([chance.gauss(50, 10) for _ in range(5)])
        hits += found.low <= 50 <= found.high
    assert 930 <= hits <= 970
