"""The decision on a card transaction, in the documented order of checks; the first failure answers.

Requirements R84-R86, R97, R115, R120, Q4, Q5, Q10, Q11, X1, X4, X5, X10, X11 and the order of checks in
section 15. Two steps, because a PIN try is charged and committed before the PIN is compared: `precheck`
answers what needs no secret, `decide` is told how the comparison went and looks again at everything that may have
changed in between. A decision has two halves: `judge` looks at everything and gives the answer, `follow` names what
the answer changes. `judge` has two again: `terms` does not look at what moves with each use, `weigh` looks at nothing
else, so whoever decides by the million keeps terms.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bank_host.ledger.entries import authorised
from bank_host.policy import Figures
from bank_host.rules.changes import (
    Audit,
    Change,
    CountMonth,
    CountUse,
    Decision,
    Notify,
    Open,
    SetCard,
)
from bank_host.rules.facts import At, Authorisation, CardFacts, CardRequest
from bank_host.rules.fees import atm_fee
from bank_host.rules.limits import effective
from bank_host.rules.reasons import APPROVED, CODES, HOT_CARD, HOT_CODES, PIN_BLOCKED

YEN = "392"
NOTE_STEP_JPY = 1_000

new = tuple.__new__

#: services that take money from the account -> switch of `atm.counts`
DEBITS = {"withdraw": "withdrawal", "purchase": "j_debit"}

#: kind of posting by service; a service that is not here moves no money
KINDS: Final = {"withdraw": "withdrawal", "purchase": "purchase", "deposit": "deposit"}


class Verdict(NamedTuple):
    """The answer to a card transaction, and nothing that follows from it."""

    code: str  # DE39
    reason: str  # CAPITALS, or '' when approved
    fee_jpy: int = 0
    balance_jpy: int | None = None  # available after an approval


class Terms(NamedTuple):
    """What a request needs, before anybody looks at what is used today and what the account holds."""

    refused: Verdict | None  # whatever is used and left
    used_at_most: int | None = None  # of today's limit, before this use; None = nothing is counted
    used_medium_at_most: int | None = None  # the same of the medium's ceiling
    gain_jpy: int = 0  # of the account, fee included
    fee_jpy: int = 0


def precheck(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision | None:
    """The answer that needs no PIN, or None: charge a try, compare, then `decide`."""
    reason = _card_refused(request, facts, figures)
    if not reason and facts.card.pin_fails >= figures.pin_max_wrong:
        reason = PIN_BLOCKED
    return declined(request, facts, figures, at, reason) if reason else None


def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """The answer once the PIN has been compared; `facts` are fresh and count the charged try."""
    return _decided(judge(request, facts, figures), request, facts, figures, at)


def judge(request: CardRequest, facts: CardFacts, figures: Figures) -> Verdict:
    """The first half of `decide`: every check, in order, and what the use costs."""
    account = facts.account
    available_jpy = account.posted_jpy - account.held_jpy
    return weigh(terms(request, facts, figures), facts.used_jpy, facts.used_medium_jpy, available_jpy)


def terms(request: CardRequest, facts: CardFacts, figures: Figures) -> Terms:
    """Every check but the last two, which look at what moves with each use: the rest of the limit and the money."""
    reason = _card_refused(request, facts, figures)
    if reason:
        return new(Terms, (_refused(reason, facts, figures), None, None, 0, 0))
    if facts.pin_ok is not True:
        used_up = facts.card.pin_fails >= figures.pin_max_wrong
        reason = PIN_BLOCKED if used_up else "PIN_WRONG"
        return new(Terms, (_refused(reason, facts, figures), None, None, 0, 0))

    reason = _service_refused(request, facts, figures) or _amount_refused(request, facts, figures)
    if reason:
        return new(Terms, (_refused(reason, facts, figures), None, None, 0, 0))
    service, amount = request.service, request.amount_jpy
    if service not in KINDS:
        return new(Terms, (None, None, None, 0, 0))
    fee = atm_fee(figures, service, request.partner, facts.account.kind, amount, facts.month_uses)
    if service not in DEBITS:
        return new(Terms, (None, None, None, amount - fee, fee))
    used_at_most = used_medium_at_most = None
    if counts(service, figures):
        used_at_most = effective(facts.account, facts.raise_today) - amount
        ceiling = figures.atm_medium_ceiling[request.medium]
        if ceiling is not None:
            used_medium_at_most = ceiling - amount
    return new(Terms, (None, used_at_most, used_medium_at_most, -amount - fee, fee))


def weigh(asked: Terms, used_jpy: int, used_medium_jpy: int, available_jpy: int) -> Verdict:
    """The last two checks."""
    refused, used_at_most, used_medium_at_most, gain_jpy, fee_jpy = asked
    if refused is not None:
        return refused
    if used_at_most is not None and used_jpy > used_at_most:
        return LIMIT_EXCEEDED
    if used_medium_at_most is not None and used_medium_jpy > used_medium_at_most:
        return LIMIT_EXCEEDED
    left = available_jpy + gain_jpy
    if left < 0 and gain_jpy < 0:
        return NO_FUNDS
    return new(Verdict, (APPROVED, "", fee_jpy, left))


def decide_overtaken(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """The answer to a request whose reversal came first (RI3): 94, nothing posted, the row stays."""
    reason = "REVERSED_FIRST"
    audit = Audit(
        "atm", request.partner, facts.account.account_id, request.service, "", CODES[reason], reason
    )
    return Decision(CODES[reason], reason, (audit,))


def counts(service: str, figures: Figures) -> bool:
    """Does the service use up the daily ATM limit (Q10)? Fees never do."""
    return service in DEBITS and DEBITS[service] in figures.atm_counts


# ---------------------------------------------------------------- checks, each giving a reason or ''


def _card_refused(request: CardRequest, facts: CardFacts, figures: Figures) -> str:
    """Hot card, expiry, the holder's lock, a false card: all before the PIN is looked at (R120)."""
    card = facts.card
    if card.hot:
        return HOT_CARD
    if card.expires < figures.yymm:
        return "CARD_EXPIRED"
    if card.locked:
        return "CARD_LOCKED"
    if not request.genuine:
        return "CARD_NOT_GENUINE"
    return ""


def _service_refused(request: CardRequest, facts: CardFacts, figures: Figures) -> str:
    """What stands between the PIN and the limit."""
    account, service = facts.account, request.service
    if account.closed:
        return "ACCOUNT_CLOSED"
    if request.currency != YEN:
        return "BAD_CURRENCY"
    if service == "purchase":  # at a merchant's terminal, which belongs to no ATM network
        return ""
    partner = figures.partners.get(request.partner)
    if (
        partner is None
        or service == "transfer"  # a transfer needs an OTP, which no ATM asks for (R22)
        or (service == "change_pin" and not partner.pin_change)
        or (account.kind == "corporate" and not partner.accepts_corporate)
    ):
        return "NOT_OFFERED"
    return ""


def _amount_refused(request: CardRequest, facts: CardFacts, figures: Figures) -> str:
    """A limit of 0, an amount that no notes make up (X10)."""
    service, amount = request.service, request.amount_jpy
    if counts(service, figures) and effective(facts.account, facts.raise_today) == 0:
        return "LIMIT_ZERO"
    if service in KINDS and (amount <= 0 or (service != "purchase" and amount % NOTE_STEP_JPY)):
        return "BAD_AMOUNT"
    return ""


# ---------------------------------------------------------------- verdicts

LIMIT_EXCEEDED: Final = Verdict(CODES["LIMIT_EXCEEDED"], "LIMIT_EXCEEDED")
NO_FUNDS: Final = Verdict(CODES["NO_FUNDS"], "NO_FUNDS")


def _refused(reason: str, facts: CardFacts, figures: Figures) -> Verdict:
    if reason == HOT_CARD:
        code = HOT_CODES[facts.card.hot]
    elif reason == PIN_BLOCKED:
        code = figures.pin_block_code
    else:
        code = CODES[reason]
    return new(Verdict, (code, reason, 0, None))


# ---------------------------------------------------------------- what follows
# An approval's records are built by `new`, at half the constructor's cost; a test counts their fields.

#: kind of notice by service (R104, R105)
NOTICES = {"withdraw": "atm_withdrawal", "deposit": "atm_deposit"}


def follow(
    verdict: Verdict,
    request: CardRequest,
    card_id: str,
    account_id: str,
    pin_ok: bool | None,
    figures: Figures,
    at: At,
) -> tuple[Change, ...]:
    """The second half of `decide`. It is told no limit and no balance, so equal verdicts on equal requests of a day
    change the same."""
    code, reason, fee_jpy, _ = verdict
    if reason:
        return _after_refusal(code, reason, request, card_id, account_id, pin_ok, figures, at)
    service, partner = request.service, request.partner
    money = _money(request, account_id, fee_jpy, figures, at)
    state = "open" if money else "completed"
    changes: tuple[Change, ...] = (
        *money,
        new(Open, (_row(request, card_id, account_id, at, APPROVED, "", state, fee_jpy),)),
        new(SetCard, (card_id, "pin_fails", 0)),
        new(Audit, ("atm", partner, account_id, service, "", APPROVED, "")),
    )
    notice = NOTICES.get(service)
    if notice:
        changes += (
            new(CountMonth, (account_id, figures.month, service, 1)),
            new(Notify, (request.key, account_id, notice, request.amount_jpy, "")),
        )
    return changes


def _money(
    request: CardRequest, account_id: str, fee_jpy: int, figures: Figures, at: At
) -> tuple[Change, ...]:
    """What an approval posts, and what it uses of the daily limit; it moves before everything else."""
    service, amount = request.service, request.amount_jpy
    kind = KINDS.get(service)
    if kind is None:
        return ()
    post = authorised(request.key, kind, at.day, account_id, request.atm, amount, fee_jpy)
    if counts(service, figures):
        return post, new(CountUse, (account_id, at.day, request.medium, amount))
    return (post,)


def _after_refusal(
    code: str,
    reason: str,
    request: CardRequest,
    card_id: str,
    account_id: str,
    pin_ok: bool | None,
    figures: Figures,
    at: At,
) -> tuple[Change, ...]:
    """A refusal: its row and its audit line; after a right PIN the count of tries is 0 again (X1)."""
    changes: tuple[Change, ...] = (
        Open(_row(request, card_id, account_id, at, code, reason, "declined", 0)),
        Audit("atm", request.partner, account_id, request.service, "", code, reason),
    )
    if pin_ok:
        changes += (SetCard(card_id, "pin_fails", 0),)
    if figures.notice_refused_withdrawal and request.service == "withdraw":
        changes += (Notify(request.key, account_id, "atm_withdrawal_refused", request.amount_jpy),)
    return changes


def declined(request: CardRequest, facts: CardFacts, figures: Figures, at: At, reason: str) -> Decision:
    """A refusal for a reason that is known, with what follows."""
    return _decided(_refused(reason, facts, figures), request, facts, figures, at)


def _decided(verdict: Verdict, request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    code, reason, fee_jpy, balance_jpy = verdict
    changes = follow(
        verdict, request, facts.card.card_id, facts.account.account_id, facts.pin_ok, figures, at
    )
    return new(Decision, (code, reason, changes, fee_jpy, balance_jpy))


def _row(
    request: CardRequest,
    card_id: str,
    account_id: str,
    at: At,
    code: str,
    reason: str,
    state: str,
    fee_jpy: int,
) -> Authorisation:
    return new(
        Authorisation,
        (
            request.original_key,
            request.key,
            card_id,
            account_id,
            request.partner,
            request.atm,
            request.service,
            request.amount_jpy,
            fee_jpy,
            request.medium,
            at.day,
            at.now_us,
            code,
            reason,
            state,
            0,
            False,
        ),
    )
