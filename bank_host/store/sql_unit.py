"""One unit of work in a database: rows are fetched under lock, changed in memory, written at once when it ends.

It is the unit of work in memory over the rows that it has fetched: what a change means stands once, in
`bank_host.store.memory_unit`. Whole batches are fetched and written with the same few statements as one request.

Lock order: accounts in the order of their numbers, each with its cards; whoever holds an account's row holds its limit
uses, raises and tokens too, since nobody changes those without it. The rows that every customer shares (cached balances
of the bank's own ledger accounts, the end of the hash chain) come last, sorted. On SQLite `FOR UPDATE` is not sent:
there BEGIN IMMEDIATE gives the whole database to one unit of work at a time.

A unit leaves its connection to the next one. On SQLite, which tells whether anybody else has written in between, it
leaves its rows too: the decision does not read again what its charge has read and written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from types import TracebackType
from typing import Any, NamedTuple

from sqlalchemy import Engine

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
from bank_host.store.driver import Query, Session, Statement, key_list, open_session
from bank_host.store.ends import Chain, Ends
from bank_host.store.memory_unit import ABSENT, WRITERS, MemoryUnit, Tables
from bank_host.store.sealing import StoreKeys, unseal
from bank_host.store.sql_writes import Writes
from bank_host.store.writing import CUSTOMER

_SEALED = ""  # in place of a card number that is known to be kept and was not asked for


class Left(NamedTuple):
    """What a unit of work leaves to the next one when it has committed."""

    session: Session
    version: int | None  # of the database, as its rows are known
    tables: Tables
    fetched: set[Hashable]
    ends: Ends


class SqlUnit(MemoryUnit):
    """See `bank_host.store.contract.UnitOfWork` for what each method promises."""

    __slots__ = (
        "_before",
        "_chain",
        "_ends",
        "_engine",
        "_fetched",
        "_forced",
        "_keys",
        "_last_number",
        "_left",
        "_seen",
        "_session",
        "_version",
    )

    def __init__(self, engine: Engine, keys: StoreKeys, chain: Chain, left: list[Left] | None = None) -> None:
        """`left` is where the units of a store leave what the next one may take."""
        super().__init__(Tables())
        self._engine = engine
        self._keys = keys
        self._chain = chain
        self._left = left
        self._before: Left | None = None  # whose rows are still true
        self._fetched: set[Hashable] = set()  # what was looked for, found or not
        self._seen: defaultdict[int, dict[Any, Any]] = defaultdict(
            dict
        )  # by working table, the rows it changed
        self._forced: set[str] = set()  # accounts that a forced posting has moved
        self._last_number: int | None = None  # on SQLite: the latest one given out

    def __enter__(self) -> SqlUnit:
        super().__enter__()
        left = _pop(self._left) if self._left else None
        if left is None:
            self._session = open_session(self._engine)
        else:
            self._session = left.session
            self._session.begin()
        try:
            self._version = self._session.version()
        except BaseException:
            self._session.close()
            raise
        if left is not None and self._version is not None and self._version == left.version:
            self._before = left
        self._ends = Ends(self._session, self._chain, self._before.ends if self._before else None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        kept = False
        try:
            if kind is None:
                tables = self._tables
                with self._chain.moving() if tables.journal or tables.audit else nullcontext():
                    writes = Writes(self._keys, self._ends)
                    self._session.commit(writes.of(tables, self._seen, self._forced, self._last_number))
                if self._left is not None and not self._left:  # one connection is enough
                    left = Left(self._session, self._version, self._tables, self._fetched, self._ends)
                    self._left.append(left)
                    kept = True
        finally:
            if not kept:
                self._session.close()

    # ---------------------------------------------------------------- fetching

    def _rows(self, statement: Statement, keys: Iterable[str], **more: Any) -> Sequence[Any]:
        return self._session.fetch((statement, {"keys": key_list(keys), **more}))[0]

    def _once(self, *what: Hashable) -> bool:
        """Whether this was not looked for yet; from now on it was."""
        if what in self._fetched:
            return False
        self._fetched.add(what)
        return True

    def _new(self, kind: str, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that were not looked for yet, sorted."""
        new = {(kind, key) for key in keys if key} - self._fetched
        self._fetched |= new
        return sorted([key for _, key in new])

    def _fetch_accounts(self, account_ids: Iterable[str]) -> None:
        accounts = self._tables.accounts
        if new := self._new("account", [each for each in account_ids if each not in accounts]):
            for row in self._rows(sql.ACCOUNTS, new):
                accounts.setdefault(row[0], Account._make(row))

    def _fetch_cards(self, card_ids: Iterable[str]) -> None:
        """Cards with their accounts."""
        cards = self._tables.cards
        if new := self._new("card", [each for each in card_ids if each not in cards]):
            self._add_cards(self._rows(sql.CARDS_WITH_ACCOUNTS, new))

    def _add_cards(self, rows: Iterable[Any]) -> None:
        cards, accounts, size = self._tables.cards, self._tables.accounts, len(Card._fields)
        for row in rows:
            card, account = Card._make(row[:size]), Account._make(row[size:])
            cards.setdefault(card.card_id, card)
            accounts.setdefault(account.account_id, account)

    def _fetch_uses(self, account_id: str, day: date) -> None:
        if self._once("uses", account_id, day):
            self._add_uses(self._rows(sql.USES, (account_id,), of_day=day))

    def _add_uses(self, rows: Iterable[Any]) -> None:
        used: dict[tuple[str, date], dict[str, int]] = {}
        for account_id, day, medium, used_jpy in rows:
            used.setdefault((account_id, day), {})[medium] = used_jpy
        for key, by_medium in used.items():
            self._tables.used.setdefault(key, by_medium)

    def _fetch_months(self, account_id: str, month: str) -> None:
        if self._once("month", account_id, month):
            self._add_months(self._rows(sql.MONTHS, (account_id,), of_month=month))

    def _add_months(self, rows: Iterable[Any]) -> None:
        for account_id, month, service, uses in rows:
            self._tables.month_uses.setdefault((account_id, month, service), uses)

    def _fetch_raises(self, account_id: str, day: date) -> None:
        if self._once("raise", account_id, day):
            self._add_raises(self._rows(sql.RAISES, (account_id,), of_day=day))

    def _add_raises(self, rows: Iterable[Any]) -> None:
        tables = self._tables
        for each in map(Raise._make, rows):
            tables.raises.setdefault((each.account_id, each.day), each)
            days = {*tables.raise_days.get(each.account_id, ()), each.day}
            tables.raise_days[each.account_id] = tuple(sorted(days))

    def _fetch_authorisations(self, keys: Iterable[str]) -> None:
        if new := self._new("authorisation", keys):
            self._add_authorisations(self._rows(sql.ACCOUNTS_OF_AUTHORISATIONS, new), new)

    def _add_authorisations(self, accounts: Sequence[Any], keys: Sequence[str]) -> None:
        """The lock of an authorisation's account comes before its own, whoever asks."""
        if accounts:
            self._fetch_accounts(account_id for (account_id,) in accounts)
            for row in self._rows(sql.AUTHORISATIONS, keys):
                self._tables.authorisations.setdefault(row[0], Authorisation._make(row))

    def _fetch_items(self, keys: Iterable[str]) -> None:
        if new := self._new("item", keys):
            for row in map(ExceptionRow._make, self._rows(sql.ITEMS, new)):
                self._tables.exceptions.setdefault(row.key, row)

    def _fetch_all_of(self, account_id: str, day: date) -> None:
        """Whatever an act of the account's holder may look at."""
        if not self._once("all", account_id, day):
            return
        tables, mine = self._tables, (account_id,)
        for row in self._rows(sql.CUSTOMERS, mine):
            tables.customers.setdefault(account_id, sql.row_customer(row))
        for card in map(Card._make, self._rows(sql.CARDS_OF_ACCOUNTS, mine)):
            tables.cards.setdefault(card.card_id, card)
            self._belongs(tables.card_ids, account_id, card.card_id)
        for row in self._rows(sql.TOKENS_OF_ACCOUNTS, mine):
            self._add_token_row(row)
        self._add_raises(self._rows(sql.RAISES_FROM, mine, of_day=day))
        for transfer in map(sql.row_transfer, self._rows(sql.TRANSFERS_OF_ACCOUNTS, mine, of_day=day)):
            tables.transfers.setdefault(transfer.transfer_id, transfer)
            self._fetched.add(("transfer", transfer.transfer_id))
            self._belongs(tables.transfer_ids, account_id, transfer.transfer_id)
        for (card_id,) in self._rows(sql.NUMBERED, mine):
            tables.pans.setdefault(card_id, _SEALED)

    def _add_token_row(self, row: Any) -> None:
        token = sql.row_token(row, self._keys)
        self._tables.tokens.setdefault(token.serial, token)
        self._fetched.add(("token", token.serial))
        self._belongs(self._tables.serials, token.account_id, token.serial)

    @staticmethod
    def _belongs(index: dict[str, tuple[str, ...]], account_id: str, key: str) -> None:
        index[account_id] = tuple(sorted({*index.get(account_id, ()), key}))

    # ---------------------------------------------------------------- loads

    def prefetch(self, wanted: Iterable[Wanted], day: date, month: str) -> None:
        """One round trip, because everything is found by what the messages say; none for what the unit before knew."""
        tables, wanted = self._tables, list(wanted)
        if self._before is not None:
            self._take_over(self._before, wanted, day, month)
        card_ids = self._new("card", [want.card_id for want in wanted])
        keys = self._new("exchange", [want.key for want in wanted])
        original_keys = self._new("authorisation", [want.original_key for want in wanted])
        if not (card_ids or keys or original_keys):
            return
        of_cards: dict[str, Any] = {"keys": key_list(card_ids)}
        queries: list[Query] = [
            (sql.CARDS_WITH_ACCOUNTS, of_cards),  # first: whoever holds an account's row holds the rest
            (sql.USES_OF_CARDS, of_cards | {"of_day": day}),
            (sql.RAISES_OF_CARDS, of_cards | {"of_day": day}),
            (sql.MONTHS_OF_CARDS, of_cards | {"of_month": month}),
            (sql.EXCHANGES, {"keys": key_list(keys)}),
            (sql.ACCOUNTS_OF_AUTHORISATIONS, {"keys": key_list(original_keys)}),
        ]
        decided = sum(want.decided for want in wanted)
        numbers = self._ends.queries({"host_number": len(wanted), "journal": decided, "audit": decided})
        cards, uses, raises, months, exchanges, accounts, *ends = self._session.fetch(
            *queries, *numbers.values()
        )
        self._add_cards(cards)
        self._stand(tables.accounts, day, month)
        self._add_uses(uses)
        self._add_raises(raises)
        self._add_months(months)
        self._add_exchanges(exchanges)
        self._add_authorisations(accounts, original_keys)
        self._ends.add(numbers, ends)

    def _take_over(self, before: Left, wanted: Iterable[Wanted], day: date, month: str) -> None:
        """What the messages ask for, as far as the unit before has looked for it; found or not."""
        tables, known, fetched = before.tables, before.fetched, self._fetched
        taken: set[str] = set()
        for want in wanted:
            card = tables.cards.get(want.card_id)
            if card is not None and ("standing", card.account_id, day, month) in known:
                taken.add(card.account_id)
                self._tables.cards[card.card_id] = card
                fetched.add(("card", card.card_id))
            if ("exchange", want.key) in known:
                _copy(want.key, tables.exchanges, self._tables.exchanges)
                fetched.add(("exchange", want.key))
            if ("authorisation", want.original_key) in known:
                _copy(want.original_key, tables.authorisations, self._tables.authorisations)
                fetched.add(("authorisation", want.original_key))
        for account_id in taken:
            _copy(account_id, tables.accounts, self._tables.accounts)
            _copy((account_id, day), tables.used, self._tables.used)
        self._add_raises(row for key, row in tables.raises.items() if key[0] in taken and key[1] == day)
        self._add_months((*key, uses) for key, uses in tables.month_uses.items() if key[0] in taken)
        self._stand(taken, day, month)

    def _stand(self, account_ids: Iterable[str], day: date, month: str) -> None:
        """Uses and raises of the day and uses of the month are known of these accounts."""
        for each in account_ids:
            self._fetched.update(
                (
                    ("uses", each, day),
                    ("raise", each, day),
                    ("month", each, month),
                    ("standing", each, day, month),
                )
            )

    def _add_exchanges(self, rows: Iterable[Any]) -> None:
        for row in rows:
            self._tables.exchanges[row[0]] = Exchange._make(row)

    def next_seq(self) -> int:
        (number,) = self._ends.numbers("host_number", 1)
        if not self._session.sequences:
            self._last_number = number
        return number

    def exchange(self, key: str) -> Exchange | None:
        if self._once("exchange", key):
            self._add_exchanges(self._rows(sql.EXCHANGES, (key,)))
        return super().exchange(key)

    def authorisation(self, original_key: str) -> Authorisation | None:
        if ("authorisation", original_key) not in self._fetched:
            self._fetch_authorisations((original_key,))
        return super().authorisation(original_key)

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        if card_id not in self._tables.cards:
            self._fetch_cards((card_id,))
        card = self._tables.cards.get(card_id)
        if card is not None and self._once("standing", card.account_id, day, month):
            self._fetch_uses(card.account_id, day)
            self._fetch_raises(card.account_id, day)
            self._fetch_months(card.account_id, month)
        return super().card_facts(card_id, day, month, service, medium)

    def act_facts(self, account_id: str, day: date, payee_id: str = "") -> ActFacts | None:
        self._fetch_accounts((account_id, payee_id))
        if account_id in self._tables.accounts:
            self._fetch_all_of(account_id, day)
        return super().act_facts(account_id, day, payee_id)

    def act_result(self, key: str) -> ActResult | None:
        if self._once("act_result", key):
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
        return unseal(self._keys, card_id, rows[0][0]) if rows else None

    # ---------------------------------------------------------------- writes

    def apply(self, wanted: Iterable[Change], now_us: int) -> None:
        for change in wanted:
            kind = type(change)
            if kind in _TOUCHED:
                _TOUCHED[kind](self, change)
            WRITERS[kind](self, change, now_us)

    def _put(self, rows: dict[Any, Any], key: Any, value: Any) -> None:
        """A unit that fails leaves no rows to anybody, so what a row was is kept once, to be written against."""
        seen = self._seen[id(rows)]
        if key not in seen:
            seen[key] = rows.get(key, ABSENT)
        rows[key] = value

    def _put_new(self, rows: dict[Any, Any], key: Any, value: Any, what: str) -> None:
        if key in rows:
            raise Conflict(f"{what} is there already")
        self._seen[id(rows)][key] = ABSENT
        rows[key] = value

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
        accounts, size = self._tables.accounts, len(CUSTOMER)
        touched = [book[size:] for book, _ in change.legs if book.startswith(CUSTOMER)]
        if missing := [account_id for account_id in touched if account_id not in accounts]:
            self._fetch_accounts(missing)

    def _of_account(self, change: Any) -> None:
        if change.account_id not in self._tables.accounts:
            self._fetch_accounts((change.account_id,))

    def _of_card(self, change: Any) -> None:
        if change.card_id not in self._tables.cards:
            self._fetch_cards((change.card_id,))

    def _of_customer(self, change: Any) -> None:
        self._fetch_accounts((change.account_id,))
        if change.account_id not in self._tables.customers:
            for row in self._rows(sql.CUSTOMERS, (change.account_id,)):
                self._tables.customers[change.account_id] = sql.row_customer(row)

    def _of_token(self, change: Any) -> None:
        if self._once("token", change.serial):
            for row in self._rows(sql.TOKENS, (change.serial,)):
                self._add_token_row(row)

    def _of_use(self, change: changes.CountUse) -> None:
        self._of_account(change)
        self._fetch_uses(change.account_id, change.day)

    def _of_month(self, change: changes.CountMonth) -> None:
        self._of_account(change)
        self._fetch_months(change.account_id, change.month)

    def _of_raise(self, change: Any) -> None:
        self._of_account(change)
        self._fetch_raises(change.account_id, change.day)

    def _of_new_transfer(self, change: changes.OpenTransfer) -> None:
        self._fetch_accounts((change.transfer.account_id,))

    def _of_transfer(self, change: changes.MoveTransfer) -> None:
        if self._once("transfer", change.transfer_id):
            for row in self._rows(sql.TRANSFERS_LOCKED, (change.transfer_id,)):
                self._tables.transfers.setdefault(change.transfer_id, sql.row_transfer(row))

    def _of_authorisation(self, change: changes.Resolve) -> None:
        self._fetch_authorisations((change.original_key,))

    def _of_item(self, change: changes.CloseException) -> None:
        self._fetch_items((change.key,))


def _pop(left: list[Left]) -> Left | None:
    """In one step: units of several threads begin at any time."""
    try:
        return left.pop()
    except IndexError:
        return None


def _copy(key: Any, rows: Mapping[Any, Any], to: dict[Any, Any]) -> None:
    """The row, if there is one."""
    if key in rows:
        to[key] = rows[key]


# what is not here adds rows of its own, which nobody can have changed
_TOUCHED: dict[type, Callable[[SqlUnit, Any], None]] = {
    Post: SqlUnit._of_post,
    changes.CountUse: SqlUnit._of_use,
    changes.CountMonth: SqlUnit._of_month,
    changes.SetAccount: SqlUnit._of_account,
    changes.SetCard: SqlUnit._of_card,
    changes.SetToken: SqlUnit._of_token,
    changes.SetCustomer: SqlUnit._of_customer,
    changes.OpenTransfer: SqlUnit._of_new_transfer,
    changes.MoveTransfer: SqlUnit._of_transfer,
    changes.ChargePin: SqlUnit._of_card,
    changes.ChargeOtp: SqlUnit._of_account,
    changes.ChargeLogin: SqlUnit._of_customer,
    changes.ConsumeStep: SqlUnit._of_token,
    changes.PutRaise: SqlUnit._of_raise,
    changes.CancelRaise: SqlUnit._of_raise,
    changes.Resolve: SqlUnit._of_authorisation,
    changes.CloseException: SqlUnit._of_item,
}
