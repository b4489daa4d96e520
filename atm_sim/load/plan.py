"""The planned traffic: a pure function of the load block, the seed and the number of customers.

Arrivals are the points of a process of rate 1, evenly spaced or Poisson, mapped through the rate as it adds up over
the phases; so constant rates, steps, ramps and hour-of-day curves are one thing. They are drawn as they are needed.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, count, cycle
from math import sqrt
from random import Random
from typing import Any, NamedTuple

from atm_sim.scenario.loading import HOURS, Load, Phase
from atm_sim.world.chance import Chance
from bank_host.jst import SECOND_US
from bank_host.named import of_parts


class Slope(NamedTuple):
    """A stretch in which the rate rises or falls evenly."""

    length_s: float
    from_per_s: float
    to_per_s: float

    @property
    def arrivals(self) -> float:
        return self.length_s * (self.from_per_s + self.to_per_s) / 2

    def when_s(self, arrived: float) -> float:
        """When so many have arrived since the stretch began."""
        if self.to_per_s == self.from_per_s:
            return arrived / self.from_per_s
        rise = (self.to_per_s - self.from_per_s) / self.length_s
        # from * t + rise * t^2 / 2 = arrived, in the form that stays exact for a small rise
        root = sqrt(max(0.0, self.from_per_s**2 + 2 * rise * arrived))
        return 2 * arrived / (self.from_per_s + root) if arrived else 0.0


class Deed(NamedTuple):
    """What somebody comes for."""

    service: str
    amount_jpy: int
    customer: int  # number of the person, from 0
    terminal: int  # number of the ATM, from 0


class Arrival(NamedTuple):
    """Somebody who comes, and when: microseconds after the start."""

    at_us: int
    deed: Deed


_deed: Callable[[tuple[str, int, int, int]], Deed] = of_parts(Deed)
_arrival: Callable[[tuple[int, Deed]], Arrival] = of_parts(Arrival)


def slopes(phases: Sequence[Phase]) -> list[Slope]:
    """The phases as stretches; a day in fast motion is 24 of them."""
    found: list[Slope] = []
    for phase in phases:
        length_s = phase.for_us / SECOND_US
        if phase.by_hour is None:
            to_per_s = phase.rate_per_s if phase.to_per_s is None else phase.to_per_s
            found.append(Slope(length_s, phase.rate_per_s, to_per_s))
        else:
            busiest = max(phase.by_hour)
            rates = (phase.rate_per_s * weight / busiest for weight in phase.by_hour)
            found += [Slope(length_s / HOURS, rate, rate) for rate in rates]
    return found


def planned_rate(load: Load, at_us: int) -> float:
    """Arrivals a second that are planned for this moment; 0 of users, whom the host's answers pace."""
    if not load.arrivals or at_us >= load.for_us:
        return 0.0
    begin_s, at_s = 0.0, at_us % load.cycle_us / SECOND_US
    for slope in slopes(load.arrivals):
        if at_s < begin_s + slope.length_s:
            part = (at_s - begin_s) / slope.length_s
            return slope.from_per_s + part * (slope.to_per_s - slope.from_per_s)
        begin_s += slope.length_s
    return 0.0


def deeds(load: Load, seed: int, customers: int) -> Iterator[Deed]:
    """What is asked for, one after the other and without end. Customers come in turn, in an order drawn once, and so do
    the ATMs: nobody comes twice before all others have come."""
    chance = Chance(seed, 1)
    order = list(range(customers))
    chance.stream("load/customers").shuffle(order)
    services = _chooser(load.services, chance.stream("load/services"))
    amounts = _chooser(load.amounts, chance.stream("load/amounts"))
    terminals = load.terminals
    for number in count():
        service = services()
        amount_jpy = 0 if service == "balance" else amounts()
        yield _deed((service, amount_jpy, order[number % customers], number % terminals))


def arrivals(load: Load, seed: int, customers: int) -> Iterator[Arrival]:
    """Who comes when, in order, until the phases end."""
    return map(_arrival, zip(_moments(load, seed), deeds(load, seed, customers), strict=False))


def _moments(load: Load, seed: int) -> Iterator[int]:
    random = Chance(seed, 1).stream("load/arrivals")
    poisson = load.spacing == "poisson"
    arrived = random.expovariate(1.0) if poisson else 0.0
    begin_s, last_us = 0.0, load.for_us
    for slope in cycle(slopes(load.arrivals)):
        if round(begin_s * SECOND_US) >= last_us:
            return
        due = slope.arrivals
        while arrived < due:
            at_us = round((begin_s + slope.when_s(arrived)) * SECOND_US)
            if at_us > last_us:
                return
            yield at_us
            arrived += random.expovariate(1.0) if poisson else 1.0
        arrived -= due
        begin_s += slope.length_s


def _chooser(weighted: Sequence[tuple[Any, float]], random: Random) -> Any:
    """A function that draws one of the values by its weight."""
    values = [value for value, _ in weighted]
    *steps, total = accumulate(weight for _, weight in weighted)
    draw = random.random
    return lambda: values[bisect(steps, draw() * total)]
