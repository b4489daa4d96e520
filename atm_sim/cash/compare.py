"""Policies compared under the same luck: replications, intervals, pairwise differences, and what was expected."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from atm_sim.cash.plan import MEASURES, Candidate, PlanFile, failures_of, first_morning, rounds_of
from atm_sim.cash.run import Figures, run
from atm_sim.cash.world import World, draw_world
from atm_sim.checks.intervals import Interval, interval
from atm_sim.demand import Demand, generator
from atm_sim.progress import Progress


class Compared(NamedTuple):
    """Figures by policy, one for each replication; replication k of all policies had the same luck."""

    played: dict[str, list[Figures]]

    def interval(self, name: str, measure: str) -> Interval:
        return interval([getattr(each, measure) for each in self.played[name]])

    def difference(self, name: str, against: str, measure: str) -> Interval:
        """`name` less `against`, replication by replication."""
        return interval(
            [
                getattr(one, measure) - getattr(other, measure)
                for one, other in zip(self.played[name], self.played[against], strict=True)
            ]
        )


class Verdict(NamedTuple):
    """An expectation, judged on the far end of the interval."""

    policy: str
    measure: str
    expected: str
    found: Interval
    met: bool


def compare(plan: PlanFile, demand: Demand, progress: Progress = lambda done, of: None) -> Compared:
    """Play every policy of the plan in every replication."""
    candidates = plan.candidates(demand)
    played: dict[str, list[Figures]] = {each.name: [] for each in candidates}
    longest = max(_warm_up_days(plan, each) for each in candidates)
    total = plan.replications * len(candidates)
    for replication in range(1, plan.replications + 1):
        world = _world(plan, demand, longest, replication)
        for each in candidates:
            played[each.name].append(_played(plan, each, world, longest))
            progress(sum(map(len, played.values())), total)
    return Compared(played)


def _warm_up_days(plan: PlanFile, candidate: Candidate) -> int:
    """Whole cycles."""
    return round(plan.warm_up_cycles * candidate.cycle_days)


def _world(plan: PlanFile, demand: Demand, warm_up_days: int, replication: int) -> World:
    """All policies share it, so all warm up as long as the slowest."""
    return draw_world(
        demand,
        plan.first_date,
        warm_up_days + plan.weeks * 7,
        plan.machines,
        tuple(unit.denomination_jpy for unit in plan.units()),
        seed=plan.seed,
        replication=replication,
        level_cv=plan.level_cv.value,
        guards_at_us=plan.rounds.at_us,
        failures=failures_of(plan.failures),
    )


def _played(plan: PlanFile, candidate: Candidate, world: World, warm_up_days: int) -> Figures:
    position = generator(plan.seed, world.replication, "cash/first fill").random(plan.machines)
    level = np.maximum(world.history.mean(axis=0), 0.0)
    notes, since = first_morning(candidate, level, plan.units(), position)
    return run(
        world,
        candidate.decide,
        notes,
        since,
        plan.units(),
        rounds_of(plan.rounds),
        plan.costs.record(),
        warm_up_days=warm_up_days,
    )


def verdicts(plan: PlanFile, compared: Compared) -> Iterator[Verdict]:
    """What the plan expects of its policies; a curve's name stands for each of its points."""
    for bound in plan.expect:
        names = [
            name for name in compared.played if name == bound.policy or name.startswith(f"{bound.policy} ")
        ]
        for name in names:
            found = compared.interval(name, bound.measure)
            met = (bound.at_least is None or found.low >= bound.at_least) and (
                bound.at_most is None or found.high <= bound.at_most
            )
            sides = [(bound.at_least, "at least"), (bound.at_most, "at most")]
            expected = ", ".join(f"{word} {limit:g}" for limit, word in sides if limit is not None)
            yield Verdict(name, bound.measure, expected, found, met)


def csv_rows(compared: Compared) -> Iterator[list[object]]:
    """Every figure of every replication, then nothing is left to print again."""
    yield ["policy", "replication", *MEASURES]
    for name, figures in compared.played.items():
        for replication, each in enumerate(figures, 1):
            yield [name, replication, *(f"{value:.6g}" for value in each)]
