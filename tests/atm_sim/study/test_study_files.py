"""Study files: every mistake is told where it stands, and the JSON Schema knows what the loader knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from atm_sim.runner.suite import is_study_file, scenario_files
from atm_sim.scenario import ScenarioError
from atm_sim.scenario.invalid import expected_problems, is_structural
from atm_sim.study.plan import StudyPlan, load_study
from atm_sim.study.schema import json_schema, schema_text
from bank_host.policy import load_policy

ROOT = Path(__file__).parents[3]
STUDIES = ROOT / "scenarios" / "studies"
INVALID = sorted((STUDIES / "invalid").glob("*.yaml"))
SHIPPED = [file for file in sorted(STUDIES.glob("*.yaml")) if is_study_file(file)]
POLICY = load_policy()
SCENARIO = """\
scenario: A hall and an annex
version: 1
day: 2014-01-15
places:
  hall: {operator: seven_bank, machines: 2}
  annex: {operator: seven_bank}
streams:
  lunch: {at: hall, from: 11:00, customers: 40, interarrival: {exponential: 40 s}, visit: 60 s, do: balance}
  few: {at: annex, from: 11:00, customers: 10, interarrival: {exponential: 100 s}, visit: 60 s, do: balance}
"""


def plan_of(folder: Path, body: str) -> StudyPlan:
    """A study of two places, with `body` beside its head."""
    (folder / "branch.yaml").write_text(SCENARIO, encoding="utf-8")
    file = folder / "study.yaml"
    file.write_text(f"study: Two places\nversion: 1\nscenario: branch.yaml\n{body}", encoding="utf-8")
    return load_study(file, POLICY)


def read_as_editors_do(path: Path) -> Any:
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(path.read_text("utf-8")), default=str))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_a_broken_study_gets_exactly_the_messages_it_states(path: Path) -> None:
    with pytest.raises(ScenarioError) as caught:
        load_study(path, POLICY)
    assert expected_problems(path.read_text("utf-8")) == [each.located for each in caught.value.problems]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_study_loads_and_fits_the_schema(path: Path) -> None:
    assert load_study(path, POLICY).arms
    jsonschema.validate(read_as_editors_do(path), json_schema())


def test_the_schema_refuses_what_is_broken_in_form() -> None:
    broken = [path for path in INVALID if is_structural(path.read_text("utf-8"))]
    assert broken
    for path in broken:
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(read_as_editors_do(path), json_schema())


def test_the_shipped_schema_is_that_of_the_models() -> None:
    assert schema_text() == (ROOT / "atm_sim" / "study" / "schema.json").read_text("utf-8")


def test_a_study_is_no_scenario_for_the_suite() -> None:
    assert not [file for file in scenario_files(STUDIES) if is_study_file(file)]


def test_removing_places_makes_one_variant_without_each(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "variants: {remove: [hall/2, annex], customers_to: {annex: hall}}\n")
    assert ["base", "without-hall-2", "without-annex"] == [arm.name for arm in plan.arms]
    places = {arm.name: {n: p.machines for n, p in arm.case.scenario.places.items()} for arm in plan.arms}
    assert {"hall": 1, "annex": 1} == places["without-hall-2"]
    assert {"hall": 2} == places["without-annex"]
    assert {"hall"} == {stream.at for stream in plan.arm("without-annex").case.scenario.streams.values()}


def test_lost_customers_do_not_come_at_all(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "variants: {remove: [annex], customers_to: {annex: lost}}\n")
    assert ["lunch"] == list(plan.arm("without-annex").case.scenario.streams)


def test_a_value_of_the_scenario_can_be_set_by_its_path(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, "variants:\n  slow: {set: {streams.lunch.visit: 90 s, run.warm_up: 5 customers}}\n"
    )
    scenario = plan.arm("slow").case.scenario
    visit = scenario.streams["lunch"].visit
    assert visit is not None
    assert (90_000_000.0, 5) == (visit.first, scenario.run.warm_up.customers)


def test_a_sweep_is_an_arm_for_each_value_with_its_number(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "sweep: {streams.lunch.visit: [45 s, 1 min], places.hall.machines: [1, 3]}\n")
    assert [
        ("lunch.visit=45 s", 45.0),
        ("lunch.visit=1 min", 60.0),
        ("hall.machines=1", 1.0),
        ("hall.machines=3", 3.0),
    ] == [(arm.name, arm.value) for arm in plan.arms if arm.kind == "sweep"]
