"""How much one load generator carries: `python -m bench.load` (goal: 10,000 messages/s with p99 send lag of 10 ms).

Withdrawals and balance enquiries of 5,000 ATMs over 4 connections, PIN block, MAC, trace numbers, timers and the MAC of
every answer checked, open model, against a null host in another process, on Linux with a core of its own where there
are two. The rate rises until the schedule is lost, in three rounds; a rate is kept if the median of its rounds' p99 is.
The baseline, in the same rounds and on the same cores: the same messages by Locust users without pauses, a closed
model, which has no schedule to keep.

Twice: over a new link, whose MACs are AES-CMAC, and over a classic one with the retail MAC by TDES. PIN blocks are of
format 0 under a TDES key on both, as DE52 has eight bytes. The result is that of the new link.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from atm_sim.load.drive import Driver, Target
from atm_sim.load.figures import Figures, figures
from atm_sim.load.fleet import Fleet
from atm_sim.load.people import acceptors
from atm_sim.load.record import Record
from atm_sim.load.target import carriers
from atm_sim.scenario import loads
from atm_sim.wire.connections import run
from atm_sim.wire.keys import WireKeys, published
from bank_host.address import Address
from bank_host.clock import steady_clock
from bank_host.iso8583.dialect import load_dialect
from bank_host.jst import jst_date
from bank_host.policy import load_policy
from bench.command import quick, tell_result

RATES = (1_000, 2_000, *range(4_000, 15_000, 1_000), 16_000)
SECONDS = 3
ROUNDS = 3
MOST_LAG_MS = 10.0
LINKS = {
    "a new link: MAC by AES-CMAC": Path(__file__).with_name("aes-cmac.toml"),
    "a classic link: retail MAC": Path(__file__).with_name("retail-mac.toml"),
}
USERS = 50  # of the baseline, which also needs seconds to begin
BASELINE_S = 15
SCENARIO = """
scenario: Bench
version: 1
day: 2026-01-15
places: {{shop: {{operator: seven_bank}}}}
load:
  arrivals: [{{rate: {rate}/s, for: {seconds} s}}]
  terminals: 5_000
  customers: 500
  do: {{withdraw: 70, balance: 30}}
  completions: false
  answer_within: 30 s
  most_waiting: 1_000_000
"""


@contextmanager
def null_host(dialect: Path) -> Iterator[Address]:
    """On another core than this process and its children, as the goal has it."""
    command = [sys.executable, "-m", "bench.null_host", "--dialect", str(dialect)]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    try:
        if len(cores) > 1:
            os.sched_setaffinity(0, {min(cores)})
            os.sched_setaffinity(host.pid, cores - {min(cores)})
        yield Address("127.0.0.1", int(host.stdout.readline()))
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
        host.terminate()
        host.wait()


class Found(NamedTuple):
    """One run: its figures, and the generator's own CPU time for each message sent, its answer included."""

    figures: Figures
    cpu_us: float

    def lag_ms(self, which: str) -> float:
        """Of the sending, behind the schedule: p50, p99 or max."""
        return self.figures.send_lag.at(which) / 1_000


def at_rate(rate: int, seconds: int, dialect_file: Path) -> Found:
    scenario = loads(SCENARIO.format(rate=rate, seconds=seconds)).scenario
    load, policy, clock = scenario.load, load_policy(), steady_clock()
    assert load is not None
    dialect = load_dialect(str(dialect_file))
    people = carriers(scenario, load, 1, policy, clock())
    fleet = Fleet(load, acceptors(scenario, load, policy.on(jst_date(clock()))), people, Record(load.for_us))

    async def main(target: Target) -> float:
        driver = Driver(load, 1, fleet, target, len(people), clock)
        begun = time.process_time()
        await driver.run()
        return time.process_time() - begun

    with null_host(dialect_file) as address:
        cpu_s = run(main(Target(address, dialect, partial(WireKeys, published(dialect)))))
    fleet.record.close()
    found = figures(fleet.record, seconds)
    if found.counts["answered"] != found.counts["planned"]:
        raise SystemExit(
            f"bench.load: {found.counts['planned']} planned, {found.counts['answered']} answered"
        )
    return Found(found, cpu_s * 1e6 / found.counts["sent"])


def baseline(seconds: int, dialect_file: Path) -> float:
    """Messages a second of Locust users, from Locust's own report: once all are there, until the last second."""
    with TemporaryDirectory(prefix="atm-sim-bench-") as folder, null_host(dialect_file) as address:
        scenario = Path(folder) / "bench.yaml"
        scenario.write_text(SCENARIO.format(rate=1, seconds=seconds), encoding="utf-8")
        command = [sys.executable, "-m", "locust", "-f", "bench/locustfile.py", "--headless", "--json"]
        command += ["--host", f"{address}", "-u", f"{USERS}", "-r", f"{USERS}", "-t", f"{seconds}s"]
        done = subprocess.run(
            [*command, "--loglevel", "WARNING"],
            env=os.environ | {"BENCH_SCENARIO": f"{scenario}", "BENCH_DIALECT": f"{dialect_file}"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"bench.load: Locust failed: {done.stderr.strip()}")
    rows = json.loads(done.stdout)
    if not rows or any(row["num_failures"] for row in rows):
        raise SystemExit(f"bench.load: Locust's users had no answers:\n{done.stderr.strip()}")
    begun = min(row["start_time"] for row in rows)
    ended = max(row["last_request_timestamp"] for row in rows)
    return sum(row["num_requests"] for row in rows) / (ended - begun)


class Round(NamedTuple):
    """Every rate once, until the schedule is lost, and the baseline."""

    found: dict[int, Found]
    closed: float


def one_round(
    rates: Sequence[int], seconds: int, baseline_s: int, most_lag_ms: float, dialect_file: Path
) -> Round:
    found: dict[int, Found] = {}
    late = 0
    for rate in rates:
        found[rate] = at_rate(rate, seconds, dialect_file)
        late += found[rate].lag_ms("p50") > most_lag_ms
        if late == 2:
            break  # not a busy moment of the machine: the schedule is lost
    return Round(found, baseline(baseline_s, dialect_file))


def most_kept(rounds: Sequence[Round], rates: Sequence[int], most_lag_ms: float) -> int:
    """The highest of the rates that keeps its schedule by the median of its rounds, told with all that were tried."""
    print(
        f"{'planned/s':>10}{'lag p50':>9}{'lag p99':>9}{'latency p99':>13} ms {'CPU us':>8}   lag p99, rounds"
    )
    best, cheapest_us = 0, float("inf")
    for rate in rates:
        tried = [each.found[rate] for each in rounds if rate in each.found]
        if 2 * len(tried) <= len(rounds):
            break  # most rounds had lost the schedule before
        half_ms, lag_ms = (
            statistics.median(each.lag_ms(which) for each in tried) for which in ("p50", "p99")
        )
        latency_ms = statistics.median(each.figures.latency.at("p99") / 1_000 for each in tried)
        cpu_us = statistics.median(each.cpu_us for each in tried)
        kept = lag_ms <= most_lag_ms
        best, cheapest_us = rate if kept else best, min(cheapest_us, cpu_us)
        print(
            f"{rate:>10,}{half_ms:>9.2f}{lag_ms:>9.2f}"
            f"{latency_ms:>13.2f}    {cpu_us:>8.0f}   "
            + " ".join(f"{each.lag_ms('p99'):.1f}" for each in tried)
            + ("" if kept else "   out of bounds"),
        )
    print(f"the generator's CPU time would do for {1e6 / cheapest_us:,.0f} messages/s on a core of its own")
    return best


def main(
    rates: Sequence[int] = RATES,
    seconds: int = SECONDS,
    baseline_s: int = BASELINE_S,
    most_lag_ms: float = MOST_LAG_MS,
    rounds: int = ROUNDS,
) -> None:
    print(
        f"open model, {seconds} s a rate, PIN block and MAC, 5,000 ATMs over 4 connections, null host;"
        f" medians of {rounds} interleaved rounds",
        flush=True,
    )
    played: dict[str, list[Round]] = {name: [] for name in LINKS}
    for number in range(1, rounds + 1):
        for name, dialect_file in LINKS.items():
            print(f"round {number} of {rounds}, {name}", file=sys.stderr)
            played[name].append(one_round(rates, seconds, baseline_s, most_lag_ms, dialect_file))
    kept: list[tuple[int, float]] = []
    for name in LINKS:
        print(f"\n{name}")
        best = most_kept(played[name], rates, most_lag_ms)
        closed = statistics.median(each.closed for each in played[name])
        print(f"{USERS} Locust users without pauses, closed model: {closed:,.0f} messages/s")
        print(f"kept: {best:,} messages/s, {best / closed:.2f} of theirs", flush=True)
        kept.append((best, closed))
    best, closed = kept[0]
    unit = f"messages/s planned and sent with p99 send lag of at most {most_lag_ms:g} ms, MAC by AES-CMAC"
    tell_result("load", best, unit, closed)


if __name__ == "__main__":
    if quick():
        main(rates=(100,), seconds=1, baseline_s=BASELINE_S, most_lag_ms=60_000.0, rounds=1)
    else:
        main()
