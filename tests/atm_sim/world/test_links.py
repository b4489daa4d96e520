"""Lines between the machines: travel times, and windows in which they are down or slow."""

from __future__ import annotations

import pytest

from atm_sim.scenario.values import Distribution
from atm_sim.world.chance import Chance
from atm_sim.world.links import LATENCIES, LinkFault, Links, line_between

LINK = "switch-issuer"
ALWAYS_15_US = Distribution("fixed", 15.0)
DOWN = LinkFault(LINK, "down", from_us=100, to_us=200)


def links(*faults: LinkFault, latency: Distribution = ALWAYS_15_US) -> Links:
    return Links({**LATENCIES, LINK: latency}, faults, Chance(1, 1))


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("atm-acquirer", ("shop/1", "acquirer:seven_bank")),
        ("acquirer-switch", ("acquirer:seven_bank", "switch")),
        ("switch-issuer", ("switch", "issuer:jnb")),
    ],
)
def test_a_line_has_one_name_in_both_directions(line: str, ends: tuple[str, str]):
    assert line == line_between(*ends) == line_between(*reversed(ends))


@pytest.mark.parametrize(("now_us", "expected"), [(99, 15), (100, None), (199, None), (200, 15)])
def test_a_line_is_down_from_the_start_of_its_window_until_just_before_the_end(
    now_us: int, expected: int | None
):
    assert expected == links(DOWN).travel_us(LINK, "jnb", now_us)


def test_a_slow_line_adds_its_delay_and_two_slow_windows_add_up():
    slow = LinkFault(LINK, "slow", 100, 200, delay_us=1_000)
    assert 1_015 == links(slow).travel_us(LINK, "jnb", 150)
    assert 2_015 == links(slow, slow).travel_us(LINK, "jnb", 150)


def test_a_fault_of_one_bank_leaves_the_others_alone():
    only = links(DOWN._replace(bank="foreign"))
    assert (None, 15) == (only.travel_us(LINK, "foreign", 150), only.travel_us(LINK, "jnb", 150))


def test_a_fault_of_one_line_leaves_the_others_alone():
    assert 30_000 == links(DOWN).travel_us("atm-acquirer", "", 150)


def test_a_fault_does_not_shift_the_travel_times_of_later_messages():
    """A lost message draws its travel time too: what comes later is the same with and without the fault."""
    uniform = Distribution("uniform", 0.0, 1_000_000.0)
    with_fault, without = links(DOWN, latency=uniform), links(latency=uniform)
    assert None is with_fault.travel_us(LINK, "jnb", 150)
    without.travel_us(LINK, "jnb", 150)
    assert without.travel_us(LINK, "jnb", 300) == with_fault.travel_us(LINK, "jnb", 300)
