"""A study on a Dask cluster gives the same hashes as on this machine, and says so when it cannot run there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from atm_sim.study import executors
from atm_sim.study.executors import ExecutorError, open_executor
from atm_sim.study.replicate import Outcome, Task
from atm_sim.study.run import run_study
from tests.atm_sim.study.test_fleet_study import BODY as FLEET_BODY
from tests.atm_sim.study.test_fleet_study import plan_of as fleet_plan_of
from tests.atm_sim.study.test_study_files import plan_of

BODY = "replications: 3\nmeasures: [wait.mean]\nvariants: {three: {set: {places.hall.machines: 3}}}\n"


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """A scheduler and two workers on loopback, as HOST:PORT."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address=":0",  # any free port: whoever else runs a dashboard here is not in the way
        worker_dashboard_address=None,
        processes=True,
    ) as local:
        yield local.scheduler_address.removeprefix("tcp://")


def test_the_same_hashes_on_dask(tmp_path: Path, cluster: str) -> None:
    plan = plan_of(tmp_path, BODY)
    with open_executor("", 1) as here:
        expected = run_study(plan, here)
    with open_executor(f"dask://{cluster}") as there:
        found = run_study(plan, there)
    assert expected.hashes == found.hashes
    assert expected.values == found.values


def test_a_fleets_partitions_give_the_same_hashes_on_processes_and_on_dask(
    tmp_path: Path, cluster: str
) -> None:
    """The event-a-visit kernel too: each partition is a task, wherever it is played."""
    plan = fleet_plan_of(tmp_path, FLEET_BODY)
    with open_executor("", 2) as pool:
        expected = run_study(plan, pool)
    with open_executor(f"dask://{cluster}") as there:
        found = run_study(plan, there)
    assert expected.hashes == found.hashes
    assert expected.values == found.values


def test_any_picklable_function_can_be_run(cluster: str) -> None:
    with open_executor(f"dask://{cluster}") as there:
        found = {task.replication: outcome.sha256 for task, outcome in there.run(map(_task, range(20)))}
    assert {number: f"{number}" for number in range(20)} == found


def _task(number: int) -> Task:
    return Task("any", number, _Told(number))


class _Told:
    """A call that is no function of ours."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __call__(self) -> Outcome:
        return Outcome({}, f"{self.number}")


def test_a_worker_of_another_version_is_refused(cluster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "VERSION", "9.9.9")
    with (
        pytest.raises(ExecutorError, match="other versions than this machine"),
        open_executor(f"dask://{cluster}"),
    ):
        pass


def test_no_scheduler_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executors, "CONNECT_WITHIN_S", 1)
    with pytest.raises(ExecutorError, match="no Dask scheduler answers"), open_executor("dask://127.0.0.1:9"):
        pass
