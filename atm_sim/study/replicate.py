"""Plays one replication of an arm wherever an executor puts it: values and a hash come back, the events do not stay.

The contract of a study with what it runs: a picklable call without arguments that gives an Outcome.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from atm_sim.checks.auditor import Auditor
from atm_sim.checks.measures import Ask, Setting, measure
from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.folder import event_bytes
from atm_sim.scenario import Scenario
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate

Values: TypeAlias = Mapping[str, float | None]


class Outcome(NamedTuple):
    """What one replication gives: values by measure, the hash of its event file, what always holds and did not."""

    values: Values
    sha256: str
    events: tuple[tuple[str, bytes], ...] = ()  # event files by name, where they are to be kept
    broken: tuple[str, ...] = ()
    part: Any = None  # what a part of a replication leaves for `join`


Call: TypeAlias = Callable[[], Outcome]


class Task(NamedTuple):
    """One replication of one arm, or a part of it, as an executor gets it; the call has to be picklable."""

    arm: str
    replication: int
    call: Call
    part: int = 1
    parts: int = 1


class Wanted(NamedTuple):
    """A measure that a study takes of every replication; `key` names it in the results."""

    key: str
    measure: str
    ask: Ask


def replicate(
    scenario: Scenario,
    setting: Setting,
    wanted: tuple[Wanted, ...],
    *,
    seed: int,
    replication: int,
    run: str,
    keep: bool,
) -> Outcome:
    """One replication of a scenario in every message, under the same invariants as a single run."""
    lab = Lab(scenario, seed=seed, replication=replication, run=run)
    auditor = Auditor()
    for bank in lab.banks.values():
        auditor.opened(bank)
    for atm, terminal in lab.terminals.items():
        auditor.loaded(atm, terminal)
    log = simulate(lab, auditor)
    last_us = max((rows[-1].time_us for rows in (log.events, log.messages) if rows), default=0)
    auditor.finish(lab.start_us + last_us, lab.banks.values(), lab.queues())
    broken = tuple(check.name for check in auditor.checks(scenario.invariants) if not check.passed)
    rows = ReplicationRows(log.events)
    values = {each.key: measure(each.measure, rows, each.ask, setting) for each in wanted}
    data = event_bytes(log.events)
    events = ((f"r{replication:03}", data),) if keep else ()
    return Outcome(values, hashlib.sha256(data).hexdigest(), events, broken)
