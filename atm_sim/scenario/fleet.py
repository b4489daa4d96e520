"""A fleet: operators with machines by the thousand, accounts by the million, the demand of a day, and how people react.

Written by distributions, not by name; `atm_sim.fleet` draws from them. Times are microseconds, amounts integer yen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario.demand import Amounts, Services, read_amounts, weighted
from atm_sim.scenario.durations import DurationOrSpread
from atm_sim.scenario.fields import (
    DenominationKey,
    DurationUs,
    Jpy,
    Share,
    Snake,
    TimeUs,
    Whole,
    scalar,
    wrong,
)
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.participants import MOST_CASSETTE_NOTES, usual_fill
from atm_sim.scenario.replenishment import Failing, FleetCash
from atm_sim.scenario.vocabulary import Kind
from bank_host.jst import HOUR_US, MINUTE_US
from bank_host.written import values
from bank_host.written.source import Mapping, Scalar
from bank_host.written.values import Distribution

MOST_MACHINES = 200_000
MOST_ACCOUNTS = 50_000_000
MOST_DAYS = 400
MOST_PARTITIONS = 256
MOST_PER_DAY = 100_000.0
DEMAND_FILES = (".yaml", ".yml")
"""How the name of a demand file ends; any other is that of a shipped demand."""

Detail: TypeAlias = Literal["fleet", "full"]
Calendar: TypeAlias = Literal["japan", "none"]


class Spread(NamedTuple):
    """Yen that vary: (amount, weight) pairs, or a lognormal with a mean and a coefficient of variation."""

    choices: tuple[tuple[int, float], ...] = ()
    mean_jpy: int = 0
    cv: float = 0.0


def _read_spread(raw: Any) -> Spread:
    shape = raw.value("lognormal") if isinstance(raw, Mapping) and len(raw) == 1 else None
    if shape is None:
        return Spread(choices=read_amounts(raw))
    mean, cv = (shape.value("mean"), shape.value("cv")) if isinstance(shape, Mapping) else (None, None)
    if mean is None or cv is None or len(shape) != 2:
        raise wrong("expected lognormal: {mean: ¥800_000, cv: 1.5}", raw)
    try:
        return Spread((), values.amount_jpy(scalar(mean, "an amount")), values.number(scalar(cv, "a number")))
    except ValueError as error:
        raise wrong(str(error), mean) from None


_AMOUNT = {"type": "string", "pattern": f"^({values.AMOUNT_PATTERN})$"}
_CHOOSE = {
    "type": "object",
    "properties": {
        "choose": {
            "type": "object",
            "patternProperties": {_AMOUNT["pattern"]: {"type": "number", "minimum": 0}},
        },
        "lognormal": {
            "type": "object",
            "properties": {"mean": _AMOUNT, "cv": {"type": "number", "exclusiveMinimum": 0}},
            "required": ["mean", "cv"],
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}
JpyOrSpread = Annotated[Spread, BeforeValidator(_read_spread), WithJsonSchema({"anyOf": [_AMOUNT, _CHOOSE]})]


def _read_kinds(raw: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(raw, Mapping):
        raise wrong(
            "expected the kinds of accounts with their weights, such as {individual: 95, corporate: 5}"
        )

    def kind(text: Scalar) -> str:
        if text not in get_args(Kind):
            raise wrong(f"a kind is {', '.join(get_args(Kind))}", text)
        return str(text)

    return weighted(raw, kind)


Kinds = Annotated[
    tuple[tuple[Kind, float], ...],
    BeforeValidator(_read_kinds),
    WithJsonSchema({"type": "object", "propertyNames": {"enum": list(get_args(Kind))}}),
]


class Raised(Part):
    """Whose daily limit is raised on a day of the run."""

    share: Annotated[float, Share()]
    amount_jpy: Jpy = Field(alias="amount")


class Accounts(Part):
    """The cards that come: how many, of what kind, with what limit, and what stands in their way."""

    count: Annotated[int, Whole(1, MOST_ACCOUNTS)]
    kinds: Kinds = (("individual", 1.0),)
    balance: JpyOrSpread = Spread((), 800_000, 1.5)
    limit: JpyOrSpread | None = None  # None: what the bank's policy gives a new account
    locked: Annotated[float, Share()] = 0.0
    raised: Raised | None = None


def _short_for(raw: Any, key: str) -> Any:
    """A bare number stands for a map with this one key."""
    if not isinstance(raw, Scalar) or raw.is_empty:
        return raw
    return Mapping(raw.source, raw.line, raw.column).like({raw.retold(key): raw})


def _read_accounts(raw: Any) -> Any:
    return _short_for(raw, "count")


class MachineClass(Part):
    """Machines that are built and loaded alike."""

    cassettes: dict[DenominationKey, Annotated[int, Whole(0, MOST_CASSETTE_NOTES)]] = Field(
        default_factory=usual_fill
    )
    near_end: Annotated[int, Whole(0, MOST_CASSETTE_NOTES)] = 200

    def contradictions(self) -> Iterator[Contradiction]:
        if not self.cassettes:
            yield Contradiction(("cassettes",), "no cassette; write for example {10000: 2600, 1000: 2000}")


class OperatorFleet(Part):
    """The machines of one operator: all of one class, or of several that `classes` shares its sites out to."""

    machines: Annotated[int, Whole(1, MOST_MACHINES)] = 1
    hours_us: tuple[TimeUs, TimeUs] | None = Field(default=None, alias="hours")
    cassettes: dict[DenominationKey, Annotated[int, Whole(0, MOST_CASSETTE_NOTES)]] = Field(
        default_factory=usual_fill
    )
    near_end: Annotated[int, Whole(0, MOST_CASSETTE_NOTES)] = 200
    sites: dict[Annotated[int, Whole(1, 100)], Annotated[float, Share()]] = Field(
        default_factory=lambda: {1: 1.0}, alias="machines_per_site"
    )

    classes: dict[Snake, Annotated[float, Share()]] = Field(default_factory=dict)

    def contradictions(self) -> Iterator[Contradiction]:
        if self.hours_us is not None and self.hours_us[0] >= self.hours_us[1]:
            yield Contradiction(
                ("hours", 1), "the sites close before they open; write hours: [opens, closes]"
            )
        if not self.cassettes:
            yield Contradiction(("cassettes",), "no cassette; write for example {10000: 2600, 1000: 2000}")
        if self.classes and not sum(self.classes.values()):
            yield Contradiction(
                ("classes",), "the shares add up to 0; write for example {lobby: 0.2, store: 0.8}"
            )
        if not sum(self.sites.values()):
            yield Contradiction(
                ("machines_per_site",), "the shares add up to 0; write for example {1: 0.9, 2: 0.1}"
            )


def _read_operators(raw: Any) -> Any:
    """`seven_bank: 2_000` is short for `seven_bank: {machines: 2_000}`."""
    if not isinstance(raw, Mapping):
        return raw
    return raw.like({key: _short_for(value, "machines") for key, value in raw.items()})


def _read_per_day(raw: Any) -> float:
    text = scalar(raw, "a number such as 95")
    try:
        found = values.number(text)
    except ValueError as error:
        raise wrong(str(error)) from None
    if text.quoted or not 0 < found <= MOST_PER_DAY:
        raise wrong(f"expected a number above 0, at most {MOST_PER_DAY:_.0f}, without quotes")
    return found


PerDay = Annotated[
    float,
    BeforeValidator(_read_per_day),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100_000}),
]


def _read_curve(raw: Any) -> str:
    """A shipped name as it stands; a file, which lies beside the scenario, by its path."""
    name = str(scalar(raw, "convenience, branch, or a demand file beside this one"))
    if not name.endswith(DEMAND_FILES):
        return name
    if Path(name).name != name:
        raise wrong("a demand file lies beside this file; name it without a path")
    return str(Path(raw.source.file).parent / name)


Curve = Annotated[str, BeforeValidator(_read_curve), WithJsonSchema({"type": "string"})]


class FleetDemand(Part):
    """How many come and when: a shipped demand or a demand file, scaled; per machine and plain day."""

    per_atm_day: PerDay | None = None  # None: the demand's own
    curve: Curve = "convenience"
    day_factor_cv: Annotated[float, Share()] | None = None  # None: the curve's own
    calendar: Calendar = "japan"


class Customers(Part):
    """What people do who find a site closed, out of cash or crowded.

    They walk to the nearest site within `neighbour_within_m` that they have not tried, at most `neighbours` times. Who
    finds none comes back to the first site `returns_after` later with chance `returns`, once; everybody else is lost.
    """

    balk_at: Annotated[int, Whole(1, 1_000)] = 6  # so many already wait: nobody joins the queue
    patience: DurationOrSpread = Distribution("exponential", 8.0 * MINUTE_US)
    neighbours: Annotated[int, Whole(0, 10)] = 2
    neighbour_within_m: Annotated[int, Whole(0, 50_000)] = 800
    metres_per_minute: Annotated[int, Whole(1, 2_000)] = 80  # as distances to a station are advertised
    returns: Annotated[float, Share()] = 0.3
    returns_after: DurationUs = 2 * HOUR_US
    wrong_pin: Annotated[float, Share()] = 0.01  # chance of each try
    pin_tries: Annotated[int, Whole(1, 9)] = 2  # then a person goes away


class Fleet(Part):
    """Many machines and many customers, drawn."""

    operators: Annotated[
        dict[Snake, OperatorFleet],
        BeforeValidator(_read_operators, json_schema_input_type=dict[Snake, int | OperatorFleet]),
    ]
    classes: dict[Snake, MachineClass] = Field(default_factory=dict)
    sites: Annotated[str, BeforeValidator(lambda raw: str(scalar(raw, "a CSV file beside this one")))] = ""
    accounts: Annotated[Accounts, BeforeValidator(_read_accounts, json_schema_input_type=int | Accounts)]
    demand: FleetDemand = FleetDemand()
    mix: Services = ()
    withdraw: Amounts = ()
    deposit: Amounts = ()
    customers: Customers = Customers()
    days: Annotated[int, Whole(1, MOST_DAYS)] = 1
    detail: Detail = "fleet"
    partitions: Annotated[int, Whole(1, MOST_PARTITIONS)] = 1
    cash: FleetCash | None = None
    failures: Failing | None = None
    removed: tuple[Annotated[str, BeforeValidator(lambda raw: str(scalar(raw, "a site")))], ...] = ()

    def class_of(self, operator: str, name: str) -> OperatorFleet | MachineClass:
        """Where the cassettes of a site's machines are written: in its class, or at its operator."""
        return self.classes[name] if name else self.operators[operator]

    def contradictions(self) -> Iterator[Contradiction]:
        for code, operator in self.operators.items():
            for name in operator.classes:
                if name not in self.classes:
                    text = f"unknown class '{name}'; classes: defines {', '.join(self.classes) or 'none'}"
                    yield Contradiction(("operators", code, "classes"), text)
        if not self.operators:
            yield Contradiction(("operators",), "no machines; write for example operators: {seven_bank: 100}")
        if self.partitions > self.accounts.count:
            yield Contradiction(("partitions",), "more partitions than accounts; each needs one at least")
