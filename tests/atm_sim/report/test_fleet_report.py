"""The report of a fleet: rebuilt from the run folder alone, in both languages, without its millions of rows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from atm_sim.report import html, text
from atm_sim.report.fleet import shown
from atm_sim.report.view import load
from atm_sim.runner.fleet import play_fleet
from atm_sim.runner.folder import write_run
from atm_sim.scenario import ScenarioError, loads
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
    assert [("E-net", "イーネット"), ("Seven Bank", "セブン銀行")] == [
        each.name for each in found["operators"]
    ]
    assert [2, 5] == [each.machines for each in found["operators"]]
    with (console := Console(width=100)).capture() as told:
        text.print_summary(tmp_path, console)
    assert re.search(r"customers lost +[0-9]", told.get())
    page = html.render(tmp_path)
    for words in ("By operator", "運営会社別", "Hashes of the event files", done.fleet[2].events_sha256):
        assert words in page
    assert "No fees were charged" not in page


def test_an_expectation_that_is_not_met_fails_the_run(tmp_path):
    loaded = loads(FLEET, Path("small.yaml"))
    done = play_fleet(loaded, loaded.cases[0], tmp_path)
    assert {True, False} == {check.passed for check in done.checks if check.kind == "measure"}
    assert not done.verdict.met


def test_a_site_can_be_asked_about_and_one_that_is_not_there_is_told_before_anything_runs(tmp_path):
    for site, known in (("tokyo-00001", True), ("tokyo-0001", False)):
        asked = f"  - {{measure: wait.mean, at: {site}, at_most: 1 h}}\n"
        loaded = loads(FLEET + asked, Path("small.yaml"))
        if known:
            assert play_fleet(loaded, loaded.cases[0], tmp_path).checks[2].passed
        else:
            with pytest.raises(
                ScenarioError, match=r"small.yaml:12:30: .*no site 'tokyo-0001'; did you mean"
            ):
                play_fleet(loaded, loaded.cases[0], tmp_path)


def test_it_shows_japan_by_prefecture_and_the_day_to_replay_and_lets_no_other_script_run(tmp_path):
    loaded = loads(FLEET, Path("small.yaml"))
    done = play_fleet(loaded, loaded.cases[0], tmp_path)
    write_run(done, tmp_path, load_policy())
    page = html.render(tmp_path)
    replay = json.loads(re.search(r'id="replay-data">(.*?)</script>', page)[1])
    assert {site.site for site in done.sites} >= {site["name"] for site in replay["sites"]} != set()
    assert all(len(site["queue"]) == replay["frames"] == len(site["stock"]) for site in replay["sites"])
    maps = re.findall(r'<svg class="japan".*?</svg>', page, re.S)
    told = [re.findall(r"<title>(\w+) [^:]*: ([0-9,]+)</title>", each) for each in maps]
    assert done.fleet[1].tally.total("visits") == sum(int(n.replace(",", "")) for _, n in told[0])
    assert (1, 2) == (page.count("script-src 'sha256-"), page.count("<script"))


def test_what_lies_in_machines_is_not_replayed_where_guards_drive(tmp_path):
    loaded = loads(FLEET.replace("operators: {", "cash: {policy: {every_days: 9}}\n  operators: {"))
    done = play_fleet(loaded, loaded.cases[0], tmp_path)
    assert {0} == {site.stock_jpy for site in done.sites}  # guards move cash that no session tells of
