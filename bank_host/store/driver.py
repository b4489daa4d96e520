"""How a unit of work speaks to its database: SQL compiled once, sent in as few round trips as the driver allows.

The tables and every SELECT are SQLAlchemy's; what is left out is its work for each statement and each row, which costs
more than the databases do (docs/performance.md). SQLite: plain rows through `executemany`. PostgreSQL: a statement
costs the driver more than its rows do, so what is read together is one statement, and what is written is another.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from functools import cache, partial
from typing import Any, NamedTuple

from sqlalchemy import Boolean, ColumnElement, Date, Engine, LargeBinary, Select, Table, Text, TextualSelect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine

from bank_host.store.contract import Conflict, Unavailable
from bank_host.store.engine import as_ours

Row = tuple[Any, ...]
Statement = Select[Any] | TextualSelect
Query = tuple[Statement, Mapping[str, Any]]
_Reader = Callable[[Row], Row]

_DIALECTS: dict[str, Any] = {
    "sqlite": sqlite.dialect(paramstyle="named"),
    "postgresql": postgresql.psycopg.dialect(),
}


class Insert(NamedTuple):
    """Rows to add. With `adds`, a row whose key is there already has that column added to it instead."""

    table: Table
    columns: tuple[str, ...]
    adds: str = ""


class Update(NamedTuple):
    """Rows to change: each is the new values of `columns`, then those that it was `seen` with, its key among them."""

    table: Table
    columns: tuple[str, ...]
    seen: tuple[str, ...]


Write = tuple[Insert | Update, Sequence[Row]]


# ---------------------------------------------------------------- lists of keys, one parameter however long


class Among(ColumnElement[bool]):
    """Whether a column is in the JSON list of the parameter `keys`, or among the rows of a SELECT that looks for it."""

    inherit_cache = False  # each is compiled once, by this file

    def __init__(self, column: ColumnElement[str], found: Select[Any] | None = None) -> None:
        self.column = column
        self.found = found


@compiles(Among, "sqlite")
def _among_sqlite(element: Among, compiler: Any, **how: Any) -> str:
    rows = "SELECT value FROM json_each(:keys)" if element.found is None else compiler.process(element.found)
    return f"{compiler.process(element.column)} IN ({rows})"


@compiles(Among, "postgresql")
def _among_postgresql(element: Among, compiler: Any, **how: Any) -> str:
    """As an array, which is read once, and then by the column's index whatever the statistics say."""
    rows = "SELECT jsonb_array_elements_text(%(keys)s::jsonb)"
    if element.found is not None:
        rows = compiler.process(element.found)
    return f"{compiler.process(element.column)} = ANY(ARRAY({rows}))"


def key_list(keys: Iterable[str]) -> str:
    return json.dumps(list(keys))


# ---------------------------------------------------------------- one connection


class Session:
    """A transaction on one connection of the pool; on SQLite it has the database to itself."""

    sequences = False  # does the database give out numbers for which nobody waits?

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._error: type[Exception] = engine.dialect.loaded_dbapi.Error
        try:
            self._pooled = engine.raw_connection()
        except PoolTimeout:
            raise Conflict("every connection to the database is taken") from None
        except self._error as error:
            raise Unavailable("the database cannot be reached") from error
        self._driver: Any = self._pooled.driver_connection
        self.begin()

    def begin(self) -> None:
        """The first transaction, or the next one after a commit."""
        raise NotImplementedError

    def version(self) -> int | None:
        """Another number than in the transaction before when somebody else has written since; None: nobody can tell."""
        return None

    def fetch(self, *queries: Query) -> list[Sequence[Row]]:
        """The rows of several SELECTs."""
        try:
            return self._fetch(queries)
        except self._error as error:
            raise self._ours(error) from error

    def write(self, writes: Sequence[Write]) -> None:
        """Write; Conflict when a row that is to change is no longer as it was seen."""
        try:
            counts = self._write(writes)
        except self._error as error:
            raise self._ours(error) from error
        for (write, rows), count in zip(writes, counts, strict=True):
            if count != len(rows):
                raise Conflict(f"a row of {write.table.name} has moved since it was read")

    def commit(self) -> None:
        try:
            self._driver.commit()
        except self._error as error:  # which may leave the transaction, and its locks, open
            raise self._ours(error, lost=True) from error

    def close(self) -> None:
        """Give the connection back; what was not committed is rolled back."""
        self._pooled.close()

    def drop(self) -> None:
        """Close the connection for good."""
        self._pooled.invalidate()
        self._pooled.close()

    def _ours(self, error: Exception, lost: bool = False) -> Exception:
        ours = as_ours(error)
        unavailable = isinstance(ours, Unavailable)
        if lost or unavailable:
            self._pooled.invalidate()
        if unavailable:  # then so are the other connections of the pool
            self._engine.dispose()
        return ours

    def _fetch(self, queries: Sequence[Query]) -> list[Sequence[Row]]:
        raise NotImplementedError

    def _write(self, writes: Sequence[Write]) -> Sequence[int]:
        raise NotImplementedError


class SqliteSession(Session):
    def begin(self) -> None:
        try:
            self._driver.execute("BEGIN IMMEDIATE")
        except self._error as error:
            self._pooled.close()
            raise as_ours(error) from error

    def version(self) -> int | None:
        """SQLite counts the commits of all other connections, in this process and elsewhere."""
        try:
            found: int = self._driver.execute("PRAGMA data_version").fetchone()[0]
        except self._error as error:
            raise self._ours(error) from error
        return found

    def _fetch(self, queries: Sequence[Query]) -> list[Sequence[Row]]:
        run, answers = self._driver.execute, []
        for statement, parameters in queries:
            text, always, read = _sqlite_query(statement)
            rows = run(text, {**always, **parameters}).fetchall()
            answers.append([read(row) for row in rows] if read else rows)
        return answers

    def _write(self, writes: Sequence[Write]) -> Sequence[int]:
        return [self._driver.executemany(_sqlite_write(write), rows).rowcount for write, rows in writes]


class PostgresqlSession(Session):
    """BEGIN goes out with the first statement: the driver itself would wait for its answer."""

    sequences = True

    def begin(self) -> None:
        self._begun = False
        if not self._driver.autocommit:
            self._driver.autocommit = True

    def _fetch(self, queries: Sequence[Query]) -> list[Sequence[Row]]:
        rounds = list(_rounds(queries))
        alone = self._begun and len(rounds) == 1  # then a pipeline would be one more round trip, not fewer
        with nullcontext() if alone else self._driver.pipeline():
            self._begin_once()
            asked = [(_postgresql_query(tuple([each for each, _ in some])), some) for some in rounds]
            cursors = [(self._driver.execute(one.text, one.given(some)), one) for one, some in asked]
            return [rows for cursor, one in cursors for rows in one.answers(cursor)]

    def _write(self, writes: Sequence[Write]) -> Sequence[int]:
        text = _postgresql_writes(tuple([write for write, _ in writes]))
        self._begin_once()
        counts: Sequence[int] = self._driver.execute(text, [_json(rows) for _, rows in writes]).fetchone()
        return counts

    def _begin_once(self) -> None:
        if not self._begun:
            self._driver.execute("BEGIN")
            self._begun = True

    def close(self) -> None:
        try:
            if not self._driver.closed:
                self._driver.rollback()
                self._driver.autocommit = False  # as others who use the pool expect it
        except self._error:
            self._pooled.invalidate()
        super().close()


def open_session(engine: Engine) -> Session:
    return (PostgresqlSession if engine.dialect.name == "postgresql" else SqliteSession)(engine)


# ---------------------------------------------------------------- texts, made once


def _compiled(statement: Statement, dialect: str) -> tuple[str, dict[str, Any]]:
    """The text, and the parameters that never change."""
    made = statement.compile(dialect=_DIALECTS[dialect], compile_kwargs={"render_postcompile": True})
    return str(made), {name: value for name, value in made.params.items() if value is not None}


class _Together(NamedTuple):
    """One statement for several SELECTs, each of which gives one JSON list of rows; of one alone, the rows."""

    text: str
    always: Mapping[str, Any]
    readers: Sequence[_Reader | None]

    def given(self, queries: Sequence[Query]) -> Mapping[str, Any]:
        """The parameters of all, told apart by the place of their SELECT."""
        more = {f"{name}_{n}": value for n, (_, given) in enumerate(queries) for name, value in given.items()}
        return {**self.always, **more}

    def answers(self, cursor: Any) -> list[Sequence[Row]]:
        if len(self.readers) == 1:
            return [cursor.fetchall()]
        lists = zip(self.readers, cursor.fetchone(), strict=True)
        return [[read(row) for row in rows or ()] if read else rows or () for read, rows in lists]


_PARAMETER = re.compile(r"%\((\w+)\)s")


@cache
def _postgresql_query(statements: tuple[Statement, ...]) -> _Together:
    made = [_compiled(statement, "postgresql") for statement in statements]
    always = {f"{name}_{n}": value for n, (_, given) in enumerate(made) for name, value in given.items()}
    texts = [_PARAMETER.sub(rf"%(\1_{n})s", text) for n, (text, _) in enumerate(made)]
    readers = [_reader(each, _JSON_READERS) for each in statements]
    if len(made) == 1:
        return _Together(texts[0], always, readers)
    lists = []
    for statement, text in zip(statements, texts, strict=True):
        row = ", ".join(f"q.{name}" for name in _names("postgresql", statement.selected_columns.keys()))
        lists.append(f"(SELECT json_agg(json_build_array({row})) FROM ({text}) AS q)")
    return _Together(f"SELECT {', '.join(lists)}", always, readers)


def _rounds(queries: Iterable[Query]) -> Iterator[list[Query]]:
    """What can be one statement: up to the next lock, because what is read after that sees what it has waited for."""
    together: list[Query] = []
    for query in queries:
        together.append(query)
        if _postgresql_query((query[0],)).text.endswith("FOR UPDATE"):
            yield together
            together = []
    if together:
        yield together


@cache
def _sqlite_query(statement: Statement) -> tuple[str, dict[str, Any], _Reader | None]:
    return *_compiled(statement, "sqlite"), _reader(statement, _SQLITE_READERS)


def _reader(
    statement: Statement, readers: Mapping[type[TypeEngine[Any]], Callable[[Any], Any]]
) -> _Reader | None:
    """What makes a row what SQLAlchemy would make it: SQLite has no dates and booleans, JSON no dates and bytes."""
    types = [type(column.type) for column in statement.selected_columns]
    wanted = [(n, readers[of]) for n, of in enumerate(types) if of in readers]
    return partial(_read, wanted) if wanted else None


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text.removeprefix("\\x"))


_SQLITE_READERS: dict[type[TypeEngine[Any]], Callable[[Any], Any]] = {Date: _day, Boolean: bool}
_JSON_READERS: dict[type[TypeEngine[Any]], Callable[[Any], Any]] = {Date: _day, LargeBinary: _bytes}


def _read(readers: Sequence[tuple[int, Callable[[Any], Any]]], row: Row) -> Row:
    values = list(row)
    for n, reader in readers:
        values[n] = reader(values[n])
    return tuple(values)


_KEPT = "forced_low"  # of a change: NULL leaves it as it is


@cache
def _sqlite_write(write: Insert | Update) -> str:
    values = ["?"] * len(write.columns)
    if isinstance(write, Insert):
        return f"{_insert_into('sqlite', write)} VALUES ({', '.join(values)}){_upsert('sqlite', write)}"
    same = [f"{name} = ?" for name in _names("sqlite", write.seen)]
    return f"UPDATE {_new_values('sqlite', write, values)} WHERE {' AND '.join(same)}"


@cache
def _postgresql_writes(writes: tuple[Insert | Update, ...]) -> str:
    """One statement for all, each with the number of rows that it wrote."""
    parts = [f"w{n} AS ({_postgresql_write(write)} RETURNING 1)" for n, write in enumerate(writes)]
    counts = [f"(SELECT count(*) FROM w{n})" for n in range(len(writes))]
    return f"WITH {', '.join(parts)} SELECT {', '.join(counts)}"


def _postgresql_write(write: Insert | Update) -> str:
    rows = "FROM jsonb_array_elements(%s::jsonb) AS r"
    given = [_from_json(write.table.c[name].type, n) for n, name in enumerate(_given(write))]
    if isinstance(write, Insert):
        return f"{_insert_into('postgresql', write)} SELECT {', '.join(given)} {rows}{_upsert('postgresql', write)}"
    new, seen = given[: len(write.columns)], given[len(write.columns) :]
    same = [f"t.{name} = {value}" for name, value in zip(_names("postgresql", write.seen), seen, strict=True)]
    return f"UPDATE {_new_values('postgresql', write, new)} {rows} WHERE {' AND '.join(same)}"


def _from_json(of: TypeEngine[Any], n: int) -> str:
    if isinstance(of, LargeBinary):
        return f"decode(r->>{n}, 'hex')"
    if isinstance(of, Text):
        return f"r->>{n}"
    return f"(r->>{n})::{of.compile(_DIALECTS['postgresql'])}"


def _given(write: Insert | Update) -> tuple[str, ...]:
    return write.columns if isinstance(write, Insert) else write.columns + write.seen


def _insert_into(dialect: str, write: Insert) -> str:
    return f"INSERT INTO {write.table.name} ({', '.join(_names(dialect, write.columns))})"


def _upsert(dialect: str, write: Insert) -> str:
    if not write.adds:
        return ""
    keys = ", ".join(_names(dialect, key_of(write.table)))
    more = f"{write.adds} = {write.table.name}.{write.adds} + excluded.{write.adds}"
    return f" ON CONFLICT ({keys}) DO UPDATE SET {more}"


def _new_values(dialect: str, write: Update, values: Sequence[str]) -> str:
    names = zip(write.columns, _names(dialect, write.columns), values, strict=True)
    new = [
        f"{name} = COALESCE({value}, t.{name})" if column == _KEPT else f"{name} = {value}"
        for column, name, value in names
    ]
    return f"{write.table.name} AS t SET {', '.join(new)}"


def _names(dialect: str, columns: Iterable[str]) -> list[str]:
    quote = _DIALECTS[dialect].identifier_preparer.quote
    return [quote(column) for column in columns]


@cache
def key_of(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.primary_key)


def _json(rows: Sequence[Row]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=_json_value)


def _json_value(value: bytes | date) -> str:
    return value.hex() if isinstance(value, bytes) else value.isoformat()


sqlite3.register_adapter(date, date.isoformat)  # as SQLAlchemy writes them
