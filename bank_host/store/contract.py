"""The contract that every store keeps: load facts, apply changes, commit once (architecture: unit of work).

Stores never decide. `begin()` opens a unit of work; leaving it normally commits, leaving it by an exception
rolls everything back. Rows that are loaded stay locked until then, always in the order account, limit use,
card, so that two units of work on the same customer take turns. `Conflict`, from any call or from the commit,
means that the unit of work has to run again from the start (the host does, with a cap); `Refused` means a
guarded change found its condition false and nothing of it was written. `Unavailable`, from any call, means that
the store does not work at all; coming from the commit it leaves open whether the unit of work took place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, NamedTuple, Protocol

from bank_host.rules.changes import Change
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    CardFacts,
    Customer,
    Exchange,
    Sides,
    Token,
    Transfer,
)


class Conflict(Exception):
    """Another unit of work got in between; run this one again."""


class Refused(Exception):
    """A guarded change (charge, token step) found its condition false."""


class Unavailable(Exception):
    """The store cannot be reached, or fails; to run the unit of work again at once would not help."""


class ActResult(NamedTuple):
    """The outcome given for a request id, and the fingerprint of what was asked under it."""

    fingerprint: str
    outcome: str
    reason: str


class JournalRow(NamedTuple):
    seq: int
    key: str
    kind: str
    day: date
    at_us: int
    refers: str
    forced: bool
    legs: tuple[tuple[str, int], ...]


class AuditRow(NamedTuple):
    seq: int
    at_us: int
    actor: str
    channel: str
    account_id: str
    what: str
    before: str
    after: str
    reason: str


class OutboxRow(NamedTuple):
    seq: int
    key: str
    at_us: int
    account_id: str
    kind: str
    amount_jpy: int
    state: str  # waiting | addressed: its mail rows tell the rest
    address: str = ""  # the one address it is for; '' = every registered one


class MailRow(NamedTuple):
    """A notice on its way to one address."""

    seq: int  # of its outbox row
    address: str  # '' in the dead letter of a notice that had nowhere to go
    key: str
    at_us: int  # of the event
    account_id: str
    kind: str
    amount_jpy: int
    state: str  # waiting | sent | dead
    attempts: int  # started, also those that nobody has heard of since
    next_at_us: int  # not before this: the end of a quiet time, a lease or a delay
    problem: str  # why the last attempt failed


class ExceptionRow(NamedTuple):
    seq: int
    key: str
    at_us: int
    kind: str
    account_id: str
    amount_jpy: int
    detail: str
    state: str  # open | closed


class Wanted(NamedTuple):
    """What a message will be decided from, to be fetched with that of others: its card, its identity, its original."""

    card_id: str
    key: str
    original_key: str
    decided: bool = False  # whether this unit is sure to write its history


class UnitOfWork(Protocol):
    """One transaction. Loads lock what they return."""

    def prefetch(self, wanted: Iterable[Wanted], day: date, month: str) -> None:
        """Fetch at once what the messages of a batch will ask for; asking without it gives the same, one by one."""

    def next_seq(self) -> int:
        """The host's next sequence number, strictly growing over the life of the store."""

    def exchange(self, key: str) -> Exchange | None: ...

    def authorisation(self, original_key: str) -> Authorisation | None: ...

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        """Facts of a card transaction, or None when the bank does not know the card."""

    def act_facts(self, account_id: str, day: date, payee_id: str = "") -> ActFacts | None:
        """Facts of an act, with the account that a transfer goes to; both accounts are locked in order."""

    def act_result(self, key: str) -> ActResult | None:
        """What was already answered for a request id, or None."""

    def transfer(self, transfer_id: str) -> Transfer | None:
        """A transfer as it was entered, to learn its payee; it is not locked, and its state may move on."""

    def serial_taken(self, serial: str) -> bool:
        """Does any token have this serial number?"""

    def card_taken(self, card_id: str) -> bool:
        """Does the bank know any card by this name?"""

    def exception_item(self, key: str) -> ExceptionRow | None: ...

    def pan(self, card_id: str) -> str | None:
        """The card's number, which the PIN module asks for; None where the bank does not keep it."""

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        """Write the changes in order. After Refused or Conflict the unit of work must be left by raising."""

    def remember(self, exchange: Exchange) -> None:
        """Keep a message identity with its answer. Raises Conflict when the identity is already there."""

    def remember_act(self, key: str, result: ActResult) -> None: ...

    # set-up of the bank, not part of any decision
    def add_account(self, account: Account, customer: Customer | None = None) -> None:
        """Open an account with its holder; without one, an empty row is written."""

    def add_card(self, card: Card) -> None: ...

    def add_token(self, token: Token) -> None: ...

    def add_pan(self, card_id: str, pan: str) -> None:
        """Keep a card's number, sealed where the store outlives the process."""


class Delivery(Protocol):
    """The way of notices from the outbox to their addresses. Each writing call is a commit of its own.

    Nothing here decides: `bank_host.notices` does. Several relays may work on one store; a guarded write tells
    each of them whether it was first. `Conflict` means: not written, look again later.
    """

    def unaddressed(self) -> Iterator[OutboxRow]:
        """Notices in state `waiting`, oldest first."""

    def emails(self, account_id: str) -> tuple[str, ...]:
        """The registered addresses of an account's holder."""

    def mail(self, state: str) -> Iterator[MailRow]:
        """Mail in this state, in the order of its notices."""

    def address(self, seq: int, mail: Iterable[MailRow]) -> bool:
        """Give a waiting notice its mail rows; False, and nothing is written, when another relay has done so."""

    def move(self, before: MailRow, after: MailRow) -> bool:
        """Write state, attempts, time and problem of `after` if the row still is `before`, else False."""


class Store(Protocol):
    """A bank's storage. A sweep reads a consistent picture and is for verify, checks and reports."""

    @property
    def delivery(self) -> Delivery: ...

    def begin(self) -> AbstractContextManager[UnitOfWork]: ...

    def close(self) -> None: ...

    def snapshot(self) -> AbstractContextManager[Store]:
        """The store at one moment, to be read only, while units of work go on."""

    # sweeps, each in ascending order of its key
    def accounts(self) -> Iterator[Account]: ...

    def customers(self) -> Iterator[Customer]: ...

    def cards(self) -> Iterator[Card]: ...

    def tokens(self) -> Iterator[Token]: ...

    def transfers(self) -> Iterator[Transfer]: ...

    def balances(self) -> Iterator[tuple[str, int]]:
        """(ledger account, cached balance in yen)."""

    def journal(self) -> Iterator[JournalRow]: ...

    def authorisations(self) -> Iterator[Authorisation]: ...

    def limit_uses(self) -> Iterator[tuple[str, date, str, int]]:
        """(account, JST day, medium, used yen)."""

    def exchanges(self) -> Iterator[Exchange]: ...

    def audit(self) -> Iterator[AuditRow]: ...

    def outbox(self) -> Iterator[OutboxRow]: ...

    def mail(self) -> Iterator[MailRow]: ...

    def exceptions(self) -> Iterator[ExceptionRow]: ...

    def raises(self) -> Iterator[Any]:
        """Every dated raise (`bank_host.rules.facts.Raise`), cancelled ones included."""

    def movements(self, account_id: str) -> Iterator[JournalRow]:
        """The postings that touch a customer's balance, in posting order."""

    def sides(self, account_id: str) -> Iterator[Sides]:
        """Of every posted transfer from or to this account: who sent it, who got it. In any order."""

    def notices(self, account_id: str) -> Iterator[OutboxRow]:
        """The notices of an account, in the order of their events."""

    def items(self, account_id: str) -> Iterator[ExceptionRow]:
        """The exception items of an account, the oldest first."""

    # what is due
    def due_transfers(self, now_us: int) -> Iterator[Transfer]:
        """Reserved transfers whose time has come, the earliest first."""

    def due_releases(self, day: date) -> Iterator[tuple[str, str]]:
        """(account, serial number) of ID cards whose lock ends on or before the JST day."""

    def open_authorisations(self, before_us: int) -> Iterator[str]:
        """Keys of approvals from before this time that nobody has ended, the oldest first."""

    def chain_faults(self) -> Iterator[str]:
        """What the hash chain over journal and audit finds wrong (I6); nothing in a store without a chain."""
