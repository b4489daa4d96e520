"""What each person has to do, in order: one thing at a time, at an ATM, at home, or as the bank's staff."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from atm_sim.world.at_home import Script, Seen
from atm_sim.world.chronicle import Chronicle
from atm_sim.world.lab import Lab
from atm_sim.world.plans import Planned
from bank_host.host import Bank
from bank_host.rules.changes import Outcome
from bank_host.rules.facts import Act
from bank_host.rules.reasons import MALFUNCTION

T = TypeVar("T")

DOWN = Outcome("refused", MALFUNCTION)
"""What somebody in internet banking is told while the bank's host is down."""


class World(Protocol):
    """What agendas ask of the conductor."""

    def now_us(self) -> int: ...

    def call_at(self, at_us: int, call: Callable[[], None]) -> None: ...

    def arrive(self, planned: Planned) -> None:
        """Let somebody come to a place for an ATM."""

    def host_does(self, bank: str, work: Callable[[Bank, int], T], otherwise: T) -> T:
        """What a bank does by its own clock, or `otherwise` while its host is down."""

    def run_due(self) -> None:
        """Let the banks do what is due."""


@dataclass(slots=True)
class _Agenda:
    """What one person still has to do."""

    todo: deque[Planned] = field(default_factory=deque)
    busy: bool = False
    last: Planned | None = None


class Agendas:
    """The agendas of one replication."""

    def __init__(self, lab: Lab, world: World, chronicle: Chronicle) -> None:
        self._lab = lab
        self._world = world
        self._chronicle = chronicle
        self._of: dict[str, _Agenda] = {}  # by person

    def due(self, planned: Planned) -> None:
        """A person does this as soon as they have done what came before."""
        agenda = self._of.setdefault(planned.person.alias, _Agenda())
        agenda.todo.append(planned)
        if not agenda.busy:
            self._next(agenda)

    def left(self, planned: Planned) -> None:
        """Somebody has left an ATM: if it was for a step of theirs, that one is done."""
        agenda = self._of.get(planned.person.alias)
        if agenda is not None and agenda.last is planned:
            self._done(agenda)

    def finish(self) -> None:
        """Write down how each person's last step left the bank."""
        for agenda in self._of.values():
            self._write_standing(agenda)

    def _done(self, agenda: _Agenda) -> None:
        agenda.busy = False
        if agenda.todo:
            self._next(agenda)

    def _next(self, agenda: _Agenda) -> None:
        self._write_standing(agenda)
        agenda.last = planned = agenda.todo.popleft()
        agenda.busy = True
        if planned.wish is not None:
            self._world.arrive(planned)
        else:
            assert planned.script is not None, "who does not go to an ATM is at home"
            bank = self._lab.banks[planned.person.bank]
            self._go_on(agenda, planned, planned.script(bank, self._world.now_us, self._lab.offices), None)

    def _go_on(self, agenda: _Agenda, planned: Planned, script: Script, outcome: Outcome | None) -> None:
        """What comes next of a step at home or of the bank's staff: no message, only calls of the bank."""
        try:
            following = script.send(outcome)
        except StopIteration:
            self._done(agenda)
            return
        if isinstance(following, Seen):
            self._chronicle.row(
                "shown",
                planned,
                code=following.what,
                reason=following.text,
                amount_jpy=following.amount_jpy,
            )
            self._go_on(agenda, planned, script, None)
        elif following.after_us:
            call = partial(self._ask, agenda, planned, script, following.act)
            self._world.call_at(self._world.now_us() + following.after_us, call)
        else:
            self._ask(agenda, planned, script, following.act)

    def _ask(self, agenda: _Agenda, planned: Planned, script: Script, act: Act) -> None:
        """One act, as the bank does it or refuses it."""
        self._world.run_due()
        self._chronicle.context = planned
        outcome = self._world.host_does(planned.person.bank, lambda bank, now_us: bank.act(act, now_us), DOWN)
        self._chronicle.row(
            "act",
            planned,
            code=outcome.outcome,
            reason=outcome.reason.lower(),
            amount_jpy=act.amount_jpy,
            service=act.kind,
        )
        self._chronicle.context = None
        self._go_on(agenda, planned, script, outcome)

    def _write_standing(self, agenda: _Agenda) -> None:
        planned, agenda.last = agenda.last, None
        if planned is None:
            return
        for name, amount_jpy in self._lab.standing(planned).items():
            self._chronicle.row("state", planned, reason=name, amount_jpy=amount_jpy)
