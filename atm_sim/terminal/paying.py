"""From the approval to the empty slot: notes counted, card given back first, then cash (X6, X9; RS4-RS6)."""

from __future__ import annotations

from atm_sim.sansio.effects import (
    CardTaken,
    CashTaken,
    Dispense,
    Dispensed,
    RetainCard,
    ReturnCard,
    Show,
)
from atm_sim.sansio.rows import row
from atm_sim.terminal.note_mix import Notes, counted, notes_value
from atm_sim.terminal.settlement import Transaction
from atm_sim.terminal.state import Stage, State

# ---------------------------------------------------------------- the dispenser


def mix(state: State, amount_jpy: int) -> Notes | None:
    """The notes that would pay the amount now, or None."""
    config = state.config
    return state.cash.mix(amount_jpy, policy=config.note_policy, max_notes=config.max_notes_out)


def pay_out(state: State, transaction: Transaction) -> None:
    if transaction.notes is None:  # an amount that no notes make up, approved all the same
        _undo(state, transaction, "hardware_error")
        break_off(state, "cannot_pay_amount", "00")
        return
    state.stop_waiting()
    state.cash.count_out(transaction.notes)
    state.ask(Dispense(transaction.notes))
    state.stage = Stage.COUNTING


def dispensed(state: State, event: Dispensed) -> None:
    transaction = state.transaction
    assert transaction is not None
    reached = dict(event.notes)
    believable = all(0 <= count <= state.cash.stacker[note] for note, count in reached.items())
    if event.fault == "unknown" or not believable:
        suspect(state, transaction, "dispense_unknown")
        state.cash.lose_sight()
        state.cash_moved()
        break_off(state, "dispense_unknown", "00")
        return
    state.cash.reject_short(counted(reached))
    transaction.presented_jpy = notes_value(counted(reached))
    shown = row("dispensed", transaction.request, code="00", reason=event.fault)
    state.report(shown._replace(amount_jpy=transaction.presented_jpy))
    state.cash_moved()
    if not transaction.presented_jpy:
        _undo(state, transaction, "hardware_error")
        break_off(state, event.fault or "not_dispensed", "00")
        return
    state.print_receipt(transaction, "00", transaction.presented_jpy)
    part_with_card(state)


def _undo(state: State, transaction: Transaction, reason: str) -> None:
    state.ask(*state.settlement.reverse(transaction, reason, state.now_us))


def suspect(state: State, transaction: Transaction, reason: str) -> None:
    """Where the notes in the stacker are from now on, only counting tells (RS6)."""
    state.report(state.settlement.suspect(transaction, counted(state.cash.stacker), reason))


# ---------------------------------------------------------------- the card


def break_off(state: State, reason: str, code: str = "") -> None:
    """The transaction is neither declined nor done, and its end is settled; X9 decides about the card."""
    state.ask(Show("declined", code, reason))
    part_with_card(state, retain=reason if state.config.retains_card_on_break else "")


def part_with_card(state: State, *, retain: str = "", balance_jpy: int | None = None) -> None:
    """Push the card out, or keep it for the reason given; notes that wait for the customer come after it."""
    state.choice = None
    if retain:
        _retain_card(state, retain)
        _offer_notes(state)
        return
    state.stage = Stage.CARD_OUT
    state.ask(ReturnCard(), Show("take_card", balance_jpy=balance_jpy))
    state.wait("card", state.config.timers.take_card_us)


def _retain_card(state: State, reason: str) -> None:
    state.ask(RetainCard(reason))
    state.record("retained", reason=reason)
    state.card, state.farewell = None, "card_retained"


def card_taken(state: State, event: CardTaken) -> None:
    state.record("card_returned")
    state.card = None
    _offer_notes(state)


def card_left(state: State) -> None:
    """Nobody took the card: the shutter never opened, so no note was paid, and that is known (RS4)."""
    if state.cash.stacker:
        assert state.transaction is not None
        _undo(state, state.transaction, "customer_cancel")
    _retain_card(state, "card_not_taken")
    pull_back(state, "card_not_taken")
    finish(state)


# ---------------------------------------------------------------- the notes


def _offer_notes(state: State) -> None:
    """Open the shutter for what was counted out, or for a deposit that the bank did not take."""
    waiting_jpy = notes_value(counted(state.cash.stacker + state.cash.escrow))
    if not waiting_jpy:
        finish(state)
        return
    state.stage = Stage.CASH_OUT
    state.ask(Show("take_cash", amount_jpy=waiting_jpy))
    state.wait("cash", state.config.timers.take_cash_us)


def cash_taken(state: State, event: CashTaken) -> None:
    if state.cash.escrow:
        returned_jpy = notes_value(state.cash.give_back())
        state.record("cash_taken", amount_jpy=returned_jpy, reason="deposit_returned")
        finish(state)
        return
    transaction = state.transaction
    assert transaction is not None
    taken_jpy = notes_value(state.cash.hand_out())
    state.record("cash_taken", amount_jpy=taken_jpy)
    settlement, now_us = state.settlement, state.now_us
    if taken_jpy == transaction.amount_jpy:
        state.ask(*settlement.complete(transaction, now_us))
    else:
        state.ask(*settlement.reverse(transaction, "part_dispense", now_us, dispensed_jpy=taken_jpy))
    state.cash_moved()
    finish(state)


def cash_left(state: State) -> None:
    """Notes lay in the open shutter: some may have been taken, so only counting tells (RS6)."""
    if state.cash.stacker:
        assert state.transaction is not None
        suspect(state, state.transaction, "cash_not_taken")
    pull_back(state, "cash_not_taken")
    finish(state)


def pull_back(state: State, reason: str) -> None:
    """Notes that wait for the customer -> retract bin; a customer's own deposit is kept apart."""
    pulled_jpy = notes_value(state.cash.retract()) + notes_value(state.cash.keep_as_found())
    if pulled_jpy:
        state.record("retracted", amount_jpy=pulled_jpy, reason=reason)
        state.cash_moved()


def finish(state: State) -> None:
    """The session is over: forget it, and be ready for the next person."""
    state.stop_waiting()
    state.ask(Show(state.farewell))
    state.card, state.transaction, state.choice = None, None, None
    state.pin, state.farewell = "", "thank_you"
    state.stage = Stage.IDLE
