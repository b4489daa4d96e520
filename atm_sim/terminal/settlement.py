"""How a transaction ends: declined, completed, reversed or suspect, exactly once (RS1-RS7, X6, security I12).

Completion and reversal become advices in the store-and-forward queue. A suspect transaction sends nothing:
nobody knows yet whether the customer holds the notes, so nothing may be credited until staff have counted. It
stays an open item with the notes that were at stake, and the count then ends it like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

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

    @property
    def position(self) -> tuple[int, int]:
        """The day and its latest number: where to go on from."""
        return self._day_us, self._count

    def go_on_from(self, day_us: int, count: int) -> None:
        self._day_us, self._count = day_us, count

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
    fee_jpy: int = 0  # that the bank takes for it
    presented_jpy: int = 0  # what the dispenser brought to the shutter
    ending: Ending = ""


class Suspect(NamedTuple):
    """An open item: nobody knows whether the customer holds these notes or the machine does (RS6)."""

    transaction: Transaction
    notes: Notes


class Settlement:
    """Ends transactions, and keeps their advices until the other side has accepted them."""

    __slots__ = ("_config", "_numbers", "saf", "suspects")

    def __init__(self, config: TerminalConfig, numbers: TraceNumbers) -> None:
        self._config = config
        self._numbers = numbers
        self.saf = Saf(config.saf)
        self.suspects: list[Suspect] = []  # oldest first

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

    def suspect(self, transaction: Transaction, notes: Notes, reason: str) -> Record:
        """Where `notes` are is unknown: an open item for staff, no message (RS6)."""
        _end(transaction, "suspect")
        self.suspects.append(Suspect(transaction, notes))
        return row("suspect", transaction.request, reason=reason)

    def counted(self, suspect: Suspect, taken_jpy: int, now_us: int) -> list[Effect]:
        """Staff know now what the customer holds: all of it stands, a part (DE95), or nothing (RS6)."""
        self.suspects.remove(suspect)
        transaction = suspect.transaction
        if taken_jpy == transaction.amount_jpy:
            outcome, ending = "paid", self.complete(transaction, now_us)
        else:
            outcome = "part_paid" if taken_jpy else "not_paid"
            ending = self.reverse(transaction, "suspect", now_us, dispensed_jpy=taken_jpy or None)
        counted = row("counted", transaction.request, reason=outcome)
        return [counted._replace(amount_jpy=taken_jpy), *ending]

    def decline(self, transaction: Transaction, code: str) -> Record:
        """The bank refused, so there is nothing to undo (RS7)."""
        _end(transaction, "declined")
        return row("declined", transaction.request, code=code)


def _end(transaction: Transaction, ending: Ending) -> None:
    open_item = transaction.ending == "suspect" and ending in ("completed", "reversed")
    assert open_item or not transaction.ending, (
        f"a transaction ends once: {transaction.ending}, then {ending}"
    )
    transaction.ending = ending
