"""The measures a scenario can expect something of: each a plain function over the rows of one replication.

Only rows of phase `measured` count (warm-up is dropped). A function gives None where there was nothing to
measure: no share of no customers. The units stand in the scenario's vocabulary; docs/reference/run-folder.md
tells in words what each measure counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean

from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.difference import UNEXPLAINED
from atm_sim.records.event import EventRecord
from atm_sim.records.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands still while the world moves, and so is in no row: machines a site, each person's bank."""

    machines: Mapping[str, int] = field(default_factory=dict)
    bank_of: Mapping[str, str] = field(default_factory=dict)
    default_bank: str = "jnb"

    def bank(self, alias: str) -> str:
        """The bank of a cast member; `group/3` is one of the group's people."""
        return self.bank_of.get(alias.partition("/")[0]) or self.default_bank


def setting_of(manifest: Manifest) -> Setting:
    return Setting(
        machines={name: place.machines for name, place in manifest.places.items()},
        bank_of={alias: person.bank for alias, person in manifest.cast.items()},
    )


@dataclass(frozen=True, slots=True)
class Ask:
    """Which rows a measure looks at; empty = all. `during_us` is half open, in µs since midnight."""

    of: str = ""  # service
    at: str = ""  # site
    bank: str = ""
    reason: str = ""
    during_us: tuple[int, int] | None = None
    over_us: int = 0  # wait.share: who waited longer than this


class Look:
    """One replication seen through one Ask: the rows a measure may count."""

    def __init__(self, rows: ReplicationRows, ask: Ask, setting: Setting) -> None:
        self.rows = rows
        self.ask = ask
        self.setting = setting

    def keep(self, rows: Iterable[EventRecord]) -> list[EventRecord]:
        return [row for row in rows if self._fits(row) and self._in_window(row.time_us)]

    def keep_arrived(self, rows: Iterable[EventRecord]) -> list[EventRecord]:
        """Rows of a visit's start or end, judged by when the customer arrived."""
        return [
            row
            for row in rows
            if self._fits(row) and self._in_window(row.time_us - row.wait_us - row.service_us)
        ]

    def keep_anytime(self, rows: Iterable[EventRecord]) -> list[EventRecord]:
        return [row for row in rows if self._fits(row)]

    def _fits(self, row: EventRecord) -> bool:
        ask = self.ask
        return (
            (not ask.of or row.service == ask.of)
            and (not ask.at or row.site == ask.at)
            and (not ask.reason or row.reason == ask.reason)
            and (not ask.bank or self.setting.bank(row.card_alias or row.actor) == ask.bank)
        )

    def _in_window(self, time_us: int) -> bool:
        window = self.ask.during_us
        return window is None or window[0] <= time_us < window[1]


# ---------------------------------------------------------------- customers and what they came for


def customers(look: Look) -> float | None:
    """People who came to an ATM, served or not."""
    return len(look.keep(look.rows.measured("arrived")))


def approval_rate(look: Look) -> float | None:
    """Requests approved in time / requests; one that the terminal itself refuses is a request too."""
    asked = [(row, approved) for row, approved in look.rows.requests() if look.keep([row])]
    return sum(approved for _, approved in asked) / len(asked) if asked else None


def withdrawals(look: Look) -> float | None:
    """Withdrawals that brought notes to the shutter, in full or in part."""
    return len(_paid(look))


def dispensed_jpy(look: Look) -> float | None:
    return sum(row.amount_jpy for row in _paid(look))


def _paid(look: Look) -> list[EventRecord]:
    return [row for row in look.keep(look.rows.measured("dispensed")) if row.amount_jpy]


def deposits(look: Look) -> float | None:
    """Deposits that the bank accepted."""
    return len(_deposited(look))


def deposited_jpy(look: Look) -> float | None:
    return sum(row.amount_jpy for row in _deposited(look))


def _deposited(look: Look) -> list[EventRecord]:
    return [row for row in look.keep(look.rows.measured("completed")) if row.service == "deposit"]


def declines(look: Look) -> float | None:
    """Requests that the terminal, the network or the bank refused; `reason` picks one reason."""
    return len(look.keep(look.rows.declines()))


# ---------------------------------------------------------------- queues and machines


def _waits_us(look: Look) -> list[int]:
    return [row.wait_us for row in look.keep_arrived(look.rows.measured("started"))]


def wait_mean_us(look: Look) -> float | None:
    """Time from arrival to the start at a machine, over everybody served, also who did not wait."""
    waits = _waits_us(look)
    return fmean(waits) if waits else None


def wait_max_us(look: Look) -> float | None:
    return max(_waits_us(look), default=None)


def wait_p50_us(look: Look) -> float | None:
    return quantile(_waits_us(look), 0.50)


def wait_p95_us(look: Look) -> float | None:
    return quantile(_waits_us(look), 0.95)


def wait_share(look: Look) -> float | None:
    """Customers who waited longer than `over` (0 = at all) / customers served."""
    waits = _waits_us(look)
    return sum(wait > look.ask.over_us for wait in waits) / len(waits) if waits else None


def quantile(values: Iterable[int], share: float) -> int | None:
    """The smallest value that at least `share` of the values do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)] if ranked else None


def service_mean_us(look: Look) -> float | None:
    """How long a visit occupies a machine."""
    times = [row.service_us for row in look.keep_arrived(look.rows.measured("left"))]
    return fmean(times) if times else None


def utilisation(look: Look) -> float | None:
    """Busy time of the machines / (machines x time).

    Time runs from the first counted arrival to the last counted departure, or over the `during` window. A
    place counts with all its machines, used or not.
    """
    left = look.keep_anytime(look.rows.measured("left"))
    if look.ask.during_us is not None:
        start_us, end_us = look.ask.during_us
    elif left:
        start_us = min(row.time_us - row.service_us - row.wait_us for row in left)
        end_us = max(row.time_us for row in left)
    else:
        return None
    sites = sorted({row.site for row in left}) if not look.ask.at else [look.ask.at]
    machines = sum(look.setting.machines.get(site, 1) for site in sites)
    busy_us = sum(_overlap_us(row, start_us, end_us) for row in left)
    return busy_us / (machines * (end_us - start_us)) if machines and end_us > start_us else None


def _overlap_us(row: EventRecord, start_us: int, end_us: int) -> int:
    return max(0, min(row.time_us, end_us) - max(row.time_us - row.service_us, start_us))


def machines_used(look: Look) -> float | None:
    return len({(row.site, row.atm) for row in look.keep(look.rows.measured("started"))})


def cards_used(look: Look) -> float | None:
    """Different cards put into a machine."""
    return len({row.card_alias for row in look.keep(look.rows.measured("inserted"))})


def retained_cards(look: Look) -> float | None:
    return len(look.keep(look.rows.measured("retained")))


def cash_outs(look: Look) -> float | None:
    """How often a machine ran out of notes; one that stays empty is not counted again."""
    count = 0
    empty: dict[str, bool] = {}  # by machine: could it not pay before its cash moved the last time
    was_empty: dict[str, bool] = {}
    for row in sorted(look.rows.of("cassette", "out_of_cash"), key=lambda row: (row.time_us, row.kind)):
        if row.kind == "cassette":
            was_empty[row.atm] = empty.get(row.atm, False)
            empty[row.atm] = False
        else:
            news = not was_empty.get(row.atm, False) and not empty.get(row.atm, False)
            count += news and row.phase == "measured" and bool(look.keep([row]))
            empty[row.atm] = True
    return count


# ---------------------------------------------------------------- what went wrong, and what it cost


def reversals(look: Look) -> float | None:
    """Requests for which somebody (terminal or switch) began a reversal."""
    return len({row.request_id for row in look.keep(look.rows.measured("reversal_queued"))})


def reversals_unresolved(look: Look) -> float | None:
    """Of those, the requests with a reversal that nobody had accepted when the run ended."""
    open_by_request: dict[str, int] = {}
    for row in look.keep(look.rows.measured("reversal_queued")):
        open_by_request[row.request_id] = open_by_request.get(row.request_id, 0) + 1
    for row in look.rows.of("reversed"):
        if row.request_id in open_by_request:
            open_by_request[row.request_id] -= 1
    return sum(count > 0 for count in open_by_request.values())


def fees_jpy(look: Look) -> float | None:
    """Fees charged less fees given back."""
    return sum(row.amount_jpy for row in look.keep(look.rows.measured("fee")))


def exceptions(look: Look) -> float | None:
    """Items that the bank put aside for its staff."""
    return len(look.keep(look.rows.measured("exception")))


def reconciliation_explained(look: Look) -> float | None:
    """Differences between ATM, network and bank that something listed explains."""
    return sum(row.reason != UNEXPLAINED for row in look.keep(look.rows.measured("difference")))


def reconciliation_unexplained(look: Look) -> float | None:
    return sum(row.reason == UNEXPLAINED for row in look.keep(look.rows.measured("difference")))


# ---------------------------------------------------------------- approved in a bank's place


def stand_in_approvals(look: Look) -> float | None:
    """Withdrawals that the switch approved in the bank's place."""
    return len(look.keep(look.rows.measured("stood_in")))


def stand_in_jpy(look: Look) -> float | None:
    return sum(row.amount_jpy for row in look.keep(look.rows.measured("stood_in")))


def stand_in_over_limit_jpy(look: Look) -> float | None:
    """Yen above the limit of their day, as the bank found them when it booked the advice."""
    return _risk_jpy(look, "STAND_IN_OVER_LIMIT")


def stand_in_over_balance_jpy(look: Look) -> float | None:
    """Yen that the balance did not cover when the bank booked the advice, fee included."""
    return _risk_jpy(look, "STAND_IN_OVER_BALANCE")


def _risk_jpy(look: Look, kind: str) -> int:
    return sum(row.amount_jpy for row in look.keep(look.rows.measured("exception")) if row.reason == kind)


def stand_in_outstanding(look: Look) -> float | None:
    """Approvals of which the bank had not been told when the run ended."""
    told = {row.request_id for row in look.rows.of("advice_accepted") if row.reason.startswith("stand_in")}
    return sum(row.request_id not in told for row in look.keep(look.rows.measured("stood_in")))


def stand_in_list_age_us(look: Look) -> float | None:
    """How old the oldest lists were by which the switch approved something."""
    return max((row.latency_us for row in look.keep(look.rows.measured("stood_in"))), default=None)


def of_a_fleet(look: Look) -> float | None:
    """Only of a fleet do people go elsewhere, and only it has guards and counts its cash (atm_sim.fleet.measures)."""
    return None


# ---------------------------------------------------------------- the table


MEASURES: Mapping[str, Callable[[Look], float | None]] = {
    "customers": customers,
    "customers.diverted": of_a_fleet,
    "customers.postponed": of_a_fleet,
    "customers.lost": of_a_fleet,
    "guard_visits": of_a_fleet,
    "idle_cash": of_a_fleet,
    "approval_rate": approval_rate,
    "withdrawals": withdrawals,
    "deposits": deposits,
    "declines": declines,
    "dispensed": dispensed_jpy,
    "deposited": deposited_jpy,
    "wait.mean": wait_mean_us,
    "wait.max": wait_max_us,
    "wait.p50": wait_p50_us,
    "wait.p95": wait_p95_us,
    "wait.share": wait_share,
    "service.mean": service_mean_us,
    "utilisation": utilisation,
    "reversals": reversals,
    "reversals.unresolved": reversals_unresolved,
    "cash_outs": cash_outs,
    "retained_cards": retained_cards,
    "cards_used": cards_used,
    "machines_used": machines_used,
    "fees": fees_jpy,
    "exceptions": exceptions,
    "reconciliation.explained": reconciliation_explained,
    "reconciliation.unexplained": reconciliation_unexplained,
    "stand_in.approvals": stand_in_approvals,
    "stand_in.amount": stand_in_jpy,
    "stand_in.over_limit": stand_in_over_limit_jpy,
    "stand_in.over_balance": stand_in_over_balance_jpy,
    "stand_in.outstanding": stand_in_outstanding,
    "stand_in.list_age": stand_in_list_age_us,
}


def measure(name: str, rows: ReplicationRows, ask: Ask, setting: Setting) -> float | None:
    """The value of one measure in one replication; None where there was nothing to measure."""
    return MEASURES[name](Look(rows, ask, setting))
