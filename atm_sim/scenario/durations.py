"""Durations that vary: a bare duration, or {uniform | exponential | normal | lognormal: ...}."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BeforeValidator, WithJsonSchema

from atm_sim.scenario.fields import scalar, wrong
from bank_host.written import values
from bank_host.written.problems import nearest
from bank_host.written.source import Mapping, Scalar, Sequence
from bank_host.written.values import Distribution, Shape

SHAPES = get_args(Shape)
MOST_CV = 10.0


def _read(raw: Any) -> Distribution:
    if isinstance(raw, Scalar):
        return Distribution("fixed", float(_duration(raw)))
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise wrong("expected a duration such as 20 s, or one distribution such as {exponential: 90 s}")
    (name, value) = next(iter(raw.items()))
    match str(name):
        case "fixed":
            return Distribution("fixed", float(_duration(value)))
        case "uniform":
            low, high = _pair(value, "uniform: [shortest, longest]")
            if high < low:
                raise wrong("the longest duration is below the shortest; write [shortest, longest]", value[1])
            return Distribution("uniform", low, high)
        case "exponential":
            return Distribution("exponential", _positive(value))
        case "normal":
            return Distribution("normal", *_pair(value, "normal: [mean, standard deviation]"))
        case "lognormal":
            return _lognormal(value)
    raise wrong(f"unknown distribution '{name[:40]}'", name, nearest(name, SHAPES))


def _duration(value: Any) -> int:
    text = scalar(value, "a duration such as 20 s")
    try:
        return values.duration_us(text)
    except ValueError as error:
        raise wrong(str(error), text) from None


def _positive(value: Any) -> float:
    duration_us = _duration(value)
    if duration_us == 0:
        raise wrong("this mean must be above 0", value)
    return float(duration_us)


def _pair(value: Any, form: str) -> tuple[float, float]:
    if not isinstance(value, Sequence) or len(value) != 2:
        raise wrong(f"expected {form}", value if isinstance(value, Scalar | Mapping | Sequence) else None)
    first, second = value
    return float(_duration(first)), float(_duration(second))


def _lognormal(value: Any) -> Distribution:
    if not isinstance(value, Mapping) or set(value) != {"mean", "cv"}:
        raise wrong("expected lognormal: {mean: 45 s, cv: 0.4}", value)
    mean, cv = value.value("mean"), value.value("cv")
    try:
        spread = values.number(scalar(cv, "a number such as 0.4"))
    except ValueError as error:
        raise wrong(str(error), cv) from None
    if cv.quoted or not 0 < spread <= MOST_CV:
        raise wrong(f"cv (standard deviation / mean) is a number above 0, at most {MOST_CV:g}", cv)
    return Distribution("lognormal", _positive(mean), spread)


_DURATION: dict[str, Any] = {"type": "string", "pattern": f"^({values.DURATION_PATTERN})$"}
_PAIR = {"type": "array", "items": _DURATION, "minItems": 2, "maxItems": 2}
_LOGNORMAL = {
    "type": "object",
    "properties": {"mean": _DURATION, "cv": {"type": "number", "exclusiveMinimum": 0, "maximum": MOST_CV}},
    "required": ["mean", "cv"],
    "additionalProperties": False,
}
_FORMS = {
    "fixed": _DURATION,
    "uniform": _PAIR,
    "exponential": _DURATION,
    "normal": _PAIR,
    "lognormal": _LOGNORMAL,
}
_ONE_FORM = {
    "type": "object",
    "properties": _FORMS,
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}

DurationOrSpread = Annotated[
    Distribution, BeforeValidator(_read), WithJsonSchema({"anyOf": [_DURATION, _ONE_FORM]})
]
