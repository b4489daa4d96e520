"""Open a database so that units of work are safe in it, and say which of its errors mean "run again" or "down".

SQLite: the driver opens no transactions of its own, each one begins with BEGIN IMMEDIATE; WAL, foreign keys,
a busy timeout, and a sync on every commit unless a simulation asks for less. Pages that are written again and again
stay in a large cache and go from the WAL to the database less often. PostgreSQL: READ COMMITTED with row locks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from bank_host.store.contract import Conflict, Unavailable

_BUSY_S = 30
_CACHE_KIB = 64 * 1024  # of a connection, at most; SQLite's own choice is 2 MB
_CHECKPOINT_PAGES = 8_000  # 32 MB of WAL; SQLite's own choice is 1,000
_READING = "bank_reading"  # execution option: this connection only reads, so it takes no write lock

_SQLITE_BUSY = {5, 6}  # SQLITE_BUSY, SQLITE_LOCKED; the extended codes carry them in their low byte
_SQLITE_UNIQUE = {1555, 2067}  # SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
# serialisation failure, deadlock, lock not available; division by zero, which is how a unit of work's writes tell that
# they did not find the rows that it had seen
_POSTGRESQL_AGAIN = {"40001", "40P01", "55P03", "22012"}
_POSTGRESQL_UNIQUE = "23505"


def open_engine(url: str | URL, *, durable: bool = True) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql://...`; not `durable`: no sync per commit (SQLite)."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": _BUSY_S}, hide_parameters=True)
        _keep_sqlite_rules(engine, "FULL" if durable else "NORMAL")
        return engine
    if parsed.get_backend_name() == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", _by_index)
        return engine
    raise ValueError(f"no store for {parsed.get_backend_name()!r}: use sqlite:///FILE or postgresql://...")


@contextmanager
def reading(engine: Engine, *, one_moment: bool = False) -> Iterator[Connection]:
    """A connection for sweeps; with `one_moment` all of them see the same."""
    how: dict[str, Any] = {_READING: True}
    if one_moment and engine.dialect.name == "postgresql":
        how |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    try:
        with engine.connect().execution_options(**how) as connection:
            yield connection
    except DBAPIError as error:
        raise as_ours(error) from error


def _keep_sqlite_rules(engine: Engine, synchronous: str) -> None:
    def on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "foreign_keys = ON",
            f"cache_size = -{_CACHE_KIB}",
            f"wal_autocheckpoint = {_CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    def on_begin(connection: Connection) -> None:
        lock = "" if connection.get_execution_options().get(_READING) else " IMMEDIATE"
        connection.exec_driver_sql("BEGIN" + lock)

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)


def _by_index(connection: Any, _: Any) -> None:
    """Units of work find rows by their keys. Their statements are planned once, maybe while a table is small; read by
    its index it stays fast when it has grown."""
    for setting in ("jit", "enable_seqscan", "enable_hashjoin", "enable_mergejoin"):
        connection.execute(f"SET {setting} = off")
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.commit()


def as_ours(error: Exception) -> Exception:
    """What the store's contract calls an error of the database, be it SQLAlchemy's or the driver's own; one that is a
    fault in our code stays what it is. Errors go by the names that every driver gives them (PEP 249)."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if _is_conflict(getattr(error, "orig", error), "IntegrityError" in names):
        return Conflict("the database put another unit of work first")
    if names & {"OperationalError", "InterfaceError"} or getattr(error, "connection_invalidated", False):
        return Unavailable(f"the database does not work ({type(error).__name__})")
    return error


def _is_conflict(cause: BaseException | None, integrity: bool) -> bool:
    """Whether the database says that another unit of work was in the way, or that a unique key is taken."""
    sqlite_code = getattr(cause, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code in _SQLITE_UNIQUE if integrity else sqlite_code & 0xFF in _SQLITE_BUSY
    sqlstate = getattr(cause, "sqlstate", None)
    return sqlstate == _POSTGRESQL_UNIQUE or sqlstate in _POSTGRESQL_AGAIN
