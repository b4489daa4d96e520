"""A scenario as of another day: everything in it that names a day moves along, but when people were born."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from pydantic import BaseModel

from atm_sim.scenario import Scenario
from bank_host.written.values import Moment

_STAYS: Final = frozenset({"birthday"})


def as_of(scenario: Scenario, day: date) -> Scenario:
    """The scenario on that day."""
    moved: Scenario = _moved(scenario, day - scenario.day)
    return moved


def _moved(value: Any, by: timedelta) -> Any:
    if isinstance(value, Moment):
        return value._replace(day=None if value.day is None else value.day + by)
    if isinstance(value, date):
        return value + by
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields if name not in _STAYS}
        changed = {name: new for name, old in fields.items() if (new := _moved(old, by)) != old}
        return value.model_copy(update=changed) if changed else value
    if isinstance(value, dict):
        return {key: _moved(each, by) for key, each in value.items()}
    if type(value) in (tuple, list):
        return type(value)(_moved(each, by) for each in value)
    return value
