"""The daily ATM limit: what is in force on a date, and what room is left (requirements R78-R97, Q5, Q9).

The last explicit act wins, by host sequence number: a standing limit of 0 suspends every raise recorded
before it, a raise recorded after it opens its own date, and a standing limit above 0 lets suspended raises
hold again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from bank_host.rules.facts import Account, Raise


def effective(account: Account, dated: Raise | None) -> int:
    """The limit of a date in yen; `dated` is the raise recorded for that date, if there is one."""
    standing = account.standing_jpy
    if dated is None or dated.cancelled:
        return standing
    if standing > 0:
        return dated.amount_jpy if dated.amount_jpy > standing else standing
    return dated.amount_jpy if dated.seq > account.zero_seq else 0


def room(limit_jpy: int, used_jpy: int) -> int:
    """What may still be drawn on the date; a limit lowered below today's use leaves 0, never less (R78)."""
    return limit_jpy - used_jpy if limit_jpy > used_jpy else 0


def raise_of(raises: Iterable[Raise], day: date) -> Raise | None:
    """The entry recorded for a date, cancelled or not."""
    return next((entry for entry in raises if entry.day == day), None)


def raise_state(account: Account, entry: Raise, today: date) -> str:
    """How the limit report shows a raise: active, suspended, ended or cancelled (Q9)."""
    if entry.cancelled:
        return "cancelled"
    if entry.day < today:
        return "ended"
    suspended = account.standing_jpy == 0 and entry.seq <= account.zero_seq
    return "suspended" if suspended else "active"
