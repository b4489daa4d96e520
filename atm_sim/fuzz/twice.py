"""Plays worlds in two processes that order their sets differently, at different moments; the records are one (I23).

What leaks from the order of a set, from a hash or from the wall clock into a run is invisible in one process. So a
sample of the worlds is played once more in two interpreters with PYTHONHASHSEEDs of their own.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from types import TracebackType

from atm_sim.fuzz.coverage import SAME_RECORD
from atm_sim.fuzz.generate import world
from atm_sim.fuzz.trial import Finding, read
from atm_sim.fuzz.written import World
from atm_sim.runner.play import play
from atm_sim.scenario import rows
from atm_sim.world.lab import Parts

SAMPLED = 20
"""Of so many worlds one is played twice more."""

_HASH_SEEDS = ("1", "2")


class Twice:
    """Two interpreters that play the same world. A context: they end with it."""

    def __init__(self, parts: Callable[[], Parts] = Parts) -> None:
        """`parts` is called in both processes, so it is a function of a module."""
        self._parts = parts
        self._pools: list[ProcessPoolExecutor] = []
        self._open = ExitStack()

    def __enter__(self) -> Twice:
        for hash_seed in _HASH_SEEDS:
            pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
            self._open.callback(pool.shutdown, cancel_futures=True)
            with _environment(PYTHONHASHSEED=hash_seed):
                pool.submit(os.getpid)  # starts the process
            self._pools.append(pool)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def differing(self, seeds: Sequence[int]) -> Iterator[tuple[int, Finding]]:
        """The seeds whose worlds gave two records."""
        told = [pool.map(_digest_of_seed, seeds, [self._parts] * len(seeds)) for pool in self._pools]
        for seed, one, other in zip(seeds, *told, strict=True):
            if one != other:
                yield seed, Finding(SAME_RECORD, "the same record in two processes", "two different records")

    def differs(self, candidate: World) -> bool:
        """Does this world give two records?"""
        one, other = (pool.submit(digest, candidate, self._parts) for pool in self._pools)
        return one.result() != other.result()


def digest(candidate: World, parts: Callable[[], Parts] = Parts) -> str:
    """The hash of all rows and messages that the world leaves, or the error that ended it."""
    loaded = read(candidate)
    try:
        done = play(loaded, rows(loaded)[0], parts=lambda replication: parts())
    except Exception as error:  # the hunt itself reports crashes; here both processes have to show the same
        return repr(error)
    found = hashlib.sha256()
    for log in done.logs.values():
        found.update(repr((log.events, log.messages)).encode())
    return found.hexdigest()


def _digest_of_seed(seed: int, parts: Callable[[], Parts]) -> str:
    return digest(world(seed), parts)


@contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """Environment variables for the processes that are started meanwhile."""
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
