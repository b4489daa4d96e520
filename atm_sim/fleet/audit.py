"""The bank's invariants over columns, once a window: it shares no rule with the bank, and sees what was written alone.

I1 and I3 (every posting and all books sum to 0), I8 (suspense is what is open), I12 (each approval ends), I15 and I16
(what a day's withdrawals used never passes the limit in force), I17 (no approval for a locked card), I7 (the book cash
of a machine is what lies in it).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from atm_sim.fleet.arrivals import WITHDRAW
from atm_sim.fleet.kernel import SESSION
from atm_sim.fleet.population import Population
from atm_sim.fleet.rows import Columns
from bank_host.jst import DAY_US

APPROVED = "00"


class ColumnAudit:
    """Judges one partition as its windows go by. `broken` holds a sentence for each invariant that does not hold."""

    def __init__(self, people: Population, machines: int, start_us: int) -> None:
        self._people = people
        self._start_us = start_us
        self.checked: Counter[str] = Counter()
        self.broken: dict[str, str] = {}
        self._customer = np.zeros(len(people), dtype=np.int64)
        self._suspense = np.zeros(machines, dtype=np.int64)
        self._cash = np.zeros(machines, dtype=np.int64)
        self._used_day = np.full(len(people), -1, dtype=np.int64)
        self._used = np.zeros(len(people), dtype=np.int64)
        self._open: Counter[str] = Counter()

    def ledger(self, rows: Columns, kinds: Sequence[str]) -> None:
        """The postings of one window."""
        legs = [rows[name] for name in ("customer_jpy", "suspense_jpy", "atm_jpy", "fees_jpy")]
        sums = np.sum(legs, axis=0)
        few = sum((leg != 0).astype(np.int64) for leg in legs) < 2
        self._judge(
            "I1", len(sums), np.flatnonzero((sums != 0) | few), "a posting has one leg or does not sum to 0"
        )
        np.add.at(self._customer, rows["account"], rows["customer_jpy"])
        np.add.at(self._suspense, rows["machine"], rows["suspense_jpy"])
        np.add.at(self._cash, rows["machine"], rows["atm_jpy"])
        counts = np.bincount(rows["kind"], minlength=len(kinds)).tolist()
        self._open += Counter({kind: count for kind, count in zip(kinds, counts, strict=True) if count})

    def rows(self, rows: Columns, words: Sequence[str], counted: bool) -> None:
        """The visits of one window: limits by account and JST day of the request, in the order decided."""
        approved = (rows["kind"] == SESSION) & (
            rows["code"] == (words.index(APPROVED) if APPROVED in words else -1)
        )
        locked = np.flatnonzero(approved & self._people.locked[rows["account"]])
        self._judge("I17", int(approved.sum()), locked, "a locked card was approved")
        if counted:
            self._limits(rows, np.flatnonzero(approved & (rows["service"] == WITHDRAW)))

    def _limits(self, rows: Columns, drawn: NDArray[np.int64]) -> None:
        account, amount = rows["account"][drawn], rows["amount_jpy"][drawn]
        day = (rows["decided_us"][drawn] - self._start_us) // DAY_US
        for number in np.unique(day).tolist():
            today = day == number
            who = account[today]
            fresh = who[self._used_day[who] != number]
            self._used[fresh], self._used_day[fresh] = 0, number
            np.add.at(self._used, who, amount[today])
            limit = self._people.limit_jpy[who]
            raised = self._people.raised_day[who] == number
            limit = np.where(raised & (limit > 0), np.maximum(limit, self._people.raised_jpy), limit)
            limit = np.where(raised & (self._people.limit_jpy[who] == 0), self._people.raised_jpy, limit)
            over = np.flatnonzero(self._used[who] > limit)
            self._judge("I16", len(who), over, "a day's withdrawals passed the limit in force")

    def finish(
        self,
        balances: Iterable[int],
        opened_jpy: Iterable[int],
        lying_jpy: Iterable[int],
        suspense: Iterable[int],
    ) -> None:
        """At the end: the bank's own figures against the sums of the legs."""
        wrong = np.flatnonzero(np.fromiter(balances, np.int64) != self._people.balance_jpy + self._customer)
        self._judge("I3", len(self._people), wrong, "a balance is not its opening and its legs")
        below = np.flatnonzero(
            self._people.balance_jpy + self._customer < np.minimum(self._people.balance_jpy, 0)
        )
        self._judge("I4", len(self._people), below, "a balance fell below 0")
        told = np.fromiter(suspense, np.int64)
        self._judge(
            "I8",
            len(told),
            np.flatnonzero(told != self._suspense),
            "a suspense account differs from its legs",
        )
        still = np.flatnonzero(self._suspense)
        self._judge(
            "I12", self._open["withdrawal"] + self._open["deposit"], still, "an approval was left open"
        )
        moved = np.fromiter(lying_jpy, np.int64) - np.fromiter(opened_jpy, np.int64)
        # the ledger's leg is positive where the bank owes more: book cash falls by it
        self._judge(
            "I7", len(moved), np.flatnonzero(moved != -self._cash), "book cash is not what the machine holds"
        )

    def _judge(self, name: str, count: int, wrong: NDArray[np.int64], text: str) -> None:
        self.checked[name] += count
        if len(wrong):
            self.broken.setdefault(name, f"{text}: {len(wrong)} times, first at row {int(wrong[0])}")
