"""A customer reports a loss: kept as an exception item, which the bank's staff settles (R103-R108, R123-R129, X12).

What the rules give for it is told beside it (`bank_host.rules.compensation`); nothing is decided or paid here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from bank_host.policy import Figures
from bank_host.rules.acts.rule import CUSTOMER, ActRule, audit, done
from bank_host.rules.changes import Outcome, RaiseException
from bank_host.rules.compensation.claim import BY_DEPOSITOR, CAUSES
from bank_host.rules.facts import Act, ActFacts, At

LOSS_CLAIM: Final = "LOSS_CLAIM"
"""The kind of its exception item."""


def _refuse(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    """`day` is the loss's; `data` says the rest: time, after_lock, stolen_on, and what the customer declares."""
    known = {"time", "after_lock", "stolen_on", *BY_DEPOSITOR}
    right = (
        act.detail in CAUSES
        and act.amount_jpy > 0
        and act.day is not None
        and act.day <= at.day
        and all(name in known and isinstance(value, str) and len(value) <= 20 for name, value in act.data)
    )
    return "" if right else "BAD_CLAIM"


def _file(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    told = "; ".join([f"{act.detail} {act.day}", *(f"{name} {value}" for name, value in act.data)])
    item = RaiseException(act.key, LOSS_CLAIM, act.account_id, act.amount_jpy, told)
    return done(item, audit(act, "", f"yen {act.amount_jpy}; {told}"))


def cause_and_day(detail: str) -> tuple[str, date]:
    """Cause and day of a loss, of what its item says."""
    cause, day = detail.split("; ")[0].split()
    return cause, date.fromisoformat(day)


ROWS: Mapping[str, ActRule] = {"file_claim": ActRule(CUSTOMER, _refuse, _file)}
