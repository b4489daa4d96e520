"""When guards drive, which policy sends them, and how machines fail: parts of a cash plan and of a fleet scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario.fields import DurationUs, Flag, Jpy, Share, TimeUs, Whole, scalar, wrong
from atm_sim.scenario.part import Contradiction, Part
from bank_host.jst import HOUR_US, MINUTE_US
from bank_host.written import values
from bank_host.written.source import Mapping, Sequence

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS: tuple[Weekday, ...] = WEEKDAYS[:5]


def _listed(raw: Any) -> Any:
    """One value stands for a list of one."""
    return tuple(raw) if isinstance(raw, Sequence) else (raw,)


def _notes(raw: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(raw, Mapping):
        raise wrong("expected notes by denomination such as {10000: 2600, 1000: 1000}")
    try:
        return tuple(
            (values.integer(jpy), values.integer(scalar(count, "a count"))) for jpy, count in raw.items()
        )
    except ValueError as error:
        raise wrong(str(error)) from None


Days = Annotated[int, Whole(1, 400)]
DaysOrMore = Annotated[
    tuple[Days, ...], BeforeValidator(_listed, json_schema_input_type=Days | tuple[Days, ...])
]
JpyOrMore = Annotated[tuple[Jpy, ...], BeforeValidator(_listed, json_schema_input_type=Jpy | tuple[Jpy, ...])]
NotesByJpy = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(_notes),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}),
]


class Rounds(Part):
    """When guards drive, and how much they can do."""

    weekdays: tuple[Weekday, ...] = WORKDAYS
    at_us: TimeUs = Field(default=10 * HOUR_US, alias="at")
    bank_holidays: Flag = False
    notice_days: Annotated[int, Whole(0, 60)] = 1
    machines_per_tour: Annotated[int, Whole(1, 10_000)] = 12
    tours_per_day: Annotated[int, Whole(1, 10_000)] = 10

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.weekdays:
            yield Contradiction(("weekdays",), "guards drive on at least one weekday")


class Failing(Part):
    """How often machines stop, and for how long; the usual figures are those of Seven Bank in 2009."""

    mtbf_us: DurationUs = Field(default=913 * HOUR_US, alias="mtbf")
    mttr_us: DurationUs = Field(default=27 * MINUTE_US, alias="mttr")
    staff_share: Annotated[float, Share()] = 0.2  # of the stops: somebody has to go there
    retained_share: Annotated[float, Share()] = 0.00002  # of the visits: the card stays in the machine

    def contradictions(self) -> Iterator[Contradiction]:
        if self.mtbf_us <= 0:
            yield Contradiction(("mtbf",), "a machine works longer than no time")


class Replenishment(Part):
    """One policy, or in a cash plan a curve of them; the key that is there says which."""

    every_days: DaysOrMore = ()
    reorder_at_jpy: JpyOrMore = Field(default=(), alias="reorder_at")
    cover_days: DaysOrMore = ()
    risk: Annotated[float, Share()] = 0.01
    fill: NotesByJpy = ()

    def contradictions(self) -> Iterator[Contradiction]:
        if sum(map(bool, (self.every_days, self.reorder_at_jpy, self.cover_days))) != 1:
            yield Contradiction(
                (),
                "a policy has one of every_days: (fixed), reorder_at: (a level) and cover_days: (forecast)",
            )
        if not 0 < self.risk < 1:
            yield Contradiction(("risk",), "a risk lies between 0 and 1")

    @property
    def points(self) -> int:
        return len(self.every_days) + len(self.reorder_at_jpy) + len(self.cover_days)


class FleetCash(Part):
    """Who brings cash to a fleet's machines."""

    policy: Replenishment
    rounds: Rounds = Rounds()
    capacity: Annotated[int, Whole(1, 20_000)] = 4_000  # notes of each cassette; a forecast fills no more
    first_fill: Literal["drawn", "full"] = "drawn"  # somewhere in the policy's cycle, or as the machines open

    def contradictions(self) -> Iterator[Contradiction]:
        if self.policy.points > 1:
            yield Contradiction(("policy",), "a fleet plays one policy; a cash plan compares several")
