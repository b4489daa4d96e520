"""Plays a fleet scenario, all its replications and partitions, on as many processes as asked for, and grades it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from atm_sim import VERSION
from atm_sim.checks.expectations import judge_values
from atm_sim.checks.measures import Ask
from atm_sim.fleet.places import site_rows
from atm_sim.fleet.play import Job, Played, play_replication
from atm_sim.fleet.scan import measure_of
from atm_sim.records.check import Check
from atm_sim.records.folder import RunFolder
from atm_sim.records.manifest import run_id
from atm_sim.records.tally import FleetRun
from atm_sim.runner.files import check_sites
from atm_sim.runner.grade import measure_expectation
from atm_sim.runner.play import CaseRun, Progress
from atm_sim.scenario import Case, Expectation, Loaded

Each = Callable[[Callable[[Job], Played], list[Job]], Iterable[Played]]


def play_fleet(
    loaded: Loaded,
    case: Case,
    out: Path,
    *,
    seed: int | None = None,
    workers: int = 1,
    progress: Progress = lambda replication, time_us: None,
) -> CaseRun:
    """Run every replication into the run folder `out`, and check it. The same bytes on any number of workers."""
    scenario = case.scenario
    assert scenario.fleet is not None, "who plays a fleet has one"
    used_seed = scenario.seed if seed is None else seed
    done = CaseRun(loaded, case, used_seed, run_id(loaded.sha256, used_seed, VERSION))
    done.sites = site_rows(scenario.fleet, loaded.path.parent, used_seed)
    check_sites(loaded, {each.site for each in done.sites})
    RunFolder.create(out)
    with _pool(min(workers, scenario.fleet.partitions)) as each:
        for replication in range(1, scenario.run.replications + 1):
            progress(replication, 0)
            job = Job(scenario, used_seed, replication, out, done.run, loaded.path.parent)
            played = play_replication(job, each)
            done.fleet[replication] = FleetRun(played.tally, played.events_sha256, played.ledger_sha256)
            done.measured[replication] = played.measures
            _take_up(done, replication, played)
    done.checks += [_judged(done, case, expectation, out) for expectation in scenario.expectations]
    done.checks += done.invariants.values()
    return done


@contextmanager
def _pool(workers: int) -> Iterator[Each]:
    if workers == 1:
        yield map
        return
    with ProcessPoolExecutor(workers) as pool:
        yield pool.map


def _judged(done: CaseRun, case: Case, expectation: Expectation, out: Path) -> Check:
    """By the counts of the run; what asks for a part of it is measured on the event file."""
    expected = measure_expectation(case, expectation)
    values = {
        replication: measured.get(expected.measure)
        if expected.ask == Ask()
        else measure_of(out, replication, expected.measure, expected.ask)
        for replication, measured in done.measured.items()
    }
    return judge_values(expected, values)


def _take_up(done: CaseRun, replication: int, played: Played) -> None:
    """One check for each invariant that a scenario asks for; the first replication that breaks it speaks for all."""
    wanted = done.case.scenario.invariants
    for name, count in sorted(played.checked.items(), key=lambda item: int(item[0][1:])):
        done.checked[name] += count
        if wanted != "all" and name not in wanted:
            continue
        wrong = played.broken.get(name, "")
        known = done.invariants.get(name)
        if known is None or (known.passed and wrong):
            actual = f"replication {replication}: {wrong}" if wrong else "holds"
            done.invariants[name] = Check("invariant", name, "holds", actual, not wrong)
