"""Tokens: ordering, exchange, registration, locks, resynchronisation (R36-R44, R110, R112-R117, R121, Q7, Q14)."""

from __future__ import annotations

from collections.abc import Mapping

from bank_host.ledger.entries import charged_fee
from bank_host.policy import Figures
from bank_host.rules.acts.rule import (
    CUSTOMER,
    NOTHING,
    OPERATOR,
    ActRule,
    Needs,
    audit,
    available_jpy,
    done,
    registered,
    the_token,
)
from bank_host.rules.changes import AddToken, Change, Notify, Outcome, SetCustomer, SetToken
from bank_host.rules.facts import Act, ActFacts, At

RESYNC = "resync_token"
_LOCK_NAMES = {True: "locked", False: "open"}


def _refuse_token(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if the_token(act, facts) is not None else "UNKNOWN_TOKEN"


# ---------------------------------------------------------------- ordering and exchange


def _held(facts: ActFacts) -> int:
    """Tokens that the customer has or will get."""
    on_the_way = sum(each.device == "token" and each.state == "issued" for each in facts.tokens)
    return len(registered(facts, "token")) + on_the_way + facts.customer.tokens_ordered


def _fee_jpy(act: Act, facts: ActFacts, figures: Figures) -> int:
    """By the date of the order: the first and a failed one are free (R36, R38, R43, R44, Q14)."""
    if act.kind == "exchange_token":
        return figures.token_fee_lost if act.detail == "lost" else figures.token_fee_failed
    return figures.token_fee_second if _held(facts) else figures.token_fee_first


def _refuse_order(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if _held(facts) >= figures.token_max_per_account:
        return "TOO_MANY_TOKENS"
    return "" if available_jpy(facts) >= _fee_jpy(act, facts, figures) else "NO_FUNDS"


def _refuse_exchange(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    token = the_token(act, facts)
    if token is None:
        return "UNKNOWN_TOKEN"
    if act.detail not in ("failed", "expired", "lost"):
        return "BAD_REASON"
    if act.detail == "expired" and token.expires >= at.day:
        return "NOT_EXPIRED"
    return "" if available_jpy(facts) >= _fee_jpy(act, facts, figures) else "NO_FUNDS"


def _order(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The fee is debited at the order; an exchanged token ends at once."""
    ordered, fee_jpy = facts.customer.tokens_ordered, _fee_jpy(act, facts, figures)
    changes: tuple[Change, ...] = (SetCustomer(act.account_id, "tokens_ordered", ordered + 1),)
    if act.kind == "exchange_token":
        changes += (SetToken(act.serial, "state", "retired"),)
    if fee_jpy:
        changes += (charged_fee(act.key, "token_fee", at.day, act.account_id, fee_jpy),)
    return done(*changes, audit(act, f"ordered {ordered}", f"ordered {ordered + 1} fee {fee_jpy}"))


def _refuse_issue(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if act.token is None or act.token.account_id != act.account_id:
        return "UNKNOWN_TOKEN"
    if not facts.customer.tokens_ordered:
        return "NOTHING_ORDERED"
    return "SERIAL_TAKEN" if facts.serial_taken else ""


def _issue(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    assert act.token is not None, "without a token it was refused"
    ordered = facts.customer.tokens_ordered
    return done(
        AddToken(act.token._replace(state="issued")),
        SetCustomer(act.account_id, "tokens_ordered", ordered - 1),
        audit(act, f"ordered {ordered}", f"ordered {ordered - 1}"),
    )


# ---------------------------------------------------------------- registration


def _refuse_registration(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if the_token(act, facts, state="issued") is None:
        return "UNKNOWN_TOKEN"
    return "TOO_MANY_TOKENS" if len(registered(facts, "token")) >= figures.token_max_per_account else ""


def _registration_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    """PIN, serial number and a code of the new token (R39)."""
    code = (act.serial,) if "token_registration" in figures.otp_required else None
    return Needs(code, pin=True)


def _register(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    count = len(registered(facts, "token"))
    return done(
        SetToken(act.serial, "state", "registered"),
        Notify(act.key, act.account_id, "token_registered"),
        audit(act, f"tokens {count}", f"tokens {count + 1}"),
    )


# ---------------------------------------------------------------- locks


def _unlock_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    """A code of another unlocked token; where there is none, the PIN (R117, Q7)."""
    token = the_token(act, facts)
    if token is None or not token.locked or "unlock" not in figures.otp_required:
        return NOTHING
    tokens = registered(facts, "token")
    if any(not each.locked and each.expires >= at.day for each in tokens):
        return Needs(tuple(each.serial for each in tokens))
    return Needs(pin=True)


def _set_token_lock(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """Locking or releasing one token; asking for what already holds changes nothing and sends no notice."""
    token, locked = the_token(act, facts), act.kind == "lock_token"
    if token is None or token.locked is locked:
        return done(audit(act, _LOCK_NAMES[locked], _LOCK_NAMES[locked]))
    return done(
        SetToken(token.serial, "locked", locked),
        Notify(act.key, act.account_id, "token_locked" if locked else "token_unlocked"),
        audit(act, _LOCK_NAMES[token.locked], _LOCK_NAMES[locked]),
    )


# ---------------------------------------------------------------- resynchronisation


def _resync_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    """Two codes in a row of that very token (RFC 4226, 7.4)."""
    return Needs((act.serial,))


def _resync(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    token, verdict = the_token(act, facts), facts.otp
    assert token is not None, "an unknown token was refused"
    assert verdict is not None, "without its codes it was refused"
    drift = token.drift_steps if verdict.drift_steps is None else verdict.drift_steps
    return done(
        SetToken(act.serial, "drift_steps", drift),
        audit(act, f"drift {token.drift_steps}", f"drift {drift}"),
    )


ROWS: Mapping[str, ActRule] = {
    "order_token": ActRule(CUSTOMER, _refuse_order, _order),
    "exchange_token": ActRule(CUSTOMER, _refuse_exchange, _order),
    "issue_token": ActRule(OPERATOR, _refuse_issue, _issue),
    "register_token": ActRule(CUSTOMER, _refuse_registration, _register, _registration_needs),
    "lock_token": ActRule(CUSTOMER, _refuse_token, _set_token_lock),
    "unlock_token": ActRule(CUSTOMER, _refuse_token, _set_token_lock, _unlock_needs),
    RESYNC: ActRule(CUSTOMER, _refuse_token, _resync, _resync_needs),
}
