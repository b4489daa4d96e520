"""A study file as a frozen record: which scenario, how often, which variants, what to measure, what must come of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final, Generic, Literal, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, Tag, WithJsonSchema

from atm_sim.scenario.by_measure import known, unit_of
from atm_sim.scenario.fields import Alias, DurationUs, Jpy, Share, Snake, Text, Whole, scalar, wrong
from atm_sim.scenario.measured import COMPARATORS, MOST_COUNT, Asked, ExpectationPart
from atm_sim.scenario.part import Contradiction, Part, check_word
from atm_sim.scenario.vocabulary import (
    MEASURES,
    CountMeasure,
    DurationMeasure,
    RatioMeasure,
    YenMeasure,
)
from bank_host.written.problems import listed, nearest
from bank_host.written.source import Mapping, Scalar, Sequence

MeasureName = TypeVar("MeasureName", bound=str)
Value = TypeVar("Value")
MARGINS: Final = ("less_by", "more_by")
BASE: Final = "base"
"""The name of the scenario as it stands, beside its variants."""

LOST: Final = "lost"
"""Where customers of a removed place go who go nowhere else."""

FORMAT_VERSION: Final = 1
SCENARIO_PATH = r"[A-Za-z0-9_./-]+\.ya?ml"
PERCENT_PATTERN = r"[0-9]+(\.[0-9]+)? ?%"
MACHINE_PATTERN = r"[a-z][a-z0-9_-]{0,31}(/[0-9]{1,4})?"
USUAL_MEASURES: Final = ("customers", "wait.mean", "wait.p95", "utilisation", "approval_rate", "cash_outs")


def _read_asked(raw: Any) -> Any:
    """`wait.mean` is short for {measure: wait.mean}."""
    if isinstance(raw, Scalar):
        pairs = Mapping(raw.source, raw.line, raw.column)
        pairs[raw.retold("measure")] = raw
        raw = pairs
    fault = check_word(raw, "measure", list(MEASURES), "measure")
    if fault:
        raise wrong(fault[0], fault[1], fault[2])
    return raw


AskedInFile = Annotated[Asked, BeforeValidator(_read_asked)]


def _read_percent(raw: Any) -> float:
    text = scalar(raw, "a percentage such as 5 %")
    if not re.fullmatch(PERCENT_PATTERN, text) or not 0 < float(text.rstrip("% ")) <= 100:
        raise wrong("expected a percentage above 0 % and at most 100 %, such as 5 %")
    return float(text.rstrip("% ")) / 100


class Until(Part):
    """Replications are added until the half-width of the 95 % interval is small against the mean, in every variant."""

    half_width: Annotated[
        float,
        BeforeValidator(_read_percent),
        WithJsonSchema({"type": "string", "pattern": f"^({PERCENT_PATTERN})$"}),
    ]
    of: AskedInFile
    at_most: Annotated[int, Whole(2, 10_000)] = 200


def _read_path(raw: Any) -> str:
    text = scalar(raw, "a scenario file such as ../tutorial/first_day.yaml")
    if not re.fullmatch(SCENARIO_PATH, text) or text.startswith("/"):
        raise wrong("expected the scenario file as seen from this file, such as ../tutorial/first_day.yaml")
    return str(text)


def _read_changes(raw: Any) -> tuple[tuple[Scalar, Any], ...]:
    if not isinstance(raw, Mapping) or not raw:
        raise wrong("expected paths and values, such as places.hall.machines: 3")
    return tuple(raw.items())


def _read_sweep(raw: Any) -> tuple[tuple[Scalar, tuple[Any, ...]], ...]:
    if not isinstance(raw, Mapping) or not raw:
        raise wrong("expected a path and its values, such as places.hall.machines: [1, 2, 3]")
    for path, options in raw.items():
        if not isinstance(options, Sequence) or len(options) < 2:
            raise wrong("a sweep goes over two values or more; write [1, 2, 3]", path)
    return tuple((path, tuple(options)) for path, options in raw.items())


def _read_machine(raw: Any) -> Scalar:
    text = scalar(raw, "a place such as hall, or one of its machines such as hall/2")
    if not re.fullmatch(MACHINE_PATTERN, text):
        raise wrong("expected a place such as hall, or one of its machines such as hall/2")
    return text


_ANY: dict[str, Any] = {}
_VALUES: dict[str, Any] = {"type": "array", "minItems": 2}
_STRETCH = WithJsonSchema({"type": "string"})  # checked where it becomes the scenario's own run:
Removed = Annotated[
    Any,
    BeforeValidator(_read_machine),
    WithJsonSchema({"type": "string", "pattern": f"^({MACHINE_PATTERN})$"}),
]


class Variant(Part):
    """The scenario with some of its values set otherwise, or without some of its machines."""

    about: Text = ""
    changes: Annotated[
        tuple[tuple[Any, Any], ...],
        BeforeValidator(_read_changes),
        WithJsonSchema({"type": "object", "minProperties": 1, "additionalProperties": _ANY}),
    ] = Field(default=(), alias="set")
    remove: tuple[Removed, ...] = ()
    customers_to: dict[Alias, Alias] = Field(default_factory=dict)

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.changes and not self.remove:
            yield Contradiction((), "a variant differs from the scenario: add set: or remove:")
        gone = {str(name) for name in self.remove}
        for place in self.customers_to:
            if place not in gone:
                yield Contradiction(("customers_to", place), f"'{place}' is not removed here")


def _read_variants(raw: Any) -> Any:
    """`remove: [a, b]` among the variants stands for one variant without each."""
    if not isinstance(raw, Mapping):
        raise wrong("expected variants by name, or remove: [site, ...] for one variant without each")
    removed, to = raw.value("remove"), raw.value("customers_to")
    pairs = {key: value for key, value in raw.items() if key not in ("remove", "customers_to")}
    if removed is None:
        return raw
    if not isinstance(removed, Sequence) or not removed:
        raise wrong("expected a list of places or machines, such as remove: [hall, annex/2]", removed)
    for each in removed:
        name = _read_machine(each)
        one = Sequence(removed.source, name.line, name.column)
        one.append(name)
        variant = Mapping(removed.source, name.line, name.column)
        variant[name.retold("remove")] = one
        if isinstance(to, Mapping) and (goes := [item for item in to.items() if item[0] == name]):
            variant[name.retold("customers_to")] = to.like(dict(goes))
        pairs[name.retold(f"without-{name.replace('/', '-')}")] = variant
    return raw.like(pairs)


# ---------------- what is expected


class _Judged(ExpectationPart[MeasureName, Value], Generic[MeasureName, Value]):
    """An expectation judged on the far end of the interval of a variant, or of its difference to another."""

    variant: Alias | None = None
    against: Alias | None = None
    less_by: Value | None = None
    more_by: Value | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        if "judged_on" in self.model_fields_set and self.judged_on != "interval":
            yield Contradiction(("judged_on",), "a study judges the interval; leave judged_on: out")
        margins = [name for name in MARGINS if getattr(self, name) is not None]
        used = [name for name in (*COMPARATORS, *MARGINS) if getattr(self, name) is not None]
        if not margins:
            yield from super().contradictions()
        elif len(used) > 1:
            yield Contradiction((used[1],), "an expectation has one comparison")
        elif self.against is None:
            yield Contradiction(
                (used[0],), f"{used[0]}: is about two variants; add the other one as against: {BASE}"
            )
        if self.against is not None and used and used[0] not in ("at_most", *MARGINS):
            yield Contradiction((used[0],), "a difference is judged by at_most, less_by or more_by")


class JudgedCount(_Judged[CountMeasure, Annotated[int, Whole(0, MOST_COUNT)]]):
    """How many."""


class JudgedRatio(_Judged[RatioMeasure, Annotated[float, Share()]]):
    """A part of a whole, 0 to 1."""


class JudgedDuration(_Judged[DurationMeasure, DurationUs]):
    """How long, in microseconds."""


class JudgedYen(_Judged[YenMeasure, Jpy]):
    """How much money."""


Judged: TypeAlias = JudgedCount | JudgedRatio | JudgedDuration | JudgedYen


JudgedInFile = Annotated[
    Annotated[
        Annotated[JudgedCount, Tag("count")]
        | Annotated[JudgedRatio, Tag("ratio")]
        | Annotated[JudgedDuration, Tag("duration")]
        | Annotated[JudgedYen, Tag("yen")],
        unit_of(MEASURES),
    ],
    known(MEASURES),
]


# ---------------- the whole


def _read_version(raw: Any) -> int:
    if scalar(raw, f"version: {FORMAT_VERSION}").quoted or raw != str(FORMAT_VERSION):
        raise wrong(f"this release reads study files of version {FORMAT_VERSION}")
    return FORMAT_VERSION


class Study(Part):
    """One study file, typed. What a variant changes stays as nodes until the scenario is read with them."""

    title: Text = Field(alias="study")
    about: Text = ""
    version: Annotated[int, BeforeValidator(_read_version), WithJsonSchema({"const": FORMAT_VERSION})]
    scenario: Annotated[
        str,
        BeforeValidator(_read_path),
        WithJsonSchema({"type": "string", "pattern": f"^({SCENARIO_PATH})$"}),
    ]
    seed: Annotated[int, Whole(0, 2**53)] | None = None
    sources: tuple[Text, ...] = ()
    assumptions: dict[Snake, Text] = Field(default_factory=dict)
    replications: Annotated[int, Whole(2, 10_000)] = 20
    until: Until | None = None
    warm_up: Annotated[Any, _STRETCH] = None
    cool_down: Annotated[Any, _STRETCH] = None
    random_numbers: Literal["common", "independent"] = "common"
    measures: tuple[AskedInFile, ...] = tuple(Asked(measure=name) for name in USUAL_MEASURES)
    variants: Annotated[dict[Alias, Variant], BeforeValidator(_read_variants)] = Field(default_factory=dict)
    sweep: Annotated[
        tuple[tuple[Any, tuple[Any, ...]], ...],
        BeforeValidator(_read_sweep),
        WithJsonSchema({"type": "object", "minProperties": 1, "additionalProperties": _VALUES}),
    ] = ()
    against: Alias = BASE
    keep_events: Literal["none", "first", "all"] = "first"
    expectations: tuple[JudgedInFile, ...] = Field(default=(), alias="expect")

    def contradictions(self) -> Iterator[Contradiction]:
        known = (BASE, *self.variants)
        if BASE in self.variants:
            yield Contradiction(
                ("variants", BASE), f"'{BASE}' is the scenario as it stands; name it otherwise"
            )
        if self.against not in known:
            yield Contradiction(("against",), f"no variant '{self.against}'", nearest(self.against, known))
        for number, entry in enumerate(self.expectations):
            for key in ("variant", "against"):
                name = getattr(entry, key)
                if name is not None and name not in known:
                    text = f"no variant '{name}'; there are {listed(known, 'and')}"
                    yield Contradiction(("expect", number, key), text, nearest(name, known))
            if entry.against is not None and entry.against == (entry.variant or ""):
                yield Contradiction(("expect", number, "against"), "a variant is not compared with itself")
        if self.until is not None and self.until.at_most < self.replications:
            text = f"at_most: is below replications: {self.replications}, with which the study begins"
            yield Contradiction(("until", "at_most"), text)
