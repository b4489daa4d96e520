"""Where the machines stand: sites drawn over Japan or read from a CSV, their groups, and who is near whom."""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import cos, floor, hypot, radians
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from atm_sim.demand import generator
from atm_sim.exits import Mistake
from atm_sim.scenario.fleet import Fleet
from bank_host.written import values
from bank_host.written.problems import nearest, shown

PREFECTURES_FILE = Path(__file__).parent / "data" / "prefectures.csv"
"""Capitals and population of the census of 2020."""

SPREAD_DEGREES = 0.12
"""Standard deviation of a drawn site around its prefecture's capital (assumed): a good ten kilometres."""

METRES_PER_DEGREE = 111_200.0
COLUMNS = ("id", "lat", "lon", "machines", "hours")
EXAMPLE = "tokyo-1,35.69,139.69,2,07:00-23:00"
JAPAN_LAT, JAPAN_LON = (20.0, 46.0), (122.0, 154.0)
"""Its outermost islands, to a degree: a site elsewhere is a slip, such as lat and lon exchanged."""
N = TypeVar("N", int, float)


class SitesError(Mistake):
    """A CSV of sites cannot be used; the text says file, line and what to write."""


class Prefecture(NamedTuple):
    name_en: str
    name_ja: str
    lat: float
    lon: float
    population: int


class Site(NamedTuple):
    """One place with one queue. `number` counts over the whole fleet, `first_machine` too."""

    number: int
    name: str
    operator: str
    prefecture: str
    lat: float
    lon: float
    machines: int
    first_machine: int
    hours_us: tuple[int, int] | None = None
    machine_class: str = ""  # '' = as its operator says

    def machine_name(self, machine: int) -> str:
        """By its number in the fleet; a lone machine is called as its site."""
        return self.name if self.machines == 1 else f"{self.name}/{machine - self.first_machine + 1}"


@lru_cache(maxsize=1)
def prefectures() -> tuple[Prefecture, ...]:
    with PREFECTURES_FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(
            Prefecture(
                row["name_en"],
                row["name_ja"],
                float(row["lat"]),
                float(row["lon"]),
                int(row["population_thousand"]),
            )
            for row in csv.DictReader(lines)
        )


def sites_of(fleet: Fleet, folder: Path, seed: int) -> tuple[Site, ...]:
    """All sites, in groups: north to south by prefecture, as a partition takes them. The same in every replication."""
    found = list(_from_csv(fleet, folder / fleet.sites)) if fleet.sites else list(_drawn(fleet, seed))
    order = {each.name_en: place for place, each in enumerate(prefectures())}
    found = list(_classed(fleet, found, seed))
    names = {site.name for site in found}
    for unknown in (name for name in fleet.removed if name not in names):
        meant = nearest(unknown, names)
        raise SitesError(f"removed: {no_site(unknown)}" + (f"; did you mean '{meant}'?" if meant else ""))
    found.sort(key=lambda site: (order[site.prefecture], site.number))
    numbered, machine = [], 0
    for number, site in enumerate(found):
        numbered.append(site._replace(number=number, first_machine=machine))
        machine += site.machines
    return tuple(numbered)


def partition_of(sites: Sequence[Site], number: int, partitions: int) -> tuple[Site, ...]:
    """The neighbouring sites of one partition, counted from 1: by the scenario alone, never by who computes."""
    first, last = (len(sites) * edge // partitions for edge in (number - 1, number))
    return tuple(sites[first:last])


def _classed(fleet: Fleet, sites: Sequence[Site], seed: int) -> Iterator[Site]:
    """Each site that no file gave a class has one by its operator's shares."""
    rng = generator(seed, 0, "fleet/classes")
    for site, drawn in zip(sites, rng.random(len(sites)).tolist(), strict=True):
        shares = fleet.operators[site.operator].classes
        if site.machine_class or not shares:
            yield site
            continue
        sums = np.cumsum(list(shares.values()))
        place = min(int(np.searchsorted(sums, drawn * sums[-1], side="right")), len(sums) - 1)
        yield site._replace(machine_class=list(shares)[place])


def _drawn(fleet: Fleet, seed: int) -> Iterator[Site]:
    rng = generator(seed, 0, "fleet/sites")
    stand: list[tuple[str, int]] = []
    for code, operator in fleet.operators.items():
        sizes, sums = list(operator.sites), np.cumsum(list(operator.sites.values()), dtype=float)
        reached = (sums / sums[-1]).tolist()
        left = operator.machines
        while left > 0:
            size = min(sizes[bisect_right(reached, rng.random())], left)
            stand.append((code, size))
            left -= size
    where = prefectures()
    people = np.array([each.population for each in where], dtype=float)
    chosen = rng.choice(len(where), size=len(stand), p=people / people.sum())
    away = rng.normal(0.0, SPREAD_DEGREES, size=(len(stand), 2))
    of_prefecture = [0] * len(where)
    for (code, size), place, (north, east) in zip(stand, chosen.tolist(), away.tolist(), strict=True):
        prefecture = where[place]
        of_prefecture[place] += 1
        yield Site(
            0,
            f"{prefecture.name_en}-{of_prefecture[place]:05d}",
            code,
            prefecture.name_en,
            round(prefecture.lat + north, 5),
            round(prefecture.lon + east / cos(radians(prefecture.lat)), 5),
            size,
            0,
            fleet.operators[code].hours_us,
        )


def no_site(name: str) -> str:
    """What somebody is told who names a site that is not there."""
    return f"the fleet has no site '{shown(name)}'"


def _from_csv(fleet: Fleet, path: Path) -> Iterator[Site]:
    only = next(iter(fleet.operators)) if len(fleet.operators) == 1 else ""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SitesError(f"{path}: {error.strerror}; sites: names a CSV file beside the scenario") from None
    except UnicodeDecodeError:
        raise SitesError(f"{path}: this is not UTF-8 text; save the file as UTF-8") from None
    rows = csv.DictReader(text.splitlines())
    if missing := [name for name in COLUMNS if name not in (rows.fieldnames or ())]:
        raise SitesError(
            f"{path}:1: no column {', '.join(missing)}; the first line is {','.join(COLUMNS)}[,operator][,class]"
        )
    seen: set[str] = set()
    for number, row in enumerate(rows):
        where = f"{path}:{number + 2}"
        if None in row or None in row.values():
            raise SitesError(
                f"{where}: as many cells as the first line has columns, {len(rows.fieldnames or ())}"
            )
        try:
            lat, lon = _number(row, "lat", JAPAN_LAT, float), _number(row, "lon", JAPAN_LON, float)
            machines = _number(row, "machines", (1, 1_000), int)
            hours_us = _hours(row["hours"])
        except ValueError as error:
            raise SitesError(f"{where}: {error}; write for example {EXAMPLE}") from None
        operator = row.get("operator") or only
        if operator not in fleet.operators:
            raise SitesError(
                f"{where}: unknown operator '{operator}'; operators: has {', '.join(fleet.operators)}"
            )
        machine_class = row.get("class") or ""
        if machine_class and machine_class not in fleet.classes:
            raise SitesError(
                f"{where}: unknown class '{machine_class}'; classes: has {', '.join(fleet.classes)}"
            )
        if not row["id"] or row["id"] in seen:
            raise SitesError(f"{where}: the id '{row['id']}' is empty or stands twice")
        seen.add(row["id"])
        prefecture = min(prefectures(), key=lambda each: hypot(each.lat - lat, each.lon - lon))
        hours_us = hours_us or fleet.operators[operator].hours_us
        yield Site(
            number, row["id"], operator, prefecture.name_en, lat, lon, machines, 0, hours_us, machine_class
        )
    if not seen:
        raise SitesError(f"{path}:2: no site below the names of the columns; write for example {EXAMPLE}")


def _number(row: Mapping[str, str], name: str, bounds: tuple[float, float], kind: Callable[[str], N]) -> N:
    least, most = bounds
    try:
        found = kind(row[name])
        if least <= found <= most:
            return found
    except ValueError:
        pass
    noun = "a whole number" if kind is int else "degrees of Japan,"
    raise ValueError(f"{name} is {noun} from {least:g} to {most:g}, not '{shown(row[name])}'")


def _hours(text: str) -> tuple[int, int] | None:
    """`07:00-23:00`; nothing, or 24h, is round the clock."""
    if text.strip() in ("", "24h"):
        return None
    opens, dash, closes = text.partition("-")
    if not dash:
        raise ValueError(f"hours '{text}' are no window")
    window = values.time_of_day_us(opens.strip()), values.time_of_day_us(closes.strip())
    if window[0] >= window[1]:
        raise ValueError(f"hours '{text}' end before they begin")
    return window


@dataclass(slots=True)
class Neighbours:
    """Who is near whom among some sites, found on a grid of cells as wide as the longest walk."""

    sites: Sequence[Site]
    within_m: int
    _cells: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    _known: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, site in enumerate(self.sites):
            self._cells.setdefault(self._cell(site), []).append(index)

    def of(self, index: int) -> tuple[tuple[int, int], ...]:
        """(site, metres) by distance, nearest first; both sites by their place in `sites`."""
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._find(index)
        return known

    def _find(self, index: int) -> tuple[tuple[int, int], ...]:
        here = self.sites[index]
        row, column = self._cell(here)
        near = []
        for cell in [(row + i, column + j) for i in (-1, 0, 1) for j in (-2, -1, 0, 1, 2)]:
            for other in self._cells.get(cell, ()):
                metres = round(metres_between(here, self.sites[other]))
                if other != index and metres <= self.within_m:
                    near.append((metres, other))
        return tuple((other, metres) for metres, other in sorted(near))

    def _cell(self, site: Site) -> tuple[int, int]:
        side = max(self.within_m, 1) / METRES_PER_DEGREE
        return floor(site.lat / side), floor(site.lon / side)


def metres_between(a: Site, b: Site) -> float:
    """In a straight line, the earth taken as flat: right to a percent over a walk."""
    north = (a.lat - b.lat) * METRES_PER_DEGREE
    east = (a.lon - b.lon) * METRES_PER_DEGREE * cos(radians((a.lat + b.lat) / 2))
    return hypot(north, east)
