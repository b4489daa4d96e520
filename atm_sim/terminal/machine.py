"""The terminal: one ATM as a sans-IO state machine (requirements X1-X3, X6, X9-X11, R75-R76; RS1-RS9).

`handle(event, now_us)` returns the effects a driver carries out. What a person or a device does is looked up
in `_TABLE` by stage and event; a pair that is not in it cannot happen at a real machine (the keypad is dead,
the shutter is closed) and changes nothing. Some things outlast a loss of power, as they do in a real machine:
cash, journal, trace numbers, the stored request, the advices that wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from atm_sim.sansio.effects import (
    CancelPressed,
    CardInserted,
    CardTaken,
    CashCounted,
    CashTaken,
    Dispensed,
    Effect,
    Event,
    PinEntered,
    PowerLost,
    PowerRestored,
    Received,
    ServiceChosen,
    TimerFired,
)
from atm_sim.terminal import asking, counting, paying, power
from atm_sim.terminal.card import CardData
from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.journal import Journal
from atm_sim.terminal.memory import Memory, recall, remembered
from atm_sim.terminal.settlement import Settlement
from atm_sim.terminal.state import Stage, State, TerminalCrypto

_TABLE: dict[tuple[Stage, type], Callable[[State, Any], None]] = {
    (Stage.IDLE, CardInserted): asking.card_inserted,
    (Stage.PIN, PinEntered): asking.pin_entered,
    (Stage.PIN, CancelPressed): asking.cancelled,
    (Stage.MENU, ServiceChosen): asking.service_chosen,
    (Stage.MENU, CancelPressed): asking.cancelled,
    (Stage.COUNTING, Dispensed): paying.dispensed,
    (Stage.CARD_OUT, CardTaken): paying.card_taken,
    (Stage.CASH_OUT, CashTaken): paying.cash_taken,
    (Stage.IDLE, CashCounted): counting.cash_counted,
}

# What it means that the session's timer fired. A stage that is not here sets none.
_TIMED_OUT: dict[Stage, Callable[[State], None]] = {
    Stage.PIN: asking.left_idle,
    Stage.MENU: asking.left_idle,
    Stage.AUTHORISING: asking.no_answer,
    Stage.CARD_OUT: paying.card_left,
    Stage.CASH_OUT: paying.cash_left,
}


class Terminal:
    """One ATM. Its properties may be read at any time; only `handle` changes anything."""

    __slots__ = ("_state",)

    def __init__(self, config: TerminalConfig, crypto: TerminalCrypto, cassettes: Iterable[Cassette]) -> None:
        self._state = State(config, crypto, cassettes)

    @property
    def config(self) -> TerminalConfig:
        return self._state.config

    @property
    def stage(self) -> Stage:
        return self._state.stage

    @property
    def idle(self) -> bool:
        """True when the next person may insert a card."""
        return self._state.stage is Stage.IDLE

    @property
    def has_card(self) -> bool:
        """True while a card is in the reader or waits in the slot."""
        return self._state.card is not None

    @property
    def cash(self) -> CashUnit:
        return self._state.cash

    @property
    def settlement(self) -> Settlement:
        """Its store-and-forward queue tells what is still unsettled."""
        return self._state.settlement

    @property
    def journal(self) -> Journal:
        return self._state.journal

    def remembered(self) -> Memory:
        """What has to outlast the program."""
        return remembered(self._state)

    def recall(self, memory: Memory, card: CardData | None, disk: Mapping[str, Any]) -> None:
        """Go on with what an earlier program remembered; `PowerRestored` then settles what was cut short."""
        recall(self._state, memory, card, disk)

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        state = self._state
        state.out, state.now_us = [], now_us
        act = _TABLE.get((state.stage, type(event)))
        if act is not None:
            act(state, event)
        else:
            _happened(state, event)
        state.write_journal()
        return state.out


def _happened(state: State, event: Event) -> None:
    """What happens whatever the stage; a machine without power notices only that it comes back."""
    if isinstance(event, PowerRestored):
        power.restored(state)
    elif state.stage is not Stage.OFF:
        match event:
            case Received():
                asking.received(state, event.sender, event.message)
            case TimerFired():
                _timer_fired(state, event.key)
            case PowerLost():
                power.lost(state)


def _timer_fired(state: State, key: str) -> None:
    if key == state.timer:
        state.timer = ""
        _TIMED_OUT[state.stage](state)
    else:
        state.ask(*(state.settlement.saf.timer_fired(key, state.now_us) or ()))
