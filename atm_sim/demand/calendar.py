"""Which days are busy: weekday, national holiday, payday, pension day, Gotobi, year end (五十日, 給料日, 年金支給日).

Banks' business days come from the bank's own calendar and the holiday library. Paydays, pension days and Gotobi that
fall on a day without banks are moved to the business day before.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays

from atm_sim.demand.model import Demand
from bank_host.policy import load_policy
from bank_host.rules.calendar import is_business_day

PAYDAY, PENSION_DAY = 25, 15
GOTOBI = (5, 10, 15, 20, 25, 30)
YEAR_END_FROM = 28  # December
LONG_HOLIDAY_DAYS = 9  # so many days without banks in a row: Golden Week of 2019 had ten
_ONE_DAY = timedelta(days=1)


def days_of(first: date, count: int) -> tuple[date, ...]:
    return tuple(first + timedelta(days=number) for number in range(count))


def day_multiplier(demand: Demand, day: date) -> float:
    """How many times a plain day's visits this day has, before chance."""
    index = demand.holiday if is_holiday(day) else demand.weekdays[day.weekday()]
    occasion = occasion_on(day, demand)
    special = demand.occasions[occasion] if occasion else 1.0
    return index * demand.months[day.month - 1] * demand.days_of_month[day.day - 1] * special


def every_day_plain(demand: Demand) -> Demand:
    """The same level and hours on every day of the calendar."""
    return demand._replace(
        weekdays=(1.0,) * 7, holiday=1.0, months=(1.0,) * 12, days_of_month=(1.0,) * 31, occasions={}
    )


def occasion_on(day: date, demand: Demand) -> str:
    """The occasion of this day that counts, '' for a plain one."""
    return next((name for name in _occasions(day) if name in demand.occasions), "")


@lru_cache(maxsize=16)
def _japan(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("JP", years=year))


def is_holiday(day: date) -> bool:
    """A national holiday of Japan, substitute days included."""
    return day in _japan(day.year)


@lru_cache(maxsize=4096)
def banks_work(day: date) -> bool:
    return is_business_day(day, load_policy().on(day))


@lru_cache(maxsize=4096)
def _occasions(day: date) -> tuple[str, ...]:
    """In the order of OCCASIONS."""
    found = []
    due = _due_days(day)
    if (day.month, day.day) == (1, 1):
        found.append("new_year")
    if PAYDAY in due:
        found.append("payday")
    if day.month == 12 and day.day >= YEAR_END_FROM:
        found.append("year_end")
    if PENSION_DAY in due and day.month % 2 == 0:
        found.append("pension_day")
    if not banks_work(day) and _days_without_banks(day) >= LONG_HOLIDAY_DAYS:
        found.append("long_holiday")
    if any(number in due for number in GOTOBI):
        found.append("gotobi")
    return tuple(found)


def _due_days(day: date) -> frozenset[int]:
    """The days of the month that are settled on this day: its own, and those of days without banks that follow."""
    if not banks_work(day):
        return frozenset()
    due, following = {day.day}, day + _ONE_DAY
    while not banks_work(following) and following.month == day.month:
        due.add(following.day)
        following += _ONE_DAY
    return frozenset(due)


def _days_without_banks(day: date) -> int:
    """The length of the row of such days around this one."""
    first = last = day
    while not banks_work(first - _ONE_DAY):
        first -= _ONE_DAY
    while not banks_work(last + _ONE_DAY):
        last += _ONE_DAY
    return (last - first).days + 1
