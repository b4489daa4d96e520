"""The timing ladder falls strictly from the ATM to the issuer."""

from __future__ import annotations

import pytest

from atm_sim.network.ladder import SECOND_US, Ladder, check_ladder


def ladder(*seconds: int) -> Ladder:
    return Ladder(*(value * SECOND_US for value in seconds))


def test_the_default_ladder_is_45_35_25_5_seconds_and_accepted() -> None:
    check_ladder(Ladder())
    assert ladder(45, 35, 25, 5) == Ladder()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ((35, 35, 25, 5), "atm waits 35 s, acquirer behind it takes 35 s; give atm more than 35 s"),
        ((45, 20, 25, 5), "acquirer waits 20 s, switch behind it takes 25 s"),
        ((45, 35, 5, 5), "switch waits 5 s, issuer behind it takes 5 s"),
        ((45, 35, 25, 0), "issuer takes 0 s; give it more than 0 s"),
    ],
)
def test_a_ladder_that_does_not_fall_is_refused_and_told_where(seconds: tuple[int, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        check_ladder(ladder(*seconds))
