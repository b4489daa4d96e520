"""What formulas say of a fleet: for sites alike (operator, machines) the busiest hour of the busiest day.

The day's chance factor is left out, so a bad day is worse; who balks or reneges is, too, so a crowded site waits less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from atm_sim.demand import day_multiplier
from atm_sim.fleet.arrivals import demand_of
from atm_sim.fleet.ground import sites_of
from atm_sim.scenario import Scenario
from atm_sim.study.explain import SiteLoad, visit_of_mix
from atm_sim.study.formulas import Moments, queue
from bank_host.jst import DAY_US, HOUR_US


def fleet_loads(scenario: Scenario, folder: Path, seed: int) -> Iterator[SiteLoad]:
    """One row for each operator and size of site; `folder` holds the CSV of sites, if there is one."""
    fleet = scenario.fleet
    assert fleet is not None, "a fleet scenario has a fleet"
    demand = demand_of(scenario)
    days = [scenario.day + timedelta(days=number) for number in range(fleet.days)]
    plain = fleet.demand.calendar == "none"
    multipliers = [1.0 if plain else day_multiplier(demand, day) for day in days]
    busiest = multipliers.index(max(multipliers))
    hour = demand.hours.index(max(demand.hours))
    per_machine_us = (
        demand.per_atm_day * multipliers[busiest] * demand.hours[hour] / sum(demand.hours) / HOUR_US
    )
    service = visit_of_mix(scenario, demand.mix)
    begins_us = busiest * DAY_US + hour * HOUR_US
    sites = [site for site in sites_of(fleet, folder, seed) if site.name not in fleet.removed]
    for (operator, machines), count in sorted(
        Counter((each.operator, each.machines) for each in sites).items()
    ):
        arrivals = Moments(1 / (per_machine_us * machines), 1.0)
        name = f"{operator}, {count} site{'s' if count > 1 else ''}"
        found = queue(machines, arrivals, service)
        yield SiteLoad(name, machines, begins_us, begins_us + HOUR_US, arrivals, service, True, found)
