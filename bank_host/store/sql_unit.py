"""One unit of work in a database: rows are fetched under lock, changed in memory, written at once when it ends.

It is the unit of work in memory over the rows that it has fetched: what a change means stands once, in
`bank_host.store.memory_unit`. Whole batches are fetched and written with the same few statements as one request.

Lock order: accounts in the order of their numbers, each with its cards; whoever holds an account's row holds its limit
uses, raises and tokens too, since nobody changes those without it. The rows that every customer shares (cached balances
of the bank's own ledger accounts, the end of the hash chain) come last, sorted. On SQLite `FOR UPDATE` is not sent:
there BEGIN IMMEDIATE gives the whole database to one unit of work at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from types import TracebackType
from typing import Any

from sqlalchemy import Engine, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bank_host.ledger.posting import Post
from bank_host.rules import changes
from bank_host.rules.changes import Change
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    CardFacts,
    Exchange,
    Raise,
    Token,
    Transfer,
)
from bank_host.store import sql_statements as sql
from bank_host.store.contract import ActResult, Conflict, ExceptionRow, Wanted
from bank_host.store.engine import as_ours
from bank_host.store.memory_unit import MemoryUnit, Tables
from bank_host.store.sealing import StoreKeys, unseal
from bank_host.store.sql_writes import Writes, last_number, reserve
from bank_host.store.writing import CUSTOMER

_SEALED = ""  # in place of a card number that is known to be kept and was not asked for


class SqlUnit(MemoryUnit):
    """See `bank_host.store.contract.UnitOfWork` for what each method promises."""

    __slots__ = (
        "_chain_name",
        "_connection",
        "_engine",
        "_fetched",
        "_forced",
        "_keys",
        "_last_number",
        "_numbers",
    )

    def __init__(self, engine: Engine, keys: StoreKeys, chain_name: str) -> None:
        super().__init__(Tables())
        self._engine = engine
        self._keys = keys
        self._chain_name = chain_name
        self._fetched: set[tuple[Any, ...]] = set()  # what was looked for, found or not
        self._forced: set[str] = set()  # accounts that a forced posting has moved
        self._numbers: deque[int] = deque()  # host sequence numbers reserved for this unit
        self._last_number: int | None = None  # on SQLite: the latest one given out

    def __enter__(self) -> SqlUnit:
        super().__enter__()
        try:
            self._connection = self._engine.connect()
        except PoolTimeout:
            raise Conflict("every connection to the database is taken") from None
        except DBAPIError as error:
            raise as_ours(error) from error
        try:
            self._connection.begin()
        except DBAPIError as error:
            self._connection.close()
            raise as_ours(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing the connection rolls back what has not been committed.
        with self._connection:
            if kind is not None:
                return
            try:
                writes = Writes(self._connection, self._keys, self._chain_name)
                writes.write(self._tables, self._undo, self._forced, self._last_number)
            except DBAPIError as refused:
                raise as_ours(refused) from refused
            try:
                self._connection.commit()
            except DBAPIError as refused:
                self._connection.invalidate()  # a failed COMMIT may leave the transaction, and its locks, open
                raise as_ours(refused) from refused

    # ---------------------------------------------------------------- fetching

    def _rows(self, statement: Executable, keys: Iterable[str], **more: Any) -> Sequence[Any]:
        try:
            return self._connection.execute(statement, {"keys": list(keys), **more}).all()
        except DBAPIError as error:
            raise as_ours(error) from error

    def _new(self, kind: str, keys: Iterable[str], *more: Any) -> list[str]:
        """Those of `keys` that were not looked for yet, sorted; from now on they were."""
        fetched = self._fetched
        new = sorted({key for key in keys if key and (kind, key, *more) not in fetched})
        fetched.update((kind, key, *more) for key in new)
        return new

    def _fetch_accounts(self, account_ids: Iterable[str]) -> None:
        if new := self._new("account", account_ids):
            for row in self._rows(sql.ACCOUNTS, new):
                self._tables.accounts.setdefault(row.account_id, Account._make(row))

    def _fetch_cards(self, card_ids: Iterable[str]) -> None:
        """Cards with their accounts."""
        if new := self._new("card", card_ids):
            tables, size = self._tables, len(Card._fields)
            for row in self._rows(sql.CARDS_WITH_ACCOUNTS, new):
                card, account = Card._make(row[:size]), Account._make(row[size:])
                tables.cards.setdefault(card.card_id, card)
                tables.accounts.setdefault(account.account_id, account)
                self._fetched.add(("account", account.account_id))

    def _fetch_uses(self, account_ids: Iterable[str], day: date) -> None:
        if new := self._new("uses", account_ids, day):
            used: dict[tuple[str, date], dict[str, int]] = {}
            for row in self._rows(sql.USES, new, of_day=day):
                used.setdefault((row.account_id, day), {})[row.medium] = row.used_jpy
            for key, by_medium in used.items():
                self._tables.used.setdefault(key, by_medium)

    def _fetch_months(self, account_ids: Iterable[str], month: str) -> None:
        if new := self._new("month", account_ids, month):
            for row in self._rows(sql.MONTHS, new, of_month=month):
                self._tables.month_uses.setdefault(row[:3], row.uses)

    def _fetch_raises(self, account_ids: Iterable[str], day: date) -> None:
        if new := self._new("raise", account_ids, day):
            self._add_raises(self._rows(sql.RAISES, new, of_day=day))

    def _add_raises(self, rows: Iterable[Any]) -> None:
        tables = self._tables
        for row in rows:
            if (row.account_id, row.day) not in tables.raises:
                tables.raises[row.account_id, row.day] = Raise._make(row)
            days = {*tables.raise_days.get(row.account_id, ()), row.day}
            tables.raise_days[row.account_id] = tuple(sorted(days))

    def _fetch_exchanges(self, keys: Iterable[str]) -> None:
        if new := self._new("exchange", keys):
            for row in self._rows(sql.EXCHANGES, new):
                self._tables.exchanges[row.key] = Exchange._make(row)

    def _fetch_authorisations(self, keys: Iterable[str]) -> None:
        """The lock of an authorisation's account comes before its own, whoever asks."""
        if new := self._new("authorisation", keys):
            found = self._rows(sql.ACCOUNTS_OF_AUTHORISATIONS, new)
            self._fetch_accounts(row.account_id for row in found)
            for row in self._rows(sql.AUTHORISATIONS, new) if found else ():
                self._tables.authorisations.setdefault(row.original_key, Authorisation._make(row))

    def _fetch_items(self, keys: Iterable[str]) -> None:
        if new := self._new("item", keys):
            for row in self._rows(sql.ITEMS, new):
                self._tables.exceptions.setdefault(row.key, ExceptionRow._make(row))

    def _fetch_all_of(self, account_id: str, day: date) -> None:
        """Whatever an act of the account's holder may look at."""
        if not self._new("all", (account_id,), day):
            return
        tables, mine = self._tables, (account_id,)
        for row in self._rows(sql.CUSTOMERS, mine):
            tables.customers.setdefault(account_id, sql.row_customer(row))
        for row in self._rows(sql.CARDS_OF_ACCOUNTS, mine):
            tables.cards.setdefault(row.card_id, Card._make(row))
            self._fetched.add(("card", row.card_id))
            self._belongs(tables.card_ids, account_id, row.card_id)
        for row in self._rows(sql.TOKENS_OF_ACCOUNTS, mine):
            self._add_token_row(row)
        self._add_raises(self._rows(sql.RAISES_FROM, mine, of_day=day))
        for row in self._rows(sql.TRANSFERS_OF_ACCOUNTS, mine, of_day=day):
            tables.transfers.setdefault(row.transfer_id, sql.row_transfer(row))
            self._fetched.add(("transfer", row.transfer_id))
            self._belongs(tables.transfer_ids, account_id, row.transfer_id)
        for row in self._rows(sql.NUMBERED, mine):
            tables.pans.setdefault(row.card_id, _SEALED)

    def _add_token_row(self, row: Any) -> None:
        if row.serial not in self._tables.tokens:
            secret = unseal(self._keys, row.serial, row.secret_sealed)
            self._tables.tokens[row.serial] = sql.row_token(row, secret)
        self._fetched.add(("token", row.serial))
        self._belongs(self._tables.serials, row.account_id, row.serial)

    @staticmethod
    def _belongs(index: dict[str, tuple[str, ...]], account_id: str, key: str) -> None:
        index[account_id] = tuple(sorted({*index.get(account_id, ()), key}))

    # ---------------------------------------------------------------- loads

    def prefetch(self, wanted: Iterable[Wanted], day: date, month: str) -> None:
        wanted = list(wanted)
        self._fetch_cards(want.card_id for want in wanted)
        self._fetch_standing(list(self._tables.accounts), day, month)
        self._fetch_exchanges(want.key for want in wanted)
        self._fetch_authorisations(want.original_key for want in wanted)
        if self._connection.dialect.name == "postgresql":
            self._reserve(len(wanted))

    def _reserve(self, count: int) -> None:
        """Numbers from PostgreSQL's sequence: nobody waits for another, and those that are not used leave a gap."""
        try:
            self._numbers.extend(reserve(self._connection, "host_number", count))
        except DBAPIError as error:
            raise as_ours(error) from error

    def _fetch_standing(self, account_ids: list[str], day: date, month: str) -> None:
        self._fetch_uses(account_ids, day)
        self._fetch_raises(account_ids, day)
        self._fetch_months(account_ids, month)

    def next_seq(self) -> int:
        if (
            self._connection.dialect.name != "postgresql"
        ):  # this unit has the database to itself, so it counts on
            if self._last_number is None:
                self._last_number = last_number(self._connection, "host_number")
            self._last_number += 1
            return self._last_number
        if not self._numbers:
            self._reserve(1)
        return self._numbers.popleft()

    def exchange(self, key: str) -> Exchange | None:
        self._fetch_exchanges((key,))
        return super().exchange(key)

    def authorisation(self, original_key: str) -> Authorisation | None:
        self._fetch_authorisations((original_key,))
        return super().authorisation(original_key)

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        self._fetch_cards((card_id,))
        card = self._tables.cards.get(card_id)
        if card is not None:
            self._fetch_standing([card.account_id], day, month)
        return super().card_facts(card_id, day, month, service, medium)

    def act_facts(self, account_id: str, day: date, payee_id: str = "") -> ActFacts | None:
        self._fetch_accounts((account_id, payee_id))
        if account_id in self._tables.accounts:
            self._fetch_all_of(account_id, day)
        return super().act_facts(account_id, day, payee_id)

    def act_result(self, key: str) -> ActResult | None:
        if self._new("act_result", (key,)):
            for row in self._rows(sql.ACT_RESULTS, (key,)):
                self._tables.act_results[key] = ActResult(*row[1:])
        return super().act_result(key)

    def transfer(self, transfer_id: str) -> Transfer | None:
        known = super().transfer(transfer_id)
        if known is not None:
            return known
        rows = self._rows(sql.TRANSFERS, (transfer_id,))
        return sql.row_transfer(rows[0]) if rows else None

    def serial_taken(self, serial: str) -> bool:
        return super().serial_taken(serial) or bool(self._rows(sql.TOKENS, (serial,)))

    def card_taken(self, card_id: str) -> bool:
        return super().card_taken(card_id) or bool(self._rows(sql.ACCOUNTS_OF_CARDS, (card_id,)))

    def exception_item(self, key: str) -> ExceptionRow | None:
        self._fetch_items((key,))
        return super().exception_item(key)

    def pan(self, card_id: str) -> str | None:
        known = super().pan(card_id)
        if known:
            return known
        rows = self._rows(sql.PANS, (card_id,))
        return unseal(self._keys, card_id, rows[0].pan_sealed) if rows else None

    # ---------------------------------------------------------------- writes

    def apply(self, wanted: Iterable[Change], now_us: int) -> None:
        for change in wanted:
            _TOUCHED[type(change)](self, change)
            super().apply((change,), now_us)

    def add_card(self, card: Card) -> None:
        self._fetch_accounts((card.account_id,))
        super().add_card(card)

    def add_token(self, token: Token) -> None:
        self._fetch_accounts((token.account_id,))
        super().add_token(token)

    def add_pan(self, card_id: str, pan: str) -> None:
        self._fetch_cards((card_id,))
        super().add_pan(card_id, pan)

    def _move_customer(self, account_id: str, amount_jpy: int, forced: bool) -> None:
        super()._move_customer(account_id, amount_jpy, forced)
        if forced:
            self._forced.add(account_id)

    # ---------------------------------------------------------------- the rows that a change touches

    def _of_post(self, change: Post) -> None:
        books = (book for book, _ in change.legs if book.startswith(CUSTOMER))
        self._fetch_accounts(book[len(CUSTOMER) :] for book in books)

    def _of_account(self, change: Any) -> None:
        self._fetch_accounts((change.account_id,))

    def _of_card(self, change: Any) -> None:
        self._fetch_cards((change.card_id,))

    def _of_customer(self, change: Any) -> None:
        self._fetch_accounts((change.account_id,))
        if change.account_id not in self._tables.customers:
            for row in self._rows(sql.CUSTOMERS, (change.account_id,)):
                self._tables.customers[change.account_id] = sql.row_customer(row)

    def _of_token(self, change: Any) -> None:
        if self._new("token", (change.serial,)):
            for row in self._rows(sql.TOKENS, (change.serial,)):
                self._add_token_row(row)

    def _of_use(self, change: changes.CountUse) -> None:
        self._of_account(change)
        self._fetch_uses((change.account_id,), change.day)

    def _of_month(self, change: changes.CountMonth) -> None:
        self._of_account(change)
        self._fetch_months((change.account_id,), change.month)

    def _of_raise(self, change: Any) -> None:
        self._of_account(change)
        self._fetch_raises((change.account_id,), change.day)

    def _of_new_transfer(self, change: changes.OpenTransfer) -> None:
        self._fetch_accounts((change.transfer.account_id,))

    def _of_transfer(self, change: changes.MoveTransfer) -> None:
        if self._new("transfer", (change.transfer_id,)):
            for row in self._rows(sql.TRANSFERS.with_for_update(), (change.transfer_id,)):
                self._tables.transfers.setdefault(row.transfer_id, sql.row_transfer(row))

    def _of_authorisation(self, change: changes.Resolve) -> None:
        self._fetch_authorisations((change.original_key,))

    def _of_item(self, change: changes.CloseException) -> None:
        self._fetch_items((change.key,))

    def _of_nothing(self, change: Any) -> None:
        """A row of its own, that nobody can have changed."""


_TOUCHED: dict[type, Callable[[SqlUnit, Any], None]] = {
    Post: SqlUnit._of_post,
    changes.CountUse: SqlUnit._of_use,
    changes.CountMonth: SqlUnit._of_month,
    changes.SetAccount: SqlUnit._of_account,
    changes.SetCard: SqlUnit._of_card,
    changes.SetToken: SqlUnit._of_token,
    changes.SetCustomer: SqlUnit._of_customer,
    changes.AddToken: SqlUnit._of_nothing,
    changes.AddCard: SqlUnit._of_nothing,
    changes.OpenTransfer: SqlUnit._of_new_transfer,
    changes.MoveTransfer: SqlUnit._of_transfer,
    changes.ChargePin: SqlUnit._of_card,
    changes.ChargeOtp: SqlUnit._of_account,
    changes.ChargeLogin: SqlUnit._of_customer,
    changes.ConsumeStep: SqlUnit._of_token,
    changes.PutRaise: SqlUnit._of_raise,
    changes.CancelRaise: SqlUnit._of_raise,
    changes.Open: SqlUnit._of_nothing,
    changes.Resolve: SqlUnit._of_authorisation,
    changes.Notify: SqlUnit._of_nothing,
    changes.Audit: SqlUnit._of_nothing,
    changes.RaiseException: SqlUnit._of_nothing,
    changes.CloseException: SqlUnit._of_item,
}
