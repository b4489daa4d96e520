"""Runs tasks somewhere: in this process, on a pool of processes, or on a Dask cluster. What comes out is the same.

Never more tasks are under way than twice the workers, so that a study of ten thousand replications holds no more in
memory than one of ten; results come back as they are ready, in any order.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures import Executor as FuturesExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import Protocol, TypeAlias

import pyarrow

from atm_sim import VERSION
from atm_sim.study.replicate import Outcome, Task

IN_FLIGHT = 2
"""Tasks under way for each worker: one that runs, one that waits for it."""

CONNECT_WITHIN_S = 10
DASK = "dask://"


class ExecutorError(Exception):
    """Where the study was to run, it cannot; the text says what to do."""


class Executor(Protocol):
    """Where tasks run."""

    name: str

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]: ...


Opened: TypeAlias = AbstractContextManager[Executor]


def open_executor(on: str, workers: int | None = None) -> Opened:
    """`dask://HOST:PORT`, or '' for the cores of this machine (`workers` of them)."""
    if on.startswith(DASK):
        return _dask(on.removeprefix(DASK))
    count = workers or os.cpu_count() or 1
    return _here() if count == 1 else _pool(count)


class _Here:
    """One after the other, in this process."""

    name = "this process"

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        for task in tasks:
            yield task, task.call()


@contextmanager
def _here() -> Iterator[Executor]:
    yield _Here()


class _Pool:
    """Whatever takes calls and gives futures."""

    def __init__(self, name: str, workers: int, pool: FuturesExecutor) -> None:
        self.name = name
        self._most = IN_FLIGHT * workers
        self._pool = pool

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Outcome]]:
        waiting = iter(tasks)
        running = {self._pool.submit(task.call): task for task in islice(waiting, self._most)}
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                task = running.pop(future)
                yield task, future.result()
                running.update({self._pool.submit(task.call): task for task in islice(waiting, 1)})


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield _Pool(f"{workers} processes", workers, pool)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def versions() -> tuple[str, str]:
    """What event files depend on; every worker has to have the same."""
    return VERSION, pyarrow.__version__


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError:
        raise ExecutorError("--on dask:// needs the extra: pip install 'atm-sim[dask]'") from None
    try:
        client = Client(f"tcp://{address}", timeout=CONNECT_WITHIN_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ExecutorError(
            f"no Dask scheduler answers at {address} ({type(error).__name__}); start one: dask scheduler"
        ) from None
    try:
        _same_versions(client.run(versions), address)
        workers = sum(client.nthreads().values())
        yield _Pool(f"Dask at {address}", workers, client.get_executor(pure=False))
    finally:
        client.close()


def _same_versions(found: dict[str, tuple[str, str]], address: str) -> None:
    if not found:
        raise ExecutorError(
            f"the Dask scheduler at {address} has no workers; start one: dask worker {address}"
        )
    for worker, other in found.items():
        if other != versions():
            names = ", ".join("atm-sim {}, pyarrow {}".format(*each) for each in (other, versions()))
            raise ExecutorError(f"worker {worker} has other versions than this machine: {names}")
