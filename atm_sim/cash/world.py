"""What happens to the machines whatever the policy: who wants how much cash when, and which machine is out of service.

Drawn once for a replication and lent to every policy, so that policies are compared under the same luck (common random
numbers). A day has two parts, before and after the hour at which guards come; days before the first are history only.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from atm_sim.cash.failures import Failures, down_share, stops
from atm_sim.demand import Demand, day_factors, day_multiplier, days_of, generator
from atm_sim.demand.draw import Whole
from atm_sim.terminal.note_mix import note_mix
from bank_host.jst import DAY_US, HOUR_US

PLENTY = 10**9
DEPOSITED_IN = (10_000, 5_000, 1_000)  # the notes people bring, as few as possible
PARTS = 2


class Kind(NamedTuple):
    """One thing that customers come for; deposits bring notes, withdrawals take them."""

    service: str
    amount_jpy: int


class World(NamedTuple):
    """Arrays by part (two a day), machine and kind."""

    days: tuple[date, ...]
    kinds: tuple[Kind, ...]
    wanted: Whole  # [part, machine, kind]: customers who found the machine in service
    missed: Whole  # [part, machine]: customers who found it out of service
    history: Whole  # [day before the first, machine, denomination]: notes out less notes in
    notes: Whole  # [kind, denomination]: notes out (> 0) or in (< 0) while every cassette has enough
    staff_calls: int  # stops that somebody had to go to
    retained_cards: int
    down_share: float  # of all machine time
    seed: int
    replication: int


def draw_world(
    demand: Demand,
    first: date,
    count: int,
    machines: int,
    denominations: tuple[int, ...],
    *,
    seed: int,
    replication: int,
    level_cv: float = 0.0,
    guards_at_us: int = 10 * HOUR_US,
    history_days: int = 56,
    failures: Failures | None = None,
) -> World:
    """One replication's luck."""
    kinds, shares = _kinds(demand)
    notes = np.array([_notes(kind, denominations) for kind in kinds], dtype=np.int64)
    every_day = days_of(first - timedelta(days=history_days), history_days + count)
    rng = generator(seed, replication, "cash/visits")
    levels = day_factors(rng, 1, machines, cv=level_cv, lag1=0)[0]
    factors = day_factors(rng, len(every_day), machines, cv=demand.day_factor_cv, lag1=demand.day_factor_lag1)
    plain = demand.per_atm_day * np.array([day_multiplier(demand, day) for day in every_day])
    visits = rng.poisson(plain[:, None] * factors * levels)
    by_kind = rng.multinomial(visits, shares)
    before = rng.binomial(by_kind, _share_before(demand, guards_at_us))
    parts = np.stack([before, by_kind - before], axis=1)[history_days:].reshape(-1, machines, len(kinds))
    down, calls = _down(failures, count, machines, guards_at_us, seed, replication)
    missed = rng.binomial(parts, down[:, :, None])
    retained = int(rng.binomial(int(visits[history_days:].sum()), failures.retained_share if failures else 0))
    return World(
        every_day[history_days:],
        kinds,
        parts - missed,
        missed.sum(axis=2),
        by_kind[:history_days] @ notes,
        notes,
        calls,
        retained,
        float((down.reshape(-1, PARTS, machines) * _lengths(guards_at_us)[:, None]).sum(axis=1).mean()),
        seed,
        replication,
    )


def history_of(
    rng: np.random.Generator,
    demand: Demand,
    first: date,
    count: int,
    machines: int,
    denominations: tuple[int, ...],
) -> Whole:
    """[day before `first`, machine, denomination]: notes out less notes in, of machines alike but for chance."""
    kinds, shares = _kinds(demand)
    notes = np.array([_notes(kind, denominations) for kind in kinds], dtype=np.int64)
    days = days_of(first - timedelta(days=count), count)
    factors = day_factors(rng, count, machines, cv=demand.day_factor_cv, lag1=demand.day_factor_lag1)
    plain = demand.per_atm_day * np.array([day_multiplier(demand, day) for day in days])
    return np.asarray(rng.multinomial(rng.poisson(plain[:, None] * factors), shares) @ notes)


def _kinds(demand: Demand) -> tuple[tuple[Kind, ...], list[float]]:
    """Everything that customers come for, with its share."""
    kinds, shares = [], []
    for service, share in demand.mix:
        for amount_jpy, part in demand.amounts.get(service, ((0, 1.0),)):
            kinds.append(Kind(service, amount_jpy))
            shares.append(share * part)
    return tuple(kinds), [share / sum(shares) for share in shares]


def _notes(kind: Kind, denominations: tuple[int, ...]) -> list[int]:
    """Notes out (or in, negative) of cassettes that have enough, by the terminal's own note mix."""
    if not kind.amount_jpy or kind.service not in ("withdraw", "deposit"):
        return [0] * len(denominations)
    takes = kind.service == "withdraw"
    mix = note_mix(kind.amount_jpy, dict.fromkeys(denominations if takes else DEPOSITED_IN, PLENTY))
    if mix is None:
        raise ValueError(f"cassettes of {denominations} cannot pay ¥{kind.amount_jpy:,}")
    counts = dict(mix)
    return [counts.get(denomination, 0) * (1 if takes else -1) for denomination in denominations]


def _lengths(guards_at_us: int) -> np.ndarray:
    return np.array([guards_at_us, DAY_US - guards_at_us]) / DAY_US


def _share_before(demand: Demand, guards_at_us: int) -> float:
    """The share of a day's customers who come before the guards."""
    hour, rest_us = divmod(guards_at_us, HOUR_US)
    return min(1.0, sum(demand.hours[:hour]) + demand.hours[hour] * rest_us / HOUR_US)


def _down(
    failures: Failures | None, count: int, machines: int, guards_at_us: int, seed: int, replication: int
) -> tuple[np.ndarray, int]:
    """The share of each part and machine out of service, and the calls for staff."""
    parts = np.zeros((count * PARTS, machines))
    if failures is None:
        return parts, 0
    starts = np.arange(count) * DAY_US
    edges = np.append(np.stack([starts, starts + guards_at_us], axis=1).ravel(), count * DAY_US)
    calls = 0
    for machine in range(machines):
        found = stops(generator(seed, replication, f"cash/stops/{machine}"), failures, count * DAY_US)
        parts[:, machine] = down_share(found, edges)
        calls += sum(stop.needs_staff for stop in found)
    return parts, calls
