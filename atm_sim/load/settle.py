"""The settlement check: what the ATMs of a load run know against what the host has in its journal.

Every approval that moved cash has to stand as exactly one of completed and reversed; a decline moved nothing; nothing
stands there that nobody sent. Both sides come one by one, so a run may be as long as it likes, and the host may be ours
(read from its database) or another (read from a CSV file).
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date
from typing import Final, Literal, NamedTuple

from atm_sim.load.fleet import MOVES_CASH
from atm_sim.load.record import State, Transaction
from bank_host.iso8583 import identity
from bank_host.iso8583.build import Acceptor
from bank_host.iso8583.message import Message
from bank_host.jst import jst_date
from bank_host.rules.card import KINDS
from bank_host.store.contract import JournalRow

EntryKind = Literal["posting", "reversal"]
DifferenceKind = Literal[
    "missing",  # approved at the ATM, not in the journal
    "twice",
    "amount",
    "not_reversed",
    "reversed_twice",
    "reversed_and_completed",
    "reversal_without_posting",
    "reversal_day",
    "posted_though_declined",
    "unresolved",  # the host never acknowledged, and its books say that cash went out
    "not_sent",
    "beyond_the_end",  # missing, and later than the journal's last entry: perhaps it was cut short
]

WORDS: Final[dict[DifferenceKind, str]] = {
    "missing": "approved and paid out, and the journal has no posting",
    "twice": "posted more than once",
    "amount": "posted with another amount than was asked for",
    "not_reversed": "reversed at the ATM and acknowledged, and the posting still stands",
    "reversed_twice": "reversed more than once",
    "reversed_and_completed": "completed at the ATM, and reversed in the journal",
    "reversal_without_posting": "the journal reverses what it never posted",
    "reversal_day": "reversed on a day on which nobody sent a reversal",
    "posted_though_declined": "declined, or never sent, and posted all the same",
    "unresolved": "its reversal or completion was never acknowledged, so it is open what stands",
    "not_sent": "in the journal, and no ATM of this run sent it",
    "beyond_the_end": "not in the journal, which ends before it: the file may have been cut short",
}


class Done(NamedTuple):
    """One transaction as its ATM knows it."""

    reference: str  # terminal and DE37
    identity: str  # the key under which our own host posts it
    service: str
    amount_jpy: int
    state: State
    code: str
    sent_us: int  # wall clock
    ended_us: int


class Entry(NamedTuple):
    """One row of the host's journal."""

    reference: str
    kind: EntryKind
    amount_jpy: int
    day: date
    at_us: int


class Difference(NamedTuple):
    reference: str
    kind: DifferenceKind

    def __str__(self) -> str:
        return f"{self.reference}: {WORDS[self.kind]}"


class Settlement(NamedTuple):
    """What the comparison found. `cut_short` are told apart from losses: the journal has to be fetched again."""

    compared: int
    completed: int
    reversed: int
    differences: tuple[Difference, ...]
    cut_short: tuple[Difference, ...] = ()


# ---------------- the two sides


def done_of(transaction: Transaction, terminals: Sequence[Acceptor]) -> Done | None:
    """A transaction that is over, as its ATM knows it; None if it was not sent or cannot move cash."""
    deed, stamp = transaction.deed, transaction.stamp
    if transaction.state == "dropped" or deed.service not in MOVES_CASH:
        return None
    terminal, stan = terminals[deed.terminal], f"{transaction.stan:06d}"
    fields = {11: stan, 12: stamp.time, 13: stamp.day, 32: terminal.acquirer_id, 41: terminal.terminal_id}
    return Done(
        f"{terminal.terminal_id}/{stamp.reference}{stan}",
        identity.identity(Message.of_ascending("0200", fields)),
        deed.service,
        deed.amount_jpy,
        transaction.state,
        transaction.code,
        transaction.made_us,
        transaction.made_us + max(0, transaction.answered_us - transaction.sent_us),
    )


_POSTED: Final = frozenset(KINDS.values())


def of_our_host(journal: Iterable[JournalRow]) -> Iterator[Entry]:
    """Our own journal: postings of requests and reversals, by the key under which it knows them."""
    for row in journal:
        if row.kind in _POSTED or row.kind == "reversal":
            kind: EntryKind = "reversal" if row.kind == "reversal" else "posting"
            yield Entry(row.refers or row.key, kind, _customers(row), row.day, row.at_us)


def _customers(row: JournalRow) -> int:
    """What went through the ATM: the amount without the fee."""
    return max((abs(amount) for book, amount in row.legs if book.startswith(("suspense:", "atm"))), default=0)


# ---------------- the comparison


def settle(
    done: Iterable[Done],
    entries: Iterable[Entry],
    *,
    by: Literal["reference", "identity"] = "reference",
    may_be_cut: bool = False,
    has_other_runs: bool = False,
) -> Settlement:
    """`by` what the entries name a transaction. `may_be_cut`: the journal is a file that may end too early.
    `has_other_runs`: what it has from before the first transaction is none of this run's."""
    states: Counter[State] = Counter()
    differences: list[Difference] = []
    since_us = 1 << 62 if has_other_runs else 0
    cut: list[Difference] = []
    with closing(_Journal(entries)) as journal:
        for each in done:
            states[each.state] += 1
            since_us = min(since_us, each.sent_us)
            kind = _difference(each, journal.take(getattr(each, by)))
            if kind in ("missing", "not_reversed") and may_be_cut and each.ended_us > journal.last_us:
                cut.append(Difference(each.reference, "beyond_the_end"))
            elif kind is not None:
                differences.append(Difference(each.reference, kind))
        differences += [Difference(reference, "not_sent") for reference in journal.left(since_us)]
    return Settlement(states.total(), states["completed"], states["reversed"], tuple(differences), tuple(cut))


class _Journal:
    """The entries by reference, in a temporary file of SQLite: a long run's are too many for the memory."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.last_us = 0
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("BEGIN")
        self._file.execute("CREATE TABLE entry (reference, kind, amount_jpy, day, at_us)")
        self._file.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", map(self._row, entries))
        self._file.execute("CREATE INDEX by_reference ON entry (reference)")

    def _row(self, entry: Entry) -> tuple[str, str, int, int, int]:
        self.last_us = max(self.last_us, entry.at_us)
        return entry.reference, entry.kind, entry.amount_jpy, entry.day.toordinal(), entry.at_us

    def take(self, reference: str) -> list[Entry]:
        """The entries of one transaction, which are gone from here then."""
        rows = self._file.execute(
            "SELECT * FROM entry WHERE reference = ? ORDER BY rowid", (reference,)
        ).fetchall()
        if rows:
            self._file.execute("DELETE FROM entry WHERE reference = ?", (reference,))
        return [Entry(key, kind, jpy, date.fromordinal(day), at_us) for key, kind, jpy, day, at_us in rows]

    def left(self, since_us: int) -> Iterator[str]:
        """The references of what nobody took, from a moment on."""
        rows = self._file.execute(
            "SELECT DISTINCT reference FROM entry WHERE at_us >= ? ORDER BY reference", (since_us,)
        )
        return (reference for (reference,) in rows)

    def close(self) -> None:
        self._file.close()


def _difference(done: Done, entries: Sequence[Entry]) -> DifferenceKind | None:
    postings = [entry for entry in entries if entry.kind == "posting"]
    reversals = [entry for entry in entries if entry.kind == "reversal"]
    if len(postings) > 1:
        return "twice"
    if len(reversals) > 1:
        return "reversed_twice"
    if reversals and not postings:
        return "reversal_without_posting"
    if done.state == "declined":
        return "posted_though_declined" if len(postings) > len(reversals) else None
    if done.state == "reversed":
        return _difference_of_reversed(done, postings, reversals)
    if done.state not in ("completed", "approved"):
        return "unresolved" if len(postings) > len(reversals) else None
    if not postings:
        return "missing"
    if reversals:
        return "reversed_and_completed"
    return "amount" if postings[0].amount_jpy != done.amount_jpy else None


def _difference_of_reversed(
    done: Done, postings: Sequence[Entry], reversals: Sequence[Entry]
) -> DifferenceKind | None:
    """A request that never arrived leaves nothing behind; one that did is taken back on the day it was asked for."""
    if not postings:
        return None
    if not reversals:
        return "not_reversed"
    days = {jst_date(done.sent_us), jst_date(max(done.ended_us, reversals[0].at_us))}
    return None if reversals[0].day in days else "reversal_day"
