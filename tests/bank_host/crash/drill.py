"""Kill a bank host, or the PostgreSQL below it, again and again under load, and judge the books after each kill."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from sqlalchemy import URL

from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.crash.judge import findings
from tests.bank_host.crash.load import Load, open_accounts
from tests.bank_host.crash.postgres import Postgres
from tests.bank_host.port.hosts import BANK_HOST, Host

Victim = Literal["host", "postmaster", "postgres"]
SIGNALS = {"postmaster": signal.SIGKILL, "postgres": signal.SIGQUIT}
MOST_ANSWERS = 60
"""Before a kill. So few that the last batch before a kill is a good part of what is judged."""


class Figures(NamedTuple):
    """What a drill was like."""

    kills: int
    messages: int
    answers: int
    lost: int
    postings: int


class Drill:
    """One database, one client, one host after the other."""

    def __init__(
        self,
        folder: Path,
        database: URL,
        seed: int,
        postgres: Postgres | None = None,
        program: Sequence[str] = BANK_HOST,
    ) -> None:
        self._folder = folder
        self._database = database
        self._random = Random(seed)
        self._postgres = postgres
        self._program = program
        self._load = Load(self._random, open_accounts(database))
        self._host: Host | None = None
        self._kills = 0

    def play(self, victims: Sequence[Victim]) -> Figures:
        """The figures of a drill in which nothing was found; AssertionError names the kill and what was found."""
        try:
            self._start()
            for victim in victims:
                self._kills += 1
                self._come_to_a_moment()
                if victim == "host":
                    self._kill_host()
                else:
                    self._kill_database(SIGNALS[victim])
            self._load.finish()
            assert self._host is not None
            assert 0 == self._host.stop()
        finally:
            self._bury()
        log = self._load.log
        return Figures(
            self._kills, len(log.sent), self._load.answers, self._load.lost, self._judge(at_rest=True)
        )

    def _start(self) -> None:
        address = self._database.render_as_string(hide_password=False)
        name = self._database.database if self._database.get_backend_name() == "sqlite" else address
        self._host = Host.started(self._folder, "--database", str(name), program=self._program)
        self._load.connect(self._host)

    def _come_to_a_moment(self) -> None:
        """A moment drawn from the seed: between two answers, with more on its way, or just after the last answer."""
        self._load.run(self._random.randint(1, MOST_ANSWERS))
        if self._random.random() < 0.25:
            self._load.come_to_rest()
        else:
            self._load.send_more(self._random.randint(0, 8))

    def _kill_host(self) -> None:
        self._bury()
        self._load.hang_up()
        self._judge()
        self._start()

    def _kill_database(self, how: signal.Signals) -> None:
        """The host goes on, and tells that it cannot; then the database is there again."""
        assert self._postgres is not None
        self._postgres.kill(how)
        self._load.come_to_rest()
        self._load.run(self._random.randint(1, MOST_ANSWERS // 2), only_new=True)
        self._load.come_to_rest()
        self._postgres.start()
        self._judge()

    def _bury(self) -> None:
        if self._host is not None:
            self._host.process.kill()
            self._host.process.wait()
            assert self._host.process.stdout is not None
            self._host.process.stdout.close()
            self._host = None

    def _judge(self, at_rest: bool = False) -> int:
        """How many postings there are, of books that are as they should be."""
        store = SqlStore(open_engine(self._database))
        try:
            journal = list(store.journal())
            found = findings(self._load.log, journal, at_rest=at_rest)
            found += [f"{each}" for each in verify(store)] if at_rest else []
        finally:
            store.close()
        assert not found, f"after kill {self._kills}: {'; '.join(found[:5])}"
        return len(journal)
