"""Chance of a day: over-dispersed counts, arrival times, services, amounts; the same numbers for the same seed.

Counts are Poisson around a mean that is itself drawn: a gamma day factor with mean 1 whose neighbours are correlated
(the beta-gamma autoregression of Lewis, McKenzie and Hugus 1989, exact in its margin and in its correlation).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from atm_sim.demand.calendar import day_multiplier
from atm_sim.demand.model import HOURS, Demand
from bank_host.jst import HOUR_US

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


def generator(seed: int, replication: int, name: str) -> np.random.Generator:
    """The stream of numbers `seed/replication/name`: a new purpose disturbs no other (invariant I23)."""
    digest = hashlib.sha256(f"{seed}/{replication}/{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def day_factors(
    rng: np.random.Generator, days: int, sites: int = 1, *, cv: float = 0.3, lag1: float = 0.2
) -> Floats:
    """Factors with mean 1 for each day (row) and site (column)."""
    if days < 0 or sites < 0 or cv < 0 or not 0 <= lag1 < 1:
        raise ValueError("days, sites and cv are not negative, and lag1 lies from 0 to below 1")
    if cv == 0:
        return np.ones((days, sites))
    shape = 1 / (cv * cv)
    found = np.empty((days, sites))
    if days:
        found[0] = rng.standard_gamma(shape, sites)
    for day in range(1, days):
        fresh = rng.standard_gamma(shape * (1 - lag1), sites)
        kept = rng.beta(shape * lag1, shape * (1 - lag1), sites) if lag1 else 0.0
        found[day] = kept * found[day - 1] + fresh
    return found / shape


def visits_of_day(rng: np.random.Generator, demand: Demand, day: date, factor: float | Floats) -> Whole:
    """How many come; with an array of factors, one number for each site."""
    mean = demand.per_atm_day * day_multiplier(demand, day)
    return np.asarray(rng.poisson(mean * np.asarray(factor)), dtype=np.int64)


def arrivals_us(rng: np.random.Generator, hours: Sequence[float], visits: int) -> Whole:
    """Arrival times of so many visits, sorted, in microseconds after midnight; `hours` are the 24 shares of a day."""
    reached = np.concatenate(([0.0], np.cumsum(hours)))
    drawn = np.sort(rng.random(visits)) * reached[-1]
    at_us = np.interp(drawn, reached, np.arange(HOURS + 1) * float(HOUR_US))
    return np.asarray(np.minimum(at_us.astype(np.int64), HOURS * HOUR_US - 1))


def services_of_visits(rng: np.random.Generator, demand: Demand, visits: int) -> Whole:
    """What each visit is for, as the index in `demand.mix`."""
    return _chosen(rng, [share for _, share in demand.mix], visits)


def amounts_of_visits(rng: np.random.Generator, demand: Demand, service: str, visits: int) -> Whole:
    """Yen of each visit for this service; 0 where it moves no cash."""
    pairs = demand.amounts.get(service)
    if not pairs:
        return np.zeros(visits, dtype=np.int64)
    amounts = np.array([jpy for jpy, _ in pairs], dtype=np.int64)
    return np.asarray(amounts[_chosen(rng, [share for _, share in pairs], visits)])


def _chosen(rng: np.random.Generator, shares: Sequence[float], visits: int) -> Whole:
    """Indices drawn by their shares."""
    sums = np.cumsum(shares)
    drawn = np.searchsorted(sums, rng.random(visits) * sums[-1], side="right")
    return np.asarray(np.minimum(drawn, len(sums) - 1), dtype=np.int64)
