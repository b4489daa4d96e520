"""What a unit of work has changed in memory, written to the database at its end: one statement a table, for all rows.

Every update is guarded by the values that were seen: rows are locked since they were read, so a guard that does not
hold is a fault of the locking and ends in a conflict, never in a lost update (security: guarded writes).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Table

from bank_host.rules.facts import (
    Account,
    Authorisation,
    Card,
    Customer,
    Exchange,
    Raise,
    Sender,
)
from bank_host.store import schema
from bank_host.store import sql_statements as sql
from bank_host.store.chain import link_digest, tail_mark
from bank_host.store.contract import ActResult, AuditRow, ExceptionRow, JournalRow, OutboxRow
from bank_host.store.driver import Insert, Row, Update, Write, key_of
from bank_host.store.ends import NO_LINK, Ends
from bank_host.store.memory_unit import ABSENT, Tables
from bank_host.store.sealing import StoreKeys, seal


class _Kind(NamedTuple):
    """One of the working tables and the database table that it is written to."""

    name: str  # in `Tables`
    table: Table
    columns: tuple[str, ...]
    row: Callable[[StoreKeys, Any, Any], Row]  # of a key and its record, in the order of `columns`
    guards: tuple[str, ...]  # columns that no other unit of work may have moved


def _record(keys: StoreKeys, key: Any, record: Row) -> Row:
    return record


def _customer(keys: StoreKeys, key: str, record: Customer) -> Row:
    return record._replace(emails="\n".join(record.emails))  # type: ignore[arg-type]  # one a line


def _token(keys: StoreKeys, key: str, record: Any) -> Row:
    values = record._asdict()
    values["secret_sealed"] = seal(keys, key, values.pop("secret"))
    return tuple([values[name] for name in _TOKEN])


def _pan(keys: StoreKeys, key: str, pan: str) -> Row:
    return key, seal(keys, key, pan)


def _month(keys: StoreKeys, key: Row, uses: int) -> Row:
    return (*key, uses)


def _transfer(keys: StoreKeys, key: str, record: Any) -> Row:
    values = sql.transfer_values(record)
    return tuple([values[name] for name in _TRANSFER])


def _act_result(keys: StoreKeys, key: str, record: ActResult) -> Row:
    return (key, *record)


def _item(keys: StoreKeys, key: str, record: ExceptionRow) -> Row:
    return record[1:]  # the database numbers them


_TOKEN, _TRANSFER = tuple(schema.token.c.keys()), tuple(schema.transfer.c.keys())

# in an order in which a row's references are there before it
_KINDS = (
    _Kind(
        "accounts",
        schema.account,
        (*Account._fields, "forced_low"),
        _record,
        ("posted_jpy", "held_jpy", "otp_fails", "zero_seq"),
    ),
    _Kind("customers", schema.customer, Customer._fields, _customer, ("login_fails", "last_login_us")),
    _Kind("cards", schema.card, Card._fields, _record, ("pin_fails", "locked")),
    _Kind("pans", schema.card_number, ("card_id", "pan_sealed"), _pan, ()),
    _Kind("tokens", schema.token, _TOKEN, _token, ("last_step", "locked")),
    _Kind("transfers", schema.transfer, _TRANSFER, _transfer, ("state",)),
    _Kind("senders", schema.sender, Sender._fields, _record, ()),
    _Kind("raises", schema.atm_raise, Raise._fields, _record, ("seq",)),
    _Kind("month_uses", schema.month_use, ("account_id", "month", "service", "uses"), _month, ("uses",)),
    _Kind("authorisations", schema.authorisation, Authorisation._fields, _record, ("state", "reversed_jpy")),
    _Kind("exchanges", schema.exchange, Exchange._fields, _record, ()),
    _Kind("act_results", schema.act_result, ("key", *ActResult._fields), _act_result, ()),
    _Kind("exceptions", schema.exception_item, ExceptionRow._fields[1:], _item, ("state",)),
)

_ROWS_OF = attrgetter(*[kind.name for kind in _KINDS])


class _Change(NamedTuple):
    """How rows of a table are changed in some columns."""

    write: Update
    values: Callable[[Row], Row]  # of a row as it is now, followed by the row as it was


_INSERTS = {kind.name: Insert(kind.table, kind.columns) for kind in _KINDS}
_BY_NAME = {kind.name: kind for kind in _KINDS}


@cache
def _change(name: str, changed: tuple[int, ...]) -> _Change:
    kind = _BY_NAME[name]
    columns = kind.columns
    seen = *kind.guards, *([key for key in key_of(kind.table) if key in columns] or ["key"])
    at = [len(columns) + columns.index(column) for column in seen]
    return _Change(Update(kind.table, tuple([columns[n] for n in changed]), seen), itemgetter(*changed, *at))


_USE = ("account_id", "day", "medium", "used_jpy")
_NEW_USE = Insert(schema.limit_use, _USE)
_MORE_USE = Update(schema.limit_use, ("used_jpy",), ("account_id", "day", "medium", "used_jpy"))
_HOST_NUMBER = Insert(schema.host_number, ("seq",))
_POSTING = Insert(schema.journal, JournalRow._fields[:-1])
_LEG = Insert(schema.leg, ("journal_seq", "n", "book", "amount_jpy"))
_AUDIT = Insert(schema.audit, AuditRow._fields)
_NOTICE = Insert(schema.outbox, OutboxRow._fields[1:])
_BALANCE = Insert(schema.ledger_balance, ("book", "balance_jpy"), adds="balance_jpy")
_LINK = Insert(schema.chain_link, ("chain", "n", "journal_seqs", "audit_seqs", "digest"))
_TAIL = Insert(schema.chain_tail, ("chain", "n", "digest", "mark"))
_NEXT_TAIL = Update(schema.chain_tail, ("n", "digest", "mark"), ("chain", "n", "digest"))


class Writes:
    """What one unit of work writes."""

    def __init__(self, keys: StoreKeys, ends: Ends) -> None:
        self._keys = keys
        self._ends = ends
        self._writes: list[Write] = []

    def of(
        self,
        tables: Tables,
        before: Mapping[int, Mapping[Any, Any]],
        forced: set[str],
        last_number: int | None,
    ) -> list[Write]:
        """Everything that differs from what was fetched; `before` tells of each working table what its rows were."""
        if last_number is not None:  # one row stands for all host sequence numbers up to it
            self._add(_HOST_NUMBER, [(last_number,)])
        for kind, rows in zip(_KINDS, _ROWS_OF(tables), strict=True):
            if seen := before.get(id(rows)):
                self._of_kind(kind, rows, seen, forced)
        if seen := before.get(id(tables.used)):
            self._uses(tables.used, seen)
        if tables.journal or tables.audit:
            self._history(tables)
        self._add(_NOTICE, [row[1:] for row in tables.outbox])
        self._add(_BALANCE, sorted((book, jpy) for book, jpy in tables.books.items() if jpy))
        return self._writes

    def _add(self, write: Insert | Update, rows: list[Row]) -> None:
        if rows:
            self._writes.append((write, rows))

    # ---------------------------------------------------------------- rows that were there or not

    def _of_kind(
        self, kind: _Kind, rows: Mapping[Any, Any], before: Mapping[Any, Any], forced: set[str]
    ) -> None:
        make, keys = kind.row, self._keys
        new: list[Row] = []
        moved: list[tuple[Row, Row]] = []
        for key, was in before.items():
            now = rows[key]
            if was is ABSENT:
                new.append(make(keys, key, now))
            elif was != now:
                moved.append((make(keys, key, was), make(keys, key, now)))
        if kind.table is schema.account:
            new = [(*row, row[0] in forced) for row in new]
            moved = [((*was, None), (*now, _forced_low(now, forced))) for was, now in moved]
        self._add(_INSERTS[kind.name], new)
        if moved:
            columns = zip(*[zip(*rows, strict=True) for rows in zip(*moved, strict=True)], strict=True)
            changed = tuple([n for n, (was, now) in enumerate(columns) if was != now])
            write, values = _change(kind.name, changed)
            self._add(write, [values((*now, *was)) for was, now in moved])

    def _uses(self, rows: Mapping[Any, Mapping[str, int]], before: Mapping[Any, Any]) -> None:
        new: list[Row] = []
        moved: list[Row] = []
        for (account_id, day), was in before.items():
            seen = {} if was is ABSENT else was
            for medium, used_jpy in rows[account_id, day].items():
                if medium not in seen:
                    new.append((account_id, day, medium, used_jpy))
                elif seen[medium] != used_jpy:
                    moved.append((used_jpy, account_id, day, medium, seen[medium]))
        self._add(_NEW_USE, new)
        self._add(_MORE_USE, moved)

    # ---------------------------------------------------------------- rows that are only ever added

    def _history(self, tables: Tables) -> None:
        """Postings and audit rows, and one link of this writer's chain over all of them (I6)."""
        key, ends, chain = self._keys.chain, self._ends, self._ends.chain
        name, counts = chain.name, {"journal": len(tables.journal), "audit": len(tables.audit)}
        ends.look(counts, tail=True)
        postings, acts = [ends.numbers(table, count) for table, count in counts.items()]
        journal = [
            JournalRow._make((seq, *row[1:])) for seq, row in zip(postings, tables.journal, strict=True)
        ]
        audit = [AuditRow._make((seq, *row[1:])) for seq, row in zip(acts, tables.audit, strict=True)]
        tables.journal[:], tables.audit[:] = journal, audit
        self._add(_POSTING, [row[:-1] for row in journal])
        self._add(_LEG, [(row.seq, n, *leg) for row in journal for n, leg in enumerate(row.legs)])
        self._add(_AUDIT, list(audit))
        seen, before = chain.tail or NO_LINK
        n = seen + 1
        digest = link_digest(key, before, name, n, journal, audit)
        mark = tail_mark(key, name, n, digest)
        self._add(_LINK, [(name, n, ",".join(map(str, postings)), ",".join(map(str, acts)), digest)])
        if seen:
            self._add(_NEXT_TAIL, [(n, digest, mark, name, seen, before)])
        else:
            self._add(_TAIL, [(name, n, digest, mark)])
        chain.tail = n, digest


def _forced_low(account: Any, forced: set[str]) -> bool | None:
    """A forced posting below 0 leaves its flag, until the balance is above again (I4); None: as it was."""
    if account.posted_jpy - account.held_jpy >= 0:
        return False
    return True if account.account_id in forced else None
