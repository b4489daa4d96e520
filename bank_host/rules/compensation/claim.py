"""A loss claim as facts: what happened when, and who has proved what (requirements R35, R123-R127; Q12, Q13).

The bank bears the proof of exceptions, the depositor that of the conditions; what a claim does not list as proved
is taken as not given.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from bank_host.policy.readers import did_you_mean

# spyware: a program that enters by internet or mail and steals data (R35); phishing: tricked out of the holder (R127)
CAUSES = ("forged", "stolen", "spyware", "phishing")

GROSS_NEGLIGENCE = ("pin_told", "pin_written_on_card", "card_handed_over", "other_gross_negligence")
EXCLUDED_USERS = ("used_by_spouse", "used_by_relative", "used_by_cohabitant", "used_by_domestic_employee")

BY_BANK = (
    "bank_good_faith",  # the bank's own good faith without negligence
    "intent",
    *GROSS_NEGLIGENCE,
    "guessable_pin_after_warnings",  # kept after individual, specific, repeated warnings
    "kept_with_revealing_papers",
    "pin_note_with_card",
    "other_negligence",
    *EXCLUDED_USERS,  # a relative: to the 2nd degree
    "false_statement",  # on a material point
    "war_or_riot",
)
BY_DEPOSITOR = ("prompt_notice", "full_explanation", "police_report")


class Loss(NamedTuple):
    """One unauthorised withdrawal or transfer."""

    at_us: int
    amount_jpy: int
    after_lock: bool = False  # the holder had locked the card, or reported it, before
    above_limit: bool = False  # the limit in force did not allow it


class Claim(NamedTuple):
    claim_id: str
    kind: str  # of the account: individual | sole_proprietor | corporate
    cause: str  # one of CAUSES
    losses: tuple[Loss, ...]
    noticed_us: int  # when the bank was told
    stolen_on: date | None = None  # JST day of the theft; None = not clear, then the first loss counts
    proved: tuple[str, ...] = ()  # names of BY_BANK and BY_DEPOSITOR
    delay_days: int = 0  # days before the notice on which the depositor proves that it could not be given
    insured_paid: tuple[tuple[int, int], ...] = ()  # (calendar year, yen) that the insurance has paid already


def check(claim: Claim) -> None:
    """Refuse what is no claim; a ValueError names the entry."""
    if claim.kind not in ("individual", "sole_proprietor", "corporate"):
        raise ValueError(
            f"kind: no account kind {claim.kind!r}; use individual, sole_proprietor or corporate"
        )
    if claim.cause not in CAUSES:
        raise ValueError(f"cause: no cause {claim.cause!r}{did_you_mean(claim.cause, CAUSES)}")
    known = (*BY_BANK, *BY_DEPOSITOR)
    for name in claim.proved:
        if name not in known:
            raise ValueError(f"proved: no fact {name!r}{did_you_mean(name, known)}")
    if not claim.losses:
        raise ValueError("losses: a claim needs at least one transaction")
    if any(loss.amount_jpy <= 0 for loss in claim.losses):
        raise ValueError("losses: an amount is not above 0 yen")
    if claim.delay_days < 0:
        raise ValueError("delay_days: is below 0")
