"""A rumour that empties machines (S6, Saga Bank 2003): it spreads, people draw much, cash is sent after them."""

from __future__ import annotations

import numpy as np

from atm_sim.demand import load_demand

STEPS_H = 4  # quarters of an hour


def rumour(
    rng: np.random.Generator,
    *,
    usual_withdrawals: float,
    usual_ticket_jpy: float,
    rumour_ticket_jpy: float,
    extra_at_full: float,
    onset_h: float,
    everybody_h: float,
    branches: float,
    branch_spread: float,
    rumour_spread: float,
    reserve_days: float,
    sent_jpy: float,
    sent_to: float,
    sent_h: float,
    closes_h: float,
) -> dict[str, float]:
    """Who has heard the rumour rises evenly from `onset_h` to `everybody_h`; the extra withdrawals are `extra_at_full`
    times the usual ones of the hour by then, each of `rumour_ticket_jpy`, in some branches more than in others
    (`rumour_spread`). A branch holds `reserve_days` usual days of cash for its own customers, and may run dry;
    `sent_jpy` reaches at `sent_h` the `sent_to` branches whose cash lasts shortest.
    """
    hours = load_demand("convenience").hours
    number = round(branches)
    weights = rng.gamma(1 / branch_spread**2, size=number)
    weights /= weights.sum()
    afraid = weights * rng.gamma(1 / rumour_spread**2, rumour_spread**2, size=number)
    afraid /= afraid.sum()
    cash = weights * usual_withdrawals * usual_ticket_jpy * reserve_days
    paid_count, paid_jpy, unpaid, dry_before, dry_after = (
        0,
        0.0,
        0,
        np.zeros(number, bool),
        np.zeros(number, bool),
    )
    steps = 24 * STEPS_H
    for step in range(steps):
        at_h = step / STEPS_H
        if abs(at_h - sent_h) < 1e-9:
            emptiest = np.argsort(cash / weights)[: round(sent_to)]
            need = weights[emptiest] / weights[emptiest].sum()
            cash[emptiest] += sent_jpy * need
        if at_h >= closes_h:
            break
        heard = min(1.0, max(0.0, (at_h - onset_h) / (everybody_h - onset_h)))
        usual = usual_withdrawals * hours[int(at_h)] / STEPS_H
        extra = usual * extra_at_full * heard
        for mean, ticket in ((usual * weights, usual_ticket_jpy), (extra * afraid, rumour_ticket_jpy)):
            come = rng.poisson(mean)
            served = np.minimum(come, np.floor(cash / ticket)).astype(np.int64)
            cash -= served * ticket
            short = served < come
            unpaid += int((come - served).sum())
            if at_h < sent_h:
                dry_before |= short
            else:
                dry_after |= short
            paid_count += int(served.sum())
            paid_jpy += float(served.sum()) * ticket
    return {
        "withdrawals": float(paid_count),
        "drawn_jpy": paid_jpy,
        "mean_ticket_jpy": paid_jpy / max(1, paid_count),
        "branches_dry_before": float(dry_before.sum()),
        "branches_dry_after": float(dry_after.sum()),
        "not_paid": float(unpaid),
    }
