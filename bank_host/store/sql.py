"""The durable store: SQLite by default, PostgreSQL by URL (SQLAlchemy 2 Core, no ORM).

This file opens the store and reads it whole; a unit of work is in `bank_host.store.sql_unit`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from datetime import date
from itertools import groupby
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, Select, event, func, select

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
from bank_host.store import chain, schema
from bank_host.store.contract import AuditRow, ExceptionRow, JournalRow, MailRow, OutboxRow
from bank_host.store.delivery import ALL_MAIL, SqlDelivery
from bank_host.store.ends import Chain
from bank_host.store.engine import open_engine, reading
from bank_host.store.looking import SqlLook
from bank_host.store.migrate import upgrade
from bank_host.store.sealing import SIMULATION_KEY, derive, unseal
from bank_host.store.sql_statements import columns, row_customer, row_token, row_transfer
from bank_host.store.sql_unit import Left, SqlUnit

_PAYEE = schema.transfer.c.payee_bank, schema.transfer.c.payee_account, schema.transfer.c.payee_name


def _moving(account_id: str) -> Select[Any]:
    """The numbers of the postings that move a customer's balance."""
    leg = schema.leg
    return select(leg.c.journal_seq).where(leg.c.book == customer(account_id), schema.OF_CUSTOMER)


class SqlStore:
    """A bank's storage in a database. See `bank_host.store.contract` for what each method promises."""

    def __init__(self, engine: Engine, store_key: bytes = SIMULATION_KEY, chain_name: str = "host") -> None:
        self.engine = engine
        self._keys = derive(store_key)
        # One per writing process, so that processes do not wait for each other; '': numbered at the first unit of work.
        self._chain = Chain(chain_name)
        self._naming = Lock()
        self._left: list[Left] = []  # by the last unit of work
        event.listen(engine, "engine_disposed", self._drop_left)
        self._moment: Connection | None = None  # of a snapshot

    @classmethod
    def create(
        cls,
        url: str | URL,
        *,
        store_key: bytes = SIMULATION_KEY,
        chain_name: str = "host",
        durable: bool = True,
    ) -> SqlStore:
        """Open the database of `url`, bring it to the newest schema. Only simulations are not `durable`."""
        engine = open_engine(url, durable=durable)
        upgrade(engine)
        return cls(engine, store_key, chain_name)

    @classmethod
    def for_process(cls, url: str | URL, *, store_key: bytes = SIMULATION_KEY) -> SqlStore:
        """The same for one host process of several on a database: its hash chain is its own."""
        return cls.create(url, store_key=store_key, chain_name="")

    @property
    def chain_name(self) -> str:
        return self._chain.name

    @property
    def delivery(self) -> SqlDelivery:
        return SqlDelivery(self.engine)

    @property
    def look(self) -> SqlLook:
        """For people who look at a customer, a card, an account or what happened."""
        return SqlLook(self.engine, self._keys)

    def begin(self) -> SqlUnit:
        if not self.chain_name:
            self._number_chain()
        return SqlUnit(self.engine, self._keys, self._chain, self._left)

    def _number_chain(self) -> None:
        """A host sequence number is given out once in the life of a database."""
        with self._naming:
            if not self.chain_name:
                with SqlUnit(self.engine, self._keys, self._chain) as unit:
                    number = unit.next_seq()
                self._chain = Chain(f"host-{number}")

    def close(self) -> None:
        self.engine.dispose()

    def _drop_left(self, engine: Engine) -> None:
        """Whoever disposes of the engine closes all its connections, this one too."""
        while self._left:
            self._left.pop().session.drop()

    # ---------------------------------------------------------------- sweeps

    @contextmanager
    def snapshot(self) -> Iterator[SqlStore]:
        """One read transaction: SQLite's WAL keeps its moment, on PostgreSQL it is REPEATABLE READ."""
        with reading(self.engine, one_moment=True) as connection:
            store = copy(self)
            store._moment = connection
            yield store

    def _rows(self, statement: Select[Any]) -> Iterator[Any]:
        if self._moment is not None:
            return iter(self._moment.execute(statement).all())
        with reading(self.engine) as connection:
            return iter(connection.execute(statement).all())

    def accounts(self) -> Iterator[Account]:
        table = schema.account
        return map(Account._make, self._rows(columns(table, Account).order_by(table.c.account_id)))

    def customers(self) -> Iterator[Customer]:
        table = schema.customer
        return map(row_customer, self._rows(columns(table, Customer).order_by(table.c.account_id)))

    def cards(self) -> Iterator[Card]:
        table = schema.card
        return map(Card._make, self._rows(columns(table, Card).order_by(table.c.card_id)))

    def tokens(self) -> Iterator[Token]:
        table = schema.token
        rows = self._rows(select(table).order_by(table.c.serial))
        return (row_token(row, self._keys) for row in rows)

    def transfers(self) -> Iterator[Transfer]:
        table = schema.transfer
        return map(row_transfer, self._rows(select(table).order_by(table.c.transfer_id)))

    def balances(self) -> Iterator[tuple[str, int]]:
        accounts, books = schema.account, schema.ledger_balance
        customers = self._rows(select(accounts.c.account_id, accounts.c.posted_jpy))
        others = self._rows(select(books.c.book, books.c.balance_jpy))
        yield from sorted(
            [*((customer(row.account_id), row.posted_jpy) for row in customers), *map(tuple, others)]
        )

    def journal(self) -> Iterator[JournalRow]:
        return self._postings(select(schema.journal), select(schema.leg))

    def movements(self, account_id: str) -> Iterator[JournalRow]:
        leg, seqs = schema.leg, _moving(account_id)
        return self._postings(
            select(schema.journal).where(schema.journal.c.seq.in_(seqs)),
            select(leg).where(leg.c.journal_seq.in_(seqs)),
        )

    def sides(self, account_id: str) -> Iterator[Sides]:
        posting, entry, holder, sender = schema.journal, schema.transfer, schema.customer, schema.sender
        own = posting.c.seq.in_(_moving(account_id))
        within = (
            select(posting.c.key, entry.c.account_id, holder.c.name, *_PAYEE)
            .join(entry, entry.c.transfer_id == func.substr(posting.c.key, len(TRANSFER_KEY) + 1))
            .join(holder, holder.c.account_id == entry.c.account_id)
            .where(own, posting.c.kind == "transfer")
        )
        for key, sender_id, name, *payee in self._rows(within):
            yield Sides(key, "", sender_id, name, Payee(*payee))
        received = select(sender).join(posting, posting.c.key == sender.c.posting_key).where(own)
        for key, bank, name in self._rows(received):
            yield Sides(key, bank, "", name, Payee("", account_id))

    def _postings(self, journal: Select[Any], legs: Select[Any]) -> Iterator[JournalRow]:
        rows = self._rows(legs.order_by(schema.leg.c.journal_seq, schema.leg.c.n))
        by_seq = {
            seq: tuple((leg.book, leg.amount_jpy) for leg in group)
            for seq, group in groupby(rows, key=lambda leg: leg.journal_seq)
        }
        for row in self._rows(journal.order_by(schema.journal.c.seq)):
            yield JournalRow._make((*row, by_seq.get(row.seq, ())))

    def authorisations(self) -> Iterator[Authorisation]:
        table = schema.authorisation
        rows = self._rows(columns(table, Authorisation).order_by(table.c.original_key))
        return map(Authorisation._make, rows)

    def limit_uses(self) -> Iterator[tuple[str, date, str, int]]:
        table = schema.limit_use
        order = table.c.account_id, table.c.day, table.c.medium
        return (tuple(row) for row in self._rows(select(*order, table.c.used_jpy).order_by(*order)))

    def exchanges(self) -> Iterator[Exchange]:
        table = schema.exchange
        return map(Exchange._make, self._rows(columns(table, Exchange).order_by(table.c.key)))

    def audit(self) -> Iterator[AuditRow]:
        table = schema.audit
        return map(AuditRow._make, self._rows(columns(table, AuditRow).order_by(table.c.seq)))

    def outbox(self) -> Iterator[OutboxRow]:
        table = schema.outbox
        return map(OutboxRow._make, self._rows(columns(table, OutboxRow).order_by(table.c.seq)))

    def notices(self, account_id: str) -> Iterator[OutboxRow]:
        table = schema.outbox
        own = columns(table, OutboxRow).where(table.c.account_id == account_id)
        return map(OutboxRow._make, self._rows(own.order_by(table.c.seq)))

    def mail(self) -> Iterator[MailRow]:
        return map(MailRow._make, self._rows(ALL_MAIL))

    def exceptions(self) -> Iterator[ExceptionRow]:
        table = schema.exception_item
        return map(ExceptionRow._make, self._rows(columns(table, ExceptionRow).order_by(table.c.seq)))

    def items(self, account_id: str) -> Iterator[ExceptionRow]:
        table = schema.exception_item
        own = columns(table, ExceptionRow).where(table.c.account_id == account_id)
        return map(ExceptionRow._make, self._rows(own.order_by(table.c.seq)))

    def raises(self) -> Iterator[Raise]:
        table = schema.atm_raise
        rows = self._rows(columns(table, Raise).order_by(table.c.account_id, table.c.day))
        return map(Raise._make, rows)

    # ---------------------------------------------------------------- what is due

    def due_transfers(self, now_us: int) -> Iterator[Transfer]:
        table = schema.transfer
        due = select(table).where(table.c.state == "reserved", table.c.due_us <= now_us)
        return map(row_transfer, self._rows(due.order_by(table.c.due_us, table.c.transfer_id)))

    def due_releases(self, day: date) -> Iterator[tuple[str, str]]:
        table = schema.token
        due = select(table.c.account_id, table.c.serial).where(table.c.locked, table.c.release_on <= day)
        return (tuple(row) for row in self._rows(due.order_by(table.c.serial)))

    def open_authorisations(self, before_us: int) -> Iterator[str]:
        table = schema.authorisation
        left = select(table.c.original_key).where(table.c.state == "open", table.c.at_us <= before_us)
        rows = self._rows(left.order_by(table.c.at_us, table.c.original_key))
        return (row.original_key for row in rows)

    # ---------------------------------------------------------------- whose keys

    def is_under_its_key(self) -> bool:
        """Whether anything sealed or marked here fits the store key, or nothing is there yet: a store under another key
        fits nowhere, one that was tampered with does somewhere."""
        token, number = schema.token, schema.card_number
        signs = [
            *(
                self._opens(*row)
                for row in self._rows(select(token.c.serial, token.c.secret_sealed).limit(1))
            ),
            *(
                self._opens(*row)
                for row in self._rows(select(number.c.card_id, number.c.pan_sealed).limit(1))
            ),
            *(
                tail.mark == chain.tail_mark(self._keys.chain, tail.chain, tail.n, tail.digest)
                for tail in self.chain_tails()
            ),
        ]
        return any(signs) or not signs

    def _opens(self, owner: str, sealed: bytes) -> bool:
        try:
            unseal(self._keys, owner, sealed)
        except ValueError:
            return False
        return True

    # ---------------------------------------------------------------- the hash chain

    def chain_tails(self) -> list[chain.Tail]:
        """The end of each chain, to be kept elsewhere too: a database that was put back shows against them."""
        return [
            chain.Tail(*row)
            for row in self._rows(select(schema.chain_tail).order_by(schema.chain_tail.c.chain))
        ]

    def chain_faults(self) -> Iterator[str]:
        links = schema.chain_link
        return chain.faults(
            self._keys.chain,
            [
                chain.Link(row.chain, row.n, _numbers(row.journal_seqs), _numbers(row.audit_seqs), row.digest)
                for row in self._rows(select(links).order_by(links.c.chain, links.c.n))
            ],
            self.chain_tails(),
            list(self.journal()),
            list(self.audit()),
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",") if number)
