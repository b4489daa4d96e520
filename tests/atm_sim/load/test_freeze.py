"""The freeze test: a host that stops shows in the percentiles, and the plan is sent all the same.

A closed generator would have sent less and reported what it did not wait for.
"""

from __future__ import annotations

import time

import pytest

from atm_sim.load.plan import arrivals
from bank_host.jst import SECOND_US
from tests.atm_sim.load.loads import null_host, played, scenario_with, telling_host

FORMS = [
    pytest.param(200, 2.5, 0.5, id="short"),
    pytest.param(500, 10.0, 2.0, id="long", marks=pytest.mark.long),
]


def block(rate: int, seconds: float, model: str) -> str:
    start = (
        f"arrivals: [{{rate: {rate}/s, for: {seconds} s}}]\nspacing: even"
        if model == "open"
        else f"users: {{count: 10, think: {10_000 // rate} ms, for: {seconds} s}}"
    )
    return f"{start}\ndo: balance\ncustomers: 20\nmac: false\nanswer_within: 60 s"


@pytest.mark.parametrize(("rate", "seconds", "frozen"), FORMS)
def test_the_freeze_shows_in_the_percentiles_and_all_that_was_planned_is_sent(rate, seconds, frozen):
    """The host says from when to when it stood still. Whoever was to come meanwhile waited for its end at least, so
    the planned moments give the truth; the reported p99 is it within 5 % of the freeze, from below and above. What a
    busy machine took for an ordinary answer, told by the median, is added above."""
    scenario = scenario_with(block(rate, seconds, "open"))
    with telling_host("--freeze-at", f"{seconds / 5}", "--freeze-for", f"{frozen}") as (address, told):
        run = played(scenario, address)
        from_s, to_s = map(float, told.readline().split())
    found, planned = run.figures, round(rate * seconds)
    assert (planned, planned, 0) == tuple(found.counts[name] for name in ("planned", "sent", "dropped"))
    assert planned == found.counts["answered"] == found.send_lag.number
    start_us = run.started_us - steady_offset_us()
    from_us, to_us = from_s * SECOND_US - start_us, to_s * SECOND_US - start_us
    moments_us = [each.at_us for each in arrivals(scenario.load, 1, 20)]
    waits = sorted(max(0.0, to_us - at_us) if at_us >= from_us else 0.0 for at_us in moments_us)
    truth_us = waits[round(0.99 * planned) - 1]
    frozen_us = to_us - from_us
    assert truth_us >= 0.9 * frozen_us
    assert found.latency.at("max") >= 0.95 * frozen_us
    ordinary_us = found.latency.at("p50")
    assert truth_us - 0.05 * frozen_us <= found.latency.at("p99") <= truth_us + 0.05 * frozen_us + ordinary_us


def steady_offset_us() -> int:
    """What the steady clock adds to CLOCK_MONOTONIC."""
    return (time.time_ns() - time.monotonic_ns()) // 1_000


def test_closed_users_hide_the_same_freeze():
    """Planted fault: the model that waits for answers sends less, and its p90 knows nothing of half a second."""
    with null_host("--freeze-at", "0.5", "--freeze-for", "0.5") as address:
        found = played(scenario_with(block(200, 2.5, "closed")), address).figures
    assert found.counts["sent"] < 460
    assert found.latency.at("p90") < 0.4 * SECOND_US
    assert found.latency.at("max") >= 0.45 * SECOND_US
