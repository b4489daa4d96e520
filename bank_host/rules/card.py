"""The decision on a card transaction, in the documented order of checks; the first failure answers.

Requirements R84-R86, R97, R115, R120, Q4, Q5, Q10, Q11, X1, X4, X5, X10, X11 and the order of checks in
section 15. Two steps, because a PIN try is charged and committed before the PIN is compared: `precheck`
answers what needs no secret, `decide` takes the verdict and looks again at everything that may have changed
in between.
"""

from __future__ import annotations

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
from bank_host.rules.limits import effective, room
from bank_host.rules.reasons import APPROVED, CODES, HOT_CARD, HOT_CODES, PIN_BLOCKED

YEN = "392"
NOTE_STEP_JPY = 1_000

new = tuple.__new__

#: services that take money from the account -> (kind of posting, switch of `atm.counts`)
DEBITS = {"withdraw": ("withdrawal", "withdrawal"), "purchase": ("purchase", "j_debit")}


def precheck(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision | None:
    """The answer that needs no PIN, or None: charge a try, compare, then `decide`."""
    reason = _card_refused(request, facts, figures)
    if not reason and facts.card.pin_fails >= figures.pin_max_wrong:
        reason = PIN_BLOCKED
    return declined(request, facts, figures, at, reason) if reason else None


def decide(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """The answer once the PIN has been compared; `facts` are fresh and count the charged try."""
    reason = _card_refused(request, facts, figures)
    if reason:
        return declined(request, facts, figures, at, reason)
    if facts.pin_ok is not True:
        used_up = facts.card.pin_fails >= figures.pin_max_wrong
        return declined(request, facts, figures, at, PIN_BLOCKED if used_up else "PIN_WRONG")

    reason = _service_refused(request, facts, figures)
    if reason:
        return declined(request, facts, figures, at, reason)
    service = request.service
    if service in DEBITS:
        return _debit(request, facts, figures, at)
    if service == "deposit":
        return _deposit(request, facts, figures, at)
    return _approved(request, facts, figures, at, (), 0, facts.account.posted_jpy - facts.account.held_jpy)


def decide_overtaken(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    """The answer to a request whose reversal came first (RI3): 94, nothing posted, the row stays."""
    reason = "REVERSED_FIRST"
    audit = Audit(
        "atm", request.partner, facts.account.account_id, request.service, "", CODES[reason], reason
    )
    return Decision(CODES[reason], reason, (audit,))


def counts(service: str, figures: Figures) -> bool:
    """Does the service use up the daily ATM limit (Q10)? Fees never do."""
    return service in DEBITS and DEBITS[service][1] in figures.atm_counts


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


def _limit_refused(request: CardRequest, facts: CardFacts, figures: Figures, counted: bool) -> str:
    """Rows 6 to 8."""
    amount = request.amount_jpy
    limit = effective(facts.account, facts.raise_today)
    if counted and limit == 0:
        return "LIMIT_ZERO"
    if amount <= 0 or (request.service == "withdraw" and amount % NOTE_STEP_JPY):
        return "BAD_AMOUNT"
    if counted:
        if amount > room(limit, facts.used_jpy):
            return "LIMIT_EXCEEDED"
        ceiling = figures.atm_medium_ceiling[request.medium]
        if ceiling is not None and amount > room(ceiling, facts.used_medium_jpy):
            return "LIMIT_EXCEEDED"
    return ""


# ---------------------------------------------------------------- outcomes
# An approval's records are built by `new`, at half the constructor's cost; a test counts their fields.


def _debit(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    kind, switch = DEBITS[request.service]
    counted = switch in figures.atm_counts
    reason = _limit_refused(request, facts, figures, counted)
    if reason:
        return declined(request, facts, figures, at, reason)
    account, amount = facts.account, request.amount_jpy
    fee = atm_fee(figures, request.service, request.partner, account.kind, amount, facts.month_uses)
    left = account.posted_jpy - account.held_jpy - amount - fee
    if left < 0:
        return declined(request, facts, figures, at, "NO_FUNDS")
    post: tuple[Change, ...] = (
        authorised(request.key, kind, at.day, account.account_id, request.atm, amount, fee),
    )
    if counted:
        post += (new(CountUse, (account.account_id, at.day, request.medium, amount)),)
    return _approved(request, facts, figures, at, post, fee, left)


def _deposit(request: CardRequest, facts: CardFacts, figures: Figures, at: At) -> Decision:
    account, amount = facts.account, request.amount_jpy
    if amount <= 0 or amount % NOTE_STEP_JPY:  # banknotes only (X10)
        return declined(request, facts, figures, at, "BAD_AMOUNT")
    fee = atm_fee(figures, "deposit", request.partner, account.kind, amount, facts.month_uses)
    post = authorised(request.key, "deposit", at.day, account.account_id, request.atm, amount, fee)
    left = account.posted_jpy - account.held_jpy + amount - fee
    return _approved(request, facts, figures, at, (post,), fee, left)


#: kind of notice by service (R104, R105)
NOTICES = {"withdraw": "atm_withdrawal", "deposit": "atm_deposit"}


def _approved(
    request: CardRequest,
    facts: CardFacts,
    figures: Figures,
    at: At,
    money: tuple[Change, ...],
    fee_jpy: int,
    balance_jpy: int,
) -> Decision:
    """Everything that follows from an approval: `money` moves first, then rows, notice and audit."""
    account_id, service, partner = facts.account.account_id, request.service, request.partner
    state = "open" if money else "completed"
    changes: tuple[Change, ...] = (
        *money,
        new(Open, (_row(request, facts, at, APPROVED, "", state, fee_jpy),)),
        new(SetCard, (facts.card.card_id, "pin_fails", 0)),
        new(Audit, ("atm", partner, account_id, service, "", APPROVED, "")),
    )
    notice = NOTICES.get(service)
    if notice:
        changes += (
            new(CountMonth, (account_id, figures.month, service, 1)),
            new(Notify, (request.key, account_id, notice, request.amount_jpy, "")),
        )
    return new(Decision, (APPROVED, "", changes, fee_jpy, balance_jpy))


def declined(request: CardRequest, facts: CardFacts, figures: Figures, at: At, reason: str) -> Decision:
    """A refusal: its row and its audit line; after a right PIN the count of tries is 0 again (X1)."""
    account_id = facts.account.account_id
    if reason == HOT_CARD:
        code = HOT_CODES[facts.card.hot]
    elif reason == PIN_BLOCKED:
        code = figures.pin_block_code
    else:
        code = CODES[reason]
    changes: tuple[Change, ...] = (
        Open(_row(request, facts, at, code, reason, "declined", 0)),
        Audit("atm", request.partner, account_id, request.service, "", code, reason),
    )
    if facts.pin_ok:
        changes += (SetCard(facts.card.card_id, "pin_fails", 0),)
    if figures.notice_refused_withdrawal and request.service == "withdraw":
        changes += (Notify(request.key, account_id, "atm_withdrawal_refused", request.amount_jpy),)
    return Decision(code, reason, changes)


def _row(
    request: CardRequest, facts: CardFacts, at: At, code: str, reason: str, state: str, fee_jpy: int
) -> Authorisation:
    account_id = facts.account.account_id
    return new(
        Authorisation,
        (
            request.original_key,
            request.key,
            facts.card.card_id,
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
