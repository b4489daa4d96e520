"""How many customers come to an ATM, when, and for what: a demand file in, sorted arrivals out. Pure."""

from atm_sim.demand.calendar import day_multiplier, days_of, every_day_plain, occasion_on
from atm_sim.demand.draw import (
    amounts_of_visits,
    arrivals_us,
    day_factors,
    generator,
    services_of_visits,
    visits_of_day,
)
from atm_sim.demand.file import load_demand, read_demand, shipped_demands
from atm_sim.demand.model import Demand

__all__ = [
    "Demand",
    "amounts_of_visits",
    "arrivals_us",
    "day_factors",
    "day_multiplier",
    "days_of",
    "every_day_plain",
    "generator",
    "load_demand",
    "occasion_on",
    "read_demand",
    "services_of_visits",
    "shipped_demands",
    "visits_of_day",
]
