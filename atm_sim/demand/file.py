"""Demand files: YAML whose every figure says where it comes from; read with positions, written by `atm-sim fit`.

A demand is named by a shipped name (`convenience`, `branch`) or by a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BeforeValidator, Field

from atm_sim.demand.model import HOURS, OCCASIONS, Demand
from atm_sim.scenario.demand import Amounts, Services
from atm_sim.scenario.fields import Text, Whole, scalar, wrong
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.whole_file import read_whole
from bank_host.written import source, values
from bank_host.written.problems import FileKind, Problems, WrittenError, nearest

SHIPPED = Path(__file__).parent / "data"
DEMAND_FILE = FileKind(
    "demand file", "'demand: name'", "atm_sim/demand/data/convenience.yaml", "write it out"
)
MOST_PER_DAY, MOST_INDEX = 100_000.0, 1_000.0
Status = Literal["confirmed", "derived", "assumed", "fitted"]
T = TypeVar("T")


class DemandError(WrittenError):
    """A demand file cannot be used; `problems` holds everything that is wrong with it, in file order."""


def _number(raw: Any, most: float) -> float:
    text = scalar(raw, "a number such as 0.3")
    try:
        found = values.number(text)
    except ValueError as error:
        raise wrong(str(error), text) from None
    if text.quoted or not 0 <= found <= most:
        raise wrong(f"expected a number from 0 to {most:g}, without quotes", text)
    return found


def _up_to(most: float) -> BeforeValidator:
    return BeforeValidator(lambda raw: _number(raw, most))


def _numbers(count: int, what: str) -> BeforeValidator:
    def read(raw: Any) -> tuple[float, ...]:
        if not isinstance(raw, source.Sequence) or len(raw) != count:
            raise wrong(f"expected a list of {count} numbers: {what}")
        found = tuple(_number(each, MOST_INDEX) for each in raw)
        if not sum(found):
            raise wrong("at least one of these numbers is above 0", raw)
        return found

    return BeforeValidator(read)


class Cited(Part, Generic[T]):
    """One figure with what is known about it."""

    value: T
    status: Status
    source: Text


class DayFactor(Part):
    """The day's chance beyond Poisson."""

    cv: Cited[Annotated[float, _up_to(3.0)]]
    lag1: Cited[Annotated[float, _up_to(0.99)]]


Index = Annotated[float, _up_to(MOST_INDEX)]
_PLAIN_MONTHS, _PLAIN_DAYS = (1.0,) * 12, (1.0,) * 31


class DemandFile(Part):
    """The file as it stands."""

    demand: Text
    version: Annotated[int, Whole(1, 1)]
    about: Text | None = None
    per_atm_day: Cited[Annotated[float, _up_to(MOST_PER_DAY)]]
    hours: Cited[Annotated[tuple[float, ...], _numbers(HOURS, "the hours 0 to 23")]]
    weekdays: Cited[Annotated[tuple[float, ...], _numbers(7, "Monday to Sunday")]]
    holiday: Cited[Index] | None = None
    months: Cited[Annotated[tuple[float, ...], _numbers(12, "January to December")]] | None = None
    days_of_month: Cited[Annotated[tuple[float, ...], _numbers(31, "the 1st to the 31st")]] | None = None
    occasions: dict[str, Cited[Index]] = Field(default_factory=dict)
    day_factor: DayFactor
    mix: Cited[Services]
    amounts: dict[str, Cited[Amounts]] = Field(default_factory=dict)

    def contradictions(self) -> Iterator[Contradiction]:
        for name in self.occasions:
            if name not in OCCASIONS:
                yield Contradiction(("occasions", name), f"unknown occasion; known: {', '.join(OCCASIONS)}",
                                    nearest(name, OCCASIONS))  # fmt: skip
        for service, weight in self.mix.value:
            if weight and service != "balance" and service not in self.amounts:
                yield Contradiction(
                    ("amounts",), f"customers who {service} need amounts; add {service}: here"
                )

    def record(self) -> Demand:
        """Without the citations, shares made to add up to 1."""
        sundays = self.weekdays.value[6]
        return Demand(
            name=self.demand,
            per_atm_day=self.per_atm_day.value,
            hours=_shares(self.hours.value),
            weekdays=self.weekdays.value,
            holiday=self.holiday.value if self.holiday else sundays,
            months=self.months.value if self.months else _PLAIN_MONTHS,
            days_of_month=self.days_of_month.value if self.days_of_month else _PLAIN_DAYS,
            occasions={name: self.occasions[name].value for name in OCCASIONS if name in self.occasions},
            day_factor_cv=self.day_factor.cv.value,
            day_factor_lag1=self.day_factor.lag1.value,
            mix=_weighted(self.mix.value),
            amounts={service: _weighted(cited.value) for service, cited in self.amounts.items()},
        )


def _shares(weights: Sequence[float]) -> tuple[float, ...]:
    whole = sum(weights)
    return tuple(weight / whole for weight in weights)


def _weighted(pairs: Sequence[tuple[T, float]]) -> tuple[tuple[T, float], ...]:
    names = [name for name, _ in pairs]
    return tuple(zip(names, _shares([weight for _, weight in pairs]), strict=True))


def shipped_demands() -> tuple[str, ...]:
    """The names that need no file."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def load_demand(name: str, beside: Path = Path()) -> Demand:
    """A shipped demand by name, or a demand file seen from the folder `beside`; DemandError tells what is wrong."""
    path = SHIPPED / f"{name}.yaml" if name in shipped_demands() else beside / name
    return read_demand(path).record()


def read_demand(path: Path) -> DemandFile:
    """The file with its citations."""
    _, _, found = read_whole(path, DEMAND_FILE, DemandFile, Problems(DemandError))
    return found
