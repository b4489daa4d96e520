"""Fills a tally from the columns of each window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from atm_sim.fleet.arrivals import DEPOSIT, WITHDRAW
from atm_sim.fleet.ground import Site
from atm_sim.fleet.kernel import DIVERTED, LOST, OUT_OF_CASH, POSTPONED, SESSION
from atm_sim.fleet.rows import Columns
from atm_sim.records.tally import LONGEST_WAIT_S, OPERATOR_COLUMNS, Tally, sums
from bank_host.jst import HOUR_US, SECOND_US
from bank_host.rules.reasons import APPROVED


class Counting:
    """One partition's tally, window after window."""

    def __init__(self, sites: Sequence[Site], removed: Collection[int], start_us: int, hours: int) -> None:
        """`removed`: places in `sites` whose machines are gone."""
        self.tally = Tally(hours, [0] * hours, [0] * hours)
        self._start_us, self._end_us = start_us, start_us + hours * HOUR_US
        self._codes = sorted({site.operator for site in sites})
        place = {code: number for number, code in enumerate(self._codes)}
        self._operator = np.array([place[site.operator] for site in sites], dtype=np.int64)
        for number, site in enumerate(sites):
            counts = self.tally.operators.setdefault(site.operator, dict.fromkeys(OPERATOR_COLUMNS, 0))
            counts["machines"] += 0 if number in removed else site.machines

    def arrivals(self, end_us: int, by_hour: Sequence[int]) -> None:
        """Who was planned in the hours that end there."""
        last = (end_us - self._start_us) // HOUR_US
        self.tally.planned[last - len(by_hour) : last] = by_hour

    def ledger(self, posted: Columns) -> None:
        """Cash that customers moved lies there, or is gone, from its posting to the end of the last day."""
        self.tally.postings += len(posted["time_us"])
        lasts_s = np.maximum(self._end_us - posted["time_us"], 0) // SECOND_US
        self.tally.held_jpy_s -= int((posted["atm_jpy"] * lasts_s).sum())

    def loads(self, opened_jpy: int, loads: Sequence[tuple[int, int]]) -> None:
        """What lay there at first, and what guards have added since; a first fill is no visit."""
        self.tally.guard_visits += sum(at_us > self._start_us for at_us, _ in loads)
        for at_us, added_jpy in ((self._start_us, opened_jpy), *loads):
            self.tally.held_jpy_s += added_jpy * max(self._end_us - at_us, 0) // SECOND_US

    def rows(self, rows: Columns, words: Sequence[str]) -> None:
        tally = self.tally
        session = rows["kind"] == SESSION
        approved = session & (rows["code"] == _place(words, APPROVED))
        withdrawn, paid_in = approved & (rows["service"] == WITHDRAW), approved & (rows["service"] == DEPOSIT)
        no_cash = ~session & (rows["reason"] == _place(words, OUT_OF_CASH))
        per_operator = {
            "visits": session, "approved": approved, "withdrawals": withdrawn, "deposits": paid_in,
            "dispensed_jpy": withdrawn * rows["amount_jpy"], "deposited_jpy": paid_in * rows["amount_jpy"],
            "declined": session & ~approved, "diverted": rows["kind"] == DIVERTED,
            "postponed": rows["kind"] == POSTPONED, "lost": rows["kind"] == LOST,
            "no_cash": no_cash, "wait_us": session * rows["wait_us"],
            "service_us": session * rows["service_us"], "fees_jpy": session * rows["fee_jpy"],
        }  # fmt: skip
        operator = self._operator[rows["site"]]
        for name, values in per_operator.items():
            found_sums = _exact_sums(operator, values, len(self._codes))
            for code, found in zip(self._codes, found_sums, strict=True):
                self.tally.operators[code][name] += found
        hours = np.minimum((rows["time_us"] - self._start_us) // HOUR_US, tally.hours - 1)
        tally.served = sums(tally.served, np.bincount(hours[session], minlength=tally.hours).tolist())
        tally.declines += _counted(rows["reason"][session & ~approved], words)
        for kind, name in ((DIVERTED, "diverted"), (POSTPONED, "postponed"), (LOST, "lost")):
            why = _counted(rows["reason"][rows["kind"] == kind], words)
            tally.away += Counter({f"{name} {reason}": count for reason, count in why.items()})
        waits = rows["wait_us"][session]
        if len(waits):
            seconds = np.minimum(waits // SECOND_US, LONGEST_WAIT_S)
            tally.waits_s = sums(tally.waits_s, np.bincount(seconds, minlength=LONGEST_WAIT_S + 1).tolist())
            tally.waited += int((waits > 0).sum())
            tally.longest_wait_us = max(tally.longest_wait_us, int(waits.max()))


def _exact_sums(groups: NDArray[np.int64], values: NDArray[Any], count: int) -> list[int]:
    added = np.zeros(count, dtype=np.int64)
    np.add.at(added, groups, values.astype(np.int64))
    found: list[int] = added.tolist()
    return found


def _counted(places: NDArray[np.int64], words: Sequence[str]) -> Counter[str]:
    """By word; the two details write the same reason in capitals and not."""
    found = Counter[str]()
    for word, count in zip(words, np.bincount(places, minlength=len(words)).tolist(), strict=True):
        if count:
            found[word.lower()] += count
    return found


def _place(words: Sequence[str], word: str) -> int:
    return words.index(word) if word in words else -1
