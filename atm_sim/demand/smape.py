"""How good a forecast is: sMAPE, and the two simple forecasts that any other has to beat."""

from __future__ import annotations

import numpy as np

from atm_sim.demand.draw import Floats

WEEK = 7


def smape(forecast: Floats, seen: Floats) -> float:
    """Symmetric mean absolute percentage error, 0 to 200. Days not seen (nan) do not count; 0 for 0 is right."""
    known = ~np.isnan(seen)
    wrong, whole = np.abs(forecast - seen)[known], (np.abs(forecast) + np.abs(seen))[known]
    return float(200 * np.divide(wrong, whole, out=np.zeros_like(wrong), where=whole > 0).mean())


def naive(history: Floats, horizon: int) -> Floats:
    """Every day as the last one. `history` has a row for each day and a column for each machine."""
    return np.repeat(history[-1:], horizon, axis=0)


def last_week(history: Floats, horizon: int) -> Floats:
    """Every day as the same weekday of the last week."""
    return history[-WEEK:][np.arange(horizon) % WEEK]
