"""Same scenario and seed, same bytes: whatever the process, and however it orders its sets (invariant I23)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIRST_DAY = ROOT / "scenarios" / "tutorial" / "first_day.yaml"

RUN = "from atm_sim.cli import main; main()"

PLANTED = """
from atm_sim.world.conductor import Conductor

start = Conductor.start

def start_with_a_set(self):
    for alias in set(self._lab.people):
        self._chronicle.row("greeted", card_alias=alias)
    start(self)

Conductor.start = start_with_a_set
"""
"""A fault to find: the names of a set, as it happens to be ordered, become rows."""

Hashes = dict[str, str]


def records(out: Path, *, hash_seed: int, seed: int = 42, planted: str = "") -> Hashes:
    """The hash of every record file that `atm-sim run` leaves in a process of its own."""
    options = ["--out", str(out), "--seed", str(seed)]
    command = [sys.executable, "-c", planted + RUN, "run", str(FIRST_DAY), *options]
    environment = {**os.environ, "PYTHONHASHSEED": str(hash_seed), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {
        file.relative_to(out).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for part in ("events", "messages")
        for file in sorted((out / part).glob("*.parquet"))
    }


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Hashes:
    return records(tmp_path_factory.mktemp("first"), hash_seed=1)


def test_the_same_scenario_and_seed_leave_the_same_bytes(first: Hashes, tmp_path: Path) -> None:
    assert ["events/r001.parquet", "messages/r001.parquet"] == list(first)
    assert first == records(tmp_path, hash_seed=2)


def test_another_seed_leaves_other_bytes(first: Hashes, tmp_path: Path) -> None:
    other = records(tmp_path, hash_seed=1, seed=43)
    assert [] == [name for name in first if first[name] == other[name]]


def test_a_set_that_leaks_into_the_record_is_caught(tmp_path: Path) -> None:
    one, two = (records(tmp_path / str(n), hash_seed=n, planted=PLANTED) for n in (1, 2))
    assert one["events/r001.parquet"] != two["events/r001.parquet"]
