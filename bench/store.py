"""What the store costs: `python -m bench.store [--quick]` (make bench-store).

Approved withdrawals through `Bank.answer_many`, no TCP: PIN verification, duplicate check, limits, ledger, notice,
audit, hash chain, both commits. Batches of 1, 8, 32 and 128 on SQLite (FULL) and on PostgreSQL, in interleaved rounds
with what `bench.baselines` compares them with. Messages are built before the clock starts; every answer is looked at,
and the databases are verified at the end.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path
from random import Random

from sqlalchemy import URL

from bank_host.host import Bank
from bank_host.hsm import Hsm
from bank_host.iso8583.message import Message
from bank_host.jst import HOUR_US, midnight_us
from bank_host.policy import load_policy
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from bench.baselines import SCALE, PgBench, RawSqlite, bare_commit, new_database, postgresql, rate
from bench.command import quick, tell_result
from bench.customers import ATMS, open_customers, pan_of, withdrawal

BATCHES = (1, 8, 32, 128)
ROUNDS, SECONDS, CUSTOMERS = 5, 2.0, 4_096
DAY = date(2014, 1, 15)
NOON_US = midnight_us(DAY) + 12 * HOUR_US


class Till:
    """A bank full of customers, and their withdrawals."""

    def __init__(self, store: SqlStore, customers: int) -> None:
        self.store = store
        self.hsm = Hsm.simulation()
        self.bank = Bank("bench", store, load_policy(), self.hsm)
        self._random, self._stan = Random(1), count(1)
        self._pans = [pan_of(n) for n in range(customers)]
        open_customers(store, self.hsm, customers, NOON_US)

    def messages(self, size: int) -> list[Message]:
        """Withdrawals of ¥1,000 by different customers at any machine."""
        return [self._withdrawal(pan) for pan in self._random.sample(self._pans, size)]

    def _withdrawal(self, pan: str) -> Message:
        stan = next(self._stan)
        then_us = NOON_US + stan // 999_999 * 1_000_000
        return withdrawal(self.hsm, pan, stan, then_us, self._random.choice(ATMS))

    def waits(self, size: int, seconds: float) -> list[float]:
        """How long each batch took, one after the other for about so long."""
        waits: list[float] = []
        while sum(waits) < seconds:
            messages = self.messages(size)
            begun = time.perf_counter()
            answers = self.bank.answer_many(messages, NOON_US)
            waits.append(time.perf_counter() - begun)
            if wrong := [answer and answer[39] for answer in answers if answer is None or answer[39] != "00"]:
                raise SystemExit(f"bench.store: withdrawals were answered {wrong}")
        return waits

    def close(self) -> None:
        found = verify(self.store)
        self.store.close()
        if found:
            raise SystemExit(f"bench.store: the books are not in order: {found[0]}")


@contextmanager
def till(database: URL, customers: int) -> Iterator[Till]:
    opened = Till(SqlStore.create(database), customers)
    yield opened
    opened.close()


class Figures:
    """The figures of each column, by round."""

    def __init__(self, engine: str) -> None:
        self.engine = engine
        self.per_s: defaultdict[str, list[float]] = defaultdict(list)
        self.p50_ms: defaultdict[str, list[float]] = defaultdict(list)

    def measure(self, bank: Till, bare: URL, seconds: float) -> None:
        """One round of the bank's own figures."""
        commit = bare_commit(bare)
        times: list[float] = []
        while sum(times) < seconds / 4:
            begun = time.perf_counter()
            commit()
            times.append(time.perf_counter() - begun)
        self.p50_ms["bare commit"].append(statistics.median(times) * 1e3)
        for size in BATCHES:
            waits = bank.waits(size, seconds)
            self.per_s[f"{size}"].append(size * len(waits) / sum(waits))
            self.p50_ms[f"{size}"].append(statistics.median(waits) * 1e3)

    def rate(self, name: str) -> float:
        return statistics.median(self.per_s[name])

    def show(self, baseline: str) -> None:
        print(f"{self.engine}, {baseline} = 1")
        print(f"  {'':<24}{'per second':>12}{'ratio':>8}{'p50 ms':>9}")
        for name in self.per_s:
            what = f"batch of {name}" if name.isdecimal() else name
            p50 = f"{statistics.median(self.p50_ms[name]):9.2f}" if name in self.p50_ms else ""
            print(f"  {what:<24}{self.rate(name):>12,.0f}{self.rate(name) / self.rate(baseline):>8.2f}{p50}")
        bare, lone = (statistics.median(self.p50_ms[name]) for name in ("bare commit", "1"))
        print(
            f"  a bare durable commit takes {bare:.2f} ms (p50);"
            f" a lone request, with its two commits, {lone / bare:.1f} of them"
        )


def on_sqlite(folder: Path, rounds: int, seconds: float, customers: int) -> Figures:
    figures, raw = Figures("SQLite, synchronous=FULL"), RawSqlite(folder / "raw.sqlite", customers)
    database = URL.create("sqlite", database=f"{folder}/bank.sqlite")
    with till(database, customers) as bank:
        for _ in range(rounds):
            figures.per_s["one commit each"].append(rate(raw.withdraw, seconds))
            figures.measure(bank, database, seconds)
    return figures


def on_postgresql(
    server: tuple[URL, Path], rounds: int, seconds: float, customers: int, scale: int
) -> Figures:
    address, program = server
    figures, pgbench = Figures("PostgreSQL, synchronous_commit=on"), PgBench(address, program, scale)
    database = new_database(address, "bench_bank")
    with till(database, customers) as bank:
        for _ in range(rounds):
            figures.per_s["pgbench"].append(pgbench.rate(seconds))
            figures.per_s["pgbench -M prepared"].append(pgbench.rate(seconds, "prepared"))
            figures.measure(bank, database, seconds)
    return figures


def main(
    rounds: int = ROUNDS, seconds: float = SECONDS, customers: int = CUSTOMERS, scale: int = SCALE
) -> None:
    print(
        f"Approved withdrawals with PIN check, {customers:,} customers, one host process, no TCP; medians of {rounds}"
        f" interleaved rounds of {seconds:g} s; every answer checked, databases verified"
    )
    with tempfile.TemporaryDirectory(prefix="atm-sim-bench-") as folder, postgresql() as server:
        sqlite = on_sqlite(Path(folder), rounds, seconds, customers)
        sqlite.show("one commit each")
        shown, baseline = sqlite, "one commit each"
        if server is not None:
            shown, baseline = on_postgresql(server, rounds, seconds, customers, scale), "pgbench"
            shown.show(baseline)
    most = f"{BATCHES[-1]}"
    tell_result(
        "store",
        shown.rate(most),
        f"withdrawals per second in batches of {most} on {shown.engine.split(',')[0]}",
        shown.rate(baseline),
    )


if __name__ == "__main__":
    if quick():
        main(rounds=1, seconds=0.2, customers=256, scale=1)
    else:
        main()
