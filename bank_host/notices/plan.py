"""What is due, in which order, and what becomes of an attempt: no store, no mail, no clock (requirement R108).

An attempt is claimed by moving its row's time past a lease and counting it; whoever claimed is known by that
count. So a relay that dies leaves nothing behind but a row that is due again, and rows that never get through
come to an end as dead letters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bank_host.jst import HOUR_US, MINUTE_US, time_of_day_us
from bank_host.notices.texts import TEXTS
from bank_host.policy import Figures
from bank_host.store.contract import MailRow, OutboxRow

WAITING, SENT, DEAD = "waiting", "sent", "dead"


class Pace(NamedTuple):
    """How long an attempt may take, how the delay after a failure grows, and when to give up."""

    lease_us: int = 5 * MINUTE_US
    first_delay_us: int = MINUTE_US
    longest_delay_us: int = HOUR_US
    attempts: int = 24  # over most of a day


def addressed(notice: OutboxRow, registered: tuple[str, ...]) -> tuple[MailRow, ...]:
    """The mail rows of a notice: one per address; with none registered a dead letter that says so."""
    addresses = (notice.address,) if notice.address else tuple(dict.fromkeys(registered))
    row = MailRow(
        notice.seq,
        "",
        notice.key,
        notice.at_us,
        notice.account_id,
        notice.kind,
        notice.amount_jpy,
        WAITING,
        0,
        0,  # at once, also where a simulated bank lives ahead of this computer's clock
        "",
    )
    if not addresses:
        return (dead(row, "no address is registered"),)
    return tuple(row._replace(address=address) for address in addresses)


def due(waiting: Iterable[MailRow], now_us: int, figures: Figures) -> tuple[MailRow, ...]:
    """The rows to send now, in the order of their events.

    A row that waits for another attempt holds back the later ones to its address; one that the quiet hours hold
    does not. `waiting` is in the order of the outbox.
    """
    quiet = is_quiet(now_us, figures)
    held_back: set[str] = set()
    ready = []
    for row in waiting:
        if row.address in held_back or (quiet and not is_urgent(row)):
            continue
        if row.next_at_us > now_us:
            held_back.add(row.address)
        else:
            ready.append(row)
    return tuple(ready)


def is_urgent(row: MailRow) -> bool:
    """Whether the quiet hours let it pass; a kind that nobody knows does, so that it is seen."""
    return row.kind not in TEXTS or TEXTS[row.kind].urgent


def is_quiet(now_us: int, figures: Figures) -> bool:
    begin_us, end_us = figures.mail_quiet_hours
    time_us = time_of_day_us(now_us)
    if begin_us < end_us:
        return begin_us <= time_us < end_us
    return time_us >= begin_us or time_us < end_us


# ---------------------------------------------------------------- what becomes of a row


def claimed(row: MailRow, now_us: int, pace: Pace) -> MailRow:
    return row._replace(attempts=row.attempts + 1, next_at_us=now_us + pace.lease_us)


def used_up(row: MailRow, pace: Pace) -> bool:
    """Whether no attempt is left: also where every one was started and none came back."""
    return row.attempts >= pace.attempts


def sent(row: MailRow) -> MailRow:
    return row._replace(state=SENT, problem="")


def dead(row: MailRow, problem: str) -> MailRow:
    return row._replace(state=DEAD, problem=problem)


def delayed(row: MailRow, now_us: int, problem: str, pace: Pace) -> MailRow:
    """Another attempt after a delay that doubles each time up to its cap, or the end."""
    if used_up(row, pace):
        return dead(row, f"given up after {row.attempts} attempts: {problem}")
    delay_us = min(pace.longest_delay_us, pace.first_delay_us << (row.attempts - 1))
    return row._replace(next_at_us=now_us + delay_us, problem=problem)
