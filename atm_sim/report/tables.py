"""The figures behind the report: each function is one table, counted from the event rows; charts draw the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from statistics import fmean
from typing import NamedTuple

from atm_sim.checks.measures import quantile
from atm_sim.checks.values import yen
from atm_sim.records.difference import Difference
from atm_sim.records.event import EventRecord
from atm_sim.report.view import RunView

HOUR_US = 3_600_000_000


class Count(NamedTuple):
    """How often something happened in a run, on average over the replications."""

    name: str
    per_run: float
    code: str = ""


def declines_by_reason(view: RunView) -> list[Count]:
    """Refused requests by reason, the most frequent first."""
    tally = Counter((row.reason, row.code) for rows in view.replications.values() for row in rows.declines())
    ranked = sorted(tally.items(), key=lambda item: (-item[1], item[0]))
    return [Count(reason, number / _runs(view), code) for (reason, code), number in ranked]


class Times(NamedTuple):
    """A distribution of durations in microseconds."""

    customers: int
    mean: float
    p50: int
    p95: int
    most: int


def wait_times_us(view: RunView) -> list[int]:
    return _column(view, "started", lambda row: row.wait_us)


def service_times_us(view: RunView) -> list[int]:
    return _column(view, "left", lambda row: row.service_us)


def _column(view: RunView, kind: str, column: Callable[[EventRecord], int]) -> list[int]:
    return [column(row) for rows in view.replications.values() for row in rows.measured(kind)]


def times(values: list[int]) -> Times | None:
    p50, p95 = quantile(values, 0.50), quantile(values, 0.95)
    if p50 is None or p95 is None:
        return None
    return Times(len(values), fmean(values), p50, p95, max(values))


class CashLine(NamedTuple):
    """A machine's cash over the day: (time, yen) at every change."""

    atm: str
    points: tuple[tuple[int, int], ...]

    @property
    def start_jpy(self) -> int:
        return self.points[0][1]

    @property
    def lowest_jpy(self) -> int:
        return min(amount_jpy for _, amount_jpy in self.points)

    @property
    def end_jpy(self) -> int:
        return self.points[-1][1]


def cash_by_atm(view: RunView) -> list[CashLine]:
    """Cash in each machine, in the first replication."""
    points: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in view.first_replication():
        if row.kind == "cassette":
            points[row.atm].append((row.time_us, row.amount_jpy))
    return [CashLine(atm, tuple(points[atm])) for atm in sorted(points)]


class Hour(NamedTuple):
    """One hour of the day, on average over the replications."""

    hour: int
    customers: float
    withdrawals: float


def per_hour(view: RunView) -> list[Hour]:
    """From the first to the last hour in which anybody came."""
    customers = _by_hour(view, "arrived", lambda row: True)
    withdrawals = _by_hour(view, "dispensed", lambda row: row.amount_jpy > 0)
    hours = sorted({*customers, *withdrawals})
    if not hours:
        return []
    runs = _runs(view)
    return [
        Hour(hour, customers[hour] / runs, withdrawals[hour] / runs)
        for hour in range(hours[0], hours[-1] + 1)
    ]


def _by_hour(view: RunView, kind: str, counts: Callable[[EventRecord], bool]) -> Counter[int]:
    rows = (row for found in view.replications.values() for row in found.measured(kind))
    return Counter(row.time_us // HOUR_US for row in rows if counts(row))


class Reversal(NamedTuple):
    """One reversal: what for, how much, and whether the bank's side accepted it."""

    time_us: int
    atm: str
    card_alias: str
    request_id: str
    amount_jpy: int
    reason: str
    accepted: bool


def reversals(view: RunView) -> list[Reversal]:
    """The reversals of the first replication, one a request."""
    rows = view.first_replication()
    accepted = {row.request_id for row in rows if row.kind == "reversed"}
    first = _first_by_request(row for row in rows if row.kind == "reversal_queued")
    return [
        Reversal(
            row.time_us,
            row.atm,
            row.card_alias,
            row.request_id,
            row.amount_jpy,
            row.reason,
            row.request_id in accepted,
        )
        for row in first
    ]


class StoodIn(NamedTuple):
    """One approval in a bank's place, and whether the bank has been told of it."""

    time_us: int
    atm: str
    card_alias: str
    amount_jpy: int
    reason: str
    list_age_us: int
    told: bool


class StandIn(NamedTuple):
    """Every approval in a bank's place, and the risk that was taken by them."""

    approvals: list[StoodIn]
    over_limit_jpy: int
    over_balance_jpy: int

    @property
    def oldest_list_us(self) -> int:
        return max(each.list_age_us for each in self.approvals)

    @property
    def outstanding(self) -> int:
        return sum(not each.told for each in self.approvals)


def stand_in(view: RunView) -> StandIn | None:
    """Stand-in in the first replication; None if there was none."""
    rows = view.first_replication()
    told = {
        row.request_id for row in rows if row.kind == "advice_accepted" and row.reason.startswith("stand_in")
    }
    approvals = [
        StoodIn(
            row.time_us,
            row.atm,
            row.card_alias,
            row.amount_jpy,
            row.reason,
            row.latency_us,
            row.request_id in told,
        )
        for row in rows
        if row.kind == "stood_in"
    ]
    risks: Counter[str] = Counter()
    for row in rows:
        if row.kind == "exception":
            risks[row.reason] += row.amount_jpy
    if not approvals:
        return None
    return StandIn(approvals, risks["STAND_IN_OVER_LIMIT"], risks["STAND_IN_OVER_BALANCE"])


def _first_by_request(rows: Iterable[EventRecord]) -> list[EventRecord]:
    found: dict[str, EventRecord] = {}
    for row in rows:
        found.setdefault(row.request_id, row)
    return list(found.values())


def exceptions(view: RunView) -> list[EventRecord]:
    """What the bank put aside for its staff, in the first replication."""
    return [row for row in view.first_replication() if row.kind == "exception"]


def differences(view: RunView) -> list[Difference]:
    """Where ATM, network and bank differ in the first replication, the unexplained first."""
    first = min((row.replication for row in view.events), default=0)
    return sorted(
        (each for each in view.differences if each.replication == first), key=lambda each: each.explained
    )


class FeeLine(NamedTuple):
    kind: str
    number: int
    total: str


def fees(view: RunView) -> list[FeeLine]:
    """Fees charged and given back, by what for, in the first replication."""
    amounts: dict[str, list[int]] = defaultdict(list)
    for row in view.first_replication():
        if row.kind == "fee":
            amounts[row.reason].append(row.amount_jpy)
    return [FeeLine(kind, len(found), yen(sum(found))) for kind, found in sorted(amounts.items())]


def _runs(view: RunView) -> int:
    return max(1, len(view.replications))
