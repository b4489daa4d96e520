"""A fault of one log is an unexplained difference that names the request, also where every invariant holds."""

from __future__ import annotations

import pytest

from atm_sim.runner.play import CaseRun, play
from atm_sim.scenario import loads, rows
from atm_sim.world.lab import Parts
from tests.atm_sim.world.small_world import HEAD
from tests.faults.in_worlds import RECONCILIATION_MUTANTS, WorldMutant

VISITS = """
steps:
  - {at: 12:00, who: hanako, do: withdraw, amount: ¥30_000, atm: shop}
  - {at: 13:00, who: taro, do: withdraw, amount: ¥20_000, atm: shop, device: jam}
"""
PAID, JAMMED = "T0000001/401512000001", "T0000001/401513000003"
JAMMED_ALONE = "T0000001/401513000002"  # where nothing was completed before

NAMED: dict[str, set[str]] = {
    "switch approves without asking the bank": {PAID, JAMMED},
    "switch passes an approval back as a refusal": {PAID, JAMMED_ALONE},
    "ATM journal forgets the cash": {PAID},
    "another amount posted than approved": {PAID, JAMMED},
    "a reversal's posting lost in the store": {JAMMED},
}


def played(parts: Parts) -> CaseRun:
    loaded = loads(HEAD + VISITS)
    return play(loaded, rows(loaded)[0], parts=lambda replication: parts)


@pytest.mark.parametrize("mutant", RECONCILIATION_MUTANTS, ids=lambda mutant: mutant.name)
def test_the_fault_is_an_unexplained_difference_that_names_the_request(mutant: WorldMutant) -> None:
    done = played(mutant.parts())
    assert NAMED[mutant.name] == {each.request_id for each in done.differences if not each.explained}
    (check,) = done.reconciled.values()
    assert (False, True) == (check.passed, check.request_id in NAMED[mutant.name])
    assert check.request_id in check.actual


def test_the_sound_parts_agree() -> None:
    done = played(Parts())
    assert ([], 2) == (done.differences, done.compared)
    assert ["2 requests compared, no difference"] == [check.actual for check in done.reconciled.values()]


def test_cash_that_the_journal_forgets_breaks_no_invariant() -> None:
    """Nothing but the comparison of all three logs shows it."""
    mutant = next(each for each in RECONCILIATION_MUTANTS if each.name == "ATM journal forgets the cash")
    failed = [check.name for check in played(mutant.parts()).checks if not check.passed]
    assert ["reconciliation"] == failed


def test_an_item_of_the_bank_does_not_make_up_for_an_approval_out_of_nowhere() -> None:
    """The bank's staff have an item about the completion that it cannot place; still nobody had approved."""
    mutant = next(each for each in RECONCILIATION_MUTANTS if "without asking" in each.name)
    done = played(mutant.parts())
    items = [row.reason for row in done.logs[1].events if row.kind == "exception"]
    assert (["COMPLETION_UNKNOWN"], PAID) == (items, done.differences[0].request_id)
