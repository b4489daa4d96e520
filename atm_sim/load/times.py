"""How long things took, to three digits: how often each time came, so that a long run holds no more than a short one.

A time counts as the lowest that an HdrHistogram of three digits cannot tell from it, so a histogram filled with the
counts is the one of the times themselves. Filling it for each message would cost more than sending the message does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Final

from hdrh.histogram import HdrHistogram

LONGEST_US: Final = 3_600_000_000
DIGITS: Final = 3
_BITS: Final = 11  # 2,048 steps: three digits


class Times:
    """Counts of times in microseconds; sum and longest are exact."""

    __slots__ = ("counts", "most_us", "total_us")

    def __init__(self, times_us: Iterable[int] = ()) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int)
        self.total_us = self.most_us = 0
        for time_us in times_us:
            self.add(time_us)

    def add(self, time_us: int) -> None:
        """One more; what the schedule or a clock makes negative is none."""
        if time_us < 0:
            time_us = 0
        self.total_us += time_us
        if time_us > self.most_us:
            self.most_us = time_us
        beyond = time_us.bit_length() - _BITS
        if beyond > 0:
            time_us = time_us >> beyond << beyond
        self.counts[time_us] += 1

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def nearest_rank(self, percent: int) -> int:
        """The time, to three digits, at or below which so many percent lie; 0 of none."""
        rank = -(-self.number * percent // 100)
        for time_us in sorted(self.counts):
            rank -= self.counts[time_us]
            if rank <= 0:
                beyond = max(0, time_us.bit_length() - _BITS)
                return min(self.most_us, time_us + (1 << beyond) - 1)
        return 0

    def histogram(self) -> HdrHistogram:
        """The same as an HdrHistogram, which knows percentiles."""
        made = HdrHistogram(1, LONGEST_US, DIGITS)
        for time_us, count in self.counts.items():
            made.record_value(max(1, min(time_us, LONGEST_US)), count)
        return made


def together(parts: Iterable[Times]) -> Times:
    """All of them as one."""
    counts: Counter[int] = Counter()
    made = Times()
    for part in parts:
        counts.update(part.counts)
        made.total_us += part.total_us
        made.most_us = max(made.most_us, part.most_us)
    made.counts.update(counts)
    return made
