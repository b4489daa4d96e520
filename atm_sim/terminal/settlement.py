"""How a transaction ends: declined, completed, reversed or suspect, exactly once (RS1-RS7, X6, security I12).

Completion and reversal become advices in the store-and-forward queue. A suspect transaction sends nothing:
nobody knows yet whether the customer holds the notes, so nothing may be credited until staff have counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from atm_sim.sansio.effects import Effect, Record
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.note_mix import Notes
from bank_host import jst
from bank_host.iso8583.build import completion_advice, reversal_advice
from bank_host.iso8583.message import Message

Ending = Literal["", "declined", "abandoned", "completed", "reversed", "suspect"]

MOVES_CASH = ("withdraw", "deposit")


class TraceNumbers:
    """DE11: counts per terminal and JST day; the message builder wraps it after 999999."""

    __slots__ = ("_count", "_day_us")

    def __init__(self) -> None:
        self._day_us = 0
        self._count = 0

    def next(self, now_us: int) -> int:
        day_us = now_us - jst.time_of_day_us(now_us)
        if day_us != self._day_us:
            self._day_us, self._count = day_us, 0
        self._count += 1
        return self._count


@dataclass(slots=True)
class Transaction:
    """One 0200 and what became of it. `request` is what may be stored of it: no track, no PIN block."""

    service: str
    amount_jpy: int
    request: Message
    sent_us: int
    notes: Notes | None = None  # withdrawal: the notes that pay the amount, if any do
    approval_code: str = ""
    presented_jpy: int = 0  # what the dispenser brought to the shutter
    ending: Ending = ""


class Settlement:
    """Ends transactions, and keeps their advices until the other side has accepted them."""

    __slots__ = ("_config", "_numbers", "saf")

    def __init__(self, config: TerminalConfig, numbers: TraceNumbers) -> None:
        self._config = config
        self._numbers = numbers
        self.saf = Saf(config.saf)

    def complete(self, transaction: Transaction, now_us: int) -> list[Effect]:
        """What was approved was done: 0220 where cash moved and the dialect wants one."""
        _end(transaction, "completed")
        effects: list[Effect] = [row("completed", transaction.request)]
        if self._config.completion_advice and transaction.service in MOVES_CASH:
            advice = completion_advice(
                transaction.request,
                stan=self._numbers.next(now_us),
                now_us=now_us,
                approval_code=transaction.approval_code,
            )
            effects += self.saf.queue(self._config.acquirer_node, advice, now_us, "completion")
        return effects

    def reverse(
        self, transaction: Transaction, reason: str, now_us: int, *, dispensed_jpy: int | None = None
    ) -> list[Effect]:
        """0420: nothing of it stands, or with `dispensed_jpy` only that part (DE95).

        Balance enquiries and PIN changes move no amount, so there is nothing to give back: they are abandoned.
        """
        if transaction.service not in MOVES_CASH:
            _end(transaction, "abandoned")
            return [row("abandoned", transaction.request, reason=reason)]
        _end(transaction, "reversed")
        advice = reversal_advice(
            transaction.request,
            reason,
            stan=self._numbers.next(now_us),
            now_us=now_us,
            dispensed_jpy=dispensed_jpy,
            approval_code=transaction.approval_code,
        )
        return self.saf.queue(self._config.acquirer_node, advice, now_us, reason)

    def suspect(self, transaction: Transaction, reason: str) -> Record:
        """The outcome is unknown: an open item for staff, no message (RS6)."""
        _end(transaction, "suspect")
        return row("suspect", transaction.request, reason=reason)

    def decline(self, transaction: Transaction, code: str) -> Record:
        """The bank refused, so there is nothing to undo (RS7)."""
        _end(transaction, "declined")
        return row("declined", transaction.request, code=code)


def _end(transaction: Transaction, ending: Ending) -> None:
    assert not transaction.ending, f"a transaction ends once: {transaction.ending}, then {ending}"
    transaction.ending = ending
