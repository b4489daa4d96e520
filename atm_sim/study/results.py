"""What a study found, as rows: intervals, pairwise differences, and the verdict on each expectation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from atm_sim.checks.expectations import Bound, bound
from atm_sim.checks.intervals import Interval, interval
from atm_sim.checks.values import in_words
from atm_sim.records.check import Check
from atm_sim.records.study_folder import DifferenceRow, IntervalRow, ValueRow
from atm_sim.scenario.vocabulary import MEASURES as UNITS
from atm_sim.study.model import BASE, MARGINS, Judged
from atm_sim.study.plan import StudyPlan
from atm_sim.study.run import Played, key_of


def unit_of(key: str) -> str:
    unit = UNITS[key.partition(" ")[0]]
    return "us" if unit == "duration" else unit


def value_rows(played: Played) -> Iterator[ValueRow]:
    for arm, measures in played.values.items():
        for key, values in measures.items():
            for replication, value in enumerate(values, 1):
                if value is not None:
                    yield ValueRow(arm, replication, key, unit_of(key), float(value))


def interval_rows(plan: StudyPlan, played: Played) -> Iterator[IntervalRow]:
    for arm in plan.arms:
        for key, values in played.values[arm.name].items():
            known = _known(values)
            if len(known) >= 2:
                found = interval(known)
                yield IntervalRow(
                    arm.name, arm.kind, arm.path, arm.text, arm.value, key, unit_of(key), len(known), *found
                )


def difference_rows(plan: StudyPlan, played: Played) -> Iterator[DifferenceRow]:
    """Every arm that is no step of a sweep against the one named by `against:`."""
    against = plan.study.against
    for arm in plan.arms:
        if arm.kind == "sweep" or arm.name == against:
            continue
        for key in played.values[arm.name]:
            differences = paired(played, arm.name, against, key)
            if len(differences) >= 2:
                found = interval(differences)
                row = (arm.name, against, key, unit_of(key), len(differences), *found)
                yield DifferenceRow(*row, verdict=_which_way(found))


def paired(played: Played, arm: str, against: str, key: str) -> list[float]:
    """The differences of the replications that both could measure."""
    pairs = zip(played.values[arm][key], played.values[against][key], strict=True)
    return [one - other for one, other in pairs if one is not None and other is not None]


def _which_way(found: Interval) -> str:
    if found.low == found.high == 0:
        return "same"
    return "lower" if found.high < 0 else "higher" if found.low > 0 else "unclear"


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


# ---------------- expectations


def checks(plan: StudyPlan, played: Played) -> list[Check]:
    """Each expectation in each variant that it is about, the precision asked for, and what always has to hold."""
    found = [each for entry in plan.study.expectations for each in _judge(plan, played, entry)]
    if plan.study.until is not None:
        found.append(_precision(plan, played))
    found += _invariants(plan, played)
    return found


def _invariants(plan: StudyPlan, played: Played) -> Iterator[Check]:
    """What always has to hold: a check for each arm in which something did not, or one for all of them."""
    runs = f"in {played.replications * len(plan.arms)} replications"
    whole = Check(
        kind="invariant", name="invariants", expected="all hold", actual=f"all hold {runs}", passed=True
    )
    broken = [
        whole._replace(case=arm, actual=f"broken: {', '.join(sorted(names))}", passed=False)
        for arm, names in played.broken.items()
    ]
    yield from broken or [whole]


def _judge(plan: StudyPlan, played: Played, entry: Judged) -> Iterator[Check]:
    arms = [arm.name for arm in plan.arms if arm.kind != "sweep"]
    if entry.variant is not None:
        arms = [entry.variant]
    elif entry.against is not None:
        arms = [name for name in arms if name != entry.against]
    unit, key = UNITS[str(entry.measure)], key_of(entry)
    limit, words = _limit(entry, unit)
    for arm in arms:
        values = _known(played.values[arm][key])
        if entry.against is not None:
            values = paired(played, arm, entry.against, key)
        if len(values) < 2:
            actual, passed = "nothing to measure", False
        else:
            found = interval(values)
            passed = limit.holds_between(found.low, found.high)
            mean, low, high = (in_words(value, unit) for value in found)
            actual = f"{mean} [{low}, {high}] over {len(values)} replications"
        yield Check(
            kind="measure",
            name=key,
            case=arm,
            expected=words,
            actual=actual,
            passed=passed,
            line=entry.line,
        )


def _limit(entry: Judged, unit: str) -> tuple[Bound, str]:
    """The bound that the interval has to keep, and how people say it."""
    margin = next((name for name in MARGINS if getattr(entry, name) is not None), None)
    if margin == "less_by":
        limit = bound("at_most", -float(entry.less_by or 0))
        return limit, f"less than {entry.against} by {in_words(entry.less_by, unit)}"
    if margin == "more_by":
        limit = bound("at_least", float(entry.more_by or 0))
        return limit, f"more than {entry.against} by {in_words(entry.more_by, unit)}"
    for name in ("equals", "at_least", "at_most", "between"):
        value = getattr(entry, name)
        if value is not None:
            limit = bound(name, *(value if name == "between" else (value,)))
            about = "" if entry.against is None else f"more than {entry.against} by "
            return limit, f"{about}{limit.text(unit)}"
    raise AssertionError("an expectation has one comparison")


def _precision(plan: StudyPlan, played: Played) -> Check:
    until = plan.study.until
    assert until is not None
    return Check(
        kind="measure",
        name=key_of(until.of),
        case=BASE,
        expected=f"half-width at most {100 * until.half_width:g} % of the mean in every variant",
        actual=f"{'reached' if played.met else 'not reached'} with {played.replications} replications",
        passed=played.met,
        line=until.line,
    )
