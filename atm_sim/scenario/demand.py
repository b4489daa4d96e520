"""Customers who come as a stream: when, to which place, for what, and how long they take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario.durations import DurationOrSpread
from atm_sim.scenario.fields import Alias, Jpy, TimeUs, Whole, scalar, wrong
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.vocabulary import Service
from bank_host.written import values
from bank_host.written.problems import nearest
from bank_host.written.source import Mapping, Scalar

MOST_CUSTOMERS = 1_000_000
MOST_WEIGHT = 1_000_000.0
SERVICES = get_args(Service)


def _read_service(text: Scalar) -> str:
    if text not in SERVICES:
        raise wrong(
            f"a stream's customers {', '.join(SERVICES[:-1])} or {SERVICES[-1]}",
            text,
            nearest(text, SERVICES),
        )
    return str(text)


def _read_amount(text: Scalar) -> int:
    try:
        return values.amount_jpy(text)
    except ValueError as error:
        raise wrong(str(error), text) from None


def weighted(pairs: Mapping, read: Callable[[Scalar], Any]) -> tuple[tuple[Any, float], ...]:
    """Each key read, with its weight; weights need not add up to 1."""
    mixed = []
    for key, value in pairs.items():
        try:
            weight = values.number(scalar(value, "a weight such as 0.75"))
        except ValueError as error:
            raise wrong(str(error), value) from None
        if value.quoted or not 0 <= weight <= MOST_WEIGHT:
            raise wrong(f"a weight is a number from 0 to {MOST_WEIGHT:_.0f}, without quotes", value)
        mixed.append((read(key), weight))
    if not sum(weight for _, weight in mixed):
        raise wrong("the weights add up to 0, so nothing can be chosen", pairs)
    return tuple(mixed)


def _read_services(raw: Any) -> tuple[tuple[str, float], ...]:
    if isinstance(raw, Mapping):
        return weighted(raw, _read_service)
    return ((_read_service(scalar(raw, "a service such as withdraw")), 1.0),)


def read_amounts(raw: Any) -> tuple[tuple[int, float], ...]:
    if not isinstance(raw, Mapping):
        return ((_read_amount(scalar(raw, "an amount such as ¥30_000")), 1.0),)
    choice = raw.value("choose")
    if len(raw) != 1 or not isinstance(choice, Mapping):
        raise wrong("expected an amount, or {choose: {¥10_000: 3, ¥30_000: 1}} (amount: weight)")
    return weighted(choice, _read_amount)


_WEIGHT = {"type": "number", "minimum": 0, "maximum": MOST_WEIGHT}
_AMOUNT = {"type": "string", "pattern": f"^({values.AMOUNT_PATTERN})$"}
_SERVICE_MIX = {
    "type": "object",
    "properties": dict.fromkeys(SERVICES, _WEIGHT),
    "minProperties": 1,
    "additionalProperties": False,
}
_AMOUNT_MIX = {
    "type": "object",
    "properties": {
        "choose": {
            "type": "object",
            "patternProperties": {_AMOUNT["pattern"]: _WEIGHT},
            "minProperties": 1,
            "additionalProperties": False,
        }
    },
    "required": ["choose"],
    "additionalProperties": False,
}
Services = Annotated[
    tuple[tuple[Service, float], ...],
    BeforeValidator(_read_services),
    WithJsonSchema({"anyOf": [{"enum": list(SERVICES)}, _SERVICE_MIX]}),
]
Amounts = Annotated[
    tuple[tuple[int, float], ...],
    BeforeValidator(read_amounts),
    WithJsonSchema({"anyOf": [_AMOUNT, _AMOUNT_MIX]}),
]


class Stream(Part):
    """Customers who arrive one after the other at a place; (value, weight) pairs say what they choose from."""

    at: Alias
    from_us: TimeUs = Field(alias="from")
    until_us: TimeUs | None = Field(default=None, alias="until")
    customers: Annotated[int, Whole(1, MOST_CUSTOMERS)] | None = None
    interarrival: DurationOrSpread
    visit: DurationOrSpread | None = None
    services: Services = Field(default=(("withdraw", 1.0),), alias="do")
    amounts: Amounts = Field(default=(), alias="amount")
    who: Alias | None = None
    balance_jpy: Jpy = Field(default=300_000, alias="balance")

    def contradictions(self) -> Iterator[Contradiction]:
        if (self.customers is None) == (self.until_us is None):
            path = ("until",) if self.customers is not None else ()
            yield Contradiction(path, "a stream has either customers: N or until: a time, one of the two")
        if self.until_us is not None and self.until_us <= self.from_us:
            yield Contradiction(("until",), "the stream ends before it begins; until: is later than from:")
        moves_cash = [service for service, weight in self.services if weight and service != "balance"]
        if moves_cash and not self.amounts:
            yield Contradiction((), f"customers who {moves_cash[0]} need an amount; add amount: ¥10_000")
        if self.who and "balance_jpy" in self.model_fields_set:
            yield Contradiction(
                ("balance",), "balance: is for customers without a name; those of who: have their own"
            )
        if self.interarrival.shape == "fixed" and not self.interarrival.first and self.until_us is not None:
            yield Contradiction(("interarrival",), "with no time between arrivals, until: is never reached")
