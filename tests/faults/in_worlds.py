"""The faults of this folder wired into the worlds of `atm-sim fuzz`, and within how many worlds each is noticed.

Whatever a bank or an ATM is wired from can be replaced in a world too. A few faults take another form here, because in
simulated time nothing comes between the two commits of a request, and because a world's banks live in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from time import time_ns
from typing import Any

from atm_sim.fuzz.coverage import SAME_RECORD
from atm_sim.fuzz.generate import world
from atm_sim.fuzz.hunt import replayed
from atm_sim.fuzz.trial import read, trial
from atm_sim.network.acquirer import Acquirer
from atm_sim.network.switch import Switch
from atm_sim.sansio.effects import Effect, Event, Machine, Received, Record
from atm_sim.sansio.saf import Saf
from atm_sim.scenario import Loaded
from atm_sim.terminal.machine import Terminal
from atm_sim.world.lab import Parts as LabParts
from bank_host.host import Bank
from bank_host.policy import Figures
from bank_host.rules import RULES, Rules
from bank_host.rules.changes import Decision
from bank_host.rules.facts import At, CardFacts, CardRequest
from bank_host.store.sql import SqlStore
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
from tests.faults.test_history_mutants import TAMPERINGS, TRIGGERS
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


def rules_with_remembered_lock() -> Rules:
    """Whether a card is locked is what it was when the card was first seen."""
    locks: dict[str, bool] = {}

    def seen(facts: CardFacts) -> CardFacts:
        locked = locks.setdefault(facts.card.card_id, facts.card.locked)
        return facts._replace(card=facts.card._replace(locked=locked))

    def precheck(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision | None:
        return RULES.precheck(request, seen(facts), figures, at)

    def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
        return RULES.decide(request, seen(facts), figures, at)

    return RULES._replace(precheck=precheck, decide=decide)


def tampered(statements: Sequence[str]) -> LabOf:
    """Banks on SQLite; before the history is swept somebody with access to the file has changed it."""

    class Tampered(SqlStore):
        def chain_faults(self) -> Iterator[str]:
            with self.engine.begin() as connection:
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                for (trigger,) in connection.exec_driver_sql(TRIGGERS).all():
                    connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
                for statement in statements:
                    connection.exec_driver_sql(statement)
            return super().chain_faults()

    return lambda: LabParts(store=lambda bank: Tampered.create("sqlite://", durable=False))


class Unordered:
    """Writes down the names of a set, as it happens to be ordered."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        effects = self._machine.handle(event, now_us)
        names = {type(effect).__name__ for effect in effects}
        return [*effects, *(Record("effect", reason=name) for name in names)]


class ReadsTheWallClock(Unordered):
    """Stamps what it does with the time of the machine that it runs on."""

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        return [*self._machine.handle(event, now_us), Record("seen", latency_us=time_ns())]


def unordered() -> LabParts:
    return with_machines(Unordered)()


def on_wall_time() -> LabParts:
    return with_machines(ReadsTheWallClock)()


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
    yield WorldMutant(
        "lock read before, used after the decision",
        ("I17",),
        50,
        lab_parts(Parts(rules_with_remembered_lock())),
    )
    for tampering, statements in TAMPERINGS.items():
        yield WorldMutant(tampering, ("I6",), 10, tampered(statements))
    yield WorldMutant("set iterated into events", ("I23",), 5, unordered)
    yield WorldMutant("wall clock read", ("I23",), 5, on_wall_time)
    yield from RECONCILIATION_MUTANTS
    yield WorldMutant("card number in a log line", ("I22",), 10, with_machines(Talkative))


WORLD_MUTANTS: tuple[WorldMutant, ...] = tuple(_everything())


@lru_cache(maxsize=2048)
def loaded(seed: int) -> Loaded:
    """A world serves every mutant; reading it costs as much as playing it."""
    return read(world(seed))


def worlds_to_find(mutant: WorldMutant, most: int) -> int | None:
    """How many worlds it takes, from seed 0 on, until all that has to notice the fault has noticed it."""
    if mutant.caught_by == (SAME_RECORD,):
        found = replayed(range(most), mutant.parts).failures
        return found[0].seed + 1 if found else None
    missing = set(mutant.caught_by)
    for seed in range(most):
        missing.difference_update(trial(loaded(seed), mutant.parts()).names)
        if not missing:
            return seed + 1
    return None
