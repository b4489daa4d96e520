"""Who acts on a fleet from outside: machines that fail and are repaired, guards that a replenishment policy sends.

The same policies, rounds and failures as in a cash plan (`atm_sim.cash`), here beside every single session.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from functools import partial

import numpy as np

from atm_sim.cash.failures import stops
from atm_sim.cash.plan import Candidate, failures_of, first_morning, points, rounds_of
from atm_sim.cash.policy import NO_ORDER
from atm_sim.cash.run import Rounds, past_of, reached
from atm_sim.cash.world import history_of
from atm_sim.demand import Demand, days_of, every_day_plain, generator
from atm_sim.demand.draw import Whole
from atm_sim.fleet.arrivals import demand_of
from atm_sim.fleet.drive import FleetClock, Outside
from atm_sim.fleet.kernel import IN_USE, Kernel
from atm_sim.scenario import Scenario
from atm_sim.scenario.fleet import Fleet
from atm_sim.scenario.replenishment import FleetCash
from atm_sim.terminal.cassettes import Cassette
from bank_host.jst import DAY_US, MINUTE_US, midnight_us

HISTORY_DAYS = 56


def outside_of(scenario: Scenario, seed: int, replication: int) -> tuple[Outside, ...]:
    """Those that the scenario's `cash:` and `failures:` name."""
    fleet = scenario.fleet
    assert fleet is not None, "a fleet scenario has a fleet"
    if fleet.failures is None and fleet.cash is None:
        return ()
    return (partial(_begin, scenario, fleet, seed, replication),)


def _begin(
    scenario: Scenario, fleet: Fleet, seed: int, replication: int, kernel: Kernel, clock: FleetClock
) -> None:
    doors, start_us = Doors(kernel), midnight_us(scenario.day)
    if (failures := failures_of(fleet.failures)) is not None:
        first = kernel.sites[0].first_machine
        for machine in range(len(kernel.configs)):
            # a stream of its own for each machine, whoever shares its partition
            rng = generator(seed, replication, f"fleet/stops/{first + machine}")
            for stop in stops(rng, failures, fleet.days * DAY_US):
                back_us = start_us + stop.until_us
                clock.call_at(start_us + stop.from_us, partial(doors.close, machine))
                clock.call_at(back_us, partial(doors.open, machine, back_us))
    if fleet.cash is not None:
        demand = demand_of(scenario)
        if fleet.demand.calendar == "none":
            demand = every_day_plain(demand)
        guards = Guards(fleet.cash, demand, scenario.day, seed, replication, kernel, clock, doors)
        for day in range(fleet.days):
            clock.call_at(start_us + day * DAY_US, guards.morning)
            clock.call_at(start_us + day * DAY_US + fleet.cash.rounds.at_us, guards.drive)


class Doors:
    """Machines that nobody may begin at: one is open again when everybody who closed it is done."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel, self._closed = kernel, Counter[int]()

    def close(self, machine: int) -> None:
        self._closed[machine] += 1
        self._kernel.stop(machine)

    def open(self, machine: int, now_us: int) -> None:
        self._closed[machine] -= 1
        if not self._closed[machine]:
            self._kernel.resume(machine, now_us)


class Guards:
    """Orders of every morning, and tours at the guards' hour. Machines as the kernel numbers them."""

    def __init__(
        self,
        asked: FleetCash,
        demand: Demand,
        first: date,
        seed: int,
        replication: int,
        kernel: Kernel,
        clock: FleetClock,
        doors: Doors,
    ) -> None:
        self.kernel, self.clock, self.doors = kernel, clock, doors
        self.first, self.today = first, 0
        self.rounds: Rounds = rounds_of(asked.rounds)
        self.denominations = kernel.stock.denominations
        self.units = self._units(asked)
        self.values = np.array(self.denominations)
        machines = len(kernel.configs)
        self.stands = np.array([not kernel.gone(machine) for machine in range(machines)])
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
                if not kernel.gone(machine):
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
        new = (orders[:, 0] != NO_ORDER) & (self.ordered_on < 0) & self.stands
        self.target[new], self.ordered_on[new] = orders[new], self.today
        self.today += 1

    def drive(self) -> None:
        """The tours of today, if guards drive today."""
        number = self.today - 1
        if not self.rounds.drive_on(self.first + timedelta(days=number)):
            return
        for machine in reached(self.ordered_on, number, self.rounds).tolist():
            self.doors.close(machine)
            self._wait_and_load(machine, self.target[machine].copy())
            self.ordered_on[machine], self.since[machine] = -1, -1

    def _wait_and_load(self, machine: int, target: Whole) -> None:
        """Who is at the machine ends first."""
        now_us, free_us = self.clock.now_us(), self.kernel.free_at_us(machine)
        if free_us > now_us:
            again_us = now_us + MINUTE_US if free_us == IN_USE else free_us
            self.clock.call_at(again_us, partial(self._wait_and_load, machine, target))
            return
        self._load(machine, target)
        self.doors.open(machine, now_us)

    def _load(self, machine: int, target: Whole) -> None:
        before = self.kernel.stock.of(machine)
        wanted = dict(zip(self.denominations, target.tolist(), strict=True))
        self.kernel.load(machine, {note: wanted[note] for note in before})
        after = self.kernel.stock.of(machine)
        self.loaded[machine] += [after.get(n, 0) - before.get(n, 0) for n in self.denominations]
