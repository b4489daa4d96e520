"""summary.csv: every measure over all replications, for the whole run and for each place.

Values are plain numbers for programs: yen, microseconds (`us`), counts and ratios.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from atm_sim.checks.expectations import filters_text
from atm_sim.checks.intervals import interval
from atm_sim.checks.measures import MEASURES, Ask, Setting, measure
from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.folder import SummaryRow
from atm_sim.scenario.vocabulary import MEASURES as UNITS


def summarise(replications: Mapping[int, ReplicationRows], setting: Setting) -> list[SummaryRow]:
    """One row a measure and scope; a measure that a replication could not take leaves that replication out."""
    places = [Ask(at=place) for place in setting.machines] if len(setting.machines) > 1 else []
    return [row for ask in (Ask(), *places) for row in _rows(replications, ask, setting)]


def summarise_values(measured: Mapping[int, Mapping[str, float]]) -> list[SummaryRow]:
    """The same for measures that were taken already, of each replication as a whole."""
    names = dict.fromkeys(name for values in measured.values() for name in values if name in UNITS)
    found = {name: [values[name] for values in measured.values() if name in values] for name in names}
    return [
        SummaryRow(
            name, "", "us" if UNITS[name] == "duration" else UNITS[name], len(values), *_numbers(values)
        )
        for name, values in found.items()
    ]


def _rows(replications: Mapping[int, ReplicationRows], ask: Ask, setting: Setting) -> Iterator[SummaryRow]:
    for name in MEASURES:
        found = (measure(name, rows, ask, setting) for rows in replications.values())
        values = [value for value in found if value is not None]
        if values:
            unit = "us" if UNITS[name] == "duration" else UNITS[name]
            yield SummaryRow(name, filters_text(ask), unit, len(values), *_numbers(values))


def _numbers(values: list[float]) -> tuple[str, str, str]:
    if len(values) == 1:
        return _number(values[0]), "", ""
    found = interval(values)
    return _number(found.mean), _number(found.low), _number(found.high)


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")
