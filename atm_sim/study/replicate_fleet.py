"""Plays one replication of a fleet, or one of its partitions, wherever an executor puts it, and joins the partitions.

The files are written row group by row group to a folder of the worker's own and go away with it; what comes back is
counts, hashes, and the event file where it is to be kept.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from atm_sim.checks.measures import Ask
from atm_sim.fleet.play import Job, play_partition, play_replication, together
from atm_sim.fleet.scan import measure_of
from atm_sim.scenario import Scenario
from atm_sim.study.replicate import Outcome, Wanted


def parts_of(scenario: Scenario, wanted: Sequence[Wanted]) -> int:
    """How many tasks a replication is: its partitions, unless a measure looks at some of the events of all of them."""
    assert scenario.fleet is not None, "a fleet scenario has a fleet"
    return scenario.fleet.partitions if all(each.ask == Ask() for each in wanted) else 1


def replicate_fleet(job: Job, wanted: tuple[Wanted, ...], *, keep: bool) -> Outcome:
    """The job's partition; all of them one after the other where it names none. `job.out` is not used."""
    with tempfile.TemporaryDirectory(prefix="atm-sim-study-") as folder:
        here = job._replace(out=Path(folder))
        played = play_partition(here) if job.partition else play_replication(here)
        values = {
            each.key: played.measures.get(each.measure)
            if each.ask == Ask()
            else measure_of(here.out, job.replication, each.measure, each.ask)
            for each in wanted
        }
        files = sorted((here.out / "events").glob("*.parquet")) if keep else []
        events = tuple((file.stem, file.read_bytes()) for file in files)
    return Outcome(values, played.events_sha256, events, tuple(sorted(played.broken)), played)


def join(scenario: Scenario, wanted: Sequence[Wanted], parts: Sequence[Outcome]) -> Outcome:
    """The outcomes of all partitions, in order, as that of the replication."""
    whole = together(scenario, [outcome.part for outcome in parts])
    values = {each.key: whole.measures.get(each.measure) for each in wanted}
    return Outcome(values, whole.events_sha256, (), tuple(sorted(whole.broken)))
