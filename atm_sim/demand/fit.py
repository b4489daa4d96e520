"""Fits a demand to daily counts: weekday, holiday, occasion, month and day of the month, then what is left to chance.

Effects are multiplicative, shared by all machines, and found one kind after the other until they stand still. An effect
that few, scattered days speak for is drawn towards 1, so that three Mays make no law of May.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from atm_sim.demand.calendar import is_holiday, occasion_on
from atm_sim.demand.draw import Floats
from atm_sim.demand.model import OCCASIONS, Demand
from atm_sim.demand.smape import WEEK

HOLD_OUT_DAYS = 56
LEAST_DAYS = 3 * HOLD_OUT_DAYS  # a fit on fewer days than twice what it is judged on says nothing
AROUND_DAYS = 29  # chance is measured around a centred mean of so many days
USUAL = (1.0, 0.3, 0.15, 0.1)  # how far effects of weekday, occasion, month, day of month usually lie from 1
OWN_WEEK_DAYS = 10.0  # a machine's own weekday, seen so often, counts for half
LEVEL_HALF_LIFE_DAYS = 28.0
_HOLIDAY = 7
_ROUNDS = 6
_ALL_OCCASIONS = Demand("", 0, (), (1.0,) * 7, 1.0, (), (), dict.fromkeys(OCCASIONS, 1.0), 0, 0, (), {})


class Effects(NamedTuple):
    """What the days have in common."""

    weekdays: tuple[float, ...]
    holiday: float
    months: tuple[float, ...]
    days_of_month: tuple[float, ...]
    occasions: Mapping[str, float]
    japan: bool = True  # whether holidays and occasions of Japan were looked for

    def multipliers(self, days: Sequence[date]) -> Floats:
        """The multiplier of each day."""
        kinds = _kinds(days, self.japan)
        values = ((*self.weekdays, self.holiday), self._special(), self.months, self.days_of_month)
        found = np.ones(len(days))
        for codes, effect in zip(kinds, values, strict=True):
            found *= np.asarray(effect)[codes]
        return found

    def _special(self) -> tuple[float, ...]:
        return (1.0, *(self.occasions.get(name, 1.0) for name in OCCASIONS))


class Chance(NamedTuple):
    """What is left when the effects are taken out."""

    cv: float  # of the day factor, Poisson's own part taken off
    lag1: float


def fit_effects(counts: Floats, days: Sequence[date], *, japan: bool = True) -> Effects:
    """The effects in `counts`: a row for each day, a column for each machine, nan where nothing is known."""
    with np.errstate(invalid="ignore"):
        relative = known_mean(counts / known_mean(counts, axis=0), axis=1)
    known = ~np.isnan(relative)
    kinds = _kinds(days, japan)
    sizes = (8, 1 + len(OCCASIONS), 12, 31)
    effects = [np.ones(size) for size in sizes]
    for _ in range(_ROUNDS):
        for number, (codes, size) in enumerate(zip(kinds, sizes, strict=True)):
            rest = np.ones(len(days))
            for other, other_codes in enumerate(kinds):
                if other != number:
                    rest *= effects[other][other_codes]
            effects[number] = _means(relative[known] / rest[known], codes[known], size, USUAL[number])
    weekdays, occasions, months, days_of_month = effects
    if np.bincount(kinds[0][known], minlength=8)[_HOLIDAY] == 0:
        weekdays[_HOLIDAY] = weekdays[6]
    occasions = occasions / occasions[0]
    seen = np.bincount(kinds[1][known], minlength=1 + len(OCCASIONS))
    return Effects(
        tuple(weekdays[:7].tolist()),
        float(weekdays[_HOLIDAY]),
        tuple(months.tolist()),
        tuple(days_of_month.tolist()),
        {name: float(occasions[place]) for place, name in enumerate(OCCASIONS, 1) if seen[place]},
        japan,
    )


def known_mean(values: Floats, axis: int) -> Floats:
    """The mean of what is known; nan where nothing is."""
    seen = (~np.isnan(values)).sum(axis=axis)
    return np.asarray(np.where(seen > 0, np.nansum(values, axis=axis) / np.maximum(seen, 1), np.nan))


def _means(values: Floats, codes: np.ndarray, size: int, usual: float) -> Floats:
    """The mean value of each kind of day, relative to all; 1 for a kind that was not seen.

    It is drawn towards 1 as far as its days are few and scatter (an empirical Bayes estimate with the prior `usual`).
    """
    seen = np.bincount(codes, minlength=size)
    means = np.bincount(codes, weights=values, minlength=size) / np.maximum(seen, 1) / values.mean()
    scatter = float(((values / values.mean() - means[codes]) ** 2).mean())
    trust = usual**2 / (usual**2 + scatter / np.maximum(seen, 1))
    return np.asarray(np.where(seen > 0, 1 + (means - 1) * trust, 1.0))


def _kinds(days: Sequence[date], japan: bool) -> tuple[np.ndarray, ...]:
    """Of each day: weekday (7 = holiday), occasion (0 = none), month, day of the month, as indices."""
    weekdays = [_HOLIDAY if japan and is_holiday(day) else day.weekday() for day in days]
    names = [occasion_on(day, _ALL_OCCASIONS) if japan else "" for day in days]
    occasions = [1 + OCCASIONS.index(name) if name else 0 for name in names]
    return (
        np.array(weekdays),
        np.array(occasions),
        np.array([day.month - 1 for day in days]),
        np.array([day.day - 1 for day in days]),
    )


def fit_chance(counts: Floats, index: Floats) -> Chance:
    """Spread and memory of the day factor, around a mean of 29 days that moves along."""
    plain = counts / index[:, None]
    squares, neighbours, pairs, days = 0.0, 0.0, 0, 0
    for column in plain.T:
        rest = column / _moving_mean(column) - 1
        known = ~np.isnan(rest)
        mean = float(known_mean(column, axis=0))
        poisson = 1 / mean if mean > 0 else 0.0
        squares += float((rest[known] ** 2 - poisson).sum())
        days += int(known.sum())
        both = known[1:] & known[:-1]
        neighbours += float((rest[1:] * rest[:-1])[both].sum())
        pairs += int(both.sum())
    # a mean of 29 days holds the day itself: what is left of it varies by 28/29 only
    variance = max(0.0, squares / max(days, 1)) * AROUND_DAYS / (AROUND_DAYS - 1)
    lag1 = neighbours / max(pairs, 1) / variance + 1 / AROUND_DAYS if variance else 0.0
    return Chance(variance**0.5, min(max(lag1, 0.0), 0.99))


def _moving_mean(series: Floats) -> Floats:
    """Over 29 days around each day; nan where not all of them lie inside."""
    half = AROUND_DAYS // 2
    found = np.full(len(series), np.nan)
    for day in range(half, len(series) - half):
        window = series[day - half : day + half + 1]
        if np.isnan(window).sum() <= half // 2:
            found[day] = np.nanmean(window)
    return np.where(found > 0, found, np.nan)


def forecast(history: Floats, days: Sequence[date], ahead: Sequence[date], effects: Effects) -> Floats:
    """The days ahead: each machine's level of late, its own week as far as it is known, the effects all share."""
    past, index = history / effects.multipliers(days)[:, None], effects.multipliers(ahead)
    age = np.arange(len(past))[::-1]
    weight = np.where(np.isnan(past), 0.0, 0.5 ** (age / LEVEL_HALF_LIFE_DAYS)[:, None])
    level = (weight * np.nan_to_num(past)).sum(axis=0) / np.maximum(weight.sum(axis=0), 1e-9)
    own = _own_week(past, days)
    weekdays = np.array([day.weekday() for day in ahead])
    return np.asarray(level * index[:, None] * own[weekdays])


def _own_week(plain: Floats, days: Sequence[date]) -> Floats:
    """How each machine's week differs from that of all: 7 rows, drawn towards 1."""
    weekdays = np.array([day.weekday() for day in days])
    found = np.ones((WEEK, plain.shape[1]))
    mean = known_mean(plain, axis=0)
    for weekday in range(WEEK):
        part = plain[weekdays == weekday]
        seen = (~np.isnan(part)).sum(axis=0)
        ratio = np.nansum(part, axis=0) / np.maximum(seen * np.where(mean > 0, mean, 1), 1e-9)
        found[weekday] = 1 + (np.where(seen > 0, ratio, 1) - 1) * seen / (seen + OWN_WEEK_DAYS)
    return found
