"""The measures of a fleet run, by the names that scenarios expect by, from its tally."""

from __future__ import annotations

from atm_sim.records.tally import Tally
from bank_host.jst import DAY_US, HOUR_US, SECOND_US


def measures(tally: Tally) -> dict[str, float]:
    """What there was to measure; means and shares only where there was anything."""
    total = tally.total
    visits, approved = total("visits"), total("approved")
    found: dict[str, float] = {
        "customers": sum(tally.planned),
        "withdrawals": total("withdrawals"),
        "deposits": total("deposits"),
        "declines": total("declined"),
        "dispensed": total("dispensed_jpy"),
        "deposited": total("deposited_jpy"),
        "fees": total("fees_jpy"),
        "customers.diverted": total("diverted"),
        "customers.postponed": total("postponed"),
        "customers.lost": total("lost"),
        "sessions.no_cash": total("no_cash"),
        "guard_visits": tally.guard_visits,
        "idle_cash": round(tally.held_jpy_s * SECOND_US / DAY_US),
        "wait.max": tally.longest_wait_us,
    }
    if visits:
        found |= {
            "approval_rate": approved / visits,
            "wait.mean": total("wait_us") / visits,
            "wait.p50": wait_quantile_us(tally, 0.5),
            "wait.p95": wait_quantile_us(tally, 0.95),
            "wait.share": tally.waited / visits,
            "service.mean": total("service_us") / visits,
            "utilisation": total("service_us") / (total("machines") * tally.hours * HOUR_US),
        }
    return found


def wait_quantile_us(tally: Tally, share: float) -> float:
    """The wait that so many visits do not exceed, to the second (rounded up; nobody waiting is 0)."""
    served = sum(tally.waits_s)
    wanted = share * served
    reached = served - tally.waited
    if reached >= wanted:
        return 0.0
    for second, count in enumerate(tally.waits_s):
        reached += count - (served - tally.waited if second == 0 else 0)
        if reached >= wanted:
            return float(min((second + 1) * SECOND_US, tally.longest_wait_us))
    return float(tally.longest_wait_us)
