"""A policy figure that the bank refuses is told where it stands, also in the file that another one extends."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.runner.files import open_scenario
from atm_sim.scenario import ScenarioError
from bank_host.policy import load_policy

BASE = """\
# a base with some lines
# in front of
# its policy
scenario: A base
version: 1
day: 2014-01-15
cast: {hanako: {name: 山田 花子}}
steps:
  - {at: 12:00, who: hanako, do: lock_card, via: pc}
policy:
  pin.max_wrong: {value: 99, because: a figure out of range}
"""


def problems(path: Path) -> list[tuple[str, int, int]]:
    with pytest.raises(ScenarioError) as error:
        open_scenario(path, load_policy())
    return [(Path(problem.file).name, problem.line, problem.column) for problem in error.value.problems]


def test_a_figure_out_of_range_is_told_at_its_key(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    assert [("base.yaml", 11, 3)] == problems(tmp_path / "base.yaml")


def test_an_inherited_figure_is_told_in_the_file_that_has_it(tmp_path: Path) -> None:
    """The line of the longer base must not be looked for in the short file."""
    (tmp_path / "base.yaml").write_text(BASE, encoding="utf-8")
    child = tmp_path / "child.yaml"
    child.write_text("scenario: A child\nversion: 1\nday: 2014-01-15\nextends: base.yaml\n", encoding="utf-8")
    assert [("base.yaml", 11, 3)] == problems(child)
