"""Availability comes out of MTBF and MTTR (published: 99.95 % from 913 h and 27 min)."""

import numpy as np
import pytest

from atm_sim.cash.failures import Failures, Stop, down_share, stops
from atm_sim.demand import generator
from bank_host.jst import DAY_US, HOUR_US, MINUTE_US


def test_the_published_availability_and_stops_a_month_come_back() -> None:
    """4,000 machine-years: about 38,000 stops, one standard error 0.7 % of the time that is lost."""
    failures, years = Failures(), 4_000
    found = stops(generator(1, 1, "stops"), failures, years * 365 * DAY_US)
    lost = sum(stop.until_us - stop.from_us for stop in found) / (years * 365 * DAY_US)
    assert 0.9995 == pytest.approx(failures.availability, abs=0.00002)
    assert 1 - failures.availability == pytest.approx(lost, rel=0.022)
    assert 0.8 == pytest.approx(len(found) / years / 12, rel=0.02)


def test_a_stop_counts_in_each_stretch_that_it_touches() -> None:
    stop = Stop(30 * MINUTE_US, 90 * MINUTE_US, False)
    edges = np.arange(4) * HOUR_US
    assert [0.5, 0.5, 0.0] == down_share([stop], edges).tolist()
    assert [0.5, 0.0, 0.0] == down_share([Stop(30 * MINUTE_US, HOUR_US, False)], edges).tolist()
