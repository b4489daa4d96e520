"""An expectation's measure says in which unit its values are read: count, ratio, duration or yen."""

from __future__ import annotations

from collections.abc import Mapping as Names
from typing import Any

from pydantic import BeforeValidator, Discriminator

from atm_sim.scenario.fields import wrong
from atm_sim.scenario.part import check_word
from bank_host.written.source import Mapping


def unit_of(measures: Names[str, str]) -> Discriminator:
    """Chooses among the kinds of an expectation, each tagged with its unit; None for what names no known measure."""

    def unit(raw: Any) -> str | None:
        return measures.get(str(raw.value("measure"))) if isinstance(raw, Mapping) else None

    return Discriminator(unit)


def known(measures: Names[str, str]) -> BeforeValidator:
    """Refuses, before that, a map without a measure or with an unknown one."""

    def check(raw: Any) -> Any:
        fault = check_word(raw, "measure", list(measures), "measure")
        if fault:
            raise wrong(*fault)
        return raw

    return BeforeValidator(check)
