"""Who comes when, drawn ahead an hour at a time: sorted columns that the kernel takes one arrival after the other from.

A window's numbers depend on seed, replication, partition and hour alone, so what happens in the world never shifts a
draw, and two variants of a scenario meet the same customers (common random numbers). Nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from atm_sim.demand import Demand, day_factors, day_multiplier, generator, load_demand
from atm_sim.fleet.ground import Site
from atm_sim.scenario import Scenario
from atm_sim.world.habits import HABITS
from bank_host.jst import DAY_US, HOUR_US, midnight_us
from bank_host.written.values import Distribution

SERVICES = ("withdraw", "deposit", "balance")
WITHDRAW, DEPOSIT = 0, 1
HOURS = 24
HABIT_NAMES = ("insert", "pin", "choose", "dispense", "take_card", "take_cash")


class Arrival(NamedTuple):
    """One customer at the door: what they came for, how long they take, how patient they are."""

    at_us: int
    site: int  # place in the partition's sites
    account: int  # place in the partition's accounts
    service: int  # place in SERVICES
    amount_jpy: int
    insert_us: int
    pin_us: int
    choose_us: int
    dispense_us: int
    take_card_us: int
    take_cash_us: int
    wrong_pins: int  # tries before the right one
    patience_us: int  # in a queue
    returns: bool  # comes back later if nobody serves them now
    number: int  # over the whole partition, in the order of arrival
    tried: tuple[int, ...] = ()  # sites that did not serve them
    came_back: bool = False


def demand_of(scenario: Scenario) -> Demand:
    """The shipped curve with what the scenario says instead."""
    assert scenario.fleet is not None
    asked = scenario.fleet.demand
    demand = load_demand(asked.curve)
    amounts = dict(demand.amounts)
    for service in ("withdraw", "deposit"):
        if chosen := getattr(scenario.fleet, service):
            amounts[service] = chosen
    return demand._replace(
        per_atm_day=demand.per_atm_day if asked.per_atm_day is None else asked.per_atm_day,
        day_factor_cv=demand.day_factor_cv if asked.day_factor_cv is None else asked.day_factor_cv,
        mix=scenario.fleet.mix or demand.mix,
        amounts=amounts,
    )


class Plan:
    """The arrivals of one partition in one replication."""

    def __init__(
        self,
        scenario: Scenario,
        sites: Sequence[Site],
        accounts: int,
        seed: int,
        replication: int,
        partition: int,
    ) -> None:
        assert scenario.fleet is not None
        self._fleet, self._accounts = scenario.fleet, accounts
        self._seed, self._replication, self._partition = seed, replication, partition
        self._first_day, self._start_us = scenario.day, midnight_us(scenario.day)
        self._habits = {**HABITS, **{str(name): spread for name, spread in scenario.habits.items()}}
        self._demand = demand_of(scenario)
        self._machines = np.array([site.machines for site in sites], dtype=float)
        self._factors = day_factors(
            self._stream("day_factors"),
            self._fleet.days,
            len(sites),
            cv=self._demand.day_factor_cv,
            lag1=self._demand.day_factor_lag1,
        )
        self._numbered = 0

    @property
    def demand(self) -> Demand:
        return self._demand

    def windows(self) -> Iterator[tuple[int, list[Arrival]]]:
        """(end of the hour, its arrivals in order), hour after hour."""
        for day in range(self._fleet.days):
            for hour in range(HOURS):
                end_us = self._start_us + day * DAY_US + (hour + 1) * HOUR_US
                yield end_us, self._window(day, hour)

    def _window(self, day: int, hour: int) -> list[Arrival]:
        rng = self._stream(f"{day}/{hour}")
        demand = self._demand
        index = 1.0
        if self._fleet.demand.calendar == "japan":
            index = day_multiplier(demand, self._first_day + timedelta(days=day))
        share = demand.hours[hour] / sum(demand.hours)
        mean = demand.per_atm_day * index * share * self._machines * self._factors[day]
        counts = rng.poisson(mean)
        total = int(counts.sum())
        begins_us = self._start_us + day * DAY_US + hour * HOUR_US
        at_us = begins_us + rng.integers(0, HOUR_US, size=total)
        order = np.argsort(at_us, kind="stable")
        site = np.repeat(np.arange(len(counts)), counts)[order]
        service = _chosen(
            rng, [SERVICES.index(name) for name, _ in demand.mix], [w for _, w in demand.mix], total
        )
        amount = np.zeros(total, dtype=np.int64)
        for number, name in enumerate(SERVICES):
            if pairs := demand.amounts.get(name):
                drawn = _chosen(rng, [jpy for jpy, _ in pairs], [weight for _, weight in pairs], total)
                amount = np.where(service == number, drawn, amount)
        takes = [drawn_us(rng, self._habits[name], total).tolist() for name in HABIT_NAMES]
        customers = self._fleet.customers
        wrong = (
            rng.geometric(1 - customers.wrong_pin, total) - 1
            if customers.wrong_pin < 1
            else np.full(total, 99)
        )
        first, self._numbered = self._numbered, self._numbered + total
        return list(
            map(
                partial(tuple.__new__, Arrival),  # as the constructor does, at a third of its cost
                zip(
                    at_us[order].tolist(),
                    site.tolist(),
                    rng.integers(0, self._accounts, size=total).tolist(),
                    service.tolist(),
                    amount.tolist(),
                    *takes,
                    wrong.tolist(),
                    drawn_us(rng, customers.patience, total).tolist(),
                    (rng.random(total) < customers.returns).tolist(),
                    range(first, first + total),
                    repeat(()),
                    repeat(False),
                ),
            )
        )

    def _stream(self, name: str) -> np.random.Generator:
        return generator(self._seed, self._replication, f"fleet/{self._partition}/{name}")


def drawn_us(rng: np.random.Generator, spread: Distribution, count: int) -> NDArray[np.int64]:
    """Durations in whole microseconds, as `atm_sim.world.chance.draw_us` draws one."""
    first, second = spread.first, spread.second
    match spread.shape:
        case "fixed":
            drawn = np.full(count, first)
        case "uniform":
            drawn = rng.uniform(first, second, count)
        case "exponential":
            drawn = rng.exponential(first, count)
        case "normal":
            drawn = rng.normal(first, second, count)
        case "lognormal":
            sigma = np.sqrt(np.log1p(second * second))
            drawn = rng.lognormal(np.log(first) - sigma * sigma / 2, sigma, count)
    return np.maximum(np.rint(drawn), 0).astype(np.int64)


def _chosen(
    rng: np.random.Generator, of: Sequence[int], weights: Sequence[float], count: int
) -> NDArray[np.int64]:
    sums = np.cumsum(weights)
    places = np.searchsorted(sums, rng.random(count) * sums[-1], side="right")
    return np.asarray(of, dtype=np.int64)[np.minimum(places, len(sums) - 1)]
