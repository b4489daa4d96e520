"""The one place that reads the computer's clock; everything below is told the time."""

from __future__ import annotations

import time
from collections.abc import Callable

from bank_host.jst import moment_us


def wall_clock(moment: str = "") -> Callable[[], int]:
    """Microseconds since the epoch: the computer's own, or standing still at a JST time; ValueError if it is none."""
    if not moment:
        return lambda: time.time_ns() // 1_000
    now_us = moment_us(moment)
    return lambda: now_us


def steady_clock() -> Callable[[], int]:
    """Wall time as it was when this was called, and from there on a time that never jumps: for deadlines."""
    offset_ns = time.time_ns() - time.monotonic_ns()
    return lambda: (time.monotonic_ns() + offset_ns) // 1_000
