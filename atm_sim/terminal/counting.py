"""Staff count the cash, and each suspect transaction ends as what was really paid (RS6).

The machine keeps what it pulls back, or loses sight of, in one bundle for each transaction, in the order in which they
came; staff open and count them in that order. What is missing from a bundle its customer holds. A count that cannot be
true (another number of bundles, or a note that was never in one) settles nothing: the item stays open.
"""

from __future__ import annotations

from collections import Counter

from atm_sim.sansio.effects import CashCounted
from atm_sim.sansio.rows import row
from atm_sim.terminal.note_mix import Notes, notes_value
from atm_sim.terminal.settlement import Suspect
from atm_sim.terminal.state import State


def cash_counted(state: State, event: CashCounted) -> None:
    suspects = tuple(state.settlement.suspects)
    found_jpy = sum(map(notes_value, event.bundles))
    if len(suspects) != len(event.bundles):
        state.record("cash_counted", amount_jpy=found_jpy, reason="count_differs")
        return
    state.record("cash_counted", amount_jpy=found_jpy)
    for suspect, found in zip(suspects, event.bundles, strict=True):
        _settle(state, suspect, found)
    if suspects:
        state.cash_moved()


def _settle(state: State, suspect: Suspect, found: Notes) -> None:
    if not Counter(dict(found)) <= Counter(dict(suspect.notes)):
        state.report(row("suspect", suspect.transaction.request, reason="count_differs"))
        return
    taken_jpy = notes_value(suspect.notes) - notes_value(found)
    state.cash.found_instead(suspect.notes, found)
    state.ask(*state.settlement.counted(suspect, taken_jpy, state.now_us))
