"""Notes and advices that get lost at the ATM: found by counting from outside (I7, I9) and by open ends (I12)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest

from atm_sim.sansio.effects import Effect, Forget, Keep
from atm_sim.sansio.saf import Entry, Saf, _Lane
from atm_sim.terminal.cassettes import CashUnit
from atm_sim.terminal.note_mix import Notes, counted
from atm_sim.terminal.settlement import Settlement, Transaction
from tests.faults.cash_world import CashParts, play_cash

CLEAN_RUNS = 100


class ForgetsJammedNotes(CashUnit):
    """What did not reach the shutter is counted nowhere."""

    __slots__ = ()

    def reject_short(self, presented: Notes) -> None:
        self.stacker = Counter(dict(presented))


class ForgetsRetractedNotes(CashUnit):
    """Notes that were pulled back are in no bin."""

    __slots__ = ()

    def retract(self) -> Notes:
        pulled_back, self.stacker = counted(self.stacker), Counter()
        return pulled_back


class KeepsDepositTwice(CashUnit):
    """A kept deposit stays in escrow as well."""

    __slots__ = ()

    def keep_deposit(self) -> None:
        kept = Counter(self.escrow)
        super().keep_deposit()
        self.escrow = kept


class DropsAtItsLimit(Saf):
    """Tries used up: the advice is gone, and on nobody's desk."""

    __slots__ = ()

    def _give_up(self, lane: _Lane, entry: Entry, why: str, now_us: int) -> list[Effect]:
        super()._give_up(lane, entry, why, now_us)
        self._manual.pop()
        return [Keep(entry.key, entry), Forget(entry.key)]


class CompletesInstead(Settlement):
    """Tells the bank that all was paid out when it was not."""

    __slots__ = ()

    def reverse(
        self, transaction: Transaction, reason: str, now_us: int, *, dispensed_jpy: int | None = None
    ) -> list[Effect]:
        return self.complete(transaction, now_us)


@dataclass(frozen=True)
class CashMutant:
    name: str
    caught_by: tuple[str, ...]
    within: int
    parts: CashParts


CASH_MUTANTS = (
    CashMutant("jammed notes not counted", ("I7", "I9"), 2, CashParts(cash=ForgetsJammedNotes)),
    CashMutant("retracted notes not counted", ("I7", "I9"), 3, CashParts(cash=ForgetsRetractedNotes)),
    CashMutant("deposit counted twice", ("I9",), 3, CashParts(cash=KeepsDepositTwice)),
    CashMutant("SAF drops a reversal at its limit", ("I12",), 10, CashParts(saf=DropsAtItsLimit)),
    CashMutant("completion sent for cash not paid", ("I7",), 3, CashParts(settlement=CompletesInstead)),
)


@pytest.mark.parametrize("mutant", CASH_MUTANTS, ids=lambda mutant: mutant.name)
def test_a_fault_at_the_atm_is_noticed(mutant: CashMutant) -> None:
    """Each invariant named for the fault breaks within the stated number of runs."""
    broken: set[str] = set()
    for seed in range(mutant.within):
        broken.update(play_cash(seed, mutant.parts).found.broken())
    assert set() == set(mutant.caught_by) - broken, f"only {sorted(broken)} broke"


def test_sound_atms_break_nothing_on_bad_lines() -> None:
    """Lost messages, jams, forgotten cash and power failures: every yen and every note is accounted for."""
    breaches = [(seed, b) for seed in range(CLEAN_RUNS) for b in play_cash(seed).found.breaches]
    assert [] == breaches


def test_the_random_sessions_give_the_notes_something_to_check() -> None:
    checked: Counter[str] = Counter()
    for seed in range(5):
        checked.update(play_cash(seed).found.checked)
    assert min(checked["I7"], checked["I9"], checked["I12"]) > 50
