"""Playing a study: common random numbers, precision, differences, verdicts, and the same result on any workers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from atm_sim.records.study_folder import StudyFolder
from atm_sim.study.executors import open_executor
from atm_sim.study.model import BASE
from atm_sim.study.results import checks, difference_rows, paired
from atm_sim.study.run import Played, run_study
from tests.atm_sim.study.test_study_files import plan_of

TWO = "replications: 2\nmeasures: [customers, wait.mean]\n"


def played(folder: Path, body: str, workers: int = 1) -> Played:
    with open_executor("", workers) as executor:
        return run_study(plan_of(folder, body), executor)


def test_variants_meet_the_same_customers(tmp_path: Path) -> None:
    """Common random numbers: a change that changes nothing gives the same value in every replication."""
    same = "replications: 3\nmeasures: [wait.mean]\nvariants: {same: {set: {streams.lunch.visit: 60 s}}}\n"
    assert [0.0, 0.0, 0.0] == paired(played(tmp_path, same), "same", BASE, "wait.mean")
    other = played(tmp_path, f"{same}random_numbers: independent\n")
    assert all(paired(other, "same", BASE, "wait.mean"))


def test_the_same_hashes_whatever_runs_it(tmp_path: Path) -> None:
    body = f"{TWO}variants: {{three: {{set: {{places.hall.machines: 3}}}}}}\n"
    one, two = played(tmp_path, body, workers=1), played(tmp_path, body, workers=2)
    assert one.hashes == two.hashes
    assert one.values == two.values
    assert 4 == len({sha for hashes in one.hashes.values() for sha in hashes})


def test_replications_are_added_until_the_half_width_is_small(tmp_path: Path) -> None:
    until = "until: {half_width: 20 %, of: wait.mean, at_most: 60}\n"
    found = played(tmp_path, f"{TWO}{until}")
    assert found.met
    assert 2 < found.replications <= 60


def test_a_precision_that_is_not_reached_fails(tmp_path: Path) -> None:
    body = f"{TWO}until: {{half_width: 1 %, of: wait.mean, at_most: 3}}\n"
    found = played(tmp_path, body)
    assert (3, False) == (found.replications, found.met)
    failed = [check for check in checks(plan_of(tmp_path, body), found) if not check.passed]
    assert ["not reached with 3 replications"] == [check.actual for check in failed]


def test_an_expectation_is_judged_on_the_far_end_of_the_interval(tmp_path: Path) -> None:
    """The mean alone is well below the limit that lies inside the interval."""
    found = played(tmp_path, TWO)
    values = [value for value in found.values[BASE]["wait.mean"] if value is not None]
    above_mean_s = sum(values) / 2 / 1e6 + 1
    body = f"{TWO}expect: [{{measure: wait.mean, at_most: {above_mean_s:.1f} s}}]\n"
    (check,) = [each for each in checks(plan_of(tmp_path, body), found) if each.kind == "measure"]
    assert not check.passed


@pytest.mark.parametrize(("visit", "verdict"), [("20 s", "lower"), ("90 s", "higher"), ("60 s", "same")])
def test_a_difference_says_which_way_it_goes(tmp_path: Path, visit: str, verdict: str) -> None:
    body = f"variants: {{other: {{set: {{streams.lunch.visit: {visit}}}}}}}\nreplications: 5\n"
    rows = difference_rows(plan_of(tmp_path, body), played(tmp_path, body))
    assert [verdict] == [row.verdict for row in rows if row.measure == "wait.mean"]


def test_the_command_leaves_a_folder_with_one_manifest_and_the_same_bytes_again(tmp_path: Path) -> None:
    plan_of(tmp_path, f"{TWO}variants: {{fewer: {{remove: [hall/1]}}}}\n")
    runner = CliRunner()
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        done = runner.invoke(
            main, ["study", f"{tmp_path / 'study.yaml'}", "--workers", "1", "--out", f"{folder}"]
        )
        assert done.exit_code == 0, done.output
    one, other = ({f.relative_to(d): f.read_bytes() for f in d.rglob("*") if f.is_file()} for d in folders)
    assert one == other
    facts = StudyFolder(folders[0]).read_manifest()
    assert {"events/base/r001.parquet", "values.parquet", "values.csv", "differences.csv"} < set(
        facts["files"]
    )


def test_an_expectation_that_fails_is_exit_1(tmp_path: Path) -> None:
    """Planted: fewer machines are expected to make waits shorter."""
    plan_of(
        tmp_path,
        f"{TWO}variants: {{fewer: {{remove: [hall/1]}}}}\n"
        "expect:\n  - {measure: wait.mean, variant: fewer, against: base, less_by: 0 s}\n"
        "  - {measure: wait.mean, variant: fewer, against: base, at_most: 1 h}\n",
    )
    arguments = [
        "study",
        f"{tmp_path / 'study.yaml'}",
        "--workers",
        "1",
        "--out",
        f"{tmp_path / 'o'}",
        "--json",
    ]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    checks = json.loads(done.output)["checks"]
    (failed,) = [check for check in checks if not check["passed"]]
    assert ("fewer", "less than base by 0 s") == (failed["case"], failed["expected"])
    assert "more than base by at most 1 h" in [check["expected"] for check in checks]
