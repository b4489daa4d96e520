"""The notes of one ATM, counted from outside: by what passed its shutter, not by what it says (I7, I9).

The harness stands where the customer stands. Notes leave the machine when a person takes them from the open shutter
and enter it when a person puts them in; everything else only moves them about inside. Notes that were taken past the
machine's sensors it goes on vouching for, until staff count the suspect transaction; from then on it may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Protocol

from atm_sim.checks.invariants.findings import Findings
from atm_sim.sansio.effects import (
    CashTaken,
    Dispensed,
    Effect,
    Event,
    PowerLost,
    Record,
    Send,
    ServiceChosen,
    Show,
    TakenUnseen,
)
from atm_sim.terminal.config import TerminalConfig
from bank_host.iso8583.composite import service_of
from bank_host.iso8583.identity import original_key, request_id
from bank_host.iso8583.message import Message

_NOTES_MOVED = frozenset({"cassette", "retracted", "cash_taken", "completed", "suspect", "counted"})


class CashInside(Protocol):
    """What a cash unit says of its notes."""

    def total_jpy(self) -> int: ...

    def every_note(self) -> Counter[int]: ...


class MachineUnderWatch(Protocol):
    """What the auditor looks at in an ATM."""

    @property
    def cash(self) -> CashInside: ...

    @property
    def config(self) -> TerminalConfig: ...


class AtmTransaction:
    """One 0200 of an ATM and the cash that changed hands for it."""

    __slots__ = ("amount_jpy", "ending", "paid_jpy", "request_id", "service", "unseen")

    def __init__(self, service: str, amount_jpy: int, chain: str) -> None:
        self.service = service
        self.amount_jpy = amount_jpy
        self.request_id = chain
        self.paid_jpy = 0  # the bank's cash that went out; negative for a deposit that was kept
        self.unseen: Counter[int] = Counter()  # of those notes, what the machine cannot know of yet
        self.ending = ""  # '' | completed | suspect | counted


class Machine:
    """One ATM as seen from in front of its shutter."""

    __slots__ = (
        "_at_shutter",
        "_cash",
        "_current",
        "_hands",
        "_loaded",
        "_open",
        "_unseen",
        "completes_by_advice",
        "loaded_jpy",
        "paid_jpy",
        "terminal_id",
        "transactions",
    )

    def __init__(self, terminal: MachineUnderWatch) -> None:
        self._cash = terminal.cash
        self._loaded = terminal.cash.every_note()
        self._hands: Counter[int] = Counter()  # notes that people carried away, less those they brought
        self._at_shutter: Counter[int] = Counter()
        self._unseen: Counter[int] = Counter()  # notes that are gone, and that the machine still vouches for
        self._open = False
        self._current: AtmTransaction | None = None
        self.terminal_id: str = terminal.config.terminal_id
        self.completes_by_advice: bool = terminal.config.completion_advice
        self.loaded_jpy = terminal.cash.total_jpy()
        self.paid_jpy = 0
        self.transactions: dict[str, AtmTransaction] = {}  # by the key that the bank knows it under

    @property
    def counted_jpy(self) -> int:
        """The bank's cash that lies in the machine."""
        return self._cash.total_jpy() - _value(self._unseen)

    def in_session(self, about: AtmTransaction) -> bool:
        """Is it the latest transaction, still without an end?"""
        return about is self._current and not about.ending

    def handled(self, event: Event, effects: Iterable[Effect], found: Findings) -> None:
        """Follow the notes through one event, then count them if any moved."""
        moved = self._happened(event)
        for effect in effects:
            if isinstance(effect, Send):
                moved |= self._sent(event, effect.message)
            elif isinstance(effect, Show):
                self._open = effect.screen == "take_cash"
            elif isinstance(effect, Record) and effect.kind in _NOTES_MOVED:
                self._recorded(effect)
                moved = True
        if moved:
            self._count(found)

    def _happened(self, event: Event) -> bool:
        """What passes the shutter by the event alone; True when notes moved."""
        if isinstance(event, Dispensed):
            self._at_shutter = Counter(dict(event.notes))
            return True
        if isinstance(event, CashTaken) and self._open:
            self._carried_away()
            return True
        if isinstance(event, TakenUnseen) and self._current is not None:
            self._current.unseen.update(dict(event.notes))
            self._unseen.update(dict(event.notes))
            self._taken(Counter(dict(event.notes)))
            return True
        if isinstance(event, PowerLost):
            self._open = False
        return False

    def _carried_away(self) -> None:
        self._taken(self._at_shutter)
        self._open = False

    def _taken(self, notes: Counter[int]) -> None:
        """From the shutter into somebody's hands."""
        self._hands.update(notes)
        if self._current is not None and self._current.service == "withdraw":
            self._current.paid_jpy += _value(notes)
            self.paid_jpy += _value(notes)
        self._at_shutter = self._at_shutter - notes

    def _sent(self, event: Event, message: Message) -> bool:
        """A new 0200: the transaction that notes from now on belong to."""
        if message.mti != "0200":
            return False
        service = service_of(message[3])
        self._current = AtmTransaction(service, int(message[4]), request_id(message))
        self.transactions[original_key(message)] = self._current
        if service == "deposit" and isinstance(event, ServiceChosen):
            self._at_shutter = Counter(dict(event.notes))
            self._hands.subtract(self._at_shutter)
            return True
        return False

    def _recorded(self, record: Record) -> None:
        """What the machine says about how a transaction ended: mostly the current one."""
        kind, about = record.kind, self._current
        if kind == "counted":
            about = next(each for each in self.transactions.values() if each.request_id == record.request_id)
            self._unseen.subtract(about.unseen)
            about.unseen, about.ending = Counter(), kind
        elif kind == "retracted":
            self._at_shutter = Counter()
        elif about is not None and kind in ("completed", "suspect") and record.request_id == about.request_id:
            if kind == "completed" and about.service == "deposit" and not about.ending:
                about.paid_jpy -= about.amount_jpy
                self.paid_jpy -= about.amount_jpy
                self._at_shutter = Counter()
            about.ending = kind

    def _count(self, found: Findings) -> None:
        found.checked["I9"] += 1
        inside, expected = self._cash.every_note(), Counter(self._loaded)
        expected.subtract(self._hands)
        expected.update(self._unseen)
        for note in sorted({*inside, *expected}):
            if inside[note] != expected[note]:
                found.breach("I9", f"{expected[note]} notes of ¥{note:,} in the machine", f"{inside[note]}")
        found.checked["I7"] += 1
        due_jpy = self.loaded_jpy - self.paid_jpy
        if self.counted_jpy != due_jpy:
            found.breach("I7", f"¥{due_jpy:,} in cassettes and bins", f"¥{self.counted_jpy:,}")


def _value(notes: Counter[int]) -> int:
    return sum(note * count for note, count in notes.items())
