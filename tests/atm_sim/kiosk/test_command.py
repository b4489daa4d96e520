"""`atm-sim kiosk` refuses what it cannot serve, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from atm_sim.kiosk.command import NOTEBOOK
from atm_sim.kiosk.keeping import Notebook

LESSON = str(Path(__file__).parents[3] / "scenarios" / "lessons" / "1_limit.yaml")


@pytest.mark.parametrize(
    ("begun_with", "options", "told"),
    [
        ("The lock set at home", ("--lesson", LESSON), "holds the lesson “The lock set at home”"),
        ("The lock set at home", (), "holds the lesson “The lock set at home”"),
        ("", ("--lesson", LESSON), "holds a kiosk without a lesson"),
    ],
)
def test_a_folder_goes_on_with_what_it_was_begun_with(
    tmp_path: Path, begun_with: str, options: tuple[str, ...], told: str
) -> None:
    """The people of another lesson have spent their money already."""
    notebook = Notebook(tmp_path / NOTEBOOK)
    notebook.begin_lesson(begun_with)
    notebook.close()
    result = CliRunner().invoke(main, ["kiosk", "--folder", str(tmp_path), *options])
    assert 2 == result.exit_code
    assert told in " ".join(result.output.split())
    assert "name another folder" in result.output


def test_internet_banking_beside_the_kiosk_stays_on_loopback() -> None:
    result = CliRunner().invoke(main, ["kiosk", "--web", "0.0.0.0:8586"])
    assert (2, True) == (result.exit_code, "on loopback only" in result.output)
