"""What a scenario expects of measures, judged in every replication or on the interval over all of them.

Neighbours: steps.py judges what a scenario expects of its steps; measures.py holds the measures themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from atm_sim.checks.intervals import Interval, interval
from atm_sim.checks.measures import Ask, Setting, measure
from atm_sim.checks.rows import ReplicationRows
from atm_sim.checks.values import in_words
from atm_sim.records.check import Check
from atm_sim.scenario.vocabulary import MEASURES as UNITS

Comparator = Literal["equals", "at_least", "at_most", "between"]

# Shares and means are floats: 0.3 written in the file and 3/10 measured are the same number.
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Bound:
    """A comparator and its values: `low` and `high` are the ends that count, None = open."""

    comparator: Comparator
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        return self.holds_between(value, value)

    def holds_between(self, low: float, high: float) -> bool:
        """Whether all from `low` to `high` is allowed; for `equals`, whether the value lies in there."""
        if self.comparator == "equals":
            assert self.low is not None
            return low - _slack(low) <= self.low <= high + _slack(high)
        above = self.low is None or low >= self.low - _slack(self.low)
        below = self.high is None or high <= self.high + _slack(self.high)
        return above and below

    def text(self, unit: str) -> str:
        if self.comparator == "between":
            return f"between {in_words(self.low, unit)} and {in_words(self.high, unit)}"
        value = in_words(self.high if self.low is None else self.low, unit)
        return value if self.comparator == "equals" else f"{self.comparator.replace('_', ' ')} {value}"


def bound(comparator: Comparator, *values: float) -> Bound:
    """`bound("at_most", 5)`, `bound("between", 1, 2)`."""
    match comparator:
        case "at_least":
            return Bound(comparator, values[0], None)
        case "at_most":
            return Bound(comparator, None, values[0])
    return Bound(comparator, values[0], values[-1])


def _slack(value: float) -> float:
    return _TOLERANCE * max(1.0, abs(value))


@dataclass(frozen=True, slots=True)
class MeasureExpectation:
    """One entry of a scenario's `expect:` list, typed: durations in microseconds, amounts in yen."""

    measure: str
    bound: Bound
    ask: Ask = field(default_factory=Ask)
    judged_on: Literal["run", "interval"] = "run"
    case: str = ""
    line: int = 0
    column: int = 0


def judge(
    expected: MeasureExpectation, replications: Mapping[int, ReplicationRows], setting: Setting
) -> Check:
    """The verdict on one expectation. Judged on `run`, every replication has to meet it."""
    values = {
        number: measure(expected.measure, rows, expected.ask, setting)
        for number, rows in replications.items()
    }
    return judge_values(expected, values)


def judge_values(expected: MeasureExpectation, values: Mapping[int, float | None]) -> Check:
    """The same where the measure was taken already, of each replication."""
    known = {number: value for number, value in values.items() if value is not None}
    if len(known) < len(values) or not values:
        without = len(values) - len(known)
        return _check(expected, "nothing to measure", False, f"in {without} of {len(values)} replications")
    if expected.judged_on == "interval":
        return _judge_interval(expected, list(known.values()))
    return _judge_runs(expected, known)


def _judge_runs(expected: MeasureExpectation, values: Mapping[int, float]) -> Check:
    unit = UNITS[expected.measure]
    broken = {replication: value for replication, value in values.items() if not expected.bound.holds(value)}
    if len(values) == 1:
        return _check(expected, in_words(next(iter(values.values())), unit), not broken)
    if not broken:
        low, high = in_words(min(values.values()), unit), in_words(max(values.values()), unit)
        spread = low if low == high else f"{low} to {high}"
        return _check(expected, f"{spread} over {len(values)} replications", True)
    worst = max(broken, key=lambda replication: _distance(expected.bound, broken[replication]))
    actual = f"{in_words(broken[worst], unit)} in replication {worst}"
    return _check(expected, actual, False, f"not met in {len(broken)} of {len(values)} replications")


def _judge_interval(expected: MeasureExpectation, values: Sequence[float]) -> Check:
    """The far end of the interval has to hold too; for `equals`, the interval has to contain the value."""
    if len(values) < 2:
        detail = "an interval needs at least two replications: set `replications` under `run`"
        return _check(expected, "one replication only", False, detail)
    found = interval(values)
    passed = expected.bound.holds_between(found.low, found.high)
    return _check(expected, _interval_text(found, len(values), UNITS[expected.measure]), passed)


def _interval_text(found: Interval, replications: int, unit: str) -> str:
    mean, low, high = (in_words(value, unit) for value in found)
    return f"{mean} [{low}, {high}] over {replications} replications"


def _distance(bound: Bound, value: float) -> float:
    """How far outside the bound a value lies."""
    below = 0.0 if bound.low is None else bound.low - value
    above = 0.0 if bound.high is None else value - bound.high
    return max(below, above)


def _check(expected: MeasureExpectation, actual: str, passed: bool, detail: str = "") -> Check:
    filters = filters_text(expected.ask)
    return Check(
        kind="measure",
        name=f"{expected.measure} {filters}" if filters else expected.measure,
        expected=expected.bound.text(UNITS[expected.measure]),
        actual=actual,
        passed=passed,
        case=expected.case,
        line=expected.line,
        column=expected.column,
        detail=detail,
    )


def filters_text(ask: Ask) -> str:
    """What an Ask leaves in, as people say it: "of withdraw, at shibuya-01, from 12:00 to 13:00"."""
    parts = [
        ask.of and f"of {ask.of}",
        ask.at and f"at {ask.at}",
        ask.bank and f"of bank {ask.bank}",
        ask.reason and f"for {ask.reason}",
        ask.over_us and f"over {in_words(ask.over_us, 'duration')}",
    ]
    if ask.during_us is not None:
        parts.append("from {} to {}".format(*(_clock(time_us) for time_us in ask.during_us)))
    return ", ".join(part for part in parts if part)


def _clock(time_us: int) -> str:
    minutes, seconds = divmod(time_us // 1_000_000, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{seconds:02}" if seconds else text
