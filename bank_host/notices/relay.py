"""The relay: hands out what the outbox holds, at least once and in order per address (requirements R103-R108).

Each message is claimed in a commit, sent, and marked in a commit. Dying in between loses nothing: the claim ends
with its lease and the message goes out again, with the same Message-ID. Any number of relays may work on one store.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from typing import NamedTuple, Protocol

from bank_host.jst import jst_date
from bank_host.notices import plan
from bank_host.notices.message import BadAddress, render
from bank_host.notices.plan import Pace
from bank_host.policy import Policy
from bank_host.store.contract import Conflict, MailRow, Store


class AddressRefused(Exception):
    """The receiver will never take mail for this address; its text says why."""


class NotDelivered(Exception):
    """It did not work this time; its text says why."""


class Sink(Protocol):
    """Where messages go. Returning means that the message is safe there; it may get the same message again."""

    def __call__(self, message: EmailMessage) -> None:
        """Raises AddressRefused, NotDelivered or OSError."""


class Counts(NamedTuple):
    """What one pass did."""

    sent: int = 0
    delayed: int = 0  # failed, to be tried again
    dead: int = 0  # became dead letters
    left: int = 0  # still waiting: not due, held by quiet hours, or behind one that is


class Relay:
    def __init__(
        self, store: Store, sink: Sink, clock: Callable[[], int], policy: Policy, pace: Pace | None = None
    ) -> None:
        self._delivery = store.delivery
        self._sink = sink
        self._clock = clock
        self._policy = policy
        self._pace = pace or Pace()

    def run(self) -> Counts:
        """One pass: address the new notices, then deliver everything that is due."""
        results = [row.state for row in self._address()]
        now_us = self._clock()
        figures = self._policy.on(jst_date(now_us))
        held_back: set[str] = set()  # addresses whose notice could not go out in this pass
        for row in plan.due(self._delivery.mail(plan.WAITING), now_us, figures):
            if row.address in held_back:
                continue
            after = self._deliver(row)
            if after is None or after.state == plan.WAITING:
                held_back.add(row.address)
            if after is not None:
                results.append("delayed" if after.state == plan.WAITING else after.state)
        left = sum(1 for _ in self._delivery.mail(plan.WAITING))
        return Counts(results.count(plan.SENT), results.count("delayed"), results.count(plan.DEAD), left)

    def _address(self) -> list[MailRow]:
        """Gives new notices their addresses; returns the dead letters among them."""
        letters: list[MailRow] = []
        for notice in self._delivery.unaddressed():
            rows = plan.addressed(notice, self._delivery.emails(notice.account_id))
            try:
                ours = self._delivery.address(notice.seq, rows)
            except Conflict:
                continue
            letters += [row for row in rows if ours and row.state == plan.DEAD]
        return letters

    def _deliver(self, row: MailRow) -> MailRow | None:
        """What became of the row, or None where another relay was first."""
        if plan.used_up(row, self._pace):
            return self._move(
                row, plan.dead(row, f"given up after {row.attempts} attempts without an answer")
            )
        ours = self._move(row, plan.claimed(row, self._clock(), self._pace))
        return None if ours is None else self._move(ours, self._attempt(ours))

    def _attempt(self, row: MailRow) -> MailRow:
        try:
            message = render(row)
        except BadAddress as problem:
            return plan.dead(row, str(problem))
        except KeyError:
            return plan.dead(row, f"no text for a notice of kind {row.kind}")
        try:
            self._sink(message)
        except AddressRefused as problem:
            return plan.dead(row, str(problem))
        except NotDelivered as problem:
            return plan.delayed(row, self._clock(), str(problem), self._pace)
        except OSError as problem:
            why = problem.strerror or type(problem).__name__
            return plan.delayed(row, self._clock(), why, self._pace)
        return plan.sent(row)

    def _move(self, before: MailRow, after: MailRow) -> MailRow | None:
        try:
            return after if self._delivery.move(before, after) else None
        except Conflict:
            return None
