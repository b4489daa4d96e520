"""The planned traffic: a pure function of file and seed, with the rates that the phases name."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.load.plan import Slope, arrivals, deeds, planned_rate, slopes
from atm_sim.scenario.loading import Load, Phase
from bank_host.jst import SECOND_US


def load(*phases: Phase, spacing: str = "even", **more: object) -> Load:
    return Load().model_copy(
        update={"arrivals": phases, "spacing": spacing, "users": None, "terminals": 10, **more}
    )


def phase(
    rate: float, seconds: float, to: float | None = None, by_hour: tuple[float, ...] | None = None
) -> Phase:
    return Phase.model_construct(
        rate_per_s=rate, to_per_s=to, for_us=round(seconds * SECOND_US), by_hour=by_hour
    )


PHASES = st.lists(
    st.builds(phase, st.floats(0, 300), st.floats(0.1, 3), st.none() | st.floats(0, 300)),
    min_size=1,
    max_size=4,
)


@given(PHASES, st.sampled_from(["even", "poisson"]), st.integers(0, 2**53), st.integers(1, 50))
def test_the_same_seed_plans_the_same_traffic(phases, spacing, seed, customers):
    block = load(*phases, spacing=spacing)
    plan = list(arrivals(block, seed, customers))
    assert plan == list(arrivals(block, seed, customers))
    assert all(one.at_us <= two.at_us for one, two in pairwise(plan))
    assert all(0 <= each.at_us <= sum(one.for_us for one in phases) for each in plan)
    assert all(each.deed.customer in range(customers) for each in plan)


def test_another_seed_plans_other_traffic():
    block = load(phase(100, 2), spacing="poisson")
    assert list(arrivals(block, 1, 9)) != list(arrivals(block, 2, 9))


@given(PHASES)
def test_evenly_spaced_arrivals_are_as_many_as_the_rates_add_up_to(phases):
    wanted = sum(slope.arrivals for slope in slopes(phases))
    assert abs(len(list(arrivals(load(*phases), 1, 5))) - wanted) <= 1


def test_a_constant_rate_is_evenly_spaced():
    assert [0, 2_000, 4_000] == [each.at_us for each in islice(arrivals(load(phase(500, 10)), 1, 5), 3)]
    assert 5_000 == len(list(arrivals(load(phase(500, 10)), 1, 5)))


def test_poisson_arrivals_have_the_rate_on_average_and_are_not_even():
    times = [each.at_us for each in arrivals(load(phase(1_000, 20), spacing="poisson"), 3, 5)]
    assert 20_000 == pytest.approx(len(times), rel=0.03)
    gaps = [b - a for a, b in pairwise(times)]
    assert 1.0 == pytest.approx(
        (sum(gap * gap for gap in gaps) / len(gaps) - 1_000**2) ** 0.5 / 1_000, rel=0.1
    )  # the spread of exponential gaps is their mean


def test_a_ramp_rises_evenly():
    """Of a rise from 0, a quarter comes in the first half."""
    times = [each.at_us for each in arrivals(load(phase(0, 10, to=200)), 1, 5)]
    assert 1_000 == len(times)
    assert 250 == pytest.approx(sum(time < 5 * SECOND_US for time in times), abs=1)


def test_a_curve_is_a_day_in_fast_motion_with_the_rate_at_its_busiest_hour():
    weights = tuple(float(hour) for hour in range(24))
    block = load(phase(230, 24, by_hour=weights))
    times = [each.at_us // SECOND_US for each in arrivals(block, 1, 5)]
    assert [0, 10, 120, 230] == [times.count(hour) for hour in (0, 1, 12, 23)]
    assert 120.0 == planned_rate(block, 12 * SECOND_US)


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0.01, 100), st.floats(0, 1))
def test_a_slope_says_when_so_many_have_come(from_per_s, to_per_s, length_s, part):
    slope = Slope(length_s, from_per_s, to_per_s)
    arrived = slope.arrivals * part
    if slope.arrivals < 1e-6:
        return
    at_s = slope.when_s(arrived)
    assert -1e-6 <= at_s <= length_s * (1 + 1e-6)
    rise = (to_per_s - from_per_s) / length_s
    assert arrived == pytest.approx(from_per_s * at_s + rise * at_s**2 / 2, rel=1e-6, abs=1e-6)


def test_nobody_comes_twice_before_all_others_have_come():
    block = load(phase(1, 1), services=(("withdraw", 1.0),), amounts=((10_000, 1.0),))
    first = [deed.customer for deed in islice(deeds(block, 7, 20), 20)]
    assert list(range(20)) == sorted(first)
    assert first != sorted(first)


def test_services_and_amounts_are_mixed_by_their_weights():
    block = load(
        phase(1, 1), services=(("withdraw", 3.0), ("balance", 1.0)), amounts=((10_000, 1.0), (20_000, 1.0))
    )
    found = list(islice(deeds(block, 7, 20), 4_000))
    drawn = [deed for deed in found if deed.service == "withdraw"]
    assert 3_000 == pytest.approx(len(drawn), rel=0.05)
    assert {10_000, 20_000} == {deed.amount_jpy for deed in drawn}
    assert {0} == {deed.amount_jpy for deed in found if deed.service == "balance"}
