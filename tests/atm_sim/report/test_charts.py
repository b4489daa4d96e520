"""What a chart shows beyond its lines."""

from __future__ import annotations

import re
from math import nan

from atm_sim.report import charts


def test_lines_that_end_early_are_drawn_over_the_whole_run():
    """A host that is away from the third second on: latencies and rates have one axis of time."""
    svg = charts.over_time("latency", range(20), [[1.0, 1.0, 2.0] + [nan] * 17], "ms")
    seconds = [int(label) for label in re.findall(r"(\d+) s</text>", svg)]
    assert max(seconds) >= 18
