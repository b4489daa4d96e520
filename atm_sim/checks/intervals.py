"""The 95 % interval of a mean over replications (Student's t), from the standard library alone.

For whole degrees of freedom the t distribution has a closed form (Abramowitz and Stegun, Handbook of
Mathematical Functions, 26.7.3 and 26.7.4); its quantile is found by halving.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from statistics import fmean, stdev
from typing import NamedTuple

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """The mean over replications, and where the long-run mean lies with 95 % confidence."""

    mean: float
    low: float
    high: float


def interval(values: Sequence[float]) -> Interval:
    """At least two replications; equal values give an interval of no width."""
    if len(values) < 2:
        raise ValueError("an interval needs at least two replications")
    mean = fmean(values)
    half = t_quantile(len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


@lru_cache(maxsize=256)
def t_quantile(degrees: int, confidence: float = CONFIDENCE) -> float:
    """The t that the given share of the distribution lies within, on both sides of zero."""
    low, high = 0.0, 1.0
    while _within(high, degrees) < confidence:
        low, high = high, high * 2
    for _ in range(80):
        middle = (low + high) / 2
        if _within(middle, degrees) < confidence:
            low = middle
        else:
            high = middle
    return high


def _within(t: float, degrees: int) -> float:
    """P(-t < T < t) for whole degrees of freedom."""
    theta = math.atan(t / math.sqrt(degrees))
    cos, odd = math.cos(theta), degrees % 2
    term = total = cos if odd else 1.0
    if degrees == 1:
        total = 0.0
    for k in range(3 if odd else 2, degrees - 1, 2):
        term *= cos * cos * (k - 1) / k
        total += term
    if odd:
        return 2 / math.pi * (theta + math.sin(theta) * total)
    return math.sin(theta) * total
