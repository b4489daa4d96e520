"""Business days of Japanese banks and the hours of Zengin, by the policy of the date (R57, R60, R118).

Weekends, national holidays (public holiday law, with its substitute days) and the days on which banks close.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import holidays

from bank_host.jst import jst_date, midnight_us, time_of_day_us
from bank_host.policy import Figures

_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ONE_DAY = timedelta(days=1)
_ZENGIN_ROUND_THE_CLOCK_BELOW_JPY = 100_000_000  # larger transfers are settled one by one, in core hours only


@lru_cache(maxsize=256)
def _national_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("JP", years=year))


def is_business_day(day: date, figures: Figures) -> bool:
    """Do banks work on this day?"""
    closed = figures.calendar_closed
    if _WEEKDAYS[day.weekday()] in closed["weekdays"] or f"{day:%m-%d}" in closed["dates"]:
        return False
    return not (closed["national_holidays"] and day in _national_holidays(day.year))


def next_business_day(day: date, figures: Figures) -> date:
    """The first business day after `day`."""
    day += _ONE_DAY
    while not is_business_day(day, figures):
        day += _ONE_DAY
    return day


def business_days_after(day: date, count: int, figures: Figures) -> date:
    """The business day that is `count` business days after `day`."""
    for _ in range(count):
        day = next_business_day(day, figures)
    return day


def zengin_due_us(now_us: int, amount_jpy: int, figures: Figures) -> int:
    """When a transfer to another bank goes out: `now_us`, or the opening of Zengin that it has to wait for."""
    hours, today = figures.zengin_hours, jst_date(now_us)
    if hours["round_the_clock"] and amount_jpy < _ZENGIN_ROUND_THE_CLOCK_BELOW_JPY:
        return now_us
    if is_business_day(today, figures):
        opens_us, closes_us = _core_hours_us(today, figures)
        if time_of_day_us(now_us) < opens_us:
            return midnight_us(today) + opens_us
        if time_of_day_us(now_us) < closes_us:
            return now_us
    following = next_business_day(today, figures)
    return midnight_us(following) + _core_hours_us(following, figures)[0]


def _core_hours_us(day: date, figures: Figures) -> tuple[int, int]:
    """Longer on the last business day of a month."""
    last = next_business_day(day, figures).month != day.month
    opens_us, closes_us = figures.zengin_hours["month_end" if last else "weekday"]
    return opens_us, closes_us
