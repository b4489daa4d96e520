"""Plays one case of a scenario, all its replications, and grades it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from atm_sim import VERSION
from atm_sim.checks.result import Check, Verdict, verdict
from atm_sim.records.log import EventLog
from atm_sim.records.manifest import run_id
from atm_sim.runner.grade import measure_checks, step_checks
from atm_sim.scenario import Case, Loaded
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.simulate import simulate

Progress = Callable[[int, int], None]
"""Hears (replication, simulated microseconds since the scenario's midnight) now and then."""


@dataclass(slots=True)
class CaseRun:
    """One case as it was played: what happened in each replication, and what was found."""

    loaded: Loaded
    case: Case
    seed: int
    run: str
    logs: dict[int, EventLog] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        return verdict(self.checks)


def play(
    loaded: Loaded,
    case: Case,
    *,
    seed: int | None = None,
    parts: Callable[[int], Parts] = lambda replication: Parts(),
    progress: Progress = lambda replication, time_us: None,
) -> CaseRun:
    """Run every replication of a case and check it; `parts(replication)` wires each replication's lab."""
    scenario = case.scenario
    used_seed = scenario.seed if seed is None else seed
    done = CaseRun(loaded, case, used_seed, run_id(loaded.sha256, used_seed, VERSION))
    for replication in range(1, scenario.run.replications + 1):
        lab = Lab(scenario, seed=used_seed, replication=replication, run=done.run, parts=parts(replication))
        start_us = lab.start_us

        def tell(now_us: int, replication: int = replication, start_us: int = start_us) -> None:
            progress(replication, now_us - start_us)

        done.logs[replication] = simulate(lab, tell)
    done.checks += step_checks(case, done.logs)
    done.checks += measure_checks(case, done.logs)
    return done
