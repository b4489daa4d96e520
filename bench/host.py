"""What the whole bank host does over TCP: `python -m bench.host [--quick]` (make bench-host).

A real `bank-host serve` process and, in a process of its own, clients with one outstanding withdrawal each: MAC over
the received bytes, PIN verification, limits, ledger, duplicate check, both commits, a MAC on the answer. In interleaved
rounds with what `bench.baselines` compares it with, on the same server with the same durability. The ratio counts only
if a lone client waits for no more than two bare durable commits, the books are in order, and every answer is right;
which of these held is printed.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import psutil
from sqlalchemy import URL, create_engine, func, select

from bank_host.clock import wall_clock
from bank_host.hsm import Hsm
from bank_host.store import schema
from bank_host.store.sql import SqlStore
from bench.baselines import CLIENTS, SCALE, PgBench, RawSqlite, bare_commit, new_database, postgresql, rate
from bench.clients import DIALECT_FILE, HOT_ACCOUNTS, HOT_SHARE, Heard, Load, send
from bench.command import quick, tell_result
from bench.customers import open_customers

COUNTS = (1, 8, 32, 128)
MOST_BARE_COMMITS = 2.0
_LISTENING = re.compile(r"listening on \S+:(\d+);")


class Length(NamedTuple):
    """How long it all takes."""

    rounds: int = 5
    seconds: float = 2.0
    customers: int = 4_096
    scale: int = SCALE


BRIEF = Length(rounds=1, seconds=0.2, customers=64, scale=1)


class Condition(NamedTuple):
    """Something without which a ratio does not count."""

    what: str
    held: bool


# ---------------------------------------------------------------- the host


class Host:
    """A `bank-host serve` process."""

    def __init__(self, database: str, name: str, folder: Path) -> None:
        words = ["serve", "--database", database, "--name", name, "--dialect", str(DIALECT_FILE)]
        words += ["--no-web", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        words += ["--log", str(folder / f"{name}.log")]
        self._process = subprocess.Popen(_bank_host(*words), stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = next(filter(None, map(_LISTENING.search, self._process.stdout)), None)
        if found is None:
            raise SystemExit(f"bench.host: bank-host serve ended with exit code {self._process.wait()}")
        self.port = int(found[1])

    def cpu_s(self) -> float:
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate()
        if self._process.returncode:
            raise SystemExit(f"bench.host: bank-host serve ended with exit code {self._process.returncode}")

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def _bank_host(*words: str) -> list[str]:
    return [sys.executable, "-m", "bank_host.cli", *words]


class Bench:
    """A bank on one database, its hosts, and the figures of each column by round."""

    def __init__(self, engine: str, database: URL, length: Length) -> None:
        self.engine, self.length = engine, length
        self._url = database
        sqlite = database.get_backend_name() == "sqlite"
        self._database = str(database.database) if sqlite else database.render_as_string(hide_password=False)
        store = SqlStore.create(database)
        open_customers(store, Hsm.simulation(), length.customers, wall_clock()())
        store.close()
        self.per_s: defaultdict[str, list[float]] = defaultdict(list)
        self.p50_ms: defaultdict[str, list[float]] = defaultdict(list)
        self.p99_ms: defaultdict[str, list[float]] = defaultdict(list)
        self.host_us: defaultdict[str, list[float]] = defaultdict(list)  # processor time a withdrawal
        self.shares: list[float] = []
        self.faults: list[str] = []
        self.answers = 0
        self._stan = 1
        self._hosts: list[Host] = []

    @contextmanager
    def serving(self, hosts: int, folder: Path, executor: Executor) -> Iterator[Bench]:
        """While that many host processes run, each of which has done its first work."""
        with ExitStack() as stack:
            for n in range(hosts):
                self._hosts.append(stack.enter_context(Host(self._database, f"host-{n + 1}", folder)))
            # what a first message of its kind costs is nobody's figure
            self._send(executor, CLIENTS, hosts=hosts, seconds=self.length.seconds / 2)
            yield self
            for host in self._hosts:
                host.stop()

    def baseline(self, name: str, per_s: float) -> None:
        self.per_s[name].append(per_s)

    def round(self, executor: Executor) -> None:
        """Each column once."""
        self.p50_ms["bare commit"].append(_p50_ms(bare_commit(self._url), self.length.seconds / 4))
        for count in COUNTS:
            self.measure(executor, f"{count}", count)
        self.measure(executor, "hot accounts", CLIENTS, hot=True)
        if len(self._hosts) > 1:
            self.measure(executor, "two hosts", CLIENTS, hosts=2)

    def measure(
        self, executor: Executor, name: str, clients: int, *, hot: bool = False, hosts: int = 1
    ) -> None:
        before_s = sum(host.cpu_s() for host in self._hosts)
        heard = self._send(executor, clients, hosts=hosts, hot=hot, seconds=self.length.seconds)
        used_s = sum(host.cpu_s() for host in self._hosts) - before_s
        self.per_s[name].append(heard.per_s)
        self.p50_ms[name].append(heard.p50_ms)
        self.p99_ms[name].append(heard.p99_ms)
        self.host_us[name].append(used_s / heard.answers * 1e6)
        self.shares.append(heard.cpu_share)

    def _send(
        self, executor: Executor, clients: int, *, hosts: int, seconds: float, hot: bool = False
    ) -> Heard:
        ports = tuple(host.port for host in self._hosts[:hosts])
        load = Load(ports, clients, seconds, self._stan, self.length.customers, hot)
        self._stan += load.messages
        heard = executor.submit(send, load).result()
        self.answers += heard.answers
        self.faults += heard.faults
        return heard

    # ---------------- what came of it

    def median(self, name: str) -> float:
        return statistics.median(self.per_s[name])

    def conditions(self) -> list[Condition]:
        """Looked at when the hosts have stopped."""
        bare, lone = (statistics.median(self.p50_ms[name]) for name in ("bare commit", "1"))
        commits = ceil(lone / bare * 100) / 100  # told and judged alike, and never in our favour
        posted = _approved(self._url)
        swept = subprocess.run(
            _bank_host("verify", self._database), capture_output=True, text=True, check=False
        )
        told = (swept.stdout or swept.stderr).strip().splitlines() or [""]
        first_fault = f": {self.faults[0]}" if self.faults else ""
        return [
            Condition(
                f"a lone client's p50 is at most {MOST_BARE_COMMITS:g} bare durable commits:"
                f" {lone:.2f} ms, {commits:.2f} of {bare:.2f} ms",
                commits <= MOST_BARE_COMMITS,
            ),
            Condition(
                f"bank-host verify finds nothing: exit code {swept.returncode},"
                f" {len(told) if swept.returncode else 'no'} findings",
                not swept.returncode,
            ),
            Condition(
                f"every answer approved, with the right echo and MAC: {self.answers:,} checked,"
                f" {len(self.faults)} wrong{first_fault}; {posted:,} posted",
                not self.faults and posted == self.answers,
            ),
        ]

    def show(self, baseline: str) -> None:
        print(f"{self.engine}; {baseline} = 1")
        print(
            f"  {'':<28}{'per second':>11}{'ratio':>8}{'p50 ms':>9}{'p99 ms':>9}{'host us':>9}  rounds, per second"
        )
        for name, rates in self.per_s.items():
            row = f"  {_title(name):<28}{self.median(name):>11,.0f}{self.median(name) / self.median(baseline):>8.2f}"
            if name in self.p50_ms:
                figures = (statistics.median(by[name]) for by in (self.p50_ms, self.p99_ms, self.host_us))
                row += "{:>9.2f}{:>9.2f}{:>9.0f}".format(*figures)
            else:
                row += " " * 27
            print(row + "  " + " ".join(f"{rate:,.0f}" for rate in rates))
        print(f"  the load generator took {max(self.shares):.0%} of a core at most")
        conditions = self.conditions()
        for what, held in conditions:
            print(f"  {'held    ' if held else 'NOT HELD'}  {what}")
        counts = all(held for _, held in conditions)
        print(
            f"  so the ratio {'counts' if counts else 'DOES NOT COUNT'}: {CLIENTS} clients are {self._ratios()}"
        )

    def _ratios(self) -> str:
        """To each baseline."""
        value = self.median(f"{CLIENTS}")
        return ", ".join(
            f"{value / self.median(name):.2f} times {name}" for name in self.per_s if name not in self.p50_ms
        )


def _title(name: str) -> str:
    if name.isdecimal():
        return f"{name} client{'s' if name != '1' else ''}"
    return f"{CLIENTS} clients, {name}" if name in ("hot accounts", "two hosts") else name


def _p50_ms(call: Callable[[], int], seconds: float) -> float:
    times: list[float] = []
    while sum(times) < seconds:
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e3


def _approved(database: URL) -> int:
    """How many withdrawals the bank has on record as approved."""
    engine, table = create_engine(database), schema.authorisation
    with engine.connect() as connection:
        found = connection.execute(select(func.count()).select_from(table).where(table.c.code == "00"))
        posted = int(found.scalar_one())
    engine.dispose()
    return posted


# ---------------------------------------------------------------- two engines


def on_sqlite(folder: Path, length: Length, executor: Executor) -> Bench:
    raw = RawSqlite(folder / "raw.sqlite", length.customers)
    database = URL.create("sqlite", database=f"{folder}/bank.sqlite")
    bench = Bench("SQLite, synchronous=FULL", database, length)
    with bench.serving(1, folder, executor):
        for _ in range(length.rounds):
            bench.baseline("one commit each", rate(raw.withdraw, length.seconds))
            bench.round(executor)
    return bench


def on_postgresql(server: tuple[URL, Path], folder: Path, length: Length, executor: Executor) -> Bench:
    address, program = server
    pgbench = PgBench(address, program, length.scale)
    database = new_database(address, "bench_host")
    bench = Bench("PostgreSQL, synchronous_commit=on", database, length)
    with bench.serving(2, folder, executor):
        for _ in range(length.rounds):
            bench.baseline("pgbench", pgbench.rate(length.seconds))
            bench.baseline("pgbench -M prepared", pgbench.rate(length.seconds, "prepared"))
            bench.round(executor)
    return bench


@contextmanager
def generator() -> Iterator[Executor]:
    """The process of the clients."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        yield executor


def main(length: Length) -> None:
    print(
        f"Withdrawals over TCP with PIN verification, MAC, limits, ledger and duplicate check; {length.customers:,}"
        f" customers;\nmedians of {length.rounds} interleaved rounds of {length.seconds:g} s; a client has one request"
        f" outstanding; hot accounts: {HOT_SHARE:.0%} of the traffic\non {HOT_ACCOUNTS}; the database, the clients and"
        f" the host share {os.cpu_count()} cores; pgbench: TPC-B-like, {CLIENTS} clients, scale {length.scale}"
    )
    with (
        tempfile.TemporaryDirectory(prefix="atm-sim-bench-") as name,
        postgresql() as server,
        generator() as executor,
    ):
        folder = Path(name)
        shown, baseline = on_sqlite(folder, length, executor), "one commit each"
        shown.show(baseline)
        if server is not None:
            shown, baseline = on_postgresql(server, folder, length, executor), "pgbench"
            shown.show(baseline)
    tell_result(
        "host",
        shown.median(f"{CLIENTS}"),
        f"withdrawals per second of {CLIENTS} clients on {shown.engine.split(',')[0]}",
        shown.median(baseline),
    )


if __name__ == "__main__":
    main(BRIEF if quick() else Length())
