"""Cash plans: a YAML file that says which machines, demand, guards, costs and policies are compared, with sources.

A plan is named by a shipped name (`half_year`, `refill_cycle`) or is a file. A policy with several figures is a curve:
each value is a policy of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import BeforeValidator, Field

from atm_sim.cash import policy as policies
from atm_sim.cash.failures import Failures
from atm_sim.cash.policy import Policy
from atm_sim.cash.run import Costs, Figures, Rounds
from atm_sim.demand import Demand, load_demand, shipped_demands
from atm_sim.demand.draw import Floats
from atm_sim.demand.file import Cited, DemandError
from atm_sim.scenario import replenishment
from atm_sim.scenario.fields import (
    Alias,
    Day,
    Flag,
    Jpy,
    Share,
    Text,
    Whole,
    scalar,
    wrong,
)
from atm_sim.scenario.fleet import PerDay
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.whole_file import read_whole
from atm_sim.terminal.cassettes import NEAR_END_NOTES, Cassette
from bank_host.written import source, values
from bank_host.written.problems import FileKind, Problems, WrittenError, listed, nearest

SHIPPED = Path(__file__).parent / "data"
PLAN_FILE = FileKind("cash plan", "'cash: title'", "atm_sim/cash/data/half_year.yaml", "write it out")
MEASURES = Figures._fields
MOST_MACHINES, MOST_WEEKS = 30_000, 520


class PlanError(WrittenError):
    """A cash plan cannot be used; `problems` holds everything that is wrong with it, in file order."""


def _number(raw: Any) -> float:
    text = scalar(raw, "a number such as 0.01")
    try:
        return values.number(text)
    except ValueError as error:
        raise wrong(str(error), text) from None


def _from_0(most: float) -> BeforeValidator:
    def read(raw: Any) -> float:
        if not 0 <= (found := _number(raw)) <= most:
            raise wrong(f"expected a number from 0 to {most:_g}")
        return found

    return BeforeValidator(read)


Number = Annotated[float, BeforeValidator(_number)]


class CassettePart(Part):
    """One denomination; `fill` is what guards leave where a policy does not say otherwise."""

    capacity: Annotated[int, Whole(1, 20_000)]
    fill: Annotated[int, Whole(0, 20_000)]
    near_end: Annotated[int, Whole(0, 20_000)] = NEAR_END_NOTES
    recycles: Flag = True

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.near_end < self.fill <= self.capacity:
            yield Contradiction(("fill",), "a fill lies above near_end: and is at most capacity:")


class CostsPart(Part):
    """Every cost with its source."""

    idle_rate_year: Cited[Annotated[float, Share()]]
    visit: Cited[Jpy]
    tour: Cited[Jpy]
    note_moved: Cited[Annotated[float, _from_0(10_000)]]  # yen a note
    lost_withdrawal: Cited[Jpy]
    staff_call: Cited[Jpy]

    def record(self) -> Costs:
        return Costs(
            self.idle_rate_year.value,
            self.visit.value,
            self.tour.value,
            self.note_moved.value,
            self.lost_withdrawal.value,
            self.staff_call.value,
        )


class Bound(Part):
    """What a policy's figure has to be, judged on the far end of its interval."""

    policy: Text
    measure: Literal[MEASURES]  # type: ignore[valid-type]
    at_least: Number | None = None
    at_most: Number | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        if self.at_least is None and self.at_most is None:
            yield Contradiction((), "nothing is expected; add at_least: or at_most:")


class Pair(Part):
    """Two policies, subtracted replication by replication."""

    policy: Text
    against: Text


class Candidate(NamedTuple):
    """A policy that is played: `forecast cover_days=14`."""

    name: str
    decide: Policy
    fill: tuple[int, ...] | None  # of the first morning; None = by each machine's own need
    cycle_days: float  # as planned


class PlanFile(Part):
    """The file as it stands."""

    cash: Text
    version: Annotated[int, Whole(1, 1)]
    about: Text | None = None
    seed: Annotated[int, Whole(0, 2**31)] = 1
    first_day: Day
    weeks: Annotated[int, Whole(1, MOST_WEEKS)]
    warm_up_cycles: Annotated[int, Whole(0, 20)] = 0
    replications: Annotated[int, Whole(2, 1_000)] = 10
    machines: Annotated[int, Whole(1, MOST_MACHINES)]
    demand: Text
    per_atm_day: Cited[PerDay] | None = None
    net_out_day: Cited[Jpy] | None = None  # yen a machine loses on a plain day; scales the visits
    level_cv: Cited[Annotated[float, _from_0(3)]]
    cassettes: dict[str, CassettePart]
    rounds: replenishment.Rounds = replenishment.Rounds()
    costs: CostsPart
    failures: replenishment.Failing | None = None
    policies: dict[Alias, replenishment.Replenishment]
    pairs: tuple[Pair, ...] = Field(default=(), alias="compare")
    expect: tuple[Bound, ...] = ()

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.policies:
            yield Contradiction(("policies",), "no policy is to be played")
        if self.per_atm_day and self.net_out_day:
            yield Contradiction(
                ("net_out_day",), "per_atm_day: and net_out_day: are two ways to say one thing"
            )
        if self.net_out_day and not self.net_out_day.value:
            yield Contradiction(("net_out_day", "value"), "a machine pays out more than ¥0 a day")
        for key in self.cassettes:
            if not key.isdecimal() or not 1_000 <= int(key) <= 10_000:
                yield Contradiction(("cassettes", key), "a cassette is 10000, 5000, 2000 or 1000")
        if not self.cassettes:
            yield Contradiction(("cassettes",), "a machine has a cassette")
        for name, each in self.policies.items():
            if each.fill and {f"{jpy}" for jpy, _ in each.fill} != set(self.cassettes):
                yield Contradiction(("policies", name, "fill"), "a fill names each cassette once")
        played = [name for policy in self.policies for name in self._names(policy)]
        known = [*played, *self.policies]
        for number, pair in enumerate(self.pairs):
            for key, name in (("policy", pair.policy), ("against", pair.against)):
                if name not in played:
                    text = f"no policy is called '{name}'; there are {listed(played, 'and')}"
                    yield Contradiction(("compare", number, key), text, nearest(name, played))
        for number, bound in enumerate(self.expect):
            if bound.policy not in known:
                yield Contradiction(
                    ("expect", number, "policy"),
                    f"no policy is called '{bound.policy}'",
                    nearest(bound.policy, known),
                )

    def _names(self, policy: str) -> list[str]:
        each = self.policies[policy]
        for key, points in (("every_days", each.every_days), ("reorder_at", each.reorder_at_jpy),
                            ("cover_days", each.cover_days)):  # fmt: skip
            if points:
                return [policy] if len(points) == 1 else [f"{policy} {key}={point}" for point in points]
        return []

    @property
    def first_date(self) -> date:
        return self.first_day

    def units(self) -> tuple[Cassette, ...]:
        """Largest denomination first."""
        return tuple(
            Cassette(int(jpy), each.fill, each.capacity, each.near_end, recycles=each.recycles)
            for jpy, each in sorted(self.cassettes.items(), key=lambda pair: -int(pair[0]))
        )

    def candidates(self, demand: Demand) -> tuple[Candidate, ...]:
        """Every policy of every curve."""
        return tuple(each for name in self.policies for each in self._curve(name, demand))

    def _curve(self, name: str, demand: Demand) -> Iterator[Candidate]:
        names = iter(self._names(name))
        for each in points(self.policies[name], self.units(), demand):
            yield each._replace(name=next(names))


def points(
    part: replenishment.Replenishment, units: Sequence[Cassette], demand: Demand
) -> Iterator[Candidate]:
    """Each policy of a curve, without a name."""
    values_jpy = [unit.denomination_jpy for unit in units]
    written = dict(part.fill)
    fill = tuple(written.get(unit.denomination_jpy, unit.count) for unit in units)
    for days in part.every_days:
        yield Candidate("", policies.fixed(days, fill), fill, days)
    for at_jpy in part.reorder_at_jpy:
        above_jpy = sum(count * jpy for count, jpy in zip(fill, values_jpy, strict=True)) - at_jpy
        cycle = above_jpy / max(demand.net_out_jpy_day, 1.0)
        yield Candidate("", policies.reorder(at_jpy, fill, values_jpy), fill, cycle)
    for days in part.cover_days:
        yield Candidate("", policies.forecast(days, part.risk, demand), None, days)


def rounds_of(part: replenishment.Rounds) -> Rounds:
    """As a run takes them."""
    return Rounds(
        tuple(replenishment.WEEKDAYS.index(day) for day in part.weekdays),
        part.bank_holidays,
        part.notice_days,
        part.machines_per_tour,
        part.tours_per_day,
    )


def failures_of(part: replenishment.Failing | None) -> Failures | None:
    return Failures(part.mtbf_us, part.mttr_us, part.staff_share, part.retained_share) if part else None


def scaled(plan: PlanFile, demand: Demand) -> Demand:
    """The demand at the level that the plan names."""
    if plan.per_atm_day:
        return demand._replace(per_atm_day=plan.per_atm_day.value)
    if plan.net_out_day:
        factor = plan.net_out_day.value / demand.net_out_jpy_day
        return demand._replace(per_atm_day=demand.per_atm_day * factor)
    return demand


def first_morning(
    candidate: Candidate, level: Floats, units: Sequence[Cassette], position: Floats
) -> tuple[np.ndarray, np.ndarray]:
    """Notes and days since the last visit, each machine at its own drawn `position` (0 to 1) of the planned cycle.

    `level` [machine, denomination] is what leaves a machine on a day of its past.
    """
    near_end = np.array([unit.near_end for unit in units])
    capacity = np.array([unit.capacity for unit in units])
    elapsed = position * candidate.cycle_days
    whole = level * candidate.cycle_days + near_end if candidate.fill is None else np.asarray(candidate.fill)
    notes = np.clip(whole - level * elapsed[:, None], near_end, capacity)
    return notes.astype(np.int64), elapsed.astype(np.int64)


def shipped_plans() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def load_plan(name: str) -> tuple[PlanFile, Demand, bytes]:
    """A shipped plan by name or a plan file, with its demand and the bytes that were read."""
    path = SHIPPED / f"{name}.yaml" if name in shipped_plans() else Path(name)
    problems = Problems(PlanError)
    data, tree, plan = read_whole(path, PLAN_FILE, PlanFile, problems)
    try:
        return plan, scaled(plan, load_demand(plan.demand, path.parent)), data
    except FileNotFoundError:
        known = shipped_demands()
        told = f"there is no demand '{plan.demand}' beside this file; shipped are {listed(known, 'and')}"
        problems.add(source.place_of(tree, "demand"), told, nearest(plan.demand, known))
        raise PlanError(problems.ordered()) from None
    except DemandError as error:
        raise PlanError(error.problems) from None
