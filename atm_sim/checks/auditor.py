"""The auditor: watches every commit, message and note of a run, and says what did not hold (invariants I1-I21).

It shares no rule with the bank: what must be true is recomputed in `atm_sim.checks.invariants` from requests, answers
and the policy's figures, in the order of the commits. Whoever runs a lab calls it so:

    auditor = Auditor(on_breach=...)             # hears of a breach at once; may add step and message chain
    auditor.opened(bank)                         # before its first commit, or with what it already holds
    auditor.loaded(atm, terminal)                # before the first session
    auditor.committed(commit)                    # what `bank.watch` is given
    auditor.exchanged(bank.name, request, answer)
    auditor.handled(atm, event, effects)         # after each event that an ATM handled
    auditor.finish(now_us, banks, queues)        # the sweeps
    auditor.checks(scenario.invariants)          # one Check for each invariant

Commits have to arrive in their order: with one writer they do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from atm_sim.checks.invariants import sweeps
from atm_sim.checks.invariants.acts import acted
from atm_sim.checks.invariants.advices import advised
from atm_sim.checks.invariants.answers import exchanged
from atm_sim.checks.invariants.cash import Machine, MachineUnderWatch
from atm_sim.checks.invariants.decisions import decided
from atm_sim.checks.invariants.findings import Breach, Findings, OnBreach, invariant_checks
from atm_sim.checks.invariants.model import BankModel
from atm_sim.checks.invariants.postings import enter
from atm_sim.checks.invariants.promises import audited
from atm_sim.checks.invariants.written import Written
from atm_sim.records.check import Check
from atm_sim.sansio.effects import Effect, Event
from atm_sim.sansio.saf import Saf
from bank_host.host import Bank, Commit
from bank_host.iso8583.message import Message
from bank_host.rules.facts import Act, CardRequest, Enrolment


class Auditor:
    """Judges one run of any number of banks and ATMs."""

    def __init__(self, on_breach: OnBreach = lambda breach: breach) -> None:
        self.found = Findings(on_breach)
        self._banks: dict[str, BankModel] = {}
        self._machines: dict[str, Machine] = {}

    # ---------------------------------------------------------------- before the run

    def opened(self, bank: Bank) -> None:
        """Take up a bank as it stands now; from here on every commit has to be told."""
        self._banks[bank.name] = BankModel(bank.name, bank.policy, bank.store)

    def loaded(self, atm: str, terminal: MachineUnderWatch) -> None:
        """Count the notes of an ATM; the model keeps the sum from here on."""
        self._machines[atm] = Machine(terminal)

    # ---------------------------------------------------------------- during the run

    def committed(self, commit: Commit) -> None:
        """Judge one commit of a bank, by the rows it touched."""
        bank, found, written = self._banks[commit.bank], self.found, Written(commit.changes)
        request = commit.request
        found.now_us = commit.at.now_us
        if isinstance(request, Enrolment):
            found.where = f"{bank.name}, account {request.account.account_id}"
            bank.enrolled(request)
            enter(bank, written, found)
        elif isinstance(request, CardRequest):
            found.where = f"{bank.name}, request {request.key}"
            decided(bank, commit, written, found)
        elif isinstance(request, Act):
            found.where = f"{bank.name}, act {request.key}"
            acted(bank, commit, written, found)
        else:
            found.where = f"{bank.name}, advice {request.get(41).rstrip()}/{request.get(37)}"
            advised(bank, commit, written, found)
        audited(commit, written, found)

    def exchanged(self, bank: str, request: Message, answer: Message) -> None:
        """An answer that left a bank: I13."""
        self.found.where = bank
        exchanged(self._banks[bank], request, answer, self.found)

    def handled(self, atm: str, event: Event, effects: Iterable[Effect], now_us: int) -> None:
        """An ATM handled an event: follow its notes (I7, I9)."""
        self.found.now_us, self.found.where = now_us, atm
        self._machines[atm].handled(event, effects, self.found)

    # ---------------------------------------------------------------- after the run

    def finish(self, now_us: int, banks: Iterable[Bank], queues: Iterable[Saf] = ()) -> tuple[Breach, ...]:
        """The sweeps: books, rows and machines as they stand at the end; all breaches of the run."""
        self.found.now_us = now_us
        waiting = sweeps.advices_on_the_way(queues)
        for bank in banks:
            model = self._banks[bank.name]
            sweeps.books_are_sound(bank.store, model, self.found)
            sweeps.rows_are_the_model(bank.store, model, self.found)
            sweeps.approvals_have_ended(model, self._machines.values(), waiting, now_us, self.found)
        for name, machine in self._machines.items():
            sweeps.books_agree_with_cash(name, machine, list(self._banks.values()), waiting, self.found)
        return self.found.breaches

    def suspects(self) -> frozenset[str]:
        """The transactions of which nobody knows what was paid out, until staff have counted: by DE90."""
        machines = self._machines.values()
        return frozenset(
            key for each in machines for key, about in each.transactions.items() if about.ending == "suspect"
        )

    def checks(self, wanted: Iterable[str] | Literal["all"] = "all") -> list[Check]:
        """One Check for each invariant that a scenario asks for."""
        return invariant_checks(self.found, wanted)
