"""One unit of work of the host: run it until it commits, then tell whoever watches (security: conflicts run again).

A guarded change whose condition no longer holds (`Refused`) calls for the same: the facts are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from bank_host.iso8583.message import Message
from bank_host.policy import Figures
from bank_host.rules.changes import Change
from bank_host.rules.facts import Act, At, CardRequest, Enrolment
from bank_host.store.contract import Conflict, Refused, Store, UnitOfWork, Wanted

T = TypeVar("T")

CHARGE = "charge"
"""In place of a code: this commit counted a try and decided nothing."""

ENROLLED = "enrolled"

ATTEMPTS = 50
"""How often a unit of work is run before the host gives up: each conflict means that somebody else got on."""

ATTEMPTS_TOGETHER = 5
"""The same for several works in one unit: whoever asked can still run them one by one."""


class Commit(NamedTuple):
    """What one commit did, for those who watch (records, invariant checks); nothing is ever decided from it."""

    bank: str
    at: At
    request: CardRequest | Act | Message | Enrolment
    code: str  # DE39, the outcome of an act, CHARGE or ENROLLED
    reason: str
    changes: tuple[Change, ...]


Work = Callable[[UnitOfWork], tuple[T, Commit | None]]
"""Part of a unit of work: its result, and what it did."""


def run(store: Store, watch: Callable[[Commit], None], work: Work[T]) -> T:
    """The result of the work, once it has committed."""
    return run_together(store, watch, (work,))[0]


def run_together(
    store: Store,
    watch: Callable[[Commit], None],
    works: Sequence[Work[T]],
    wanted: Sequence[Wanted] = (),
    figures: Figures | None = None,
) -> list[T]:
    """The results of several works, done one after the other in one unit of work, once it has committed.

    `wanted` says what they will ask the store for, on the day of `figures`, so that it is fetched at once.
    """
    attempts = ATTEMPTS if len(works) == 1 else ATTEMPTS_TOGETHER
    for _ in range(attempts):
        try:
            with store.begin() as unit:
                if figures is not None:
                    unit.prefetch(wanted, figures.day, figures.month)
                done = [work(unit) for work in works]
        except (Conflict, Refused):
            continue
        for _, commit in done:
            if commit is not None:
                watch(commit)
        return [result for result, _ in done]
    raise Conflict(f"no commit in {attempts} attempts")
