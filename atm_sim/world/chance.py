"""Randomness, named and passed in: one stream per purpose, the same on every machine and worker.

A stream is `seed/replication/name`, so adding a purpose never disturbs the draws of another (invariant I23).
"""

from __future__ import annotations

from math import log, sqrt
from random import Random

from bank_host.written.values import Distribution


class Chance:
    """The random streams of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self._prefix = f"{seed}/{replication}/"
        self._streams: dict[str, Random] = {}

    def stream(self, name: str) -> Random:
        """The stream of that name, started on first use."""
        if name not in self._streams:
            self._streams[name] = Random(self._prefix + name)
        return self._streams[name]


def draw_us(distribution: Distribution, random: Random) -> int:
    """One duration in whole microseconds; a negative draw (the normal's tail) counts as 0."""
    first, second = distribution.first, distribution.second
    match distribution.shape:
        case "fixed":
            return round(first)
        case "uniform":
            drawn = random.uniform(first, second)
        case "exponential":
            drawn = random.expovariate(1 / first)
        case "normal":
            drawn = random.normalvariate(first, second)
        case "lognormal":  # first = mean, second = coefficient of variation
            sigma = sqrt(log(1 + second * second))
            drawn = random.lognormvariate(log(first) - sigma * sigma / 2, sigma)
        case unknown:
            raise ValueError(f"no such distribution: {unknown}")
    return max(0, round(drawn))
