"""The faults of this folder wired into the worlds of `atm-sim fuzz`, and within how many worlds each is noticed.

Whatever a bank or an ATM is wired from can be replaced in a world too. What no world can show stands in
`NOT_IN_A_WORLD`, with the test that notices it instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from atm_sim.fuzz.generate import world
from atm_sim.fuzz.trial import read, trial
from atm_sim.network.acquirer import Acquirer
from atm_sim.network.switch import Switch
from atm_sim.sansio.effects import Effect, Event, Machine, Received, Record
from atm_sim.sansio.saf import Saf
from atm_sim.scenario import Loaded
from atm_sim.terminal.machine import Terminal
from atm_sim.world.lab import Parts as LabParts
from bank_host.host import Bank
from tests.atm_sim.checks.invariants.test_stand_in_booked_once import (
    QuotesNothing,
    posted_though_the_request_was,
)
from tests.faults.cash_world import CashParts
from tests.faults.mutants import MUTANTS, rules, store_with
from tests.faults.reconciliation_mutants import (
    POSTS_ANOTHER_AMOUNT,
    LosesReversals,
    approvals_turned,
    silent_journal,
    unasked,
)
from tests.faults.test_cash_mutants import CASH_MUTANTS, DropsAtItsLimit
from tests.faults.workload import Parts

LabOf = Callable[[], LabParts]


def lab_parts(parts: Parts) -> LabOf:
    """What a world's lab is wired from, where a bank is wired from `parts`."""

    def bank(made: Bank) -> Bank:
        if parts.bank is Bank:
            return made
        return parts.bank(
            made.name, made.store, made.policy, made.hsm, rules=made.rules, passwords=made.passwords
        )

    return lambda: LabParts(rules=parts.rules, store=lambda name: parts.store(), bank=bank)


def with_machines(change: Callable[[Machine], Machine]) -> LabOf:
    return lambda: LabParts(node=lambda name, machine: change(machine))


def cash_parts(parts: CashParts) -> LabOf:
    """ATMs with the disturbed cash unit, settlement and queue: the very objects, of another class."""

    def change(machine: Machine) -> Machine:
        if isinstance(machine, Terminal):
            machine.cash.__class__ = parts.cash
            machine.settlement.__class__ = parts.settlement
            machine.settlement.saf.__class__ = parts.saf
        return machine

    return with_machines(change)


def everybody_drops(machine: Machine) -> Machine:
    """Every queue drops what has reached its limit: of the ATMs, the acquirers and the switch."""
    queue: Saf | None = None
    if isinstance(machine, Terminal):
        queue = machine.settlement.saf
    elif isinstance(machine, Acquirer | Switch):
        queue = machine.saf
    if queue is not None:
        queue.__class__ = DropsAtItsLimit
    return machine


def nameless_advices(machine: Machine) -> Machine:
    return QuotesNothing(machine) if isinstance(machine, Switch) else machine


class Talkative:
    """Writes the card number of each message that it receives into the record."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        effects = self._machine.handle(event, now_us)
        if isinstance(event, Received) and 2 in event.message:
            effects = [*effects, Record("seen", reason=event.message[2])]
        return effects


# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class WorldMutant:
    """One fault: which findings have to be among those of the first `within` worlds."""

    name: str
    caught_by: tuple[str, ...]
    within: int
    parts: LabOf


WITHIN: Mapping[str, int] = {
    "one-legged posting": 10,
    "no duplicate check": 200,
    "cached balance not updated": 10,
    "no funds check": 25,
    "suspense not cleared on reversal": 50,
    "completion does not end the approval": 25,
    "reversal applied twice": 1_000,
    "part reversal treated as full": 100,
    "early reversal forgotten": 50,
    "reversal accepted and nothing done": 50,
    "stand-in not found by its reversal": 200,
    "duplicate answered by re-encoding": 200,
    "forced advice declined": 200,
    "forced advice not flagged": 200,
    "reversal credited to today's limit": 50,
    "limit counter not moved": 10,
    "limit counter lost in the store": 50,
    "limit room taken as abs(limit - used)": 100,
    "an amount equal to the room refused": 10,
    "limit in force = max(base, raise) after a 0": 200,
    "lock lost in the store": 50,
    "failure counted after comparing": 10,
    "wrong PIN sets the count back": 50,
    "step checked, then written": 200,
    "raise and unlock without a code": 10,
    "notice not in the commit": 10,
    "notice lost in the store": 10,
    "state change without audit row": 10,
    "audit row without the state before": 10,
    "jammed notes not counted": 50,
    "retracted notes not counted": 50,
    "deposit counted twice": 50,
    "SAF drops a reversal at its limit": 2_000,
    "completion sent for cash not paid": 50,
}
"""How many worlds the noticing may take: some room above what it takes today."""

NOT_IN_A_WORLD: Mapping[str, str] = {
    "lock read before, used after the decision": (
        "in simulated time nothing comes between the two commits of a request: tests/faults/test_mutants.py"
    ),
    "journal row updated, or tail cut": (
        "a world's banks live in memory, where nobody else writes: tests/faults/test_history_mutants.py"
    ),
    "set iterated into events; wall clock read": "shown by two runs of one scenario: tests/system/test_determinism.py",
}
"""Mutants that no world shows, why, and which test shows them."""


_RECONCILED = ("reconciliation",)

RECONCILIATION_MUTANTS = (
    WorldMutant("switch approves without asking the bank", _RECONCILED, 10, with_machines(unasked)),
    WorldMutant(
        "switch passes an approval back as a refusal", _RECONCILED, 10, with_machines(approvals_turned)
    ),
    WorldMutant("ATM journal forgets the cash", _RECONCILED, 10, with_machines(silent_journal)),
    WorldMutant(
        "another amount posted than approved",
        _RECONCILED,
        10,
        lab_parts(Parts(rules=POSTS_ANOTHER_AMOUNT)),
    ),
    WorldMutant(
        "a reversal's posting lost in the store",
        _RECONCILED,
        50,
        lab_parts(Parts(store=store_with(LosesReversals))),
    ),
)
"""Faults of one log, which the other two show."""


def _everything() -> Iterator[WorldMutant]:
    for mutant in MUTANTS:
        if mutant.name in WITHIN:
            yield WorldMutant(mutant.name, mutant.caught_by, WITHIN[mutant.name], lab_parts(mutant.parts))
    for cash in CASH_MUTANTS:
        parts = (
            with_machines(everybody_drops) if cash.parts.saf is DropsAtItsLimit else cash_parts(cash.parts)
        )
        yield WorldMutant(cash.name, cash.caught_by, WITHIN[cash.name], parts)
    booked_twice = rules(decide_advice=posted_though_the_request_was)
    yield WorldMutant("stand-in posted beside its request", ("I8", "I10"), 2_000, lab_parts(booked_twice))
    yield WorldMutant("stand-in advice names no request", ("I7",), 200, with_machines(nameless_advices))
    yield from RECONCILIATION_MUTANTS
    yield WorldMutant("card number in a log line", ("I22",), 10, with_machines(Talkative))


WORLD_MUTANTS: tuple[WorldMutant, ...] = tuple(_everything())


@lru_cache(maxsize=2048)
def loaded(seed: int) -> Loaded:
    """A world serves every mutant; reading it costs as much as playing it."""
    return read(world(seed))


def worlds_to_find(mutant: WorldMutant, most: int) -> int | None:
    """How many worlds it takes, from seed 0 on, until all that has to notice the fault has noticed it."""
    missing = set(mutant.caught_by)
    for seed in range(most):
        missing.difference_update(trial(loaded(seed), mutant.parts()).names)
        if not missing:
            return seed + 1
    return None
