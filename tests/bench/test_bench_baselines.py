"""The baselines tell a figure on a disk that stands still for a while, and say so where there is none to tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL

from bench import baselines
from bench.baselines import PgBench

PGBENCH = """#!/bin/sh
echo "$*" >> "{calls}"
case "$*" in
*"-T {does} "*) echo "tps = 812.5 (without initial connection time)" ;;
*) echo "number of transactions actually processed: 0" ;;
esac
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pgbench that gets something done in a run of four seconds, and in no other."""
    monkeypatch.setattr(baselines, "new_database", lambda server, name: server)
    return _pgbench(tmp_path, does="4")


def _pgbench(folder: Path, does: str) -> Path:
    file = folder / "pgbench"
    file.write_text(PGBENCH.format(calls=folder / "calls", does=does), encoding="utf-8")
    file.chmod(0o755)
    return file


def _lengths(program: Path) -> list[str]:
    calls = program.with_name("calls").read_text(encoding="utf-8").splitlines()
    return [words[words.index("-T") + 1] for call in calls if "-T" in (words := call.split())]


def test_a_run_in_which_nothing_was_done_is_made_again_for_longer(program: Path) -> None:
    assert 812.5 == PgBench(URL.create("postgresql"), program).rate(0.2)
    assert ["1", "2", "4"] == _lengths(program)


def test_a_server_that_does_nothing_is_given_up_with_what_pgbench_said(program: Path) -> None:
    _pgbench(program.parent, does="never")
    with pytest.raises(SystemExit, match="actually processed: 0"):
        PgBench(URL.create("postgresql"), program).rate(0.2)
    assert ["1", "2", "4", "8", "16", "32"] == _lengths(program)
