"""Tests of a group run in one worker: pytest-xdist ignored groups without a word under pytest 9.2 (its issue 1386)."""

import os
import subprocess
import sys
from pathlib import Path

GROUPED_TESTS = """
import os
from pathlib import Path

import pytest

@pytest.mark.xdist_group("together")
@pytest.mark.parametrize("number", range(6))
def test_one(number):
    with Path("workers").open("a") as workers:
        workers.write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_what_one_test_has_started_the_others_of_its_group_find(tmp_path: Path) -> None:
    (tmp_path / "test_group.py").write_text(GROUPED_TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    workers = (tmp_path / "workers").read_text(encoding="utf-8").split()
    assert (6, 1) == (len(workers), len(set(workers)))
