"""A file that went to the wrong command: told in one line, with the command that reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cli import main

SCENARIO, STUDY = "scenarios/fleet/payday.yaml", "scenarios/studies/which_site_can_go.yaml"
INCIDENT, PLAN = "scenarios/incidents/s1_mizuho_2021.yaml", "atm_sim/cash/data/half_year.yaml"


@pytest.mark.parametrize(
    ("command", "file", "told"),
    [
        ("run", STUDY, ":2:1: this is a study file; atm-sim study "),
        ("run", INCIDENT, ":1:1: this is an incident file; atm-sim incident "),
        ("run", PLAN, ":1:1: this is a cash plan; atm-sim cash "),
        ("study", SCENARIO, ":1:1: this is a scenario file; atm-sim run "),
        ("cash", SCENARIO, ":1:1: this is a scenario file; atm-sim run "),
        ("incident", STUDY, ":2:1: this is a study file; atm-sim study "),
    ],
)
def test_a_file_for_another_command_is_told_with_that_command(command: str, file: str, told: str) -> None:
    done = CliRunner().invoke(main, [command, file])
    assert 2 == done.exit_code
    assert f"{Path(file)}{told}{file} plays it" in done.output
    assert 1 == done.output.count(" this is ")
    assert "unknown key" not in done.output
