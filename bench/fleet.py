"""A day of a fleet against the textbook: `python -m bench.fleet [--small | --quick]`.

27,000 ATMs and 2.7 million sessions with the bank's rules, its ledger and the event file, beside a plain SimPy model
of the same customers (`bench.textbook_fleet`), which has to come to the same decisions and waits. Costs are CPU time,
each measured in a process of its own. The textbook plays as much of the day as its line says: its cost a session is
what counts. `--small` stops at 1,000 ATMs.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from atm_sim.fleet.arrivals import Arrival, Plan, Window
from atm_sim.fleet.ground import sites_of
from atm_sim.fleet.play import WAY, Job, play_replication, policy_of
from atm_sim.fleet.population import population
from atm_sim.scenario import Scenario, loads
from atm_sim.world.links import LATENCIES
from bank_host.jst import midnight_us
from bench.command import quick, tell_result
from bench.textbook_fleet import PlainBank, Textbook

SEED = 7
PER_DAY = 100
ACCOUNTS_PER_ATM = 37
LEAST_SESSIONS = 30_000
TEXTBOOK_SESSIONS = 250_000
DAY_OF_FLEET = """\
scenario: A day of a fleet
version: 1
day: 2014-12-18
fleet:
  operators: {{seven_bank: {atms}}}
  accounts: {{count: {accounts}, locked: 0.002, raised: {{share: 0.01, amount: ¥1_000_000}}}}
  demand: {{per_atm_day: {per_day}, calendar: none}}
  customers: {{balk_at: 1_000, patience: 24 h, neighbours: 0, returns: 0}}
  days: {days}
  partitions: {partitions}
"""


class Cost(NamedTuple):
    """What one run took, and what is compared of it."""

    sessions: int
    cpu_s: float
    wall_s: float
    peak_mb: float
    decisions: Counter[tuple[Any, ...]]


def scenario_of(atms: int, days: int, partitions: int = 1) -> Scenario:
    text = DAY_OF_FLEET.format(
        atms=atms, accounts=atms * ACCOUNTS_PER_ATM, per_day=PER_DAY, days=days, partitions=partitions
    )
    return loads(text).scenario


def kernel(atms: int, days: int, up_to: int) -> Cost:
    """The product, in this process. `up_to` customers are compared with the textbook."""
    with tempfile.TemporaryDirectory(prefix="atm-sim-bench-") as folder:
        scenario = scenario_of(atms, days)
        begun = time.process_time(), time.perf_counter()
        played = play_replication(Job(scenario, SEED, 1, Path(folder), "bench"))
        cpu_s, wall_s = time.process_time() - begun[0], time.perf_counter() - begun[1]
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if played.broken:
            raise SystemExit(f"bench.fleet: invariants do not hold: {played.broken}")
        (file,) = (Path(folder) / "events").iterdir()
        columns = ["time_us", "code", "reason", "wait_us", "service_us"]
        rows = pq.read_table(file, columns=columns).sort_by("time_us").slice(0, up_to) if up_to else None
        seen = Counter(zip(*(c.to_pylist() for c in rows.columns), strict=True)) if rows else Counter()
        return Cost(int(played.tally.total("visits")), cpu_s, wall_s, peak_mb, seen)


def two_processes(atms: int, days: int) -> tuple[float, float]:
    """(wall seconds, peak MB of the larger worker) of two partitions in two processes."""
    with tempfile.TemporaryDirectory(prefix="atm-sim-bench-") as folder, ProcessPoolExecutor(2) as pool:
        begun = time.perf_counter()
        play_replication(Job(scenario_of(atms, days, 2), SEED, 1, Path(folder), "bench"), pool.map)
        wall_s = time.perf_counter() - begun
    return wall_s, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def textbook(atms: int, days: int, up_to: int) -> Cost:
    """The oracle over the hours that hold `up_to` customers, in this process."""
    scenario = scenario_of(atms, days)
    assert scenario.fleet is not None
    policy = policy_of(scenario)
    sites = sites_of(scenario.fleet, Path(), SEED)
    initial = policy.on(scenario.day).atm_standing_initial
    people = population(scenario.fleet.accounts, days, initial, SEED, 1, 1)
    plan = Plan(scenario, sites, len(people), SEED, 1, 1)
    start_us = midnight_us(scenario.day)
    begun = time.process_time(), time.perf_counter()
    bank = PlainBank(people, policy, scenario.day)
    way_us = sum(round(LATENCIES[line].first) for line in WAY)
    model = Textbook(bank, len(sites), "seven_bank", way_us, scenario.fleet.customers.pin_tries, start_us)
    arrived: dict[int, int] = {}
    model.run(_first(plan.windows(), up_to, arrived))
    cpu_s, wall_s = time.process_time() - begun[0], time.perf_counter() - begun[1]
    seen = Counter(
        (arrived[each.number] - start_us, each.code, each.reason.lower(), each.wait_us, each.service_us)
        for each in model.visits
    )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(len(model.visits), cpu_s, wall_s, peak_mb, seen)


def _first(
    windows: Iterator[Window], up_to: int, arrived: dict[int, int]
) -> Iterator[tuple[int, list[Arrival]]]:
    for end_us, by_hour, arrivals in windows:
        kept = list(takewhile(lambda each: each.number < up_to, chain.from_iterable(arrivals)))
        arrived.update((each.number, each.at_us) for each in kept)
        yield end_us, kept
        if len(kept) < sum(by_hour):
            return


def alone(call: Callable[..., Any], *details: Any) -> Any:
    """In a process of its own, so that memory and garbage of another run do not count."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(call, *details).result()


def main(sizes: tuple[int, ...] = (10, 1_000, 27_000), most: int = TEXTBOOK_SESSIONS) -> None:
    costs: dict[int, tuple[float, float]] = {}
    print(
        "a fleet's day with rules, ledger and event file, by size in 1 interleaved rounds; CPU time, each in a process"
    )
    print("of its own; beside it a process a customer in plain SimPy, which has to decide alike")
    print(
        f"{'ATMs':>7}{'sessions':>11}{'us each':>9}{'seconds':>9}{'peak MB':>9}   textbook: sessions, us each, ratio"
    )
    for atms in sizes:
        days = max(1, -(-LEAST_SESSIONS // (atms * PER_DAY))) if most > 1_000 else 1
        plain = alone(textbook, atms, days, most)
        ours = alone(kernel, atms, days, plain.sessions)
        if plain.decisions != ours.decisions:
            differ = (
                (plain.decisions - ours.decisions).most_common(2),
                (ours.decisions - plain.decisions).most_common(2),
            )
            raise SystemExit(f"bench.fleet: at {atms} ATMs the two do not decide alike: {differ}")
        each_us, plain_us = ours.cpu_s / ours.sessions * 1e6, plain.cpu_s / plain.sessions * 1e6
        costs[atms] = each_us, plain_us
        print(
            f"{atms:>7,}{ours.sessions:>11,}{each_us:>9.1f}{ours.cpu_s:>9.1f}{ours.peak_mb:>9.0f}"
            f"   {plain.sessions:>9,}{plain_us:>8.1f}{plain_us / each_us:>7.1f}x"
        )
    wall_s, peak_mb = alone(two_processes, sizes[-1], 1)
    print(f"two processes: {wall_s:.1f} s of wall time for the last, at most {peak_mb:.0f} MB each")
    print(
        f"a session at {sizes[-1]:,} ATMs costs {costs[sizes[-1]][0] / costs[sizes[0]][0]:.2f} x one at {sizes[0]:,}"
    )
    ours_us, plain_us = costs[sizes[-1]]
    unit = f"CPU us per session at {sizes[-1]:,} ATMs; the baseline is the textbook model"
    tell_result("fleet", ours_us, unit, plain_us, less_is_better=True)


if __name__ == "__main__":
    if quick():
        main((3,), 200)
    elif "--small" in sys.argv[1:]:
        main((10, 1_000), 30_000)
    else:
        main()
