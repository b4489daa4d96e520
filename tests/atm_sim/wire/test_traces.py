"""Trace numbers of runs within an hour."""

from __future__ import annotations

from atm_sim.wire.traces import numbers_before
from bank_host.iso8583 import build
from bank_host.jst import SECOND_US, moment_us


def test_two_runs_in_one_hour_share_no_reference_while_an_atm_has_no_more_than_277_requests_a_second():
    start_us = moment_us("2026-01-15 10:00:00")
    seen = set()
    for second in range(3_600):
        now_us = start_us + second * SECOND_US
        first = numbers_before(now_us) + 1
        assert 1 <= first <= 999_999 - 277
        seen |= {build.retrieval_reference(now_us, stan) for stan in range(first, first + 277)}
    assert 3_600 * 277 == len(seen)
