"""The demand of one ATM as a frozen record: level, shape of the day, calendar, spread, and what people come for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

HOURS = 24
OCCASIONS = ("new_year", "payday", "year_end", "pension_day", "long_holiday", "gotobi")
"""Days with a multiplier of their own. Where a day is several of them, the first in this order counts alone."""


class Demand(NamedTuple):
    """What a demand file says. Shares add up to 1; indices are multipliers around 1."""

    name: str
    per_atm_day: float  # visits on a day whose multiplier is 1
    hours: tuple[float, ...]  # share of a day's visits in each hour, 0-23
    weekdays: tuple[float, ...]  # Monday to Sunday
    holiday: float  # a national holiday, instead of its weekday's index
    months: tuple[float, ...]  # January to December
    days_of_month: tuple[float, ...]  # 1st to 31st
    occasions: Mapping[str, float]  # those of OCCASIONS that matter here
    day_factor_cv: float  # coefficient of variation of the day's chance beyond Poisson
    day_factor_lag1: float  # correlation of a day's factor with that of the day before
    mix: tuple[tuple[str, float], ...]  # (service, share)
    amounts: Mapping[str, tuple[tuple[int, float], ...]]  # service -> (amount_jpy, share)

    @property
    def mean_amount_jpy(self) -> dict[str, float]:
        """Of one visit, by service."""
        return {service: sum(jpy * share for jpy, share in pairs) for service, pairs in self.amounts.items()}

    @property
    def net_out_jpy_day(self) -> float:
        """Cash that leaves a machine on a plain day, less what is paid in."""
        mean, shares = self.mean_amount_jpy, dict(self.mix)
        paid_out = shares.get("withdraw", 0.0) * mean.get("withdraw", 0.0)
        return self.per_atm_day * (paid_out - shares.get("deposit", 0.0) * mean.get("deposit", 0.0))
