"""The report of a fleet: rebuilt from the run folder alone, in both languages, without its millions of rows."""

from __future__ import annotations

from pathlib import Path

from atm_sim.report import html
from atm_sim.report.fleet import shown
from atm_sim.report.view import load
from atm_sim.runner.fleet import play_fleet
from atm_sim.runner.folder import write_run
from atm_sim.scenario import loads
from bank_host.policy import load_policy

FLEET = """\
scenario: A small fleet
version: 1
day: 2014-12-25
fleet:
  operators: {seven_bank: 5, e_net: 2}
  accounts: {count: 90, locked: 0.2}
  demand: {per_atm_day: 40, calendar: none}
run: {replications: 2}
expect:
  - {measure: approval_rate, at_least: 0.5}
  - {measure: approval_rate, of: withdraw, during: [12:00, 15:00], at_most: 0.2}
"""


def test_it_shows_what_the_run_folder_holds(tmp_path):
    loaded = loads(FLEET, Path("small.yaml"))
    done = play_fleet(loaded, loaded.cases[0], tmp_path)
    write_run(done, tmp_path, load_policy())
    view = load(tmp_path)
    assert [] == view.events
    found = shown(view)
    assert done.measured[1]["customers"] + done.measured[2]["customers"] == 2 * sum(
        h.customers for h in found["hours"]
    )
    assert ["e_net", "seven_bank"] == [each.code for each in found["operators"]]
    assert [2, 5] == [each.machines for each in found["operators"]]
    page = html.render(tmp_path)
    for words in ("By operator", "運営会社別", "Hashes of the event files", done.fleet[2].events_sha256):
        assert words in page
    assert "No fees were charged" not in page


def test_an_expectation_that_is_not_met_fails_the_run(tmp_path):
    loaded = loads(FLEET, Path("small.yaml"))
    done = play_fleet(loaded, loaded.cases[0], tmp_path)
    assert {True, False} == {check.passed for check in done.checks if check.kind == "measure"}
    assert not done.verdict.met
