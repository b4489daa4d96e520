"""A `cases:` table: each row a case of its own, its cells in the steps, its faults at its own line."""

from __future__ import annotations

import pytest

from atm_sim.scenario import ScenarioError, loads, rows
from atm_sim.scenario.steps import Withdraw

TABLE = """\
scenario: Amounts at the edge of the limit
version: 1
day: 2014-01-15
cast: {hanako: {name: 山田 花子, balance: ¥900_000, pin: "0417"}}
places: {shibuya: {operator: seven_bank}}
steps:
  - {at: 12:00, who: hanako, do: withdraw, amount: $amount, atm: shibuya, repeat: {times: $times, every: 10 min},
     expect: {outcome: $outcome, code: $code}}
cases:
  - {case: within, amount: ¥10_000, times: 2, outcome: approved, code: "00"}
  - {case: above, amount: ¥500_000, times: 1, outcome: declined, code: "61"}
"""


def test_each_row_is_a_case_with_its_name_its_line_and_its_own_steps():
    cases = rows(loads(TABLE))
    assert [("within", 1, 10), ("above", 2, 11)] == [
        (case.name, case.row_number, case.line) for case in cases
    ]
    steps = [case.scenario.steps[0] for case in cases]
    assert all(isinstance(step, Withdraw) for step in steps)
    assert [10_000, 500_000] == [step.amount_jpy for step in steps]
    assert [2, 1] == [step.repeat.times for step in steps]
    assert ["00", "61"] == [step.expect.code for step in steps]
    assert [7, 7] == [step.line for step in steps]


def test_a_file_without_a_table_is_one_case():
    text = TABLE.split("cases:")[0]
    for column, value in (
        ("$amount", "¥1_000"),
        ("$times", "2"),
        ("$outcome", "approved"),
        ("$code", '"00"'),
    ):
        text = text.replace(column, value)
    (case,) = rows(loads(text))
    assert ("Amounts at the edge of the limit", None) == (case.name, case.row_number)


def test_a_row_without_a_name_is_called_by_its_number():
    cases = rows(loads(TABLE.replace("case: within, ", "").replace("case: above, ", "")))
    assert ["row 1", "row 2"] == [case.name for case in cases]


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        ('code: "61"', "code: 61", '11:72: a response code is two characters; write "61" in quotes'),
        ("¥500_000", "¥500,000", "11:27: inside { } a comma ends the value, so only ¥500 is read"),
        ("case: above", "case: within", "11:5: two rows are called 'within'; give each its own name"),
        ("amount: $amount", "amount: ¥$amount", "7:52: $column stands alone as a whole value"),
        ("do: withdraw", "do: $code", "7:34: $column cannot choose the action"),
    ],
)
def test_a_fault_of_a_row_is_told_at_the_row(right, wrong, expected):
    with pytest.raises(ScenarioError) as caught:
        loads(TABLE.replace(right, wrong, 1))
    assert caught.value.problems[0].located.startswith(expected)


def test_cells_stand_in_steps_only():
    """`$` elsewhere is ordinary text."""
    assert (
        loads(TABLE.replace("Amounts at", "$amount at")).scenario.title == "$amount at the edge of the limit"
    )
