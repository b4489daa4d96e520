"""Claims of the rulebook are proven: broken on purpose, each requirement makes a scenario that claims it fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.disturbances.table import DISTURBANCES
from atm_sim.disturbances.ways import Disturbance
from atm_sim.runner.matrix import requirements
from atm_sim.runner.proof import Proof, claims_of, prove

SCENARIOS = Path(__file__).parents[3] / "scenarios"
RULEBOOK = [
    path for folder in ("rulebook", "attacks") for path in sorted((SCENARIOS / folder).glob("*.yaml"))
]

STEPS = """\
scenario: Steps of the limit
version: 1
day: 2014-01-15
covers: [R81]
cast:
  hanako: {{name: 山田 花子, atm_limit: ¥100_000}}
steps:
  - {{at: 12:00, who: hanako, do: set_limit, via: pc, amount: ¥99_000, expect: {{outcome: {outcome}}}}}
"""
STEP_OF_10_000 = Disturbance("R81", "the step is ¥10,000", policy={"atm.standing.step": 10_000})
STEP_OF_500 = Disturbance("R81", "the step is ¥500", policy={"atm.standing.step": 500})
NOTHING = Disturbance("R81", "nothing at all is wrong")


def scenario(folder: Path, outcome: str = "done") -> list[Path]:
    path = folder / "steps.yaml"
    path.write_text(STEPS.format(outcome=outcome), encoding="utf-8")
    return [path]


def test_a_scenario_that_notices_proves_its_claim(tmp_path: Path) -> None:
    (proof,) = prove(scenario(tmp_path), disturbances=[STEP_OF_10_000])
    assert ("proven", "") == (proof.status, proof.missing)
    assert "steps.yaml: step 1: outcome expected done, was refused" == proof.trials[0].noticed_by


def test_a_disturbance_that_disturbs_nothing_proves_nothing(tmp_path: Path) -> None:
    (proof,) = prove(scenario(tmp_path), disturbances=[NOTHING])
    assert ("claimed", "no scenario notices when nothing at all is wrong") == (proof.status, proof.missing)


def test_every_disturbance_of_a_requirement_has_to_be_noticed(tmp_path: Path) -> None:
    (proof,) = prove(scenario(tmp_path), disturbances=[STEP_OF_10_000, STEP_OF_500])
    assert ("claimed", "no scenario notices when the step is ¥500") == (proof.status, proof.missing)


def test_a_claim_that_nothing_disturbs_is_only_a_claim(tmp_path: Path) -> None:
    assert [Proof("R81", "claimed", ())] == prove(scenario(tmp_path), disturbances=[])
    (proof,) = prove(scenario(tmp_path), disturbances=[])
    assert "nothing is known to disturb it" == proof.missing


def test_a_scenario_that_fails_anyway_proves_nothing(tmp_path: Path) -> None:
    (proof,) = prove(scenario(tmp_path, outcome="refused"), disturbances=[STEP_OF_500])
    assert "claimed" == proof.status


def test_a_file_that_does_not_load_claims_nothing(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("scenario: [", encoding="utf-8")
    assert {} == claims_of([tmp_path / "broken.yaml"])


def test_progress_is_told_from_nothing_to_all(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    prove(scenario(tmp_path), lambda done, of: told.append((done, of)), disturbances=[NOTHING])
    assert [(0, 1), (1, 1)] == told


@pytest.mark.parametrize("requirement", ["R25", "R34", "R81", "R84", "R98", "R118", "R129", "X3", "X6", "Q5"])
def test_a_handful_of_claims_is_proven(requirement: str) -> None:
    (proof,) = prove(RULEBOOK, only=[requirement])
    assert ("proven", "") == (proof.status, proof.missing)


@pytest.mark.long
def test_every_claim_of_the_rulebook_is_proven() -> None:
    assert [] == [
        f"{proof.requirement}: {proof.missing}" for proof in prove(RULEBOOK) if proof.status != "proven"
    ]


def test_every_requirement_is_claimed_by_a_story_or_held_by_a_test() -> None:
    claimed = claims_of([*RULEBOOK, *sorted((SCENARIOS / "reversals").glob("*.yaml"))])
    assert [] == [one.id for one in requirements() if not (one.id in claimed or one.structural)]


def test_every_claim_has_something_that_breaks_it() -> None:
    assert set() == set(claims_of(RULEBOOK)) - {row.requirement for row in DISTURBANCES}


def test_every_row_of_the_table_is_about_a_claim_of_the_rulebook() -> None:
    assert set() == {row.requirement for row in DISTURBANCES} - set(claims_of(RULEBOOK))
