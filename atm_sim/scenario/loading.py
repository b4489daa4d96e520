"""`load:` of a scenario: real traffic in wall time by its rate or by users, and what its figures are expected to be.

`atm-sim load` reads it; a run in simulated time does not. Rates are messages that people start, per second.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar, get_args

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema

from atm_sim.scenario.by_measure import known, unit_of
from atm_sim.scenario.demand import Amounts, Services
from atm_sim.scenario.fields import DurationUs, Flag, Jpy, ResponseCode, Share, Whole, scalar, wrong
from atm_sim.scenario.measured import COMPARATORS, MOST_COUNT
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.vocabulary import Service
from bank_host.jst import SECOND_US
from bank_host.written import values
from bank_host.written.source import Sequence

HOURS: Final = 24
LEAST_WAIT_US: Final = 10_000
RATE_PATTERN: Final = r"[0-9]+(_[0-9]+)*(\.[0-9]+)?/(s|min|h)"
MOST_PER_S: Final = 100_000.0
_PER_S: Final = {"s": 1, "min": 60, "h": 3_600}


def _read_rate(raw: Any) -> float:
    text = scalar(raw, "a rate such as 400/s")
    if not re.fullmatch(RATE_PATTERN, text):
        raise wrong("expected a rate with its unit, such as 400/s, 90/min or 30_000/h")
    number, _, unit = text.partition("/")
    per_s = float(number.replace("_", "")) / _PER_S[unit]
    if per_s > MOST_PER_S:
        raise wrong(f"a rate is at most {MOST_PER_S:_.0f}/s")
    return per_s


def _read_curve(raw: Any) -> tuple[float, ...]:
    if not isinstance(raw, Sequence) or len(raw) != HOURS:
        raise wrong("expected 24 weights, of the hours from 0 to 23")
    weights = []
    for each in raw:
        try:
            weights.append(values.number(scalar(each, "a weight such as 0.75")))
        except ValueError as error:
            raise wrong(str(error), each) from None
        if each.quoted or weights[-1] < 0:
            raise wrong("a weight is a number from 0 up, without quotes", each)
    if not any(weights):
        raise wrong("all weights are 0, so nobody comes")
    return tuple(weights)


PerSecond = Annotated[
    float,
    BeforeValidator(_read_rate),
    WithJsonSchema({"type": "string", "pattern": f"^({RATE_PATTERN})$"}),
]
Curve = Annotated[
    tuple[float, ...],
    BeforeValidator(_read_curve),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "number", "minimum": 0},
            "minItems": HOURS,
            "maxItems": HOURS,
        }
    ),
]


class Phase(Part):
    """A stretch of arrivals: at one rate, rising or falling to another, or as the hours of a day in fast motion."""

    rate_per_s: PerSecond = Field(alias="rate")
    to_per_s: PerSecond | None = Field(default=None, alias="to")
    for_us: DurationUs = Field(alias="for")
    by_hour: Curve | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        if self.to_per_s is not None and self.by_hour is not None:
            yield Contradiction(("by_hour",), "a phase has to: or by_hour:, one of the two")
        if not self.for_us:
            yield Contradiction(("for",), "a phase takes some time; write for: 10 s")


class Users(Part):
    """The closed model: so many people, each of whom starts again only after the answer."""

    count: Annotated[int, Whole(1, 100_000)]
    think_us: DurationUs = Field(default=SECOND_US, alias="think")
    for_us: DurationUs = Field(alias="for")


# ---------------- what the figures are to be

LoadCount: TypeAlias = Literal[
    "planned",
    "sent",
    "dropped",
    "answered",
    "not_answered",
    "declines",
    "late",
    "unmatched",
    "duplicate",
    "unsolicited",
    "mac_failures",
    "reversals",
    "unresolved",
    "differences",
    "throughput",
]
LoadRatio: TypeAlias = Literal["approval_rate"]
LoadDuration: TypeAlias = Literal[
    "latency.mean",
    "latency.p50",
    "latency.p90",
    "latency.p95",
    "latency.p99",
    "latency.p99.9",
    "latency.max",
    "send_lag.p50",
    "send_lag.p99",
    "send_lag.max",
]
LOAD_MEASURES: Final[dict[str, str]] = {
    **dict.fromkeys(get_args(LoadCount), "count"),
    **dict.fromkeys(get_args(LoadRatio), "ratio"),
    **dict.fromkeys(get_args(LoadDuration), "duration"),
}
MeasureName = TypeVar("MeasureName")
Value = TypeVar("Value")


class _LoadExpectation(Part, Generic[MeasureName, Value]):
    measure: MeasureName
    of: Service | None = None
    code: ResponseCode | None = None
    equals: Value | None = None
    at_least: Value | None = None
    at_most: Value | None = None
    between: tuple[Value, Value] | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        used = [name for name in COMPARATORS if getattr(self, name) is not None]
        if len(used) != 1:
            path = (used[1],) if used else ()
            yield Contradiction(path, "an expectation has one of equals, at_least, at_most, between: [a, b]")
        latency = str(self.measure).startswith("latency.")
        if self.of is not None and not latency and self.measure != "approval_rate":
            yield Contradiction(
                ("of",), "of: picks latencies and the approval rate; other measures have none"
            )
        if self.code is not None and not latency:
            yield Contradiction(("code",), "code: picks latencies; other measures have none")


class LoadCountExpectation(_LoadExpectation[LoadCount, Annotated[int, Whole(0, MOST_COUNT)]]):
    """How many; throughput is answers a second."""


class LoadRatioExpectation(_LoadExpectation[LoadRatio, Annotated[float, Share()]]):
    """A part of a whole, 0 to 1."""


class LoadDurationExpectation(_LoadExpectation[LoadDuration, DurationUs]):
    """How long, in microseconds."""


LoadExpectation: TypeAlias = LoadCountExpectation | LoadRatioExpectation | LoadDurationExpectation


LoadExpectationInFile = Annotated[
    Annotated[
        Annotated[LoadCountExpectation, Tag("count")]
        | Annotated[LoadRatioExpectation, Tag("ratio")]
        | Annotated[LoadDurationExpectation, Tag("duration")],
        unit_of(LOAD_MEASURES),
    ],
    known(LOAD_MEASURES),
]


# ---------------- the whole


class Load(Part):
    """How the fleet of a scenario becomes traffic."""

    arrivals: tuple[Phase, ...] = ()
    spacing: Literal["poisson", "even"] = "poisson"
    users: Users | None = None
    duration_us: DurationUs = Field(default=0, alias="duration")
    terminals: Annotated[int, Whole(1, 1_000_000)] = 1_000
    connections: Annotated[int, Whole(1, 512)] = 4
    customers: Annotated[int, Whole(0, 1_000_000)] = 1_000
    balance_jpy: Jpy = Field(default=1_000_000, alias="balance")
    services: Services = Field(default=(("withdraw", 70.0), ("balance", 30.0)), alias="do")
    amounts: Amounts = Field(default=((10_000, 1.0),), alias="amount")
    answer_within_us: DurationUs = Field(default=10 * SECOND_US, alias="answer_within")
    repeats: Annotated[int, Whole(0, 1_000)] = 10
    repeat_after_us: DurationUs = Field(default=SECOND_US, alias="repeat_after")
    completions: Flag = True
    mac: Flag = True
    exchange_keys: Flag = False
    most_waiting: Annotated[int, Whole(1, 1_000_000)] = 20_000
    send_lag_at_most_us: DurationUs = Field(default=10_000, alias="send_lag_at_most")
    cut_links_at_us: tuple[DurationUs, ...] = Field(default=(), alias="cut_links_at")
    expectations: tuple[LoadExpectationInFile, ...] = Field(default=(), alias="expect")

    @property
    def for_us(self) -> int:
        """How long people come."""
        return self.duration_us or (self.users.for_us if self.users else self.cycle_us)

    @property
    def cycle_us(self) -> int:
        """How long the phases take once; they start over while people come."""
        return sum(phase.for_us for phase in self.arrivals)

    def contradictions(self) -> Iterator[Contradiction]:
        if bool(self.arrivals) == (self.users is not None):
            path = ("users",) if self.users is not None else ()
            yield Contradiction(path, "load has arrivals: (open) or users: (closed), one of the two")
        if self.spacing == "even" and "spacing" in self.model_fields_set and self.users is not None:
            yield Contradiction(("spacing",), "users space themselves; spacing: belongs to arrivals:")
        for number, at_us in enumerate(self.cut_links_at_us):
            if at_us >= self.for_us:
                yield Contradiction(("cut_links_at", number), "the links are cut after the last arrival")
        if self.answer_within_us < LEAST_WAIT_US:
            yield Contradiction(("answer_within",), "an answer takes some time; write 10 ms or more")
