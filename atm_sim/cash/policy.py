"""When to send guards, and with how many notes: policies that see the past and nothing else.

A policy is a function of a `Past` and gives the target of each cassette. The past holds copies: nothing in it leads to
what customers will want, and tests/atm_sim/cash/test_cash_policy.py plants a cheater that looks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from atm_sim.demand import Demand, day_multiplier, days_of
from atm_sim.demand.draw import Floats, Whole

NO_ORDER = -1
HALF_LIFE_DAYS = 28.0
LOOK_BACK_DAYS = 56


class Past(NamedTuple):
    """What is known in the morning of `today`, before the first customer. All arrays are copies of what has been."""

    today: date
    days: tuple[date, ...]  # that have been, oldest first; the last is yesterday
    net_out: Whole  # [day, machine, denomination]: notes paid out less notes put in
    notes: Whole  # [machine, denomination]: in the cassettes this morning
    near_end: Whole  # [denomination]: the alarm's mark
    capacity: Whole  # [denomination]
    since_visit: Whole  # [machine]: days since guards were there
    ordered: np.ndarray  # [machine]: guards are on order
    arrival_days: tuple[
        int, int
    ]  # from today to the guards of an order of today, and of tomorrow at the latest


Orders = Whole
"""[machine, denomination]: notes that shall be in each cassette when the guards leave; NO_ORDER = nobody is sent."""

Policy = Callable[[Past], Orders]


def none(past: Past) -> Orders:
    """Nobody is sent anywhere."""
    return np.full(past.notes.shape, NO_ORDER, dtype=np.int64)


def fixed(every_days: int, fill: Sequence[int]) -> Policy:
    """Guards come every so many days, and leave the same fill everywhere."""

    def decide(past: Past) -> Orders:
        orders = none(past)
        due = (past.since_visit + past.arrival_days[0] >= every_days) & ~past.ordered
        orders[due] = np.asarray(fill)
        return orders

    return decide


def reorder(at_jpy: int, fill: Sequence[int], denominations: Sequence[int]) -> Policy:
    """Guards are sent to a machine whose cash has fallen to `at_jpy`, and leave the same fill everywhere."""

    def decide(past: Past) -> Orders:
        orders = none(past)
        due = (past.notes @ np.asarray(denominations) <= at_jpy) & ~past.ordered
        orders[due] = np.asarray(fill)
        return orders

    return decide


def forecast(cover_days: int, risk: float, demand: Demand) -> Policy:
    """Guards are sent before a cassette is expected to reach its near-end mark, with notes for `cover_days`.

    `risk` is the chance of running into the mark that is taken each time, by a normal forecast error. The calendar
    is known ahead; level and spread of each machine are learnt from its past.
    """
    sure = NormalDist().inv_cdf(1 - risk)

    def decide(past: Past) -> Orders:
        ahead = days_of(past.today, past.arrival_days[1] + 1 + cover_days)
        index = np.array([day_multiplier(demand, day) for day in ahead])
        level, spread = _learnt(past, demand)

        def needed(first: int, last: int) -> Floats:
            """Notes that may be wanted from day `first` to before `last`, with the safety that `risk` asks for."""
            days = last - first
            return np.asarray(level * index[first:last].sum() + sure * spread * np.sqrt(max(days, 1)))

        at_next_chance = past.notes - needed(0, past.arrival_days[1] + 1)
        due = (at_next_chance < past.near_end).any(axis=1) & ~past.ordered
        begins = past.arrival_days[0]
        target = np.ceil(past.near_end + needed(begins, begins + cover_days)).astype(np.int64)
        orders = none(past)
        orders[due] = np.clip(target, past.near_end, past.capacity)[due]
        return orders

    return decide


def _learnt(past: Past, demand: Demand) -> tuple[Floats, Floats]:
    """Each machine's notes a plain day, later days weighing more, and the spread of a day around that."""
    days = past.days[-LOOK_BACK_DAYS:]
    index = np.array([day_multiplier(demand, day) for day in days])[:, None, None]
    seen = past.net_out[-LOOK_BACK_DAYS:]
    weight = 0.5 ** (np.arange(len(days))[::-1] / HALF_LIFE_DAYS)[:, None, None]
    level = (weight * seen / index).sum(axis=0) / weight.sum()
    return level, np.asarray((seen - level * index).std(axis=0))
