"""One policy through one replication's weeks: customers, orders, guards' tours, and what became of the cash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from atm_sim.cash.cassettes import serve
from atm_sim.cash.policy import NO_ORDER, Past, Policy
from atm_sim.cash.world import PARTS, World
from atm_sim.demand.calendar import banks_work
from atm_sim.demand.draw import Whole
from atm_sim.terminal.cassettes import Cassette

_FOREVER_DAYS = 400


class Rounds(NamedTuple):
    """When guards drive, and how much they can do."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)  # Monday = 0
    bank_holidays: bool = False  # also on days on which banks are closed
    notice_days: int = 1  # an order of the morning is carried out so many days later at the earliest
    machines_per_tour: int = 12
    tours_per_day: int = 10

    def drive_on(self, day: date) -> bool:
        return day.weekday() in self.weekdays and (self.bank_holidays or banks_work(day))

    def arrival_days(self, today: date) -> int:
        """From today to the first round that an order of this morning can still join."""
        for ahead in range(self.notice_days, _FOREVER_DAYS):
            if self.drive_on(today + timedelta(days=ahead)):
                return ahead
        raise ValueError("the guards never drive; name weekdays on which they do")


class Costs(NamedTuple):
    """Yen; inputs, each with its source in the plan file."""

    idle_rate_year: float
    visit_jpy: float
    tour_jpy: float
    note_moved_jpy: float
    lost_withdrawal_jpy: float
    staff_call_jpy: float


class Figures(NamedTuple):
    """What came of one policy in one replication, over the days that count."""

    mean_cash_jpy: float  # in a machine, at the end of each part of a day
    visits_week: float  # of guards to a machine
    refill_cycle_days: float  # between two visits to a machine
    net_out_day_jpy: float  # of a machine
    cash_out_share: float  # of machine-days: somebody could not be paid for want of notes
    lost_withdrawals_share: float  # of the withdrawals wanted from a machine in service
    near_end_alarms_week: float  # of a machine
    tours: float
    notes_moved: float
    staff_calls: float
    retained_cards: float
    availability: float
    cost_machine_day_jpy: float


def run(
    world: World,
    policy: Policy,
    start: Whole,
    since_visit: Whole,
    cassettes: Sequence[Cassette],
    rounds: Rounds,
    costs: Costs,
    *,
    warm_up_days: int = 0,
) -> Figures:
    """`start` [machine, denomination] is the first morning's cash; the first `warm_up_days` do not count."""
    machines, values = len(start), np.array([each.denomination_jpy for each in cassettes])
    notes, marks = start.copy(), np.array([each.near_end for each in cassettes])
    since, target = since_visit.copy(), np.full(start.shape, NO_ORDER, dtype=np.int64)
    ordered_on = np.full(machines, -1, dtype=np.int64)
    past_days = tuple(
        world.days[0] + timedelta(days=n - len(world.history)) for n in range(len(world.history))
    )
    net_out = np.concatenate(
        [world.history, np.zeros((len(world.days), machines, len(values)), dtype=np.int64)]
    )
    low = notes <= marks
    held = tours = visits = moved = alarms = lost = out_days = paid_out = 0.0
    wanted = 0
    withdraws = np.array([kind.service == "withdraw" for kind in world.kinds])
    for number, today in enumerate(world.days):
        counts = number >= warm_up_days
        known = len(world.history) + number
        past = past_of(today, past_days + world.days[:number], net_out[:known], notes, cassettes, since,
                     ordered_on >= 0, rounds)  # fmt: skip
        orders = policy(past)
        new = (orders[:, 0] != NO_ORDER) & (ordered_on < 0)
        target[new], ordered_on[new] = orders[new], number
        day_lost = np.zeros(machines, dtype=np.int64)
        for part in range(PARTS):
            if part == 1 and rounds.drive_on(today):
                there = reached(ordered_on, number, rounds)
                moved += counts * float(np.abs(target[there] - notes[there]).sum())
                tours += counts * -(-len(there) // rounds.machines_per_tour)
                visits += counts * len(there)
                notes[there], ordered_on[there], since[there] = target[there], -1, -1
            done = serve(world, number * PARTS + part, notes, cassettes)
            net_out[known] += done.net_out
            day_lost += done.lost
            held += counts * float((notes @ values).sum()) / PARTS
            alarms += counts * int(((notes <= marks) & ~low).sum())
            low = notes <= marks
        since += 1
        if counts:
            lost, out_days = lost + int(day_lost.sum()), out_days + int((day_lost > 0).sum())
            wanted += int(world.wanted[number * PARTS : (number + 1) * PARTS][:, :, withdraws].sum())
            paid_out += float((net_out[known] @ values).sum())
    days = len(world.days) - warm_up_days
    share = days / len(world.days)
    cost = (
        held * costs.idle_rate_year / 365 + visits * costs.visit_jpy + tours * costs.tour_jpy
        + moved * costs.note_moved_jpy + lost * costs.lost_withdrawal_jpy
        + world.staff_calls * share * costs.staff_call_jpy
    )  # fmt: skip
    machine_days = machines * days
    return Figures(
        mean_cash_jpy=held / machine_days,
        visits_week=visits * 7 / machine_days,
        refill_cycle_days=machine_days / visits if visits else float("inf"),
        net_out_day_jpy=paid_out / machine_days,
        cash_out_share=out_days / machine_days,
        lost_withdrawals_share=lost / wanted if wanted else 0.0,
        near_end_alarms_week=alarms * 7 / machine_days,
        tours=tours,
        notes_moved=moved,
        staff_calls=world.staff_calls * share,
        retained_cards=world.retained_cards * share,
        availability=1 - world.down_share,
        cost_machine_day_jpy=cost / machine_days,
    )


def past_of(
    today: date,
    days: tuple[date, ...],
    net_out: Whole,
    notes: Whole,
    cassettes: Sequence[Cassette],
    since_visit: Whole,
    ordered: np.ndarray,
    rounds: Rounds,
) -> Past:
    """Copies only: an array that is a view would lead back to the whole world."""
    first = rounds.arrival_days(today)
    return Past(
        today,
        days,
        net_out.copy(),
        notes.copy(),
        np.array([each.near_end for each in cassettes]),
        np.array([each.capacity for each in cassettes]),
        since_visit.copy(),
        ordered.copy(),
        (first, 1 + rounds.arrival_days(today + timedelta(days=1))),
    )


def reached(ordered_on: Whole, number: int, rounds: Rounds) -> np.ndarray:
    """The machines that today's tours reach: oldest order first, as many as there is room for."""
    due = np.flatnonzero((ordered_on >= 0) & (ordered_on + rounds.notice_days <= number))
    first_come = due[np.argsort(ordered_on[due], kind="stable")]
    return np.asarray(first_come[: rounds.machines_per_tour * rounds.tours_per_day])
