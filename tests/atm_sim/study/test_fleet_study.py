"""Studies of fleets: partitions are tasks of their own, sites can go, and who computes never shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from atm_sim.demand import day_multiplier
from atm_sim.fleet.arrivals import demand_of
from atm_sim.records.study_folder import StudyFolder
from atm_sim.scenario import ScenarioError
from atm_sim.study.executors import open_executor
from atm_sim.study.explain_fleet import fleet_loads
from atm_sim.study.plan import StudyPlan, load_study
from atm_sim.study.results import paired
from atm_sim.study.run import Played, run_study
from atm_sim.study.write import write_study
from bank_host.jst import HOUR_US
from bank_host.policy import load_policy

FLEET = """\
scenario: Ten machines on a plain day
version: 1
day: 2014-12-10
fleet:
  operators: {seven_bank: 10}
  accounts: 2_000
  demand: {per_atm_day: 40}
  partitions: 2
"""
REMOVED = "tokyo-00001"


def plan_of(folder: Path, body: str) -> StudyPlan:
    (folder / "fleet.yaml").write_text(FLEET, encoding="utf-8")
    file = folder / "study.yaml"
    file.write_text(f"study: Ten machines\nversion: 1\nscenario: fleet.yaml\n{body}", encoding="utf-8")
    return load_study(file, load_policy())


BODY = f"""\
replications: 2
measures: [customers, customers.lost, wait.mean, utilisation]
variants: {{remove: [{REMOVED}]}}
"""


def played(plan: StudyPlan, folder: Path, workers: int) -> Played:
    with open_executor("", workers) as executor:
        return run_study(plan, executor, StudyFolder.create(folder).write_events)


def test_partitions_give_the_same_on_any_number_of_workers(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, BODY)
    one, two = (played(plan, tmp_path / f"on-{workers}", workers) for workers in (1, 2))
    assert one.hashes == two.hashes
    assert one.values == two.values
    files = sorted(file.name for file in (tmp_path / "on-1" / "events" / "base").iterdir())
    assert ["r001-001.parquet", "r001-002.parquet"] == files


def test_a_site_that_goes_loses_customers_and_the_study_shows_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, BODY)
    found = played(plan, tmp_path / "out", 1)
    name = f"without-{REMOVED}"
    assert [0.0, 0.0] == paired(found, name, "base", "customers")
    assert all(lost > 0 for lost in paired(found, name, "base", "customers.lost"))
    write_study(plan, found, StudyFolder(tmp_path / "out"))
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert 'class="japan"' in page
    assert f'"name":"{REMOVED}"' in page


def test_a_site_that_the_fleet_does_not_have_is_told(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="the fleet has no site 'tokyo-00009'"):
        plan_of(tmp_path, "variants: {remove: [tokyo-00009]}\nwarm_up: 10 min\n")


def test_a_site_can_be_asked_about_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    asked = "replications: 2\nmeasures: [{{measure: customers.lost, at: {site}}}]\n"
    found = played(plan_of(tmp_path, asked.format(site=REMOVED)), tmp_path / "out", 1)
    assert {f"customers.lost (at {REMOVED})": 2} == {
        name: len(each) for name, each in found.values["base"].items()
    }
    with pytest.raises(ScenarioError) as told:
        plan_of(tmp_path, asked.format(site="tokyo-0001"))
    assert "study.yaml:5:42: the fleet has no site 'tokyo-0001'; did you mean 'tokyo-00001'?" in str(
        told.value
    )


def test_explain_works_out_the_busiest_hour_of_sites_alike(tmp_path: Path) -> None:
    """Forty customers a machine and day, of whom the busiest hour has its share of the curve."""
    plan = plan_of(tmp_path, BODY)
    scenario = plan.base.scenario.model_copy()
    (row,) = fleet_loads(scenario, tmp_path, plan.seed)
    demand = demand_of(scenario)
    expected = 40 * day_multiplier(demand, scenario.day) * max(demand.hours) / sum(demand.hours)
    assert expected == pytest.approx(HOUR_US / row.arrivals.mean_us)
    assert ("seven_bank, 10 sites", 1, "M/G/1") == (row.site, row.machines, row.queue and row.queue.formula)
    with_fewer = plan.arm(f"without-{REMOVED}").case.scenario
    assert ["seven_bank, 9 sites"] == [each.site for each in fleet_loads(with_fewer, tmp_path, plan.seed)]
