"""What one session at an ATM costs in full detail: `python -m bench.session [CUSTOMERS | --quick]`.

A thousand customers draw ¥10,000 each at one site: every message encoded and decoded, PINs in PIN blocks, the ledger
posted, completion advices sent. Four ways, interleaved: the bank in memory or in SQLite, with and without the auditor.
The difference between two lines is what the part costs. Building the lab and writing the run folder are not in it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count, product

from atm_sim.checks.auditor import Auditor
from atm_sim.scenario import Scenario, loads
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.simulate import simulate
from bank_host.store.contract import Store
from bank_host.store.memory import MemoryStore
from bank_host.store.sql import SqlStore
from bench.command import quick, tell_result

ROUNDS = 5
BUSY_DAY = """\
scenario: A busy day
version: 1
day: 2014-01-15
places:
  shibuya: {{operator: seven_bank, machines: 4}}
streams:
  all_day: {{at: shibuya, from: 08:00, customers: {customers}, interarrival: {{exponential: 30 s}}, amount: ¥10_000}}
"""


def seconds(scenario: Scenario, store: Callable[[str], Store], audited: bool) -> float:
    lab = Lab(scenario, seed=1, replication=1, run="bench", parts=Parts(store=store))
    auditor = Auditor() if audited else None
    if auditor is not None:
        for bank in lab.banks.values():
            auditor.opened(bank)
        for atm, terminal in lab.terminals.items():
            auditor.loaded(atm, terminal)
    begun = time.perf_counter()
    log = simulate(lab, auditor)
    if auditor is not None:
        auditor.finish(log.events[-1].time_us, lab.banks.values(), lab.queues())
    return time.perf_counter() - begun


def main(customers: int = 1_000, rounds: int = ROUNDS) -> None:
    scenario = loads(BUSY_DAY.format(customers=customers)).cases[0].scenario
    times: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="atm-sim-bench-") as folder:
        files = (f"sqlite:///{folder}/{number}.sqlite" for number in count())
        stores: dict[str, Callable[[str], Store]] = {
            "memory": lambda bank: MemoryStore(),
            "SQLite": lambda bank: SqlStore.create(next(files), durable=False),  # as `atm-sim run` keeps it
        }
        for _ in range(rounds):  # interleaved, so that a busy moment touches every way alike
            for (name, store), audited in product(stores.items(), (False, True)):
                way = f"{name}, audited" if audited else name
                cost_ms = seconds(scenario, store, audited) / customers * 1e3
                times.setdefault(way, []).append(cost_ms)
    print(
        f"{rounds} interleaved rounds of {customers:,} sessions each, in full detail; building the lab not in it"
    )
    print(f"{'bank':<20}{'median ms':>10}{'best ms':>10}")
    for name, rounds_ms in times.items():
        print(f"{name:<20}{statistics.median(rounds_ms):>10.2f}{min(rounds_ms):>10.2f}")
    value, baseline = (statistics.median(times[way]) for way in ("memory, audited", "SQLite, audited"))
    unit = "ms per audited session in memory; the baseline is SQLite"
    tell_result("session", value, unit, baseline, less_is_better=True)


if __name__ == "__main__":
    if quick():
        main(customers=2, rounds=1)
    else:
        main(*(int(word) for word in sys.argv[1:]))
