"""The freeze test: a host that stops shows in the percentiles, and the plan is sent all the same.

A closed generator would have sent less and reported what it did not wait for.
"""

from __future__ import annotations

import pytest

from bank_host.jst import SECOND_US
from tests.atm_sim.load.loads import null_host, played, scenario_with

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
    """Whoever was to come during the freeze waits for its rest: of a fifth of the run, the longest wait is the whole
    freeze and the 99th percentile lies a twentieth of it below."""
    with null_host("--freeze-at", f"{seconds / 5}", "--freeze-for", f"{frozen}") as address:
        found = played(scenario_with(block(rate, seconds, "open")), address).figures
    planned = round(rate * seconds)
    assert (planned, planned, 0) == tuple(found.counts[name] for name in ("planned", "sent", "dropped"))
    assert planned == found.counts["answered"]
    assert found.latency.at("max") >= 0.95 * frozen * SECOND_US
    truth_us = frozen * (1 - 0.01 * seconds / frozen) * SECOND_US
    assert found.latency.at("p99") >= 0.95 * truth_us
    assert found.send_lag.number == planned


def test_closed_users_hide_the_same_freeze():
    """Planted fault: the model that waits for answers sends less, and its p90 knows nothing of half a second."""
    with null_host("--freeze-at", "0.5", "--freeze-for", "0.5") as address:
        found = played(scenario_with(block(200, 2.5, "closed")), address).figures
    assert found.counts["sent"] < 460
    assert found.latency.at("p90") < 0.4 * SECOND_US
    assert found.latency.at("max") >= 0.45 * SECOND_US
