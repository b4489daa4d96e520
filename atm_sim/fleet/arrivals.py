"""Who comes when, drawn ahead an hour or a day at a time, as sorted columns that the kernel takes rows from.

A window's numbers depend on seed, replication, partition and time alone, so what happens in the world never shifts a
draw, and two variants of a scenario meet the same customers (common random numbers). Nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from atm_sim.demand import Demand, day_factors, day_multiplier, generator, load_demand
from atm_sim.fleet.ground import Site
from atm_sim.scenario import Scenario
from atm_sim.terminal.config import Timers
from atm_sim.world.habits import HABITS
from bank_host.jst import DAY_US, HOUR_US, midnight_us
from bank_host.written.values import Distribution

SERVICES = ("withdraw", "deposit", "balance")
WITHDRAW, DEPOSIT = 0, 1
HOURS = 24
SITES_BY_DAY = 500
"""So many sites' arrivals are drawn a day at a time, those of more an hour at a time."""
ARRIVALS_AT_ONCE = 250
HABIT_NAMES = ("insert", "pin", "choose", "dispense", "take_card", "take_cash")
_LAST_MOMENT_US = {"take_card": Timers().take_card_us - 1, "take_cash": Timers().take_cash_us - 1}
"""Nobody of a fleet's customers forgets card or notes: who is slow takes them before the machine pulls them back."""


class Arrival(NamedTuple):
    """One customer at the door: what they came for, how long they take, how patient they are."""

    at_us: int
    site: int  # place in the partition's sites
    account: int  # place in the partition's accounts
    service: int  # place in SERVICES
    amount_jpy: int
    # the clock of a visit in which nothing happens but habits: at the machine, and after each of them (`habit_ends`)
    at_machine_us: int  # 0
    inserted_us: int
    pin_keyed_us: int
    chosen_us: int
    dispensed_us: int
    card_taken_us: int
    cash_taken_us: int
    wrong_pins: int  # tries before the right one
    patience_us: int  # in a queue
    returns: bool  # comes back later if nobody serves them now
    number: int  # over the whole partition, in the order of arrival
    alone_until_us: int = 0  # up to then, nobody else comes with this account; 0 = not known
    tried: tuple[int, ...] = ()  # sites that did not serve them
    came_back: bool = False

    def between(self, begin: int, end: int) -> int:
        """How long the habits between two places take."""
        return self[end] - self[begin]  # type: ignore[operator]

    def takes_us(self, habit: str) -> int:
        return self.between(*habit_ends((habit,)))


AT_MACHINE, CHOSEN = (Arrival._fields.index(name) for name in ("at_machine_us", "chosen_us"))


def habit_ends(habits: Sequence[str]) -> tuple[int, int]:
    """Between which two places of an arrival the time of habits lies that follow one another."""
    if not habits:
        return CHOSEN, CHOSEN
    first = HABIT_NAMES.index(habits[0])
    assert tuple(habits) == HABIT_NAMES[first : first + len(habits)], "habits follow one another"
    return AT_MACHINE + first, AT_MACHINE + first + len(habits)


class Window(NamedTuple):
    """A stretch of time and who comes in it."""

    end_us: int
    by_hour: list[int]  # how many
    arrivals: Iterator[Iterator[Arrival]]  # in order, made as they are asked for


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

    def windows(self) -> Iterator[Window]:
        """One after the other. Their length follows from the number of sites alone, so that variants meet the same
        customers."""
        hours = HOURS if len(self._machines) <= SITES_BY_DAY else 1
        for day in range(self._fleet.days):
            for hour in range(0, HOURS, hours):
                yield self._window(day, range(hour, hour + hours))

    def _window(self, day: int, hours: range) -> Window:
        rng = self._stream(f"{day}/{hours.start}")
        demand = self._demand
        index = 1.0
        if self._fleet.demand.calendar == "japan":
            index = day_multiplier(demand, self._first_day + timedelta(days=day))
        shares = np.array(demand.hours)[hours.start : hours.stop, None] / sum(demand.hours)
        counts = rng.poisson(demand.per_atm_day * index * shares * self._machines * self._factors[day])
        by_hour = counts.sum(axis=1)
        total = int(by_hour.sum())
        begins_us = self._start_us + day * DAY_US + np.arange(hours.start, hours.stop) * HOUR_US
        at_us = np.repeat(begins_us, by_hour) + rng.integers(0, HOUR_US, size=total)
        order = np.argsort(at_us, kind="stable")
        at_us = at_us[order]
        site = np.repeat(np.tile(np.arange(counts.shape[1]), len(hours)), counts.ravel())[order]
        service = _chosen(
            rng, [SERVICES.index(name) for name, _ in demand.mix], [w for _, w in demand.mix], total
        )
        amount = np.zeros(total, dtype=np.int64)
        for number, name in enumerate(SERVICES):
            if pairs := demand.amounts.get(name):
                drawn = _chosen(rng, [jpy for jpy, _ in pairs], [weight for _, weight in pairs], total)
                amount = np.where(service == number, drawn, amount)
        clock_us = np.cumsum([self._takes_us(rng, name, total) for name in HABIT_NAMES], axis=0)
        customers = self._fleet.customers
        wrong = (
            rng.geometric(1 - customers.wrong_pin, total) - 1
            if customers.wrong_pin < 1
            else np.full(total, 99)
        )
        account = rng.integers(0, self._accounts, size=total)
        patience_us = drawn_us(rng, customers.patience, total)
        returns = rng.random(total) < customers.returns
        first, self._numbered = self._numbered, self._numbered + total
        end_us = int(begins_us[-1]) + HOUR_US
        columns = [
            at_us, site, account, service, amount, np.zeros_like(at_us), *clock_us, wrong, patience_us, returns,
            np.arange(first, first + total), _next_of(account, at_us, end_us),
        ]  # fmt: skip
        return Window(end_us, by_hour.tolist(), _arrivals(columns))

    def _takes_us(self, rng: np.random.Generator, habit: str, count: int) -> NDArray[np.int64]:
        drawn = drawn_us(rng, self._habits[habit], count)
        return np.minimum(drawn, _LAST_MOMENT_US[habit]) if habit in _LAST_MOMENT_US else drawn

    def _stream(self, name: str) -> np.random.Generator:
        return generator(self._seed, self._replication, f"fleet/{self._partition}/{name}")


def _next_of(account: NDArray[np.int64], at_us: NDArray[np.int64], end_us: int) -> NDArray[np.int64]:
    """For each arrival, when the account comes again; `end_us` where it does not."""
    order = np.argsort(account, kind="stable")
    again = account[order][1:] == account[order][:-1]
    following = np.full(len(at_us), end_us)
    following[order[:-1][again]] = at_us[order[1:][again]]
    return following


def _arrivals(columns: Sequence[NDArray[Any]]) -> Iterator[Iterator[Arrival]]:
    """Rows of these columns, so many at a time as lie in a processor's cache together."""
    for first in range(0, len(columns[0]), ARRIVALS_AT_ONCE):
        values = (column[first : first + ARRIVALS_AT_ONCE].tolist() for column in columns)
        rows = zip(*values, repeat(()), repeat(False))
        yield map(partial(tuple.__new__, Arrival), rows)  # as the constructor does, at a third of its cost


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
