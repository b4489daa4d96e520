"""Who acts on a fleet from outside: machines that fail and are repaired, guards that a replenishment policy sends.

The same policies, rounds and failures as in a cash plan (`atm_sim.cash`), here beside every single session.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import numpy as np

from atm_sim.cash.failures import stops
from atm_sim.cash.plan import Candidate, failures_of, first_morning, points, rounds_of
from atm_sim.cash.policy import NO_ORDER
from atm_sim.cash.run import Rounds, past_of, reached
from atm_sim.cash.world import history_of
from atm_sim.demand import Demand, days_of, generator
from atm_sim.demand.draw import Whole
from atm_sim.fleet.arrivals import demand_of
from atm_sim.fleet.drive import FleetClock, Outside
from atm_sim.fleet.kernel import Kernel
from atm_sim.scenario import Scenario
from atm_sim.scenario.replenishment import FleetCash
from atm_sim.terminal.cassettes import Cassette
from bank_host.jst import DAY_US, midnight_us

HISTORY_DAYS = 56


def outside_of(scenario: Scenario, seed: int, replication: int) -> tuple[Outside, ...]:
    """Those that the scenario's `cash:` and `failures:` name."""
    fleet, found = scenario.fleet, list[Outside]()
    assert fleet is not None, "a fleet scenario has a fleet"
    if fleet.failures is not None:
        found.append(partial(_fail, scenario, seed, replication))
    if fleet.cash is not None:
        found.append(partial(_replenish, scenario, seed, replication))
    return tuple(found)


def _fail(scenario: Scenario, seed: int, replication: int, kernel: Kernel, clock: FleetClock) -> None:
    """Each machine's stops are its own stream, whoever shares its partition."""
    fleet = scenario.fleet
    assert fleet is not None
    failures = failures_of(fleet.failures)
    assert failures is not None
    start_us, first = midnight_us(scenario.day), kernel.sites[0].first_machine
    for machine in range(len(kernel.configs)):
        rng = generator(seed, replication, f"fleet/stops/{first + machine}")
        for stop in stops(rng, failures, fleet.days * DAY_US):
            clock.call_at(start_us + stop.from_us, partial(kernel.stop, machine))
            back_us = start_us + stop.until_us
            clock.call_at(back_us, partial(kernel.resume, machine, back_us))


def _replenish(scenario: Scenario, seed: int, replication: int, kernel: Kernel, clock: FleetClock) -> None:
    fleet = scenario.fleet
    assert fleet is not None
    assert fleet.cash is not None
    guards = Guards(fleet.cash, demand_of(scenario), scenario.day, seed, replication, kernel)
    start_us = midnight_us(scenario.day)
    for day in range(fleet.days):
        clock.call_at(start_us + day * DAY_US, guards.morning)
        clock.call_at(start_us + day * DAY_US + fleet.cash.rounds.at_us, guards.drive)


class Guards:
    """Orders of every morning, and tours at the guards' hour. Machines as the kernel numbers them."""

    def __init__(
        self, asked: FleetCash, demand: Demand, first: date, seed: int, replication: int, kernel: Kernel
    ) -> None:
        self.kernel, self.first, self.today = kernel, first, 0
        self.rounds: Rounds = rounds_of(asked.rounds)
        self.denominations = kernel.stock.denominations
        self.units = self._units(asked)
        self.values = np.array(self.denominations)
        machines = len(kernel.configs)
        place = kernel.sites[0].first_machine
        rng = generator(seed, replication, f"fleet/history/{place}")
        self.net_out = history_of(rng, demand, first, HISTORY_DAYS, machines, self.denominations)
        self.candidate: Candidate = next(iter(points(asked.policy, self.units, demand)))
        self.ordered_on = np.full(machines, -1, dtype=np.int64)
        self.target = np.full((machines, len(self.denominations)), NO_ORDER, dtype=np.int64)
        self.since = np.zeros(machines, dtype=np.int64)
        self.loaded = np.zeros((machines, len(self.denominations)), dtype=np.int64)
        if asked.first_fill == "drawn":
            position = generator(seed, replication, f"fleet/first fill/{place}").random(machines)
            level = np.maximum(self.net_out.mean(axis=0), 0.0)
            notes, self.since = first_morning(self.candidate, level, self.units, position)
            for machine in range(machines):
                self._load(machine, notes[machine])
        self.this_morning = self.notes()

    def _units(self, asked: FleetCash) -> tuple[Cassette, ...]:
        """Every machine has the denominations of the partition; each cassette the capacity that the scenario names."""
        fills: dict[int, int] = {}
        near_end = 0
        for each in self.kernel.stock.classes:
            fills.update(each.fill)
            near_end = max(near_end, each.near_end)
        return tuple(Cassette(note, fills[note], asked.capacity, near_end) for note in self.denominations)

    def notes(self) -> Whole:
        """[machine, denomination]: what lies in the cassettes now."""
        rows = (self.kernel.stock.of(machine) for machine in range(len(self.kernel.configs)))
        return np.array([[row.get(note, 0) for note in self.denominations] for row in rows], dtype=np.int64)

    def morning(self) -> None:
        """Yesterday is known now; the policy orders."""
        notes = self.notes()
        if self.today:
            yesterday = self.this_morning + self.loaded - notes
            self.net_out = np.concatenate([self.net_out, yesterday[None]])
            self.since += 1
        self.this_morning, self.loaded = notes, np.zeros_like(notes)
        days = days_of(self.first - timedelta(days=HISTORY_DAYS), HISTORY_DAYS + self.today)
        today = self.first + timedelta(days=self.today)
        orders = self.candidate.decide(
            past_of(
                today, days, self.net_out, notes, self.units, self.since, self.ordered_on >= 0, self.rounds
            )
        )
        new = (orders[:, 0] != NO_ORDER) & (self.ordered_on < 0)
        self.target[new], self.ordered_on[new] = orders[new], self.today
        self.today += 1

    def drive(self) -> None:
        """The tours of today, if guards drive today."""
        number = self.today - 1
        if not self.rounds.drive_on(self.first + timedelta(days=number)):
            return
        for machine in reached(self.ordered_on, number, self.rounds).tolist():
            self._load(machine, self.target[machine])
            self.ordered_on[machine], self.since[machine] = -1, -1

    def _load(self, machine: int, target: Whole) -> None:
        before = self.kernel.stock.of(machine)
        wanted = dict(zip(self.denominations, target.tolist(), strict=True))
        self.kernel.load(machine, {note: wanted[note] for note in before})
        after = self.kernel.stock.of(machine)
        self.loaded[machine] += [after.get(n, 0) - before.get(n, 0) for n in self.denominations]
