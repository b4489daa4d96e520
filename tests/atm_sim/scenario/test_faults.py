"""Faults of a scenario file: each kind read into its own record, with what it leaves out."""

from __future__ import annotations

import pytest

from atm_sim.scenario import Fault, ScenarioError, loads
from atm_sim.scenario.faults import FAULTS
from bank_host.written.values import Moment

SECOND, MINUTE, HOUR = 1_000_000, 60_000_000, 3_600_000_000
HEAD = """\
scenario: Everything breaks
version: 1
day: 2014-01-15
banks:
  sakura: {bin: "499911"}
cast:
  hanako: {name: 山田 花子}
places:
  shop: {operator: seven_bank}
  mall: {operator: e_net, machines: 2}
steps:
  - {at: 12:00, who: hanako, do: balance, atm: shop}
faults:
"""
LINE = "from: 14:00, to: 14:20, link: switch-issuer"
EXAMPLES = {
    "down": f"{{{LINE}, is: down}}",
    "slow": f"{{{LINE}, is: slow, delay: 3 s}}",
    "lossy": f"{{{LINE}, is: lossy, chance: 0.3}}",
    "duplicating": f"{{{LINE}, is: duplicating}}",
    "reordering": f"{{{LINE}, is: reordering, delay: 5 s}}",
    "late": f"{{{LINE}, is: late, delay: 50 s}}",
    "garbling": f"{{{LINE}, is: garbling, element: 39}}",
    "crashed": "{at: 10:00, bank: jnb, is: crashed, for: 30 s}",
    "restarted": "{at: 10:00, node: switch, is: restarted, for: 10 s}",
    "power_loss": "{at: 10:00, atm: shop, is: power_loss, for: 2 min}",
    "skewed": "{from: 10:00, to: 11:00, clock: switch, is: skewed, by: -90 s}",
    "database_error": "{at: 10:00, bank: jnb, is: database_error}",
}


def fault(text: str) -> Fault:
    (read,) = loads(f"{HEAD}  - {text}\n").scenario.faults
    return read


def problem(text: str) -> str:
    with pytest.raises(ScenarioError) as refused:
        fault(text)
    (only,) = refused.value.problems
    return only.located.partition(": ")[2]


def test_there_is_an_example_of_every_kind():
    assert list(FAULTS) == list(EXAMPLES)


@pytest.mark.parametrize(("kind", "text"), EXAMPLES.items())
def test_a_kind_is_read_as_the_record_of_that_kind(kind: str, text: str):
    assert (FAULTS[kind], kind) == (type(fault(text)), fault(text).kind)


@pytest.mark.parametrize("kind", ["duplicating", "reordering", "late", "garbling"])
def test_a_line_strikes_every_message_unless_a_chance_is_given(kind: str):
    text = EXAMPLES[kind]
    assert [1.0, 0.25] == [fault(text).chance, fault(text.replace("}", ", chance: 0.25}")).chance]


def test_a_line_fault_can_be_that_of_one_bank_and_one_message_type():
    read = fault(f'{{{LINE}, is: down, bank: sakura, mti: "0210"}}')
    assert ("sakura", "0210") == (read.bank, read.mti)


def test_a_database_error_strikes_the_first_unit_of_work_unless_told_otherwise():
    text = EXAMPLES["database_error"]
    assert [1, 3] == [fault(text).call, fault(text.replace("}", ", call: 3}")).call]


@pytest.mark.parametrize(
    ("by", "expected"), [("-90 s", -90 * SECOND), ("90 s", 90 * SECOND), ("24 h", 24 * HOUR)]
)
def test_a_clock_is_ahead_or_with_a_minus_behind(by: str, expected: int):
    assert expected == fault(EXAMPLES["skewed"].replace("-90 s", by)).by_us


@pytest.mark.parametrize("by", ["0 s", "-0 s", "25 h", "90", "+90 s"])
def test_a_clock_is_not_wrong_by_nothing_by_more_than_a_day_or_without_a_unit(by: str):
    assert problem(EXAMPLES["skewed"].replace("-90 s", by))


def test_a_fault_may_name_a_later_day():
    read = fault("{from: 23:50, to: 2014-01-16 00:10, link: acquirer-switch, is: down}")
    assert (None, 10 * MINUTE) == (read.begins.day, read.ends.time_us)
    assert Moment(None, 0) != read.ends


@pytest.mark.parametrize("name", ["switch", "seven_bank", "e_net"])
def test_the_switch_and_the_operators_of_the_file_can_be_restarted(name: str):
    assert name == fault(EXAMPLES["restarted"].replace("switch", name)).node


@pytest.mark.parametrize("name", ["switch", "e_net", "jnb", "sakura", "shop", "mall", "mall/2"])
def test_nodes_banks_places_and_single_machines_have_clocks(name: str):
    assert name == fault(EXAMPLES["skewed"].replace("switch", name)).clock


@pytest.mark.parametrize("name", ["lawson", "hanako", "mall/3", "issuer"])
def test_nothing_else_has_a_clock(name: str):
    assert problem(EXAMPLES["skewed"].replace("switch", name))


@pytest.mark.parametrize("chance", ["0", "0.0", "1.01", "-0.5", "'0.5'", "30 %"])
def test_a_chance_lies_above_0_and_is_at_most_1(chance: str):
    assert problem(EXAMPLES["lossy"].replace("0.3", chance))


def test_a_fault_without_its_kind_asks_for_it():
    assert "missing key 'is'; add is: down" == problem(f"{{{LINE}}}")


def test_everything_that_is_wrong_with_two_faults_is_said_at_once():
    with pytest.raises(ScenarioError) as refused:
        loads(f"{HEAD}  - {{{LINE}, is: lossey}}\n  - {{{LINE}, is: slow, delya: 3 s}}\n")
    said = [problem.located.partition(": ")[2] for problem in refused.value.problems]
    assert [
        "unknown fault 'lossey'; did you mean 'lossy'?",
        "unknown key 'delya'; did you mean 'delay'?",
    ] == said
