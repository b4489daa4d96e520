"""Faults of one of the three logs: only beside the other two does it show (atm_sim.checks.reconciliation)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from atm_sim.network.switch import Switch
from atm_sim.sansio.effects import Effect, Event, Machine, Received, Record, Send
from atm_sim.terminal.journal import Journal
from atm_sim.terminal.machine import Terminal
from bank_host.iso8583 import build
from bank_host.policy import Figures
from bank_host.rules import RULES, Rules
from bank_host.rules.changes import Change, Decision, Post
from bank_host.rules.facts import At, CardFacts, CardRequest
from bank_host.store.memory_unit import MemoryUnit


class Around:
    """A machine whose effects somebody changes on their way out."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._machine, name)

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        return self._machine.handle(event, now_us)


class ApprovesUnasked(Around):
    """Answers 00 by itself: no bank is asked, and nothing is recorded as stand-in."""

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        if isinstance(event, Received) and event.message.mti == "0200":
            return [Send(event.sender, build.answer(event.message, "00", {38: "000000"}))]
        return super().handle(event, now_us)


class DeclinesWhatWasApproved(Around):
    """Passes an approval back as a refusal, and takes nothing back at the bank."""

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        effects = super().handle(event, now_us)
        return [_declined(effect) if isinstance(effect, Send) else effect for effect in effects]


def _declined(effect: Send) -> Send:
    message = effect.message
    approved = message.mti == "0210" and message.get(39) == "00"
    return Send(effect.to, message.but({39: "05"})) if approved else effect


def unasked(machine: Machine) -> Machine:
    return ApprovesUnasked(machine) if isinstance(machine, Switch) else machine


def approvals_turned(machine: Machine) -> Machine:
    return DeclinesWhatWasApproved(machine) if isinstance(machine, Switch) else machine


class ForgetsCash(Journal):
    """Says nothing of notes that a customer took."""

    __slots__ = ()

    def write(self, now_us: int, record: Record) -> None:
        if record.kind != "cash_taken":
            super().write(now_us, record)


def silent_journal(machine: Machine) -> Machine:
    if isinstance(machine, Terminal):
        machine.journal.__class__ = ForgetsCash
    return machine


class LosesReversals(MemoryUnit):
    """Marks a request as reversed and writes no posting of it."""

    __slots__ = ()

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        kept = tuple(c for c in changes if not (isinstance(c, Post) and c.kind == "reversal"))
        super().apply(kept, now_us)


def _a_thousand_more(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """Approves what was asked for and posts ¥1,000 more."""
    decision = RULES.decide(request, facts, figures, at)
    return decision._replace(changes=tuple(_more(c) if isinstance(c, Post) else c for c in decision.changes))


def _more(post: Post) -> Post:
    by = {"customer": -1_000, "suspense": 1_000}
    legs = tuple((book, jpy + by.get(book.partition(":")[0], 0)) for book, jpy in post.legs)
    return post._replace(legs=tuple(leg for leg in legs if leg[1]))


POSTS_ANOTHER_AMOUNT: Rules = RULES._replace(decide=_a_thousand_more)
