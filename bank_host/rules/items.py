"""Exception items: what people do about a case that no rule could settle (requirement X12)."""

from __future__ import annotations

from bank_host.rules.acts.rule import audit, done
from bank_host.rules.changes import CloseException, Outcome
from bank_host.rules.facts import Act

CLOSE = "close_exception"


def close(asked: Act, number: int, kind: str, state: str) -> Outcome:
    """Somebody has dealt with the item; what they did about it stands in the audit row."""
    if state == "closed":
        return Outcome("refused", "ALREADY_CLOSED")
    told = audit(asked, f"item {number} {kind} open", f"item {number} {kind} closed")
    return done(CloseException(asked.detail), told)
