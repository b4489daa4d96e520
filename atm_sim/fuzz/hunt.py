"""Plays the worlds of many seeds, on one process or several, and shrinks what fails. The seeds decide, not the jobs.

A sample of the worlds is played twice more, in two processes that have to tell the same (`atm_sim.fuzz.twice`).
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import NamedTuple

from atm_sim.fuzz.coverage import INVARIANT, SAME_RECORD, Reached
from atm_sim.fuzz.generate import world
from atm_sim.fuzz.shrink import MOST_TRIES, shrink
from atm_sim.fuzz.trial import Finding, read, trial
from atm_sim.fuzz.twice import Twice
from atm_sim.fuzz.written import World, quoted
from atm_sim.scenario import ScenarioError
from atm_sim.world.lab import Parts

WORLDS_A_PIECE = 20
"""How many seeds a worker plays before it tells: often enough for a progress bar, seldom enough to cost nothing."""


class Failure(NamedTuple):
    """A seed whose world showed something."""

    seed: int
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        return self.findings[0].name


@dataclass(slots=True)
class Hunt:
    """What the worlds of a run of seeds showed."""

    worlds: int = 0
    failures: list[Failure] = field(default_factory=list)
    reached: Reached = field(default_factory=Counter)

    def add(self, other: Hunt) -> None:
        self.worlds += other.worlds
        self.failures += other.failures
        self.reached.update(other.reached)

    def to_shrink(self) -> list[Failure]:
        """The first failure of each name."""
        first: dict[str, Failure] = {}
        for failure in self.failures:
            first.setdefault(failure.name, failure)
        return list(first.values())


def fuzz(seeds: Iterable[int], parts: Callable[[], Parts] = Parts) -> Failure | None:
    """The first seed whose world shows something, with replacement parts or with the product's own."""
    for seed in seeds:
        if found := play_seeds((seed,), parts).failures:
            return found[0]
    return None


def play_seeds(seeds: Sequence[int], parts: Callable[[], Parts] = Parts) -> Hunt:
    hunt = Hunt()
    for seed in seeds:
        played = trial(read(world(seed)), parts())
        hunt.worlds += 1
        hunt.reached.update(played.reached)
        if played.findings:
            hunt.failures.append(Failure(seed, played.findings))
    return hunt


def hunt_in_pieces(seeds: range, jobs: int) -> Iterator[Hunt]:
    """The seeds in order, a piece at a time; whoever has enough stops asking."""
    pieces = [seeds[at : at + WORLDS_A_PIECE] for at in range(0, len(seeds), WORLDS_A_PIECE)]
    if jobs == 1:
        yield from map(play_seeds, pieces)
        return
    pool = ProcessPoolExecutor(jobs, initializer=_leave_interrupts_to_the_parent)
    try:
        told: list[Future[Hunt]] = [pool.submit(play_seeds, piece) for piece in pieces]
        for future in told:
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def replayed(seeds: Sequence[int], parts: Callable[[], Parts] = Parts) -> Hunt:
    """Worlds that were played already, once more in two processes: what differs between them is a finding (I23)."""
    hunt = Hunt(reached=Counter({(INVARIANT, SAME_RECORD): len(seeds)}))
    with Twice(parts) as two:
        hunt.failures += (Failure(seed, (finding,)) for seed, finding in two.differing(seeds))
    return hunt


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def shrunk(failure: Failure, parts: Callable[[], Parts] = Parts, most_tries: int = MOST_TRIES) -> World:
    """The shortest world that still shows the failure's first finding, with what it shows written into it."""
    finding = failure.findings[0]
    with ExitStack() as open_until_shrunk:
        if finding.name == SAME_RECORD:
            shows = open_until_shrunk.enter_context(Twice(parts)).differs
        else:

            def shows(candidate: World) -> bool:
                return finding.name in trial(read(candidate), parts()).names

        def fails(candidate: World) -> bool:
            try:
                return shows(candidate)
            except ScenarioError:
                return False

        made = shrink(world(failure.seed), fails, most_tries)
    told = f"Found by atm-sim fuzz, seed {failure.seed}, and shrunk. {finding.name}: expected {finding.expected};"
    made["scenario"] = quoted(f"{finding.name} of fuzz seed {failure.seed}")
    title = {"scenario": made["scenario"], "about": quoted(f"{told} was {finding.actual}")}
    return title | {key: value for key, value in made.items() if key not in title}
