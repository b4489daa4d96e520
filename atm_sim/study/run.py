"""Plays a study: replications of every arm on an executor, as many as asked or as its precision needs.

How many replications there are is decided at fixed sizes from values alone, never from which worker was faster, so the
result is the same on one worker and on twenty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from pathlib import Path

from atm_sim import VERSION
from atm_sim.checks.expectations import filters_text
from atm_sim.checks.intervals import interval
from atm_sim.fleet.play import Job
from atm_sim.progress import Progress
from atm_sim.records.manifest import run_id
from atm_sim.runner.grade import ask_of, setting_of
from atm_sim.scenario.measured import Asked
from atm_sim.study.executors import Executor
from atm_sim.study.model import Study
from atm_sim.study.plan import Arm, StudyPlan
from atm_sim.study.replicate import Call, Outcome, Task, Wanted, replicate
from atm_sim.study.replicate_fleet import join, parts_of, replicate_fleet

Keep = Callable[[str, str, bytes], None]
"""Takes an event file that is kept: arm, name and bytes."""

SEED_BITS = 53


@dataclass(slots=True)
class Played:
    """The values of every replication; `values[arm][measure]` is a list in the order of the replications."""

    wanted: tuple[Wanted, ...]
    values: dict[str, dict[str, list[float | None]]]
    hashes: dict[str, list[str]]
    replications: int
    met: bool = True  # whether the precision that `until:` asks for was reached
    broken: dict[str, set[str]] = field(default_factory=dict)  # invariants that did not hold, by arm


def run_study(
    plan: StudyPlan,
    executor: Executor,
    keep: Keep = lambda arm, name, data: None,
    progress: Progress = lambda done, of: None,
) -> Played:
    """Every arm, the same number of replications each; `keep` gets the event files that the study keeps."""
    wanted = wanted_of(plan.study)
    found: dict[tuple[str, int], Outcome] = {}
    size, before = plan.study.replications, 0
    while True:
        _play(plan, wanted, executor, range(before + 1, size + 1), found, keep, progress)
        played = _collected(plan, wanted, found, size)
        following = _next_size(plan.study, played)
        if following == size:
            return played
        before, size = size, following


def _play(
    plan: StudyPlan,
    wanted: tuple[Wanted, ...],
    executor: Executor,
    replications: range,
    found: dict[tuple[str, int], Outcome],
    keep: Keep,
    progress: Progress,
) -> None:
    """These replications of every arm; a replication is whole as soon as all its parts are there."""
    parts: dict[tuple[str, int], dict[int, Outcome]] = {}
    total = len(found) + len(replications) * len(plan.arms)
    for task, outcome in executor.run(_tasks(plan, wanted, replications)):
        for name, data in outcome.events:
            keep(task.arm, name, data)
        key, outcome = (task.arm, task.replication), outcome._replace(events=())
        if task.parts > 1:
            parts.setdefault(key, {})[task.part] = outcome
            if len(parts[key]) < task.parts:
                continue
            whole = parts.pop(key)
            in_order = [whole[part] for part in sorted(whole)]
            outcome = join(plan.arm(task.arm).case.scenario, wanted, in_order)
        found[key] = outcome._replace(part=None)
        progress(len(found), total)


def wanted_of(study: Study) -> tuple[Wanted, ...]:
    """What is measured in every replication: what the study names, and what it judges."""
    asked = [*study.measures, *study.expectations, *([study.until.of] if study.until else [])]
    return tuple({(each := _wanted(entry)).key: each for entry in asked}.values())


def key_of(entry: Asked) -> str:
    return _wanted(entry).key


def _wanted(entry: Asked) -> Wanted:
    ask = ask_of(entry)
    filters = filters_text(ask)
    return Wanted(f"{entry.measure} ({filters})" if filters else entry.measure, entry.measure, ask)


def _tasks(plan: StudyPlan, wanted: tuple[Wanted, ...], replications: range) -> Iterator[Task]:
    """Replication by replication over all arms, so that a study cut short has compared something."""
    for replication in replications:
        for arm in plan.arms:
            scenario = arm.case.scenario
            if scenario.fleet is None:
                yield Task(arm.name, replication, _call(plan, arm, wanted, replication))
                continue
            parts = parts_of(scenario, wanted)
            for part in range(1, parts + 1):
                call = _fleet_call(plan, arm, wanted, replication, part if parts > 1 else 0)
                yield Task(arm.name, replication, call, part, parts)


def _run_of(plan: StudyPlan, arm: Arm) -> str:
    return run_id(f"{plan.sha256}/{arm.name}", plan.seed, VERSION)


def _keeps(plan: StudyPlan, replication: int) -> bool:
    keeping = plan.study.keep_events
    return keeping == "all" or (keeping == "first" and replication == 1)


def _fleet_call(plan: StudyPlan, arm: Arm, wanted: tuple[Wanted, ...], replication: int, part: int) -> Call:
    job = Job(
        arm.case.scenario,
        seed_of(plan, arm),
        replication,
        Path(),
        _run_of(plan, arm),
        plan.base.path.parent.absolute(),
        part,
    )
    return partial(replicate_fleet, job, wanted, keep=_keeps(plan, replication))


def _call(plan: StudyPlan, arm: Arm, wanted: tuple[Wanted, ...], replication: int) -> Call:
    return partial(
        replicate,
        arm.case.scenario,
        setting_of(arm.case),
        wanted,
        seed=seed_of(plan, arm),
        replication=replication,
        run=_run_of(plan, arm),
        keep=_keeps(plan, replication),
    )


def seed_of(plan: StudyPlan, arm: Arm) -> int:
    """Common random numbers: one seed for all arms. Independent: one of its own for each."""
    if plan.study.random_numbers == "common":
        return plan.seed
    digest = hashlib.sha256(f"{plan.seed}/{arm.name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - SEED_BITS)


def _collected(
    plan: StudyPlan, wanted: tuple[Wanted, ...], found: dict[tuple[str, int], Outcome], size: int
) -> Played:
    values: dict[str, dict[str, list[float | None]]] = {}
    hashes: dict[str, list[str]] = {}
    broken: dict[str, set[str]] = {}
    for arm in plan.arms:
        outcomes = [found[arm.name, replication] for replication in range(1, size + 1)]
        values[arm.name] = {each.key: [outcome.values[each.key] for outcome in outcomes] for each in wanted}
        hashes[arm.name] = [outcome.sha256 for outcome in outcomes]
        names = {name for outcome in outcomes for name in outcome.broken}
        if names:
            broken[arm.name] = names
    return Played(wanted, values, hashes, size, broken=broken)


def _next_size(study: Study, played: Played) -> int:
    """How many replications are needed, judging by those there are: at most twice as many at a time."""
    if study.until is None:
        return played.replications
    key, size = key_of(study.until.of), played.replications
    ratio = max(
        (half_width_share(values[key]) / study.until.half_width for values in played.values.values()),
        default=0.0,
    )
    if ratio <= 1:
        return size
    if size >= study.until.at_most:
        played.met = False
        return size
    needed = 2 * size if ratio > 2 else ceil(size * ratio * ratio)
    return min(study.until.at_most, max(size + 1, min(needed, 2 * size)))


def half_width_share(values: list[float | None]) -> float:
    """The half-width of the interval as a share of the mean; infinite where there is nothing to compare."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return float("inf")
    found = interval(known)
    half = found.high - found.mean
    if half == 0:
        return 0.0
    return half / abs(found.mean) if found.mean else float("inf")
