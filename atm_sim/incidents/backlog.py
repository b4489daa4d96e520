"""Work that piles up while a centre is down (S7, Zengin 2023), and machines that come back one by one (S10, 2011)."""

from __future__ import annotations

from math import exp

import numpy as np


def transfers(
    rng: np.random.Generator,
    *,
    orders_day: float,
    second_day_share: float,
    bypass_hour: float,
    from_h: float,
    until_h: float,
) -> dict[str, float]:
    """Orders of a day are worked off by other ways at `bypass_hour` an hour, from `from_h` to `until_h`; what is left
    is carried over to the next day, which brings `second_day_share` of the first one's orders."""
    capacity = bypass_hour * (until_h - from_h)
    first = float(rng.poisson(orders_day))
    done_first = min(first, capacity)
    carried = first - done_first
    second = carried + float(rng.poisson(orders_day * second_day_share))
    done_second = min(second, capacity)
    return {
        "orders_first_day": first,
        "done_first_day": done_first,
        "carried_over": carried,
        "unprocessed_second_day": second - done_second,
    }


def repair(
    rng: np.random.Generator,
    *,
    machines_a: float,
    out_a: float,
    machines_b: float,
    share_out_b: float,
    repair_days: float,
    after_days: float,
    setback: float,
) -> dict[str, float]:
    """Two fleets lose machines on one day; each machine comes back after an exponential time of mean `repair_days`.
    `setback` machines of the second fail once more on the day that is looked at."""
    back_b = rng.exponential(repair_days, round(machines_b * share_out_b))
    still_a = float((rng.exponential(repair_days, round(out_a)) > after_days).sum())
    return {
        "out_a_first_day": out_a,
        "availability_a_first_day": 1 - out_a / machines_a,
        "out_a_later": still_a,
        "out_b_later": float((back_b > after_days).sum()) + setback,
        "expected_out_b_later": machines_b * share_out_b * exp(-after_days / repair_days) + setback,
    }
