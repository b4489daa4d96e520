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
from tests.bank_host.crash.judge import findings, unheard
from tests.bank_host.crash.load import Load, open_accounts
from tests.bank_host.crash.postgres import Postgres
from tests.bank_host.port.hosts import BANK_HOST, Host

Victim = Literal["host", "postmaster", "postgres"]
SIGNALS = {"postmaster": signal.SIGKILL, "postgres": signal.SIGQUIT}
MALFUNCTION = "96"
MOST_ANSWERS = 60
"""Before a kill. So few that the last batch before a kill is a good part of what is judged."""

MOST_LOOKS = 2_000
"""Before a kill: as many as it takes the bank to decide and commit a batch or two."""


class Figures(NamedTuple):
    """What a drill was like."""

    kills: int
    messages: int
    answers: int
    lost: int  # messages whose answer never came, or left open what was booked
    booked_unheard: int  # postings found after a kill whose answer had not come
    postings: int


class Drill:
    """One database, one client, and so many hosts at work; one that is killed is started again."""

    def __init__(
        self,
        folder: Path,
        database: URL,
        seed: int,
        postgres: Postgres | None = None,
        program: Sequence[str] = BANK_HOST,
        hosts: int = 1,
    ) -> None:
        self._folder = folder
        self._database = database
        self._random = Random(seed)
        self._postgres = postgres
        self._program = program
        self._load = Load(self._random, open_accounts(database))
        self._names = [f"host{n}" for n in range(hosts)]
        self._hosts: dict[str, Host] = {}
        self._kills = 0
        self._booked_unheard: set[str] = set()

    def play(self, victims: Sequence[Victim]) -> Figures:
        """The figures of a drill in which nothing was found; AssertionError names the kill and what was found."""
        try:
            for name in self._names:
                self._start(name)
            for victim in victims:
                self._kills += 1
                self._come_to_a_moment()
                if victim == "host":
                    self._kill_host()
                else:
                    self._kill_database(SIGNALS[victim])
            self._load.finish()
            assert {0} == {host.stop() for host in self._hosts.values()}
        finally:
            for name in list(self._hosts):
                self._bury(name)
        postings = self._judge(at_rest=True)
        sent, answers, lost = len(self._load.log.sent), len(self._load.codes), self._load.lost
        return Figures(self._kills, sent, answers, lost, len(self._booked_unheard), postings)

    def _start(self, name: str) -> None:
        address = self._database.render_as_string(hide_password=False)
        self._hosts[name] = Host.started(
            self._folder / name, "--database", address, "--name", name, program=self._program
        )
        self._load.connect(self._hosts[name])

    def _come_to_a_moment(self) -> None:
        """A moment drawn from the seed: while the bank is busy, at every fourth kill just after its last answer."""
        self._load.run(self._random.randint(1, MOST_ANSWERS))
        if self._kills % 4:
            self._load.look(self._random.randrange(MOST_LOOKS))
        else:
            self._load.come_to_rest()

    def _kill_host(self) -> None:
        """Another one, if there is one, goes on."""
        name = self._random.choice(self._names)
        self._load.hang_up(self._bury(name))
        self._load.come_to_rest()
        self._judge()
        if self._hosts:
            self._load.run(self._random.randint(1, MOST_ANSWERS))
        self._start(name)

    def _kill_database(self, how: signal.Signals) -> None:
        """The host goes on, and tells that it cannot; then the database is there again."""
        assert self._postgres is not None
        self._postgres.kill(how)
        self._load.come_to_rest()
        codes = self._load.run(self._random.randint(1, MOST_ANSWERS // 2), only_new=True)
        assert {MALFUNCTION} == set(codes)
        self._load.come_to_rest()
        self._postgres.start()
        self._judge()

    def _bury(self, name: str) -> Host:
        host = self._hosts.pop(name)
        host.process.kill()
        host.process.wait()
        assert host.process.stdout is not None
        host.process.stdout.close()
        return host

    def _judge(self, at_rest: bool = False) -> int:
        """How many postings there are, of books that are as they should be."""
        store = SqlStore(open_engine(self._database))
        try:
            journal = list(store.journal())
            found = findings(self._load.log, journal, at_rest=at_rest)
            found += [f"{each}" for each in verify(store)] if at_rest else []
        finally:
            store.close()
        self._booked_unheard |= unheard(self._load.log, journal)
        assert not found, f"after kill {self._kills}: {'; '.join(found[:5])}"
        return len(journal)
