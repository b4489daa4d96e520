"""What the report shows of a fleet: the day by hour, waits, who was declined or lost and why, and each operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from markupsafe import Markup

from atm_sim.records.tally import Tally
from atm_sim.report.names import Text
from atm_sim.report.tables import Count, Hour
from atm_sim.report.view import RunView
from bank_host.jst import HOUR_US

MOST_BARS = 7 * 24


class Away(NamedTuple):
    """What became of people who were not served at a site, by why."""

    reason: str
    diverted: float
    postponed: float
    lost: float


class Operator(NamedTuple):
    name: Text
    machines: int
    visits: float
    withdrawals: float
    dispensed_jpy: int
    deposits: float
    declined: float
    lost: float
    no_cash: float
    wait_us: float
    utilisation: float


def shown(view: RunView) -> Mapping[str, object] | None:
    """Everything the template asks for, as means of a replication; None where no fleet ran."""
    if not view.fleet:
        return None
    from atm_sim.report import charts  # matplotlib: only a report needs it

    runs, total = len(view.fleet), Tally()
    for run in view.fleet.values():
        total.add(run.tally)
    hours = [
        Hour(hour, planned / runs, served / runs)
        for hour, (planned, served) in enumerate(zip(total.planned, total.served, strict=True))
    ]
    waits = [*total.waits_s]
    waits[0] = max(0, waits[0] - (sum(waits) - total.waited))  # who did not wait at all is told in words
    return {
        "hours": hours,
        "hour_chart": Markup(charts.hour_bars("fleet-hours", hours[:MOST_BARS])) if hours else "",
        "wait_chart": Markup(charts.waits_by_second("fleet-waits", waits)) if total.waited else "",
        "waited_share": 100 * total.waited / max(1, total.total("visits")),
        "longest_wait_us": total.longest_wait_us,
        "declines": [Count(name, count / runs) for name, count in total.declines.most_common()],
        "away": _away(total, runs),
        "operators": [
            _operator(Text(*view.manifest.operators.get(code, (code, code))), counts, total.hours, runs)
            for code, counts in sorted(total.operators.items())
        ],
        "hashes": [(number, run.events_sha256) for number, run in view.fleet.items()],
    }


def _away(total: Tally, runs: int) -> list[Away]:
    reasons = sorted({name.split(" ")[1] for name in total.away})
    return [
        Away(reason, *(total.away[f"{what} {reason}"] / runs for what in ("diverted", "postponed", "lost")))
        for reason in reasons
    ]


def _operator(name: Text, counts: Mapping[str, int], hours: int, runs: int) -> Operator:
    machines, visits = counts["machines"] // runs, counts["visits"]
    return Operator(
        name,
        machines,
        visits / runs,
        counts["withdrawals"] / runs,
        round(counts["dispensed_jpy"] / runs),
        counts["deposits"] / runs,
        counts["declined"] / runs,
        counts["lost"] / runs,
        counts["no_cash"] / runs,
        counts["wait_us"] / max(1, visits),
        100 * counts["service_us"] / max(1, counts["machines"] * hours * HOUR_US),
    )
