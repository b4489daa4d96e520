"""A fleet on a pool of processes: the same bytes as in one."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.runner.fleet import play_fleet
from atm_sim.scenario import loads

FLEET = """\
scenario: A small fleet
version: 1
day: 2014-12-25
fleet:
  operators: {seven_bank: 6}
  accounts: 60
  demand: {per_atm_day: 40, calendar: none}
  partitions: 3
"""


@pytest.mark.parametrize("workers", [2])
def test_any_number_of_workers_writes_the_same_files(tmp_path, workers):
    loaded = loads(FLEET, Path("small.yaml"))
    files = {}
    for number in (1, workers):
        out = tmp_path / f"{number}"
        play_fleet(loaded, loaded.cases[0], out, workers=number)
        files[number] = {
            file.relative_to(out): file.read_bytes()
            for part in ("events", "ledger")
            for file in (out / part).iterdir()
        }
    assert 6 == len(files[1])
    assert files[1] == files[workers]
