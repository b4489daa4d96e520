"""Losing power and coming back: what was in flight is reversed or suspect, never repeated (RS1, RS6, RS9)."""

from __future__ import annotations

from atm_sim.terminal import paying
from atm_sim.terminal.state import Stage, State


def lost(state: State) -> None:
    """Everything stops; what the machine has in volatile memory is gone with its timers."""
    state.record("power_lost")
    state.before_power_loss, state.stage = state.stage, Stage.OFF
    state.pin, state.choice, state.timer, state.farewell = "", None, "", "thank_you"


def restored(state: State) -> None:
    """Settle the transaction that was cut short, go on with waiting advices, give the card back (X9)."""
    if state.stage is not Stage.OFF:
        lost(state)  # the machine started again without having noticed that it stopped
    state.ask(*state.settlement.saf.resume(state.now_us))
    _settle(state)
    state.record("power_restored")
    paying.pull_back(state, "power_loss")
    if state.card is None:
        paying.finish(state)
    else:
        retain = "power_loss" if state.config.retains_card_on_break else ""
        paying.part_with_card(state, retain=retain)


def _settle(state: State) -> None:
    transaction = state.transaction
    if transaction is None or transaction.ending:
        return
    if state.before_power_loss is Stage.AUTHORISING:
        state.requests.give_up(state.request_key, state.now_us)
        state.ask(*state.settlement.reverse(transaction, "timeout", state.now_us))
        return
    # Notes were on their way or in the shutter: where they are now only counting tells.
    paying.suspect(state, transaction, "power_loss")
    if state.before_power_loss is Stage.COUNTING:
        state.cash.lose_sight()
        state.cash_moved()
