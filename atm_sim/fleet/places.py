"""The sites of a fleet as a folder keeps them for maps and replays."""

from __future__ import annotations

from pathlib import Path

from atm_sim.fleet.ground import sites_of
from atm_sim.records.sites import SiteRow
from atm_sim.scenario.fleet import Fleet


def site_rows(fleet: Fleet, folder: Path, seed: int) -> list[SiteRow]:
    """All of them; what lies there is told only where nobody but customers moves it."""
    return [
        SiteRow(
            site.name,
            site.prefecture,
            site.lat,
            site.lon,
            site.machines,
            0 if fleet.cash else site.machines * _fill_jpy(fleet, site.operator, site.machine_class),
        )
        for site in sites_of(fleet, folder, seed)
    ]


def _fill_jpy(fleet: Fleet, operator: str, machine_class: str) -> int:
    cassettes = fleet.class_of(operator, machine_class).cassettes
    return sum(denomination * notes for denomination, notes in cassettes.items())
