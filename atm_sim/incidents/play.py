"""Plays an incident: figures against what was published, the what-if, and what each assumption is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import NamedTuple

from atm_sim.checks.intervals import Interval, interval
from atm_sim.demand import generator
from atm_sim.incidents.file import MODELS, Figure, Incident

MOVED = 0.2


class Judged(NamedTuple):
    """One figure: what came out, and whether that is near enough to what was published (or misses it, as was told)."""

    figure: Figure
    found: Interval
    met: bool


class Moved(NamedTuple):
    """What an assumption is worth: the figure with it 20 % lower, as it stands, and 20 % higher."""

    assumption: str
    figure: str
    lower: float
    as_is: float
    higher: float

    @property
    def elasticity(self) -> float:
        """Per cent of the figure for a per cent of the assumption; 0 where the figure is 0."""
        return (self.higher - self.lower) / (2 * MOVED * self.as_is) if self.as_is else 0.0


Results = dict[str, list[float]]


def results(incident: Incident, changed: Mapping[str, float] | None = None) -> Results:
    """Every result of every replication; the streams are the same whatever was changed."""
    given = {**incident.given, **(changed or {})}
    found: Results = {}
    for replication in range(1, incident.replications + 1):
        rng = generator(incident.seed, replication, f"incident/{incident.id}")
        for name, value in MODELS[incident.model](rng, **given).items():
            found.setdefault(name, []).append(value)
    return found


def judged(incident: Incident) -> list[Judged]:
    """The published figures."""
    return _judged(incident.figures, results(incident))


def what_if(incident: Incident) -> list[Judged]:
    """The figures of the what-if."""
    return _judged(incident.what_if.figures, results(incident, incident.what_if.change))


def _judged(figures: tuple[Figure, ...], found: Results) -> list[Judged]:
    verdicts = []
    for figure in figures:
        low, high = figure.bounds()
        seen = interval(found[figure.name])
        inside = low <= seen.mean <= high
        verdicts.append(Judged(figure, seen, inside != bool(figure.misses)))
    return verdicts


def sensitivity(incident: Incident) -> Iterator[Moved]:
    """Each assumption moved by 20 % both ways, on the same random numbers; a share stays at most 1."""
    names = list(dict.fromkeys(figure.name for figure in incident.figures))
    as_is = results(incident)
    for assumption, each in incident.assumptions.items():
        lower, higher = (
            results(incident, {assumption: _moved(assumption, each.value, by)}) for by in (-MOVED, MOVED)
        )
        for name in names:
            yield Moved(assumption, name, fmean(lower[name]), fmean(as_is[name]), fmean(higher[name]))


def _moved(name: str, value: float, by: float) -> float:
    moved = value * (1 + by)
    return min(1.0, moved) if name.endswith("_share") else moved
