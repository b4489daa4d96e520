"""The send lag is the generator's whole delay: also what building a message, and those sent with it, took."""

from __future__ import annotations

import time
from typing import Any

import pytest

from atm_sim.load.fleet import Fleet
from tests.atm_sim.load.loads import null_host, played, scenario_with

BUILT_IN_S = 0.02
BLOCK = (
    "arrivals: [{rate: 100/s, for: 0.1 s}]\nspacing: even\ndo: balance\ncustomers: 20\nanswer_within: 60 s"
)


def test_no_message_counts_as_sent_before_it_was_built(monkeypatch: pytest.MonkeyPatch) -> None:
    build = Fleet.request

    def slowly(*arguments: Any) -> Any:
        time.sleep(BUILT_IN_S)
        return build(*arguments)

    monkeypatch.setattr(Fleet, "request", slowly)
    with null_host() as address:
        run = played(scenario_with(BLOCK), address)
    assert 10 == run.figures.counts["answered"] == run.record.send_lag.number
    assert min(run.record.send_lag.counts) >= BUILT_IN_S * 1_000_000
