"""Turns what a scenario expects into checks, judged against what the run recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from atm_sim.checks.expectations import Comparator, MeasureExpectation, bound, judge
from atm_sim.checks.measures import Ask, Setting
from atm_sim.checks.rows import ReplicationRows
from atm_sim.checks.steps import ELEMENT, StepExpectation, judge_step, step_results
from atm_sim.records.check import Check
from atm_sim.records.log import EventLog
from atm_sim.scenario import Case, Expectation, Step
from atm_sim.scenario.measured import Asked
from atm_sim.scenario.step_parts import ELEMENTS

COMPARATORS: tuple[Comparator, ...] = get_args(Comparator)


def step_checks(case: Case, logs: Mapping[int, EventLog]) -> Iterator[Check]:
    """The expectations of every step; of several replications the first that breaks one speaks for all."""
    results = [step_results(log.events, log.messages) for log in logs.values()]
    for number, step in enumerate(case.scenario.steps, 1):
        if step.expect is None:
            continue
        for label in labels(number, step):
            expected = _step_expectation(case, step, label)
            judged = [judge_step(expected, result.get(label)) for result in results]
            yield from (
                next((check for check in same if not check.passed), same[0])
                for same in zip(*judged, strict=True)
            )


def labels(number: int, step: Step) -> list[str]:
    """How event rows name a step: `3`, or `3#1`, `3#2` ... where it repeats."""
    if step.repeat is None:
        return [f"{number}"]
    return [f"{number}#{turn}" for turn in range(1, step.repeat.times + 1)]


def measure_checks(case: Case, logs: Mapping[int, EventLog]) -> Iterator[Check]:
    """The expectations of the whole run."""
    rows = {replication: ReplicationRows(log.events) for replication, log in logs.items()}
    for expectation in case.scenario.expectations:
        yield judge(measure_expectation(case, expectation), rows, setting_of(case))


def setting_of(case: Case) -> Setting:
    """What measures have to know of the scenario beside the rows."""
    return Setting(
        machines={name: place.machines for name, place in case.scenario.places.items()},
        bank_of={alias: person.bank for alias, person in case.scenario.cast.items()},
    )


def _step_expectation(case: Case, step: Step, label: str) -> StepExpectation:
    assert step.expect is not None
    fields = {field: key for key, field in type(step.expect).keys().items()}
    values = {
        key: getattr(step.expect, field)
        for field, key in fields.items()
        if getattr(step.expect, field) is not None
    }
    for element, value in values.pop(ELEMENTS, {}).items():
        values[f"{ELEMENT}{element}"] = value
    # a step filled in from a row of a table is wrong in its row, not in the step they all share
    line = case.line if case.row_number else step.line
    return StepExpectation(label, values, _case_name(case), line)


def measure_expectation(case: Case, expectation: Expectation) -> MeasureExpectation:
    """An entry of the scenario's `expect:` as the checks read it."""
    comparator = next(name for name in COMPARATORS if getattr(expectation, name) is not None)
    value = getattr(expectation, comparator)
    values = value if comparator == "between" else (value,)
    return MeasureExpectation(
        measure=str(expectation.measure),
        bound=bound(comparator, *values),
        ask=ask_of(expectation),
        judged_on=expectation.judged_on,
        case=_case_name(case),
        line=expectation.line,
    )


def ask_of(asked: Asked) -> Ask:
    """Which rows a measure looks at, as the measures take it."""
    return Ask(
        of=asked.of or "",
        at=asked.at or "",
        bank=asked.bank or "",
        reason=asked.reason or "",
        during_us=asked.during_us,
        over_us=asked.over_us,
    )


def _case_name(case: Case) -> str:
    return case.name if case.row_number else ""
