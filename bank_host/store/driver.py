"""How a unit of work speaks to its database: SQL compiled once, sent in as few round trips as the driver allows.

The tables and every SELECT are SQLAlchemy's; what is left out is its work for each statement and each row, which costs
more than the databases do (docs/performance.md). SQLite: plain rows through `executemany`. PostgreSQL: a statement
costs more than its rows do, so what is read together is one statement, and what is written is another; rows are JSON.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Date,
    Engine,
    LargeBinary,
    Select,
    Table,
    Text,
    TextualSelect,
    bindparam,
    func,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from bank_host.store.contract import Conflict, Unavailable
from bank_host.store.engine import as_ours

if TYPE_CHECKING:
    from bank_host.store.pipeline import Pipeline, Sent

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
    """Whether a column is in the JSON list of the parameter `keys`, in which no key is twice, or among the rows of a
    SELECT that looks for them."""

    inherit_cache = False  # each is compiled once, by this file

    def __init__(self, column: ColumnElement[str], found: Select[Any] | None = None) -> None:
        self.column = column
        self.found = found


_KEYS = func.json_each(bindparam("keys", type_=Text, required=False)).table_valued("value", name="among")


@compiles(Among, "sqlite")
def _among_sqlite(element: Among, compiler: Any, **how: Any) -> str:
    """By a join: a subquery would first be copied to a table of its own."""
    if element.found is None:
        return f"{compiler.process(element.column)} = {compiler.process(_KEYS.c.value)}"
    (same,) = element.found.selected_columns
    return f"{compiler.process(element.column == same)} AND {compiler.process(element.found.whereclause)}"


def _joined(statement: Statement) -> Statement:
    """With the lists that its conditions speak of."""
    if isinstance(statement, Select):
        for each in iterate(statement):
            if isinstance(each, Among):
                through = [] if each.found is None else each.found.columns_clause_froms
                return statement.select_from(*through, _KEYS)
    return statement


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

    def commit(self, writes: Sequence[Write]) -> None:
        """Write and commit; Conflict, and nothing is, when a row that is to change is no longer as it was seen."""
        raise NotImplementedError

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

    def commit(self, writes: Sequence[Write]) -> None:
        try:
            counts = [self._driver.executemany(_sqlite_write(write), rows).rowcount for write, rows in writes]
        except self._error as error:
            raise self._ours(error) from error
        for (write, rows), count in zip(writes, counts, strict=True):
            if count != len(rows):
                raise Conflict(f"a row of {write.table.name} has moved since it was read")
        try:
            self._driver.commit()
        except self._error as error:  # which may leave the transaction, and its locks, open
            raise self._ours(error, lost=True) from error


class PostgresqlSession(Session):
    """BEGIN goes out with the first statement and COMMIT with the last: neither has a round trip of its own."""

    sequences = True

    def begin(self) -> None:
        from bank_host.store.pipeline import Pipeline  # psycopg is an extra

        self._begun = False
        known = self._pooled.info  # of this connection, as long as it lives
        if "pipeline" not in known:
            known["pipeline"] = Pipeline(self._driver)
        self._pipeline: Pipeline = known["pipeline"]

    def _fetch(self, queries: Sequence[Query]) -> list[Sequence[Row]]:
        rounds = [(_postgresql_query(tuple([each for each, _ in some])), some) for some in _rounds(queries)]
        answers = self._run([(one.text, one.given(some)) for one, some in rounds])
        return [rows for answer, (one, _) in zip(answers, rounds, strict=True) for rows in one.rows(answer)]

    def commit(self, writes: Sequence[Write]) -> None:
        statements: list[Sent] = []
        if writes:
            kinds = tuple([write for write, _ in writes])
            statements.append((_postgresql_writes(kinds), [_JSON.encode([rows for _, rows in writes])]))
        if writes or self._begun:
            try:
                self._run([*statements, ("COMMIT", ())])
            except self._error as error:
                raise self._ours(error) from error

    def _run(self, statements: list[Sent]) -> list[Sequence[bytes | None]]:
        if not self._begun:
            statements = [("BEGIN", ()), *statements]
            self._begun = True
        return self._pipeline.run(statements)

    def close(self) -> None:
        try:
            if not self._driver.closed:
                self._driver.rollback()
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


class _Parameter(NamedTuple):
    of: int  # the place of its SELECT among those that are sent together
    name: str
    always: Any  # its value, where that never changes


class _Together(NamedTuple):
    """One statement for several SELECTs; its answer is a JSON list of their lists of rows."""

    text: str
    parameters: Sequence[_Parameter]
    readers: Sequence[_Reader | None]

    def given(self, queries: Sequence[Query]) -> list[str]:
        return [_as_text(queries[n][1].get(name, always)) for n, name, always in self.parameters]

    def rows(self, answer: Sequence[bytes | None]) -> list[Sequence[Row]]:
        lists = json.loads(answer[0] or b"")
        return [
            [read(row) for row in rows or ()] if read else rows or ()
            for read, rows in zip(self.readers, lists, strict=True)
        ]


_PARAMETER = re.compile(r"%\((\w+)\)s|%%")


@cache
def _postgresql_query(statements: tuple[Statement, ...]) -> _Together:
    parameters: list[_Parameter] = []
    lists = []
    for n, statement in enumerate(statements):
        text, always = _compiled(statement, "postgresql")

        def numbered(found: re.Match[str], n: int = n, always: Mapping[str, Any] = always) -> str:
            if not found[1]:
                return "%"
            parameter = _Parameter(n, found[1], always.get(found[1]))
            if parameter not in parameters:
                parameters.append(parameter)
            return f"${parameters.index(parameter) + 1}"

        row = ", ".join(f"q.{name}" for name in _names("postgresql", statement.selected_columns.keys()))
        text = _PARAMETER.sub(numbered, text)
        lists.append(f"(SELECT json_agg(json_build_array({row})) FROM ({text}) AS q)")
    readers = [_reader(each, _JSON_READERS) for each in statements]
    return _Together(f"SELECT json_build_array({', '.join(lists)})", parameters, readers)


def _as_text(value: str | int | date) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _rounds(queries: Iterable[Query]) -> Iterator[list[Query]]:
    """What can be one statement: up to the next lock, because what is read after that sees what it has waited for."""
    together: list[Query] = []
    for query in queries:
        together.append(query)
        if _locks(query[0]):
            yield together
            together = []
    if together:
        yield together


@cache
def _locks(statement: Statement) -> bool:
    return _compiled(statement, "postgresql")[0].endswith("FOR UPDATE")


@cache
def _sqlite_query(statement: Statement) -> tuple[str, dict[str, Any], _Reader | None]:
    return *_compiled(_joined(statement), "sqlite"), _reader(statement, _SQLITE_READERS)


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
    """One statement for all. It fails, by a division by zero, when one did not write all rows that it was given."""
    parts = [f"w{n} AS ({_postgresql_write(write, n)} RETURNING 1)" for n, write in enumerate(writes)]
    whole = [f"(SELECT count(*) FROM w{n}) = jsonb_array_length($1::jsonb->{n})" for n in range(len(writes))]
    return f"WITH {', '.join(parts)} SELECT 1 / ({' AND '.join(whole)})::int"


def _postgresql_write(write: Insert | Update, place: int) -> str:
    rows = f"FROM jsonb_array_elements($1::jsonb->{place}) AS r"
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


def _json_value(value: bytes | date) -> str:
    return value.hex() if isinstance(value, bytes) else value.isoformat()


_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_json_value)


sqlite3.register_adapter(date, date.isoformat)  # as SQLAlchemy writes them
