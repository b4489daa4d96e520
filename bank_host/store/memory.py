"""The store of simulations: plain dictionaries of frozen rows behind the same contract as the SQL store.

Nothing survives the process, so the keyed hash chain (invariant I6) is left to the SQL store. This file reads
the store whole; a unit of work is in `bank_host.store.memory_unit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from typing import Any

from bank_host.ledger.entries import TRANSFER_KEY
from bank_host.ledger.posting import customer
from bank_host.rules.facts import (
    Account,
    Authorisation,
    Card,
    Customer,
    Exchange,
    Payee,
    Raise,
    Sides,
    Token,
    Transfer,
)
from bank_host.store.contract import AuditRow, ExceptionRow, JournalRow, MailRow, OutboxRow
from bank_host.store.delivery import MemoryDelivery
from bank_host.store.memory_unit import MemoryUnit, Tables


class MemoryStore:
    """A bank's storage in memory. See `bank_host.store.contract` for what each method promises."""

    def __init__(self) -> None:
        self._tables = Tables()

    @property
    def delivery(self) -> MemoryDelivery:
        return MemoryDelivery(self._tables)

    def begin(self) -> MemoryUnit:
        return MemoryUnit(self._tables)

    def close(self) -> None:
        """Nothing to give back: the rows go with the object."""

    def snapshot(self) -> AbstractContextManager[MemoryStore]:
        """A copy of the rows, which are never changed in place."""
        copied, tables = MemoryStore(), self._tables
        with tables.lock:
            rows = {name: value for name, value in vars(tables).items() if isinstance(value, dict | list)}
            vars(copied._tables).update({name: value.copy() for name, value in rows.items()})
        return nullcontext(copied)

    # ---------------------------------------------------------------- sweeps

    def _sorted(self, rows: dict[Any, Any]) -> list[Any]:
        with self._tables.lock:
            return sorted(rows.items())

    def accounts(self) -> Iterator[Account]:
        return (row for _, row in self._sorted(self._tables.accounts))

    def customers(self) -> Iterator[Customer]:
        return (row for _, row in self._sorted(self._tables.customers))

    def cards(self) -> Iterator[Card]:
        return (row for _, row in self._sorted(self._tables.cards))

    def tokens(self) -> Iterator[Token]:
        return (row for _, row in self._sorted(self._tables.tokens))

    def transfers(self) -> Iterator[Transfer]:
        return (row for _, row in self._sorted(self._tables.transfers))

    def balances(self) -> Iterator[tuple[str, int]]:
        with self._tables.lock:
            customers = [(customer(key), row.posted_jpy) for key, row in self._tables.accounts.items()]
            return iter(sorted([*customers, *self._tables.books.items()]))

    def journal(self) -> Iterator[JournalRow]:
        with self._tables.lock:
            return iter(self._tables.journal[:])

    def authorisations(self) -> Iterator[Authorisation]:
        return (row for _, row in self._sorted(self._tables.authorisations))

    def limit_uses(self) -> Iterator[tuple[str, date, str, int]]:
        for (account_id, day), by_medium in self._sorted(self._tables.used):
            for medium, used_jpy in sorted(by_medium.items()):
                yield account_id, day, medium, used_jpy

    def exchanges(self) -> Iterator[Exchange]:
        return (row for _, row in self._sorted(self._tables.exchanges))

    def audit(self) -> Iterator[AuditRow]:
        with self._tables.lock:
            return iter(self._tables.audit[:])

    def outbox(self) -> Iterator[OutboxRow]:
        with self._tables.lock:
            return iter(self._tables.outbox[:])

    def mail(self) -> Iterator[MailRow]:
        return (row for _, row in self._sorted(self._tables.mail))

    def exceptions(self) -> Iterator[ExceptionRow]:
        with self._tables.lock:
            return iter(list(self._tables.exceptions.values()))

    def raises(self) -> Iterator[Raise]:
        return (row for _, row in self._sorted(self._tables.raises))

    def movements(self, account_id: str) -> Iterator[JournalRow]:
        book = customer(account_id)
        return (row for row in self.journal() if any(leg[0] == book for leg in row.legs))

    def sides(self, account_id: str) -> Iterator[Sides]:
        tables = self._tables
        for posting in self.movements(account_id):
            entered = tables.transfers if posting.kind == "transfer" else {}
            if entry := entered.get(posting.key.removeprefix(TRANSFER_KEY)):
                name = tables.customers[entry.account_id].name
                yield Sides(posting.key, "", entry.account_id, name, entry.payee)
            elif sender := tables.senders.get(posting.key):
                yield Sides(posting.key, sender.bank, "", sender.name, Payee("", account_id))

    def notices(self, account_id: str) -> Iterator[OutboxRow]:
        return (row for row in self.outbox() if row.account_id == account_id)

    def items(self, account_id: str) -> Iterator[ExceptionRow]:
        return (row for row in self.exceptions() if row.account_id == account_id)

    # ---------------------------------------------------------------- what is due

    def due_transfers(self, now_us: int) -> Iterator[Transfer]:
        due = [row for row in self.transfers() if row.state == "reserved" and row.due_us <= now_us]
        return iter(sorted(due, key=lambda row: (row.due_us, row.transfer_id)))

    def due_releases(self, day: date) -> Iterator[tuple[str, str]]:
        return (
            (row.account_id, row.serial)
            for row in self.tokens()
            if row.locked and row.release_on is not None and row.release_on <= day
        )

    def open_authorisations(self, before_us: int) -> Iterator[str]:
        rows = [row for row in self.authorisations() if row.state == "open" and row.at_us <= before_us]
        return (row.original_key for row in sorted(rows, key=lambda row: (row.at_us, row.original_key)))

    def chain_faults(self) -> Iterator[str]:
        return iter(())
