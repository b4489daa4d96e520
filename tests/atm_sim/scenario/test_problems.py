"""How a problem is shown: the caret under the right character, whatever its width, and nothing secret in the line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_sim.scenario import Problem, ScenarioError, loads
from bank_host.written.problems import WIDEST_LINE, display_width

HEAD = "scenario: s\nversion: 1\nday: 2014-01-15\nplaces: {p: {operator: seven_bank}}\n"


def under_caret(problem: Problem) -> str:
    """The character of the quoted line that stands above the caret on a terminal with full-width characters."""
    _, line, caret = str(problem).split("\n")
    column = display_width(caret[: caret.index("^")])
    for index in range(len(line)):
        if display_width(line[:index]) == column and not unicodedata.combining(line[index]):
            return line[index]
    raise AssertionError(f"no character begins at display column {column}")


def only_problem(text: str) -> Problem:
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    "name", ["Hanako", "山田 花子", "ﾔﾏﾀﾞ ﾊﾅｺ", "Ｙａｍａｄａ", "プ", "が", "ヤマダ" * 30, "x" * 300]
)
def test_the_caret_stands_under_the_wrong_value_beside_wide_characters(name):
    cast = f"cast: {{hanako: {{name: {name}, kind: wizard}}}}\n"
    step = "steps: [{at: 12:00, who: hanako, do: lock_card, via: pc}]\n"
    problem = only_problem(HEAD + cast + step)
    assert under_caret(problem) == "w"
    assert cast.index("wizard") + 1 == problem.column


@given(st.text(st.sampled_from("aｱア亜¥￥　 が"), max_size=400), st.text("bび", max_size=200))
def test_the_caret_stands_under_its_column_in_any_line(before, after):
    problem = Problem("f.yaml", 1, len(before) + 1, "m", source_line=before + "X" + after)
    assert under_caret(problem) == "X"
    assert all(display_width(line) <= WIDEST_LINE + 12 for line in str(problem).split("\n")[1:])


def test_a_problem_reads_file_line_column_message_suggestion():
    problem = Problem("a.yaml", 5, 3, "unknown key 'who'", "whom", "- who: x")
    expected = "a.yaml:5:3: unknown key 'who'; did you mean 'whom'?\n       5 | - who: x\n         |   ^"
    assert expected == str(problem)


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("    pin: 0417", "0417"),
        ("    pin: '41'", "41"),
        ('    card: {pan: "5555 5555 5555 4444"}', "5555"),
        ("    card: {pan: 4999000000000012x}", "4999000000000012"),
        ('    password: "sakura4"', "sakura4"),
        ("    password: sakura44x", "sakura44x"),
        ("    login_id: hanako77", "hanako77"),
    ],
)
def test_no_message_quotes_a_secret(line, secret):
    text = f"{HEAD}cast:\n  a:\n    name: n\n{line}\nsteps: [{{at: 12:00, who: a, do: lock_card, via: pc}}]\n"
    with pytest.raises(ScenarioError) as caught:
        loads(text)
    assert secret not in str(caught.value)


@pytest.mark.parametrize("value", ["123456x", "1234567", "123456"])
def test_no_message_quotes_a_one_time_password(value):
    step = f"{{at: 12:00, who: a, do: unlock_card, via: pc, otp: {value}}}"
    problem = only_problem(f"{HEAD}cast: {{a: {{name: n}}}}\nsteps: [{step}]\n")
    assert "123456" not in str(problem)
