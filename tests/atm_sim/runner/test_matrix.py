"""The matrix says of every requirement what speaks for it, and no more than that."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from atm_sim.runner.matrix import MatrixRow, matrix_data, matrix_rows, matrix_text, ranges, requirements
from atm_sim.runner.proof import Proof, Trial

ROOT = Path(__file__).parents[3]
STEPS = Path("limit_steps.yaml")
LOCKS = Path("locks.yaml")
UNDECIDED = Proof("R82", "claimed", (Trial("the step is ¥500"),))
SHOWN = Proof("R81", "proven", (Trial("the step is ¥10,000", "limit_steps.yaml: outcome"),))


def row(requirement: str, rows: list[MatrixRow]) -> MatrixRow:
    return next(row for row in rows if row.requirement == requirement)


def test_every_requirement_has_a_row_whether_anything_covers_it_or_not() -> None:
    assert [one.id for one in requirements()] == [row.requirement for row in matrix_rows([])]


def test_without_a_proof_a_claim_is_only_a_claim() -> None:
    rows = matrix_rows([(STEPS, ["R81"], True)])
    assert ("claimed", (("limit_steps", True),)) == (row("R81", rows).status, row("R81", rows).scenarios)


def test_a_proof_decides_between_proven_and_claimed() -> None:
    rows = matrix_rows([(STEPS, ["R81", "R82"], True)], [SHOWN, UNDECIDED])
    assert ("proven", "claimed") == (row("R81", rows).status, row("R82", rows).status)
    assert "no scenario notices when the step is ¥500" == row("R82", rows).missing


def test_a_requirement_that_no_scenario_claims_is_structural_or_uncovered() -> None:
    rows = matrix_rows([])
    assert ("structural", "uncovered") == (row("X7", rows).status, row("R137", rows).status)
    assert "::test_" in row("X7", rows).test


def test_one_failed_row_of_a_table_fails_its_scenario() -> None:
    rows = matrix_rows([(STEPS, ["R81"], True), (STEPS, ["R81"], False), (STEPS, ["R81"], True)])
    assert (("limit_steps", False),) == row("R81", rows).scenarios
    assert not row("R81", rows).passed


def test_the_text_names_scenario_and_outcome_and_lists_the_uncovered_as_ranges() -> None:
    text = matrix_text(matrix_rows([(STEPS, ["R81"], True), (LOCKS, ["R81"], False)], [SHOWN]))
    assert "passed  limit_steps" in text
    assert "FAILED  locks" in text
    assert "R81   proven" in text
    assert (
        "Nothing covers yet: R1, R3-R4, R8, R11-R13, R15-R18, R20-R30, R34, R36-R80, R82-R102, R104-R107,"
        in text
    )


def test_the_data_are_plain() -> None:
    data = matrix_data(matrix_rows([(STEPS, ["R81"], True)]))
    assert [{"scenario": "limit_steps", "passed": True}] == data[80]["scenarios"]
    assert len(requirements()) == len(data)


@pytest.mark.parametrize(
    ("text", "ids"),
    [("", []), ("R1", ["R1"]), ("R1-R3, R7", ["R1", "R2", "R3", "R7"]), ("R140, X1", ["R140", "X1"])],
)
def test_neighbours_are_listed_as_a_range(text: str, ids: list[str]) -> None:
    assert text == ranges(ids)


@pytest.mark.parametrize("test", [one.structural for one in requirements() if one.structural])
def test_the_test_that_holds_a_structural_requirement_exists(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
