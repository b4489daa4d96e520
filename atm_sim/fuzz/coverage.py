"""What the worlds reached: response codes, faults that struck, invariants with something to check, and so on.

A hunt that never went somewhere has found nothing there. Each kind of place has its list of all there is to reach;
after many worlds an empty row fails the run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TypeAlias

from atm_sim.checks import truth_table
from atm_sim.checks.invariants.catalogue import NAMES
from atm_sim.checks.truth_table import TRUTH_TABLE
from atm_sim.fuzz.fault_kinds import FAULT_KINDS
from atm_sim.fuzz.step_kinds import STEP_KINDS
from atm_sim.runner.play import CaseRun
from bank_host.rules.reasons import APPROVED, CODES, HOT_CODES

OUT_OF_REACH: Mapping[str, str] = {
    "12": "an ATM asks for yen and for nothing else",
    "30": "what cannot be read never reaches the bank's rules",
}
"""Response codes that no scenario file can lead to, and why."""

Reached: TypeAlias = Counter[tuple[str, str]]
"""(kind of place, its name) -> how often."""

STEP, FAULT, CODE, ENDING = "step", "fault", "response code", "ending"
TRUTH, INVARIANT, RECONCILIATION = "truth table", "invariant", "reconciliation"

SAME_RECORD = "I23"
"""The invariant that no single run shows: two runs give the same record (`atm_sim.fuzz.twice`)."""

CODES_TO_REACH = tuple(
    sorted({APPROVED, *CODES.values(), *HOT_CODES.values(), "38", "75", "91"} - OUT_OF_REACH.keys())
)

#: rows of the event record that say how a message or a transaction ended
ENDINGS = (
    "completed",
    "reversed",
    "suspect",
    "manual",
    "repeated",
    "late_answer",
    "duplicate_answer",
    "retracted",
    "retained",
    "out_of_cash",
    "timed_out",
    "unreachable",
    "stood_in",
)


#: explanations of a difference that a world at rest can end with: by then no queue waits and no ATM is busy
DIFFERENCES = ("suspect", "manual", "exception", "stand_in", "late_answer", "duplicate", "staged")


def to_reach() -> tuple[tuple[str, str], ...]:
    """Every place that a long hunt has to reach."""
    return (
        *((STEP, kind.do) for kind in STEP_KINDS),
        *((FAULT, kind.kind) for kind in FAULT_KINDS),
        *((TRUTH, row.id) for row in TRUTH_TABLE),
        *((CODE, code) for code in CODES_TO_REACH),
        *((ENDING, kind) for kind in ENDINGS),
        *((INVARIANT, name) for name in (*NAMES, SAME_RECORD)),
        *((RECONCILIATION, name) for name in ("compared", *DIFFERENCES)),
    )


def reached(done: CaseRun) -> Reached:
    """What one played world reached."""
    scenario, found = done.case.scenario, Reached()
    found.update((STEP, step.do) for step in scenario.steps)
    for log in done.logs.values():
        found.update((ENDING, row.kind) for row in log.events if row.kind in ENDINGS)
        found.update((CODE, row.code) for row in log.events if row.kind in ("decided", "answered"))
        for row_id, times in truth_table.reached(log.events, log.messages).items():
            found[TRUTH, row_id] += times
        found.update((FAULT, row.reason) for row in log.events if row.kind == "fault")
    found.update({(INVARIANT, name): times for name, times in done.checked.items()})
    found[RECONCILIATION, "compared"] += done.compared
    found.update((RECONCILIATION, each.explained_by) for each in done.differences)
    return +found


def unreached(found: Reached) -> list[tuple[str, str]]:
    return [place for place in to_reach() if not found[place]]
