"""What an ATM still knows when its program ends and starts again: cash, open transactions, trace numbers, the card in
its reader (RS1, RS6, RS9; security I22). No PIN, no PIN block, no track; the advices that wait are on its disk.

`remembered` is plain data that any storage can hold. `recall` puts it back into a new terminal, which then has to be
told that its power is restored: what was cut short is settled there, as after any loss of power.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

from atm_sim.sansio.saf import Saf
from atm_sim.terminal.card import CardData
from atm_sim.terminal.note_mix import Notes
from atm_sim.terminal.settlement import Ending, Suspect, Transaction
from atm_sim.terminal.state import Stage, State
from bank_host.iso8583.message import Message


class StoredTransaction(NamedTuple):
    """A transaction as plain data."""

    service: str
    amount_jpy: int
    mti: str
    elements: dict[int, str]
    sent_us: int
    notes: Notes | None
    approval_code: str
    presented_jpy: int
    ending: str
    fee_jpy: int = 0


class Memory(NamedTuple):
    """Everything that outlasts the program."""

    stage: str
    card_alias: str
    cash: dict[str, dict[int, int]]  # notes by place
    trace_day_us: int
    trace_count: int
    transaction: StoredTransaction | None
    suspects: tuple[tuple[StoredTransaction, Notes], ...]


def remembered(state: State) -> Memory:
    """What has to be kept now, before anything that the terminal asks for is done."""
    stage = state.before_power_loss if state.stage is Stage.OFF else state.stage
    return Memory(
        str(stage),
        state.card.alias if state.card else "",
        state.cash.places(),
        *state.numbers.position,
        _stored(state.transaction) if state.transaction else None,
        tuple((_stored(each.transaction), each.notes) for each in state.settlement.suspects),
    )


def recall(state: State, memory: Memory, card: CardData | None, disk: Mapping[str, Any]) -> None:
    """Put it back into a terminal that has done nothing yet; `disk` holds its waiting advices."""
    state.stage = Stage(memory.stage)
    state.card = card
    state.cash.put(memory.cash)
    state.numbers.go_on_from(memory.trace_day_us, memory.trace_count)
    state.settlement.saf = Saf(state.config.saf, disk)
    suspects = [Suspect(_transaction(stored), notes) for stored, notes in memory.suspects]
    state.settlement.suspects = suspects
    state.transaction = _transaction(memory.transaction) if memory.transaction else None


def _stored(transaction: Transaction) -> StoredTransaction:
    return StoredTransaction(
        transaction.service,
        transaction.amount_jpy,
        transaction.request.mti,
        dict(transaction.request.fields),
        transaction.sent_us,
        transaction.notes,
        transaction.approval_code,
        transaction.presented_jpy,
        transaction.ending,
        transaction.fee_jpy,
    )


def _transaction(stored: StoredTransaction) -> Transaction:
    return Transaction(
        stored.service,
        stored.amount_jpy,
        Message(stored.mti, stored.elements),
        stored.sent_us,
        stored.notes,
        stored.approval_code,
        stored.fee_jpy,
        stored.presented_jpy,
        cast(Ending, stored.ending),
    )
