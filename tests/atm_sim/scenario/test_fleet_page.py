"""The page about fleets names every key, and what is wrong in a fleet is told at its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from atm_sim.scenario import ScenarioError, loads
from atm_sim.scenario.fleet import Accounts, Customers, Fleet, FleetDemand, OperatorFleet
from atm_sim.scenario.replenishment import Failing, FleetCash

PAGE = (Path(__file__).parents[3] / "docs/reference/fleet.md").read_text("utf-8")
SECTIONS = {
    "fleet": Fleet, "operators": OperatorFleet, "accounts": Accounts, "demand": FleetDemand, "customers": Customers,
    "cash": FleetCash, "failures": Failing,
}  # fmt: skip
HEAD = "scenario: A fleet\nversion: 1\nday: 2014-12-25\n"


@pytest.mark.parametrize(("heading", "model"), SECTIONS.items())
def test_a_section_lists_exactly_the_keys_of_its_part(heading, model):
    text = PAGE.split(f"\n### {heading}\n")[1].split("\n#")[0]
    cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert sorted(model.keys()) == sorted(name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell))


def test_the_example_of_the_page_loads():
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    fleet = loads(HEAD + example).scenario.fleet
    assert (2_000, 800, 1_000_000) == (
        fleet.operators["seven_bank"].machines,
        fleet.operators["e_net"].machines,
        fleet.accounts.count,
    )


@pytest.mark.parametrize(
    ("block", "told"),
    [
        ("fleet: {operators: {}, accounts: 5}", "no machines"),
        ("fleet: {operators: {e_net: 1}, accounts: 5, partitions: 6}", "more partitions than accounts"),
        (
            "fleet: {operators: {e_net: {machines: 1, classes: {hall: 1}}}, accounts: 5}",
            "unknown class 'hall'",
        ),
        ("fleet: {operators: {e_net: 1}, accounts: 5, demand: {per_atm_day: 0}}", "a number above 0"),
        ("fleet: {operators: {e_net: 1}, accounts: {count: 5, locked: 2}}", "a share from 0"),
        ("fleet: {operators: {e_net: 1}, accounts: 5, custmers: {}}", "did you mean 'customers'"),
        (
            "fleet: {operators: {e_net: 1}, accounts: 5}\ncast: {a: {name: 花子}}",
            "a fleet has no cast: of its own",
        ),
    ],
)
def test_what_is_wrong_in_a_fleet_is_told(block, told):
    with pytest.raises(ScenarioError, match=told):
        loads(HEAD + block)
