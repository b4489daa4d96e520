"""What was expected of a load run against what was measured, and whether the measurement itself can be believed."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from atm_sim.checks.values import duration, in_words
from atm_sim.exits import FAILED, INTERRUPTED, INVALID, MET
from atm_sim.load.figures import Figures, Spread
from atm_sim.scenario.loading import LOAD_MEASURES, Load, LoadExpectation
from atm_sim.scenario.measured import COMPARATORS

_NONE: Final = Spread(0, 0, {}, 0)


class Judged(NamedTuple):
    """One expectation and what came of it."""

    name: str
    expected: str
    actual: str
    met: bool
    line: int = 0


class Verdict(NamedTuple):
    """All of them. `invalid` says why the figures cannot be believed, '' if they can."""

    checks: tuple[Judged, ...]
    invalid: str = ""
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        if self.invalid:
            return INVALID
        return MET if all(check.met for check in self.checks) else FAILED


def judge(
    load: Load, figures: Figures, differences: int | None, interrupted_us: int | None = None
) -> Verdict:
    """`differences`: unexplained ones of the settlement check; None when there was nothing to compare with.
    `interrupted_us`: after so long somebody ended the run."""
    checks = [_judged(each, figures, differences) for each in load.expectations]
    if differences is not None and not any(each.measure == "differences" for each in load.expectations):
        checks.append(Judged("settlement differences", "0", f"{differences}", not differences))
    why = [_why_invalid(load, figures)]
    if interrupted_us is not None:
        why.insert(0, f"interrupted after {duration(interrupted_us)} of {duration(load.for_us)}")
    return Verdict(tuple(checks), "; ".join(filter(None, why)), interrupted_us is not None)


def _why_invalid(load: Load, figures: Figures) -> str:
    if not figures.counts["sent"]:
        return "nothing was sent"
    lag_us, most_us = figures.send_lag.at("p99"), load.send_lag_at_most_us
    if lag_us <= most_us:
        return ""
    return (
        f"the generator was late: p99 of its send lag is {duration(lag_us)}, at most {duration(most_us)} is allowed "
        "(send_lag_at_most). Latencies hold its own delay; lower the rate, or give it a faster or quieter machine"
    )


def _judged(each: LoadExpectation, figures: Figures, differences: int | None) -> Judged:
    measure, unit = str(each.measure), LOAD_MEASURES[str(each.measure)]
    name = " ".join(
        filter(None, (measure, f"of {each.of}" if each.of else "", f"code {each.code}" if each.code else ""))
    )
    comparator = next(word for word in COMPARATORS if getattr(each, word) is not None)
    wanted = getattr(each, comparator)
    value = _value(each, figures, differences)
    expected = f"{comparator.replace('_', ' ')} {_words(wanted, unit)}"
    if value is None:
        return Judged(name, expected, "nothing to measure", False, each.line)
    return Judged(name, expected, _words(value, unit), _holds(comparator, wanted, value), each.line)


def _holds(comparator: str, wanted: Any, value: float) -> bool:
    """Value and what it is compared with have one unit: the file's models see to it."""
    if comparator == "between":
        low, high = wanted
        return bool(low <= value <= high)
    if comparator == "at_least":
        return bool(value >= wanted)
    return bool(value <= wanted if comparator == "at_most" else value == wanted)


def _value(each: LoadExpectation, figures: Figures, differences: int | None) -> float | None:
    measure = str(each.measure)
    if measure == "differences":
        return differences
    if measure == "approval_rate":
        approved, asked = figures.approvals.get(each.of or "", (0, 0))
        return approved / asked if asked else None
    head, _, which = measure.partition(".")
    if head == "send_lag":
        return figures.send_lag.at(which)
    if head == "latency":
        found = figures.latency
        if each.of:
            found = figures.by_service.get(each.of, _NONE)
        if each.code:
            found = figures.by_code.get(each.code, _NONE)
        return found.at(which) if found.number else None
    return figures.counts[measure]


def _words(value: Any, unit: str) -> str:
    if isinstance(value, tuple):
        return " and ".join(_words(each, unit) for each in value)
    return in_words(value, unit)
