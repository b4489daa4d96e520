"""Messages about an earlier request: reversals, completions, stand-in advices, settlement.

Implements the issuer's reversal truth table (rows RI1-RI15), completion and settlement, requirements X6 and
X8. An advice is never declined: the answer is always 00, and what cannot be done by rule becomes an
exception item for people. Repeats of an answered message (RI4) are answered from the stored bytes and never
come here; a repeat whose first sending was lost (RI5) comes here like the first. Serialising on the
original (RI11) is the unit of work's part.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from bank_host.jst import DAY_US, HOUR_US
from bank_host.ledger.entries import authorised, cleared, given_back
from bank_host.policy import Figures
from bank_host.rules.card import DEBITS, KINDS, NOTE_STEP_JPY, NOTICES, counts
from bank_host.rules.changes import (
    Audit,
    Change,
    CountMonth,
    CountUse,
    Decision,
    Notify,
    Open,
    RaiseException,
    Resolve,
)
from bank_host.rules.facts import Account, At, Authorisation, CardFacts, CardRequest
from bank_host.rules.fees import atm_fee
from bank_host.rules.limits import effective, room
from bank_host.rules.reasons import APPROVED


class Claim(NamedTuple):
    """A reversal or completion advice in the words of the rules: what it says about its original."""

    key: str  # identity of this advice
    original_key: str  # DE90 + card + terminal
    card_id: str
    account_id: str  # '' when the bank does not know the card
    partner: str
    atm: str
    service: str
    amount_jpy: int  # DE4
    dispensed_jpy: int | None = None  # DE95: the amount that stands; None when the advice has none


# ---------------------------------------------------------------- reversal


def decide_reversal(
    claim: Claim, original: Authorisation | None, account: Account | None, at: At, figures: Figures
) -> Decision:
    """Rows RI1-RI15. `figures` are those of the original's limit day: what counted then is given back then.

    The card's locks, expiry and the account's state are not asked for (RI15); `account` only shows whether
    a reversed deposit has been spent meanwhile.
    """
    if original is None:  # RI3: remember it, so that the request is declined if it still comes
        remembered: tuple[Change, ...] = (Open(_early(claim, at)), _audit(claim, "ORIGINAL_UNKNOWN"))
        if claim.dispensed_jpy:  # cash went out that no posting speaks of: people see to it
            remembered += (_item(claim, None, "PART_OF_UNKNOWN"),)
        return Decision(APPROVED, "ORIGINAL_UNKNOWN", remembered)
    if _differs(claim, original):  # RI9
        return _exception(claim, original, "REVERSAL_MISMATCH")
    back = _to_give_back(claim, original)
    if original.state in ("reversed", "part_reversed"):
        if back == original.reversed_jpy:  # RI6
            return _recorded(claim, "ALREADY_REVERSED")
        return _exception(claim, original, "REVERSAL_DIFFERS")  # RI9
    if original.state == "early":  # RI6
        return _recorded(claim, "ALREADY_REVERSED")
    if original.state == "declined":  # RI2
        return _recorded(claim, "ORIGINAL_DECLINED")
    if original.service not in KINDS:
        if original.service == "change_pin":  # the new PIN may hold although its holder saw no answer
            return _exception(claim, original, "PIN_CHANGE_REVERSED")
        return _recorded(claim, "NOTHING_POSTED")
    if at.now_us - original.at_us > figures.reversal_retention_days * DAY_US:  # RI13
        return _exception(claim, original, "REVERSAL_TOO_OLD")
    if original.state in ("completed", "manual"):  # RI10
        return _exception(claim, original, "REVERSAL_AFTER_COMPLETION")
    if back is None:  # RI9: DE95 above DE4, or not whole notes
        return _exception(claim, original, "REPLACEMENT_AMOUNT")
    if back == 0:  # RI8
        return _recorded(claim, "NOTHING_REVERSED")
    return _give_back(claim, original, account, back, at, figures)  # RI1, RI7, RI12, RI14, RI15


def _give_back(
    claim: Claim, original: Authorisation, account: Account | None, back: int, at: At, figures: Figures
) -> Decision:
    full = back == original.amount_jpy
    fee = original.fee_jpy if full else 0
    kind = KINDS[original.service]
    available = account.posted_jpy - account.held_jpy if account is not None else 0
    forced = kind == "deposit" and available + fee < back
    changes: list[Change] = [
        given_back(
            original.key,
            kind,
            at.day,
            original.account_id,
            original.atm,
            original.amount_jpy,
            back,
            fee,
            settled=original.state == "settled",
            forced=forced,
        )
    ]
    if counts(original.service, figures):
        changes.append(CountUse(original.account_id, original.limit_day, original.medium, -back))
    if full and original.service != "purchase":
        changes.append(CountMonth(original.account_id, f"{original.limit_day:%Y-%m}", original.service, -1))
    changes.append(Resolve(original.original_key, "reversed" if full else "part_reversed", back))
    reason = "REVERSED" if full else "PART_REVERSED"
    if forced:
        changes.append(_item(claim, original, "FORCED_REVERSAL"))
    changes.append(_audit(claim, reason))
    return Decision(APPROVED, reason, tuple(changes))


def _to_give_back(claim: Claim, original: Authorisation) -> int | None:
    """DE4 - DE95, or None when DE95 makes no sense."""
    stands = claim.dispensed_jpy or 0
    step = 1 if original.service == "purchase" else NOTE_STEP_JPY
    if not 0 <= stands <= original.amount_jpy or stands % step:
        return None
    return original.amount_jpy - stands


# ---------------------------------------------------------------- completion and settlement


def decide_completion(claim: Claim, original: Authorisation | None, at: At, figures: Figures) -> Decision:
    """A 0220 completion advice: the cash was taken, so the suspense account pays it to the ATM's cash."""
    if original is None:
        return _exception(claim, None, "COMPLETION_UNKNOWN")
    if _differs(claim, original):
        return _exception(claim, original, "COMPLETION_MISMATCH")
    if original.state == "completed":
        return _recorded(claim, "ALREADY_COMPLETED")
    if original.state == "settled":
        return Decision(
            APPROVED,
            "ALREADY_SETTLED",
            (Resolve(original.original_key, "completed", 0), _audit(claim, "ALREADY_SETTLED")),
        )
    if original.state != "open":
        return _exception(claim, original, "COMPLETION_NOT_OPEN")
    post = cleared(
        original.key, KINDS[original.service], "completion", at.day, original.atm, original.amount_jpy
    )
    return Decision(
        APPROVED,
        "COMPLETED",
        (post, Resolve(original.original_key, "completed", 0), _audit(claim, "COMPLETED")),
    )


def settle(original: Authorisation, at: At, figures: Figures) -> Decision | None:
    """Clear an approval that was neither completed nor reversed within timer and store-and-forward life.

    It becomes `settled`, not `completed`: nobody has said that the cash was taken, so a late reversal still
    works (RI12).
    """
    if original.state != "open" or at.now_us - original.at_us < figures.settlement_after_h * HOUR_US:
        return None
    post = cleared(
        original.key, KINDS[original.service], "settlement", at.day, original.atm, original.amount_jpy
    )
    audit = Audit("host", "", original.account_id, "settlement", "open", "settled", "SETTLED")
    return Decision(APPROVED, "SETTLED", (post, Resolve(original.original_key, "settled", 0), audit))


# ---------------------------------------------------------------- stand-in


def decide_advice(
    request: CardRequest, facts: CardFacts, original: Authorisation | None, at: At, figures: Figures
) -> Decision:
    """A 0220 for what the switch approved in stand-in: posted whatever limit and balance say (X8).

    `facts` and `figures` are those of the JST day on which the switch approved: its limit is used, its fee asked. The
    posting is of the day on which it is booked. Each thing the bank would have refused is an exception item of its
    own, with the yen it is about.
    """
    if original is not None and original.state == "early":  # its reversal overtook it
        return _noted(request, facts, "REVERSED_FIRST")
    if original is not None and original.state != "declined":  # the request itself had reached the issuer
        return _noted(request, facts, "ALREADY_POSTED")
    account, service, amount = facts.account, request.service, request.amount_jpy
    account_id = account.account_id
    items = [RaiseException(request.key, "STAND_IN", account_id, amount, request.original_key)]
    if service not in KINDS or amount <= 0:
        return Decision(APPROVED, "STAND_IN", (*items, _noted_audit(request, facts, "STAND_IN")))
    fee = atm_fee(figures, service, request.partner, account.kind, amount, facts.month_uses)
    for kind, risk_jpy in _risks(request, facts, original, fee, figures):
        key = f"{request.key}:{kind.lower()}"
        items.append(RaiseException(key, kind, account_id, risk_jpy, request.original_key))
    changes: list[Change] = [
        authorised(request.key, KINDS[service], at.day, account_id, request.atm, amount, fee, True)
    ]
    day = figures.day if original is None else original.limit_day
    if counts(service, figures):
        changes.append(CountUse(account_id, day, request.medium, amount))
    if service != "purchase":
        changes.append(CountMonth(account_id, figures.month, service, 1))
    if original is None:
        changes.append(Open(_forced_row(request, facts, fee, figures.day, at)))
    else:  # the issuer had declined it, the switch paid all the same: people decide what becomes of it
        changes.append(Resolve(original.original_key, "manual", 0))
    notice = NOTICES.get(service)
    if notice is not None:
        changes.append(Notify(request.key, account_id, notice, amount))
    changes += (*items, _noted_audit(request, facts, "STAND_IN"))
    return Decision(APPROVED, "STAND_IN", tuple(changes), fee)


def _risks(
    request: CardRequest, facts: CardFacts, original: Authorisation | None, fee_jpy: int, figures: Figures
) -> Iterator[tuple[str, int]]:
    """What the bank would have said no to, and the yen that went out against it."""
    account, card, amount = facts.account, facts.card, request.amount_jpy
    if original is not None:
        yield "STAND_IN_DECLINED", amount
    if card.hot:
        yield "STAND_IN_HOT_CARD", amount
    elif card.locked:
        yield "STAND_IN_CARD_LOCKED", amount
    if account.closed:
        yield "STAND_IN_ACCOUNT_CLOSED", amount
    if counts(request.service, figures):
        over = amount - room(effective(account, facts.raise_today), facts.used_jpy)
        ceiling = figures.atm_medium_ceiling[request.medium]
        if ceiling is not None:
            over = max(over, amount - room(ceiling, facts.used_medium_jpy))
        if over > 0:
            yield "STAND_IN_OVER_LIMIT", over
    if request.service in DEBITS:
        taken = amount + fee_jpy
        short = min(taken, taken - (account.posted_jpy - account.held_jpy))
        if short > 0:
            yield "STAND_IN_OVER_BALANCE", short


# ---------------------------------------------------------------- parts


def _differs(claim: Claim, original: Authorisation) -> bool:
    """Is the card, the terminal or the amount not the original's?"""
    return (claim.card_id, claim.atm, claim.amount_jpy) != (
        original.card_id,
        original.atm,
        original.amount_jpy,
    )


def _early(claim: Claim, at: At) -> Authorisation:
    return Authorisation(
        claim.original_key,
        claim.key,
        claim.card_id,
        claim.account_id,
        claim.partner,
        claim.atm,
        claim.service,
        claim.amount_jpy,
        0,
        "",
        at.day,
        at.now_us,
        "",
        "ORIGINAL_UNKNOWN",
        "early",
    )


def _forced_row(
    request: CardRequest, facts: CardFacts, fee_jpy: int, limit_day: date, at: At
) -> Authorisation:
    return Authorisation(
        request.original_key,
        request.key,
        facts.card.card_id,
        facts.account.account_id,
        request.partner,
        request.atm,
        request.service,
        request.amount_jpy,
        fee_jpy,
        request.medium,
        limit_day,
        at.now_us,
        APPROVED,
        "STAND_IN",
        "open",
        forced=True,
    )


def _audit(claim: Claim, reason: str) -> Audit:
    return Audit("atm", claim.partner, claim.account_id, "advice", "", APPROVED, reason)


def _noted_audit(request: CardRequest, facts: CardFacts, reason: str) -> Audit:
    return Audit("host", request.partner, facts.account.account_id, request.service, "", APPROVED, reason)


def _recorded(claim: Claim, reason: str) -> Decision:
    return Decision(APPROVED, reason, (_audit(claim, reason),))


def _noted(request: CardRequest, facts: CardFacts, reason: str) -> Decision:
    return Decision(APPROVED, reason, (_noted_audit(request, facts, reason),))


def _item(claim: Claim, original: Authorisation | None, kind: str) -> RaiseException:
    account_id = original.account_id if original is not None else claim.account_id
    return RaiseException(claim.key, kind, account_id, claim.amount_jpy, claim.original_key)


def _exception(claim: Claim, original: Authorisation | None, kind: str) -> Decision:
    return Decision(APPROVED, kind, (_item(claim, original, kind), _audit(claim, kind)))
