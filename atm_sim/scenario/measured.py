"""What a whole run is expected to show: a measure, whom and when it counts, and one comparison typed by its unit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

from pydantic import Field, Tag

from atm_sim.scenario.by_measure import known, unit_of
from atm_sim.scenario.fields import Alias, DurationUs, Jpy, Share, Snake, TimeUs, Whole
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.vocabulary import (
    MEASURES,
    CountMeasure,
    DurationMeasure,
    JudgedOn,
    RatioMeasure,
    Service,
    Unit,
    YenMeasure,
)

MeasureName = TypeVar("MeasureName", bound=str)
Value = TypeVar("Value")
COMPARATORS = ("equals", "at_least", "at_most", "between")
MOST_COUNT = 10**12


class Asked(Part):
    """A measure, and which rows it looks at."""

    measure: str
    of: Service | None = None
    at: Alias | None = None
    bank: Alias | None = None
    reason: Snake | None = None
    during_us: tuple[TimeUs, TimeUs] | None = Field(default=None, alias="during")
    over_us: DurationUs = Field(default=0, alias="over")


class ExpectationPart(Asked, Generic[MeasureName, Value]):
    """What a measure is expected to show: one comparison."""

    measure: MeasureName
    equals: Value | None = None
    at_least: Value | None = None
    at_most: Value | None = None
    between: tuple[Value, Value] | None = None
    judged_on: JudgedOn = "run"

    @property
    def unit(self) -> Unit:
        """What the compared values are: count, ratio, duration (microseconds) or yen."""
        return MEASURES[str(self.measure)]

    def contradictions(self) -> Iterator[Contradiction]:
        used = [name for name in COMPARATORS if getattr(self, name) is not None]
        if len(used) != 1:
            path = (used[1],) if used else ()
            yield Contradiction(path, "an expectation has one of equals, at_least, at_most, between: [a, b]")
        low_high: Any = self.between
        if low_high is not None and low_high[0] > low_high[1]:
            yield Contradiction(
                ("between", 1), "the upper end is below the lower; write between: [low, high]"
            )
        if self.during_us is not None and self.during_us[0] >= self.during_us[1]:
            yield Contradiction(("during", 1), "the window ends before it begins; write during: [from, to]")
        if "over_us" in self.model_fields_set and self.measure != "wait.share":
            yield Contradiction(("over",), "over: belongs to wait.share alone")
        if self.reason and self.measure != "declines":
            yield Contradiction(("reason",), "reason: picks declines; other measures have none")


class CountExpectation(ExpectationPart[CountMeasure, Annotated[int, Whole(0, MOST_COUNT)]]):
    """How many."""


class RatioExpectation(ExpectationPart[RatioMeasure, Annotated[float, Share()]]):
    """A part of a whole, 0 to 1."""


class DurationExpectation(ExpectationPart[DurationMeasure, DurationUs]):
    """How long, in microseconds."""


class YenExpectation(ExpectationPart[YenMeasure, Jpy]):
    """How much money."""


Expectation: TypeAlias = CountExpectation | RatioExpectation | DurationExpectation | YenExpectation


ExpectationInFile = Annotated[
    Annotated[
        Annotated[CountExpectation, Tag("count")]
        | Annotated[RatioExpectation, Tag("ratio")]
        | Annotated[DurationExpectation, Tag("duration")]
        | Annotated[YenExpectation, Tag("yen")],
        unit_of(MEASURES),
    ],
    known(MEASURES),
]
