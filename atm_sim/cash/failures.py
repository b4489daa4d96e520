"""Machines that stop and are repaired: an alternating process with exponential times (MTBF, MTTR)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from atm_sim.demand.draw import Floats
from bank_host.jst import HOUR_US, MINUTE_US


class Failures(NamedTuple):
    """How often a machine stops and how long; the published means are those of Seven Bank in 2009."""

    mtbf_us: int = 913 * HOUR_US
    mttr_us: int = 27 * MINUTE_US
    staff_share: float = 0.2  # of the stops: somebody has to go there
    retained_share: float = 0.00002  # of the visits: the machine keeps the card, for staff to fetch

    @property
    def availability(self) -> float:
        return self.mtbf_us / (self.mtbf_us + self.mttr_us)


class Stop(NamedTuple):
    """Out of service from (inclusive) to (exclusive)."""

    from_us: int
    until_us: int
    needs_staff: bool


def stops(rng: np.random.Generator, failures: Failures, length_us: int) -> list[Stop]:
    """The stops of one machine that begin within so long, in order; it works at the start."""
    found: list[Stop] = []
    at_us = 0
    while True:
        at_us += max(1, round(rng.exponential(failures.mtbf_us)))
        if at_us >= length_us:
            return found
        until_us = at_us + max(1, round(rng.exponential(failures.mttr_us)))
        found.append(Stop(at_us, until_us, bool(rng.random() < failures.staff_share)))
        at_us = until_us


def down_share(found: list[Stop], edges_us: np.ndarray) -> Floats:
    """The share of each stretch between two edges in which the machine was out of service."""
    down = np.zeros(len(edges_us) - 1)
    for stop in found:
        first = int(np.searchsorted(edges_us, stop.from_us, side="right")) - 1
        for part in range(first, len(down)):
            if edges_us[part] >= stop.until_us:
                break
            down[part] += min(stop.until_us, edges_us[part + 1]) - max(stop.from_us, edges_us[part])
    return np.asarray(down / np.diff(edges_us))
