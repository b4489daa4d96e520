"""Machines that keep the card and stop when a transaction breaks off (S1, S1c, S11: Mizuho 2021, San-in Godo 2022)."""

from __future__ import annotations

import numpy as np

from atm_sim.demand import load_demand

STEP_H = 1 / 60


def kept_cards(
    rng: np.random.Generator,
    *,
    machines: float,
    from_h: float,
    until_h: float,
    visits_day: float,
    failing_share: float,
    restart_h: float,
    keep_card: float,
    cash_share: float,
) -> dict[str, float]:
    """A customer's transaction fails with `failing_share`; with `keep_card` 1 the machine keeps what was put in and
    stops until staff have come, after an exponential time of mean `restart_h`. Hours of the day weigh as in the demand
    of a branch. `cash_share` of the failures happen when notes were counted already: they are pulled back.
    """
    hours = load_demand("branch").hours
    count = round(machines)
    up, ever = np.ones(count, dtype=bool), np.zeros(count, dtype=bool)
    items = failed = cash = 0
    most_down = 0
    for step in range(round((until_h - from_h) / STEP_H)):
        hour = int(from_h + step * STEP_H) % 24
        rate = visits_day * hours[hour] * failing_share
        hit = up & (rng.random(count) < -np.expm1(-rate * STEP_H))
        failed += int(hit.sum())
        cash += int(rng.binomial(int(hit.sum()), cash_share))
        ever |= hit
        if keep_card:
            items += int(hit.sum())
            back = ~up & (rng.random(count) < -np.expm1(-STEP_H / restart_h))
            up = (up & ~hit) | back
            most_down = max(most_down, int((~up).sum()))
    return {
        "machines_hit": float(ever.sum()),
        "machines_down_at_end": float((~up).sum()),
        "machines_down_most": float(most_down),
        "items_held": float(items),
        "items_per_machine_hit": items / max(1.0, float(ever.sum())),
        "failed_transactions": float(failed),
        "cash_captures": float(cash),
    }


def staff_restart(
    rng: np.random.Generator,
    *,
    stopped: float,
    items_share: float,
    staff_from_h: float,
    opening_h: float,
    restart_h: float,
) -> dict[str, float]:
    """Stopped machines that staff restart, each after an exponential time from `staff_from_h` on."""
    back_h = staff_from_h + rng.exponential(restart_h, round(stopped))
    return {
        "machines_stopped": float(len(back_h)),
        "machines_with_items": float(rng.binomial(len(back_h), items_share)),
        "out_at_opening": float((back_h > opening_h).sum()),
        "all_back_h": float(back_h.max()),
    }
