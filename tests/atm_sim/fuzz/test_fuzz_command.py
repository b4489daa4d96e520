"""What `atm-sim fuzz` prints and saves, and how it exits."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atm_sim.cli import main
from atm_sim.fuzz import command
from atm_sim.fuzz.coverage import to_reach
from atm_sim.fuzz.hunt import Failure, Hunt
from atm_sim.fuzz.trial import Finding
from atm_sim.fuzz.written import World


def run(*options: str, folder: Path) -> Result:
    return CliRunner().invoke(main, ["fuzz", "--save", str(folder / "failures"), *options])


def pretend(monkeypatch: pytest.MonkeyPatch, *pieces: Hunt) -> None:
    monkeypatch.setattr(command, "hunt_in_pieces", lambda seeds, jobs: iter(pieces))
    monkeypatch.setattr(command, "replayed", lambda seeds: Hunt())


def test_worlds_that_hold_exit_0_with_the_rate_and_what_was_reached(tmp_path: Path) -> None:
    told = run("--seeds", "5", "--from", "7", folder=tmp_path)
    assert 0 == told.exit_code
    assert "5 worlds from seed 7" in told.output
    assert "worlds per second" in told.output
    assert "withdraw" in told.output
    assert not (tmp_path / "failures").exists()


def test_a_failure_exits_1_and_leaves_a_file_with_the_command_that_replays_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: World = {"scenario": "small", "version": "1"}
    pretend(monkeypatch, Hunt(20, [Failure(7, (Finding("rest.queues", "none", "2 left"),))]))
    monkeypatch.setattr(command, "shrunk", lambda failure: small)
    told = run(folder=tmp_path)
    saved = tmp_path / "failures" / "seed-7-rest.queues.yaml"
    assert 1 == told.exit_code
    assert "rest.queues failed in 1 of 20 worlds, first in seed 7" in told.output
    assert f"atm-sim test {saved.as_posix()}" in told.output.replace("\n", "")
    assert "scenario: small" in saved.read_text(encoding="utf-8")


def test_a_place_that_2000_worlds_never_reached_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = to_reach()[0]
    pretend(monkeypatch, Hunt(2_000, [], Counter(dict.fromkeys(to_reach()[1:], 1))))
    told = run("--seeds", "2000", folder=tmp_path)
    assert 1 == told.exit_code
    assert f"never reached in 2000 worlds: {missing[0]} {missing[1]}" in told.output


def test_in_a_shorter_run_it_is_only_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, Hunt(1_999, [], Counter(dict.fromkeys(to_reach()[1:], 1))))
    assert 0 == run("--seeds", "1999", folder=tmp_path).exit_code


def test_a_time_budget_ends_the_run_with_what_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, Hunt(20), Hunt(20), Hunt(20))
    monkeypatch.setattr(command, "perf_counter", iter([0.0, 1.0, 11.0, 11.0]).__next__)
    assert "40 worlds from seed 0" in run("--time-budget", "10", folder=tmp_path).output


@pytest.mark.parametrize("options", [["--seeds", "0"], ["--jobs", "0"], ["--seeds", "many"]])
def test_a_wrong_command_line_exits_2(options: list[str], tmp_path: Path) -> None:
    assert 2 == run(*options, folder=tmp_path).exit_code


def test_an_interrupt_exits_130(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seeds: range, jobs: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "hunt_in_pieces", interrupted)
    assert 130 == run(folder=tmp_path).exit_code
