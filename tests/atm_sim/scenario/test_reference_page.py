"""The reference page of scenario files: its examples load, and it names every key, word and measure there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from atm_sim.scenario import (
    Bank,
    Person,
    Place,
    Run,
    Scenario,
    StepExpectation,
    Stream,
    Timers,
    loads,
    vocabulary,
)
from atm_sim.scenario.faults import FAULTS
from atm_sim.scenario.measured import CountExpectation
from atm_sim.scenario.network import Network
from atm_sim.scenario.participants import CardOptions, PolicyOverride, StandIn
from atm_sim.scenario.step_parts import Repeat
from atm_sim.scenario.steps import ACTIONS, AnyStep

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/reference/scenario-files.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FRAME = {
    "scenario": "scenario: An example\n",
    "version": "version: 1\n",
    "day": "day: 2014-01-15\n",
    "cast": "cast: {someone: {name: 誰か}}\n",
    "steps": "steps: [{at: 09:00, who: someone, do: lock_card, via: pc}]\n",
}
SECTIONS = {
    "## Top level": Scenario,
    "### policy": PolicyOverride,
    "### banks": Bank,
    "### stand_in": StandIn,
    "### cast": Person,
    "### card": CardOptions,
    "### places": Place,
    "### timers": Timers,
    "### network": Network,
    "### streams": Stream,
    "### run": Run,
    "### repeat": Repeat,
    "### What a step must lead to": StepExpectation,
    "## Measures": CountExpectation,
}


def framed(example: str) -> str:
    """The example as a whole file: what a scenario needs beside it is added."""
    keys = set(re.findall(r"^([a-z]+):", example, re.MULTILINE))
    needed = {
        key: text
        for key, text in FRAME.items()
        if key not in keys and not (key == "steps" and "streams" in keys)
    }
    if "cast" in keys and "steps" not in keys:
        someone = re.findall(r"^  ([a-z]+): \{name", example, re.MULTILINE)[0]
        group = "/1" if re.search(rf"^  {someone}: .*count", example, re.MULTILINE) else ""
        needed["steps"] = needed["steps"].replace("someone", someone + group)
    return example + "".join(needed.values())


def section(heading: str) -> str:
    return PAGE.split(f"\n{heading}\n")[1].split("\n## ")[0].split("\n### ")[0]


def listed_keys(text: str) -> list[str]:
    return re.findall(r"^\| `([A-Za-z0-9_ ]+)` \|", text, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0][:30])
def test_every_example_of_the_page_loads(example):
    assert loads(framed(example)).cases


@pytest.mark.parametrize(("heading", "model"), SECTIONS.items())
def test_a_section_lists_exactly_the_keys_of_its_part(heading, model):
    assert sorted(model.keys()) == sorted(listed_keys(section(heading)))


def test_every_action_and_every_key_of_it_is_on_the_page():
    steps = PAGE.split("\n## Steps\n")[1].split("\n## ")[0]
    for action in ACTIONS:
        assert action in steps
    for model in get_args(AnyStep):
        assert all(f"`{key}`" in steps for key in model.keys())  # noqa: SIM118


@pytest.mark.parametrize(("kind", "model"), FAULTS.items())
def test_every_fault_stands_in_the_table_with_the_keys_it_needs_and_may_have(kind, model):
    (line,) = [line for line in section("### faults").splitlines() if line.startswith(f"| `{kind}` |")]
    needs, may_have = (re.findall(r"`([a-z_]+)`", cell) for cell in line.split("|")[3:5])
    required = {key for key, name in model.keys().items() if model.model_fields[name].is_required()} - {"is"}
    assert required == set(needs)
    assert set(model.keys()) - required - {"is"} == set(may_have)


@pytest.mark.parametrize(
    "words", ["Kind", "Authenticator", "Medium", "HotAs", "Channel", "LinkName", "Habit", "CrashMoment"]
)
def test_every_word_of_the_vocabulary_is_on_the_page(words):
    for word in get_args(getattr(vocabulary, words)):
        assert f"`{word}`" in PAGE


def test_the_page_names_every_measure_under_its_unit():
    table = section("## Measures").split("| compared with |")[1]
    units = {"a whole number": "count", "a share": "ratio", "a duration": "duration", "an amount": "yen"}
    for row, unit in units.items():
        (line,) = [line for line in table.splitlines() if line.startswith(f"| {row}")]
        expected = [name for name, measured in vocabulary.MEASURES.items() if measured == unit]
        assert expected == re.findall(r"`([a-z0-9_.]+)`", line)


def test_the_pages_message_is_the_loaders():
    assert "did you mean 'lock_card'?" in PAGE
    path = ROOT / "scenarios/invalid/unknown_action.yaml"
    assert path.read_text("utf-8").splitlines()[1] in PAGE
