"""What a unit of work has changed in memory, written to the database at its end: one statement a table, for all rows.

Every update is guarded by the values that were seen: rows are locked since they were read, so a guard that does not
hold is a fault of the locking and ends in a conflict, never in a lost update (security: guarded writes).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Table, and_, bindparam, func, insert, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from bank_host.store import schema
from bank_host.store import sql_statements as sql
from bank_host.store.chain import START, link_digest, tail_mark
from bank_host.store.contract import Conflict
from bank_host.store.memory_unit import ABSENT, Tables
from bank_host.store.sealing import StoreKeys, seal

Row = dict[str, Any]


class _Kind(NamedTuple):
    """One of the working tables and the database table that it is written to."""

    name: str  # in `Tables`
    table: Table
    values: Callable[[StoreKeys, Any, Any], Row]  # of a key and its record
    guards: tuple[str, ...]  # columns that no other unit of work may have moved


def _record(keys: StoreKeys, key: Any, record: Any) -> Row:
    values: Row = record._asdict()
    return values


def _customer(keys: StoreKeys, key: str, record: Any) -> Row:
    values = record._asdict()
    return {name: sql.customer_value(name, values[name]) for name in values}


def _token(keys: StoreKeys, key: str, record: Any) -> Row:
    values = record._asdict()
    return {**values, "secret_sealed": seal(keys, key, values.pop("secret"))}


def _pan(keys: StoreKeys, key: str, pan: str) -> Row:
    return {"card_id": key, "pan_sealed": seal(keys, key, pan)}


def _month(keys: StoreKeys, key: tuple[str, str, str], uses: int) -> Row:
    return {"account_id": key[0], "month": key[1], "service": key[2], "uses": uses}


def _transfer(keys: StoreKeys, key: str, record: Any) -> Row:
    return sql.transfer_values(record)


def _act_result(keys: StoreKeys, key: str, record: Any) -> Row:
    return {"key": key, **record._asdict()}


def _item(keys: StoreKeys, key: str, record: Any) -> Row:
    return _without(record, "seq")  # the database numbers them


# in an order in which a row's references are there before it
_KINDS = (
    _Kind("accounts", schema.account, _record, ("posted_jpy", "held_jpy", "otp_fails", "zero_seq")),
    _Kind("customers", schema.customer, _customer, ("login_fails", "last_login_us")),
    _Kind("cards", schema.card, _record, ("pin_fails", "locked")),
    _Kind("pans", schema.card_number, _pan, ()),
    _Kind("tokens", schema.token, _token, ("last_step", "locked")),
    _Kind("transfers", schema.transfer, _transfer, ("state",)),
    _Kind("raises", schema.atm_raise, _record, ("seq",)),
    _Kind("month_uses", schema.month_use, _month, ("uses",)),
    _Kind("authorisations", schema.authorisation, _record, ("state", "reversed_jpy")),
    _Kind("exchanges", schema.exchange, _record, ()),
    _Kind("act_results", schema.act_result, _act_result, ()),
    _Kind("exceptions", schema.exception_item, _item, ("state",)),
)


class Writes:
    """Writes one unit of work."""

    def __init__(self, connection: Connection, keys: StoreKeys, chain_name: str) -> None:
        self._connection = connection
        self._keys = keys
        self._chain_name = chain_name

    def write(
        self,
        tables: Tables,
        undo: Iterable[tuple[dict[Any, Any], Any, Any]],
        forced: set[str],
        last_number: int | None,
    ) -> None:
        """Everything that differs from what was fetched; `undo` tells what each row was before."""
        if last_number is not None:  # one row stands for all host sequence numbers up to it
            self._insert(schema.host_number, [{"seq": last_number}])
        before = _first_seen(undo)
        for kind in _KINDS:
            rows = getattr(tables, kind.name)
            self._write_rows(kind, rows, before.get(id(rows), {}), forced)
        self._write_uses(tables.used, before.get(id(tables.used), {}))
        self._append(tables)
        for book in sorted(tables.books):
            if tables.books[book]:
                upsert = _ADD_BALANCE[self._connection.dialect.name]
                self._connection.execute(upsert, {"book": book, "balance_jpy": tables.books[book]})
        if tables.journal or tables.audit:
            self._link(tables)

    # ---------------------------------------------------------------- rows that were there or not

    def _write_rows(
        self, kind: _Kind, rows: Mapping[Any, Any], before: Mapping[Any, Any], forced: set[str]
    ) -> None:
        new: list[Row] = []
        moved: list[Row] = []
        for key, was in before.items():
            values = kind.values(self._keys, key, rows[key])
            if kind.table is schema.account:
                values["forced_low"] = key in forced
            if was is ABSENT:
                new.append(values)
            elif was != rows[key]:
                seen = kind.values(self._keys, key, was)
                moved.append(values | {f"seen_{name}": seen[name] for name in kind.guards})
        self._insert(kind.table, new)
        self._update(kind.table, moved)

    def _write_uses(self, rows: Mapping[Any, Mapping[str, int]], before: Mapping[Any, Any]) -> None:
        new: list[Row] = []
        moved: list[Row] = []
        for (account_id, day), was in before.items():
            seen = {} if was is ABSENT else was
            for medium, used_jpy in rows[account_id, day].items():
                values = {"account_id": account_id, "day": day, "medium": medium, "used_jpy": used_jpy}
                if medium not in seen:
                    new.append(values)
                elif seen[medium] != used_jpy:
                    moved.append(values | {"seen_used_jpy": seen[medium]})
        self._insert(schema.limit_use, new)
        self._update(schema.limit_use, moved)

    def _insert(self, table: Table, rows: list[Row]) -> None:
        if rows:
            self._connection.execute(_INSERTS[table], rows)

    def _update(self, table: Table, rows: list[Row]) -> None:
        if rows:
            values = [
                {_GIVEN.format(name) if name in table.c else name: row[name] for name in row} for row in rows
            ]
            done = self._connection.execute(_UPDATES[table], values)
            if done.rowcount != len(rows):
                raise Conflict("a row has moved since it was read")

    # ---------------------------------------------------------------- rows that are only ever added

    def _append(self, tables: Tables) -> None:
        numbers = reserve(self._connection, "journal", len(tables.journal))
        tables.journal[:] = [row._replace(seq=seq) for row, seq in zip(tables.journal, numbers, strict=True)]
        numbers = reserve(self._connection, "audit", len(tables.audit))
        tables.audit[:] = [row._replace(seq=seq) for row, seq in zip(tables.audit, numbers, strict=True)]
        self._insert(schema.journal, [_without(row, "legs") for row in tables.journal])
        self._insert(
            schema.leg,
            [
                {"journal_seq": row.seq, "n": n, "book": book, "amount_jpy": amount_jpy}
                for row in tables.journal
                for n, (book, amount_jpy) in enumerate(row.legs)
            ],
        )
        self._insert(schema.audit, [row._asdict() for row in tables.audit])
        self._insert(schema.outbox, [_without(row, "seq") for row in tables.outbox])

    def _link(self, tables: Tables) -> None:
        """One link of this writer's chain over everything that this commit makes history (I6)."""
        key, name, run = self._keys.chain, self._chain_name, self._connection.execute
        tail = run(_TAIL, {"id": name}).first()
        seen, before = (0, START) if tail is None else tail
        n = seen + 1
        digest = link_digest(key, before, name, n, tables.journal, tables.audit)
        mark = tail_mark(key, name, n, digest)
        link = {
            "chain": name,
            "n": n,
            "journal_seqs": ",".join(str(row.seq) for row in tables.journal),
            "audit_seqs": ",".join(str(row.seq) for row in tables.audit),
            "digest": digest,
        }
        self._insert(schema.chain_link, [link])
        if tail is None:
            self._insert(schema.chain_tail, [{"chain": name, "n": n, "digest": digest, "mark": mark}])
            return
        moved = run(_MOVE_TAIL, {"id": name, "seen": seen, "next": n, "new_digest": digest, "new_mark": mark})
        if moved.rowcount != 1:
            raise Conflict("the end of the hash chain has moved since it was read")


def _first_seen(undo: Iterable[tuple[dict[Any, Any], Any, Any]]) -> dict[int, dict[Any, Any]]:
    """For each working table what each changed row was before its first change."""
    before: dict[int, dict[Any, Any]] = {}
    for rows, key, was in undo:
        before.setdefault(id(rows), {}).setdefault(key, was)
    return before


def _without(row: Any, field: str) -> Row:
    values: Row = row._asdict()
    del values[field]
    return values


# ---------------------------------------------------------------- numbers


def reserve(connection: Connection, table: str, count: int) -> list[int]:
    """The next `count` numbers of a table that counts its rows; of host_number, numbers without rows.

    PostgreSQL's sequences make nobody wait; on SQLite the unit of work has the database to itself.
    """
    if not count:
        return []
    if connection.dialect.name == "postgresql":
        found = connection.execute(_NEXT_NUMBERS, {"of_table": table, "count": count})
        return [int(number) for number in found.scalars()]
    last = last_number(connection, table)
    return list(range(last + 1, last + count + 1))


def last_number(connection: Connection, table: str) -> int:
    """The highest number in a table that counts its rows."""
    return int(connection.execute(_LAST_NUMBER[table]).scalar() or 0)


_NUMBERED = ("host_number", "journal", "audit")
_LAST_NUMBER = {name: select(func.max(schema.metadata.tables[name].c.seq)) for name in _NUMBERED}
_NEXT_NUMBERS = text(
    "SELECT nextval(pg_get_serial_sequence(:of_table, 'seq')) FROM generate_series(1, :count)"
)

# ---------------------------------------------------------------- statements, built once

_GIVEN = "new_{}"  # parameters never bear a column's name, which SQLAlchemy would write by itself
_INSERTS = {table: insert(table) for table in schema.metadata.tables.values()}


def _guarded(table: Table, guards: tuple[str, ...], kept: tuple[str, ...] = ()) -> Any:
    """UPDATE of one row by its key, every column but those `kept`, where the guards are as they were seen."""
    keys = [column.name for column in table.primary_key if column.name not in kept] or ["key"]
    given: dict[str, Any] = {column.name: bindparam(_GIVEN.format(column.name)) for column in table.c}
    same = [table.c[name] == given[name] for name in keys]
    same += [table.c[name] == bindparam(f"seen_{name}") for name in guards]
    values: dict[str, Any] = {name: value for name, value in given.items() if name not in (*keys, *kept)}
    if (
        table is schema.account
    ):  # a forced posting below 0 leaves its flag, until the balance is above again (I4)
        low = given["posted_jpy"] - given["held_jpy"] < 0
        values["forced_low"] = and_(or_(table.c.forced_low, given["forced_low"]), low)
    return update(table).where(*same).values(values)


_KEPT = {schema.token: ("secret_sealed",), schema.exception_item: ("seq",)}
_UPDATES = {
    kind.table: _guarded(kind.table, kind.guards, _KEPT.get(kind.table, ())) for kind in _KINDS if kind.guards
}
_UPDATES[schema.limit_use] = _guarded(schema.limit_use, ("used_jpy",))

_UPSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _add_balance(dialect: str) -> Any:
    book = _UPSERT[dialect](schema.ledger_balance)
    return book.on_conflict_do_update(
        index_elements=[schema.ledger_balance.c.book],
        set_={"balance_jpy": schema.ledger_balance.c.balance_jpy + book.excluded.balance_jpy},
    )


_ADD_BALANCE = {dialect: _add_balance(dialect) for dialect in _UPSERT}

_TAILS = schema.chain_tail
_TAIL = select(_TAILS.c.n, _TAILS.c.digest).where(_TAILS.c.chain == bindparam("id")).with_for_update()
_MOVE_TAIL = (
    update(_TAILS)
    .where(_TAILS.c.chain == bindparam("id"), _TAILS.c.n == bindparam("seen"))
    .values(n=bindparam("next"), digest=bindparam("new_digest"), mark=bindparam("new_mark"))
)
