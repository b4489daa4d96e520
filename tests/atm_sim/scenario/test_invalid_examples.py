"""Every broken example gets exactly the message it states, and the JSON Schema refuses those broken in form."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML, YAMLError

from atm_sim.runner.suite import scenario_files
from atm_sim.scenario import Known, json_schema, load
from atm_sim.scenario.invalid import check_invalid, expected_problems, is_structural
from atm_sim.scenario.schema import schema_text
from bank_host.policy import load_policy

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "scenarios" / "invalid").glob("*.yaml"))
STRUCTURAL = [path for path in EXAMPLES if is_structural(path.read_text("utf-8"))]
SHIPPED = sorted(set(scenario_files(ROOT / "scenarios")) - set(EXAMPLES))
KNOWN = Known(partners=load_policy().partner_codes())


def name(path: Path) -> str:
    return path.stem


@cache
def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def plain(node: Any) -> Any:
    """YAML data as JSON has it: text keys, days as ISO text."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(item) for item in node]
    return str(node) if isinstance(node, date | datetime) else node


def read_as_editors_do(path: Path) -> Any:
    return plain(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))


def test_there_are_enough_examples_of_both_sorts():
    assert len(EXAMPLES) >= 30
    assert len(STRUCTURAL) >= 15


@pytest.mark.parametrize("path", EXAMPLES, ids=name)
def test_a_broken_example_gets_exactly_the_message_it_states(path):
    passed, expected, said = check_invalid(path, KNOWN)
    assert expected == said
    assert passed


@pytest.mark.parametrize("path", STRUCTURAL, ids=name)
def test_the_schema_refuses_what_is_broken_in_form(path):
    assert list(validator().iter_errors(read_as_editors_do(path)))


@pytest.mark.parametrize("path", [p for p in EXAMPLES if p not in STRUCTURAL], ids=name)
def test_examples_not_marked_structural_are_indeed_beyond_the_schema(path):
    """The mark is no guess: what the schema refuses is marked, unless YAML itself cannot read the file."""
    try:
        data = read_as_editors_do(path)
    except (YAMLError, ValueError):
        return
    assert not list(validator().iter_errors(data))


@pytest.mark.parametrize("path", SHIPPED, ids=name)
def test_every_shipped_scenario_passes_loader_and_schema(path):
    assert not load(path, KNOWN).warnings
    assert [] == [error.message for error in validator().iter_errors(read_as_editors_do(path))]


def test_an_example_whose_message_is_not_the_stated_one_fails(tmp_path):
    """Planted fault: the position is off by one."""
    text = (ROOT / "scenarios/invalid/unknown_action.yaml").read_text("utf-8")
    path = tmp_path / "wrong.yaml"
    path.write_text(text.replace(":34:", ":35:"), "utf-8")
    assert not check_invalid(path, KNOWN)[0]


def test_a_right_file_is_no_invalid_example(tmp_path):
    path = tmp_path / "right.yaml"
    path.write_text("# expect: 1:1: something\n" + SHIPPED[0].read_text("utf-8"), "utf-8")
    assert check_invalid(path) == (False, ["1:1: something"], [])


def test_only_comments_at_the_top_state_expectations():
    assert ["1:1: a"] == expected_problems("# expect: 1:1: a\nscenario: x\n# expect: 2:2: b\n")


def test_the_shipped_schema_is_that_of_the_models():
    """Renew it with `atm-sim schema > atm_sim/scenario/schema.json`."""
    shipped = (ROOT / "atm_sim/scenario/schema.json").read_text("utf-8")
    assert schema_text() == shipped
    jsonschema.Draft202012Validator.check_schema(json.loads(shipped))
