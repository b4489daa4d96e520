"""One thing that was checked: the row of checks.csv, of junit.xml, of the report and of the console.

Everything that judges a run (step expectations, measures, invariants) says what it found as `Check`s;
everything that shows a verdict reads nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

KINDS = ("step", "measure", "invariant", "reconciliation", "rest", "measurement")


class Check(NamedTuple):
    """`expected` and `actual` are texts for people; `detail` is a sentence more, where it helps."""

    # step, measure, invariant, reconciliation (do ATM, network and bank say the same), rest (is nothing left over),
    # or measurement (did the generator keep up)
    kind: str
    name: str  # "code", "wait.p95 at shibuya-01", "I3"
    expected: str
    actual: str
    passed: bool
    case: str = ""  # the row of a `cases:` table
    step: str = ""  # the step as event rows name it: "3" or "3/2"
    line: int = 0  # in the scenario file; 0 = no line of its own
    column: int = 0
    detail: str = ""
    request_id: str = ""  # the message chain to show beside a failure


class Verdict(NamedTuple):
    """How many checks of a run passed and failed."""

    passed: int
    failed: int

    @property
    def met(self) -> bool:
        return self.failed == 0


def verdict(checks: Iterable[Check]) -> Verdict:
    outcomes = [check.passed for check in checks]
    return Verdict(passed=sum(outcomes), failed=len(outcomes) - sum(outcomes))


def failures_first(checks: Iterable[Check]) -> list[Check]:
    """Failed checks before passed ones, each part in the order of the file."""
    return sorted(checks, key=lambda check: check.passed)
