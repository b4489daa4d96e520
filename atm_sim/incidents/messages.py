"""Messages that fail on their way: a format error after a cut-over (S3), a switch that loses one in several (S4),
relays between two merged banks (S9)."""

from __future__ import annotations

import numpy as np

from atm_sim.demand import load_demand
from atm_sim.demand.draw import arrivals_us
from bank_host.jst import HOUR_US


def wrong_format(
    rng: np.random.Generator,
    *,
    machines: float,
    visits_day: float,
    affected_share: float,
    from_h: float,
    until_h: float,
) -> dict[str, float]:
    """Transactions of the affected cards fail from `from_h` to `until_h`, all of them, once each."""
    demand = load_demand("convenience")
    visits = int(rng.poisson(machines * visits_day))
    at_us = arrivals_us(rng, demand.hours, visits)
    within = int(((at_us >= from_h * HOUR_US) & (at_us < until_h * HOUR_US)).sum())
    failed = int(rng.binomial(within, affected_share))
    return {
        "failed_transactions": float(failed),
        "failures_a_minute": failed / max((until_h - from_h) * 60, 1e-9),
    }


def losing_switch(
    rng: np.random.Generator,
    *,
    inter_bank: float,
    failing_share: float,
    tries: float,
) -> dict[str, float]:
    """Each try of an inter-bank transaction fails with `failing_share`; people try up to `tries` times. A bank's own
    customers at its own machines do not pass the switch, and are not in this model."""
    served_again = 0
    customers = left = round(inter_bank)
    failed_first = 0
    for number in range(round(tries)):
        failed = int(rng.binomial(left, failing_share))
        if number == 0:
            failed_first = failed
        else:
            served_again += left - failed
        left = failed
    return {
        "first_try_failed_share": failed_first / customers,
        "retry_success_share": served_again / max(1, failed_first),
        "not_served_share": left / customers,
    }


def relay_and_debits(
    rng: np.random.Generator,
    *,
    late: float,
    days: float,
    speed_day: float,
    repeated_share: float,
    booked_once: float,
) -> dict[str, float]:
    """Direct debits that came late are worked off at `speed_day`; a file that is read again books `repeated_share` of
    its entries twice, unless the bank books each entry `booked_once`."""
    left, by_day = round(late), []
    for _ in range(round(days)):
        done = min(left, round(speed_day))
        by_day.append(done)
        left -= done
    twice = [0 if booked_once else int(rng.binomial(done, repeated_share)) for done in by_day]
    return {
        "open_at_end": float(left),
        "double_first_days": float(sum(twice[:-1])),
        "double_last_day": float(twice[-1]),
    }
