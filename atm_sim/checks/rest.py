"""Liveness: when a scenario says `rest: required`, nothing may be left over once all is said and done (security I12).

The invariants say that nothing wrong happens; these checks say that what has begun also ends. They are looked at when
every fault is over, the staff have counted the ATMs and time has run on until nothing is left to happen. Each has a
name of its own, so that a failure says which end is loose.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from atm_sim.checks.rows import ReplicationRows
from atm_sim.records.check import Check
from atm_sim.sansio.saf import Saf
from bank_host.iso8583.identity import quoted_original_key
from bank_host.jst import DAY_US
from bank_host.ledger.posting import suspense
from bank_host.rules.facts import Authorisation
from bank_host.store.contract import Store

HOLDS: Mapping[str, str] = {
    "rest.end": "the run ends by itself",
    "rest.queues": "no advice waits in a store-and-forward queue",
    "rest.requests": "each request of an ATM was answered, reversed or given to people",
    "rest.approvals": "each approval is completed, settled, reversed, or an open item for people",
    "rest.suspense": "what an ATM's suspense account holds belongs to open items",
    "rest.machines": "each ATM is ready for its next customer",
}
"""Name of a check -> what it promises."""

_ENDED = ("answered", "declined", "abandoned", "reversal_queued", "suspect", "manual")


def rest_checks(
    rows: ReplicationRows,
    stores: Mapping[str, Store],
    queues: Iterable[Saf],
    ready: Mapping[str, bool],
    suspects: frozenset[str],
    quiet_us: int,
) -> list[Check]:
    """One Check for each promise. `stores` by bank; `ready` by ATM: may the next person insert a card? `suspects`
    wait for staff to count the notes, by the key that the bank knows them under. `quiet_us` is the time between the
    last thing that happened and the end that was set to the run."""
    queues = list(queues)
    given_up = frozenset(quoted_original_key(entry.message) for queue in queues for entry in queue.manual)
    on_a_desk = given_up | suspects
    loose = {
        "rest.end": [] if quiet_us > DAY_US else ["something still happened on the last day"],
        "rest.queues": [f"{entry.reason} for {entry.destination}" for q in queues for entry in q.waiting],
        "rest.requests": _unanswered(rows),
        "rest.approvals": [
            text for name, store in stores.items() for text in _open_ends(name, store, on_a_desk)
        ],
        "rest.suspense": [
            text for name, store in stores.items() for text in _unexplained(name, store, on_a_desk)
        ],
        "rest.machines": [atm for atm, idle in ready.items() if not idle],
    }
    return [_check(name, found) for name, found in loose.items()]


def _check(name: str, found: list[str]) -> Check:
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    actual = f"{found[0]}{more}" if found else "nothing left over"
    return Check("rest", name, HOLDS[name], actual, not found)


def _unanswered(rows: ReplicationRows) -> list[str]:
    ended = {row.request_id for row in rows.of(*_ENDED)}
    return [
        f"{row.mti} {row.request_id} of {row.atm}"
        for row in rows.of("sent")
        if row.mti.endswith("00") and row.request_id not in ended
    ]


def _listed(store: Store, on_a_desk: frozenset[str], row: Authorisation) -> bool:
    """Has somebody an open item about it?"""
    return row.original_key in on_a_desk or any(
        item.state == "open" and (item.key == row.key or item.detail == row.original_key)
        for item in store.exceptions()
    )


def _open_ends(bank: str, store: Store, on_a_desk: frozenset[str]) -> Iterator[str]:
    for row in store.authorisations():
        if row.state in ("open", "manual") and not _listed(store, on_a_desk, row):
            yield f"{row.service} of ¥{row.amount_jpy:,} at {row.atm} is {row.state} at {bank}, on nobody's desk"


def _unexplained(bank: str, store: Store, on_a_desk: frozenset[str]) -> Iterator[str]:
    explained: dict[str, int] = defaultdict(int)
    for row in store.authorisations():
        if row.state in ("open", "manual") and _listed(store, on_a_desk, row):
            explained[suspense(row.atm)] += -row.amount_jpy if row.service == "deposit" else row.amount_jpy
    for book, amount_jpy in store.balances():
        if book.startswith(suspense("")) and amount_jpy != explained[book]:
            yield f"{book} holds ¥{amount_jpy:,} at {bank}, ¥{explained[book]:,} of it in open items"
