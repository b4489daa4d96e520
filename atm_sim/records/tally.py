"""What a fleet run counts while its rows pass by: hours, operators, reasons, waits; adds up over partitions.

A tally is small whatever ran, so it goes from a worker to whoever asked, and `fleet.json` keeps it for the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LONGEST_WAIT_S = 3_600
OPERATOR_COLUMNS = (
    "machines", "visits", "approved", "withdrawals", "dispensed_jpy", "deposits", "deposited_jpy", "declined",
    "diverted", "postponed", "lost", "no_cash", "wait_us", "service_us", "fees_jpy",
)  # fmt: skip


@dataclass(slots=True)
class Tally:
    """One replication, or one partition of it."""

    hours: int = 24
    planned: list[int] = field(default_factory=list)  # customers by hour of the run
    served: list[int] = field(default_factory=list)  # visits begun at a machine, by the hour of arrival there
    operators: dict[str, dict[str, int]] = field(default_factory=dict)
    declines: Counter[str] = field(default_factory=Counter)  # by reason of bank or machine
    away: Counter[str] = field(default_factory=Counter)  # "lost crowded": what became of whom, and why
    waits_s: list[int] = field(
        default_factory=lambda: [0] * (LONGEST_WAIT_S + 1)
    )  # visits by whole seconds waited
    waited: int = 0  # visits that waited at all
    longest_wait_us: int = 0
    postings: int = 0
    guard_visits: int = 0
    held_jpy_s: int = 0  # yen in the machines, times seconds, over the days of the run

    def add(self, other: Tally) -> None:
        """Take up what another partition counted."""
        self.hours = max(self.hours, other.hours)
        for name in ("planned", "served", "waits_s"):
            setattr(self, name, sums(getattr(self, name), getattr(other, name)))
        for code, counts in other.operators.items():
            mine = self.operators.setdefault(code, dict.fromkeys(OPERATOR_COLUMNS, 0))
            for name, count in counts.items():
                mine[name] += count
        self.declines += other.declines
        self.away += other.away
        self.waited += other.waited
        self.longest_wait_us = max(self.longest_wait_us, other.longest_wait_us)
        self.postings += other.postings
        self.guard_visits += other.guard_visits
        self.held_jpy_s += other.held_jpy_s

    def total(self, name: str) -> int:
        return sum(counts[name] for counts in self.operators.values())

    def to_data(self) -> dict[str, Any]:
        data = {name: getattr(self, name) for name in self.__slots__}
        return data | {"declines": dict(self.declines), "away": dict(self.away)}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Tally:
        return cls(**{**data, "declines": Counter(data["declines"]), "away": Counter(data["away"])})


@dataclass(frozen=True, slots=True)
class FleetRun:
    """One replication of a fleet as `fleet.json` keeps it; the hashes are of its files."""

    tally: Tally
    events_sha256: str
    ledger_sha256: str


def sums(a: list[int], b: list[int]) -> list[int]:
    if len(a) < len(b):
        a, b = b, a
    return [x + (b[place] if place < len(b) else 0) for place, x in enumerate(a)]
