"""The settlement check: what the ATMs of a load run know against what the host has in its journal.

Every approval that moved cash has to stand as exactly one of completed and reversed; a decline moved nothing; nothing
stands there that nobody sent. Both sides are lists of references, so the host may be ours (read from its database) or
another (read from a CSV file).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from atm_sim.load.fleet import MOVES_CASH
from atm_sim.load.record import NOT, Record, State
from bank_host.iso8583 import build, identity
from bank_host.iso8583.build import Acceptor
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US, jst_date
from bank_host.rules.reversal import KINDS
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


def sent_log(record: Record, terminals: Sequence[Acceptor], started_us: int) -> Iterator[Done]:
    """Every transaction that was sent and could move cash, in the order of the plan."""
    for row in range(len(record)):
        if record.sent_us[row] == NOT or record.service_of(row) not in MOVES_CASH:
            continue
        terminal, stan = terminals[record.terminal[row]], record.stan[row]
        second_us = record.transmitted_s[row] * SECOND_US
        ended_us = record.answered_us[row]
        yield Done(
            f"{terminal.terminal_id}/{build.retrieval_reference(second_us, stan)}",
            _identity(terminal, stan, second_us),
            record.service_of(row),
            record.amount_jpy[row],
            record.state_of(row),
            record.code_of(row),
            started_us + record.sent_us[row],
            started_us + max(ended_us, record.sent_us[row]),
        )


def _identity(terminal: Acceptor, stan: int, second_us: int) -> str:
    stamp = build.network_request("301", stan=stan, now_us=second_us)
    fields = {11: stamp[11], 12: stamp[12], 13: stamp[13], 32: terminal.acquirer_id, 41: terminal.terminal_id}
    return identity.identity(Message("0200", fields))


_POSTED: Final = frozenset(KINDS.values())


def of_our_host(journal: Iterable[JournalRow], done: Sequence[Done]) -> Iterator[Entry]:
    """Our own journal: postings of requests and reversals; a key that nobody sent stays its own reference."""
    references = {each.identity: each.reference for each in done}
    for row in journal:
        if row.kind in _POSTED or row.kind == "reversal":
            key = row.refers or row.key
            kind: EntryKind = "reversal" if row.kind == "reversal" else "posting"
            yield Entry(references.get(key, key), kind, _customers(row), row.day, row.at_us)


def _customers(row: JournalRow) -> int:
    """What went through the ATM: the amount without the fee."""
    return max((abs(amount) for book, amount in row.legs if book.startswith(("suspense:", "atm"))), default=0)


# ---------------- the comparison


def settle(done: Sequence[Done], entries: Iterable[Entry], *, may_be_cut: bool = False) -> Settlement:
    """`may_be_cut`: the journal is a file that may end too early."""
    found: dict[str, list[Entry]] = defaultdict(list)
    last_us = 0
    for entry in entries:
        found[entry.reference].append(entry)
        last_us = max(last_us, entry.at_us)
    differences: list[Difference] = []
    cut: list[Difference] = []
    for each in done:
        kind = _difference(each, found.pop(each.reference, []))
        if kind in ("missing", "not_reversed") and may_be_cut and each.ended_us > last_us:
            cut.append(Difference(each.reference, "beyond_the_end"))
        elif kind is not None:
            differences.append(Difference(each.reference, kind))
    differences += [Difference(reference, "not_sent") for reference in sorted(found)]
    states = [each.state for each in done]
    return Settlement(
        len(done), states.count("completed"), states.count("reversed"), tuple(differences), tuple(cut)
    )


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
