"""Settings that a customer changes in internet banking, and what the bank's staff does.

Requirements R78-R97, R109-R120 for the cash card, R15-R18, Q1, Q3, Q5, Q7, Q9. Three steps, as with a PIN:
`precheck_act` refuses what needs no secret or asks for the comparison of a code, the host charges the try,
commits and compares, `decide_act` takes the verdict. An act is refused with its own reason before a code is
spent on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import NamedTuple

from bank_host.policy import Figures
from bank_host.policy.figures import CHANNELS
from bank_host.rules.changes import (
    Audit,
    CancelRaise,
    Change,
    ConsumeStep,
    Notify,
    Outcome,
    PutRaise,
    SetAccount,
    SetCard,
)
from bank_host.rules.facts import Account, Act, ActFacts, At, Card, OtpVerdict, Raise
from bank_host.rules.limits import effective, raise_of
from bank_host.rules.otp import normalise

OPERATOR = "operator"


class CompareOtp(NamedTuple):
    """The act needs this code: charge a try, commit, compare, then decide."""

    code: str

    def __repr__(self) -> str:
        return "CompareOtp(code=***)"


def precheck_act(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome | CompareOtp | None:
    """The refusal that needs no secret, the code to compare, or None: decide at once."""
    reason = _refused(act, facts, figures, at)
    if reason:
        return _refusal(act, reason)
    if not _needs_otp(act, facts, figures, at):
        return None
    account, today = facts.account, at.day
    usable = [token for token in facts.tokens if token.expires >= today]
    if account.otp_locked or account.otp_fails >= figures.otp_max_wrong:
        return _refusal(act, "OTP_LOCKED")
    if not usable:
        return _refusal(act, "NO_TOKEN")
    if all(token.locked for token in usable):
        return _refusal(act, "TOKEN_LOCKED")
    if not act.otp:
        return _refusal(act, "OTP_REQUIRED")
    code = normalise(act.otp, figures)
    return CompareOtp(code) if code is not None else _refusal(act, "OTP_FORMAT")


def decide_act(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The outcome; `facts` are fresh, count the charged try and carry the verdict on the code."""
    reason = _refused(act, facts, figures, at)
    spent: tuple[Change, ...] = ()
    if facts.otp is not None:
        if facts.otp.result != "matched":
            return _otp_refused(act, facts, facts.otp, figures)
        spent = _otp_spent(facts.account, facts.otp)
    elif not reason and _needs_otp(act, facts, figures, at):
        reason = "OTP_REQUIRED"
    if reason:  # the code stays spent (Q3)
        refusal = _refusal(act, reason)
        return refusal._replace(changes=spent + refusal.changes)
    return Outcome("done", "", spent + ACTS[act.kind].apply(act, facts, at))


# ---------------------------------------------------------------- when a code is asked for


def _needs_otp(act: Act, facts: ActFacts, figures: Figures, at: At) -> bool:
    """Any limit higher on any date, or a lock released (Q7); lowering and locking need none."""
    if ACTS[act.kind].operator:
        return False
    if "raise" in figures.otp_required and makes_limit_higher(act, facts, at):
        return True
    return "unlock" in figures.otp_required and _releases_lock(act, facts)


def makes_limit_higher(act: Act, facts: ActFacts, at: At) -> bool:
    """Is the effective limit of any date from today on higher after the act than before it?"""
    before, raises = facts.account, facts.raises
    after, raises_after = _limits_after(act, facts, at)
    if effective(after, None) > effective(before, None):  # every date without an entry
        return True
    days = sorted({entry.day for entry in raises + raises_after if entry.day >= at.day})
    return any(
        effective(after, raise_of(raises_after, day)) > effective(before, raise_of(raises, day))
        for day in days
    )


def _limits_after(act: Act, facts: ActFacts, at: At) -> tuple[Account, tuple[Raise, ...]]:
    """Account and raises as they would be with the act done."""
    account, raises = facts.account, facts.raises
    if act.kind == "set_limit":
        zero_seq = at.seq if act.amount_jpy == 0 else account.zero_seq
        return account._replace(standing_jpy=act.amount_jpy, zero_seq=zero_seq), raises
    if act.kind in ("raise_limit", "cancel_raise") and act.day is not None:
        others = tuple(entry for entry in raises if entry.day != act.day)
        cancelled = act.kind == "cancel_raise"
        return account, (
            *others,
            Raise(account.account_id, act.day, act.amount_jpy, at.seq, cancelled),
        )
    return account, raises


def _releases_lock(act: Act, facts: ActFacts) -> bool:
    card = _card(act, facts)
    return act.kind == "unlock_card" and card is not None and card.locked


# ---------------------------------------------------------------- the verdict on a code


def _otp_spent(account: Account, verdict: OtpVerdict) -> tuple[Change, ...]:
    """A right code is consumed, whatever becomes of the act, and the count of wrong ones starts again."""
    return (
        ConsumeStep(verdict.serial, verdict.step),
        SetAccount(account.account_id, "otp_fails", 0),
    )


def _otp_refused(act: Act, facts: ActFacts, verdict: OtpVerdict, figures: Figures) -> Outcome:
    account_id, fails = act.account_id, facts.account.otp_fails
    if verdict.result == "locked_token":  # not a wrong entry: the charge goes back (R121)
        refusal = _refusal(act, "TOKEN_LOCKED", before=f"tries {fails}", after=f"tries {max(fails - 1, 0)}")
        refund = SetAccount(account_id, "otp_fails", max(fails - 1, 0))
        return refusal._replace(changes=(refund, *refusal.changes))
    refusal = _refusal(act, "OTP_USED" if verdict.result == "used" else "OTP_WRONG")
    if fails < figures.otp_max_wrong:
        return refusal
    return refusal._replace(
        changes=(
            *refusal.changes,
            SetAccount(account_id, "otp_locked", True),
            Notify(act.key, account_id, "otp_locked"),
            Audit("host", act.channel, account_id, "otp_lock", "open", "locked", "OTP_LOCKED"),
        )
    )


# ---------------------------------------------------------------- the acts


def _refused(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    """Why the act cannot be done, or ''."""
    rule = ACTS.get(act.kind)
    if rule is None:
        return "UNKNOWN_ACT"
    if (act.channel == OPERATOR) is not rule.operator or act.channel not in (*CHANNELS, OPERATOR):
        return "WRONG_CHANNEL"
    if facts.account.closed:
        return "ACCOUNT_CLOSED"
    return rule.refuse(act, facts, figures, at)


def _refuse_limit(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if act.amount_jpy % figures.atm_standing_step:
        return "BAD_STEP"
    return "" if 0 <= act.amount_jpy <= figures.atm_standing_max else "OUT_OF_RANGE"


def _refuse_raise(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    last_day = at.day + timedelta(days=figures.atm_raise_days_ahead)
    if act.day is None or not at.day <= act.day <= last_day:
        return "DATE_OUT_OF_RANGE"
    if act.amount_jpy % figures.atm_raise_step:
        return "BAD_STEP"
    if act.amount_jpy > figures.atm_raise_cap[facts.account.kind]:
        return "OUT_OF_RANGE"
    return "" if act.amount_jpy > facts.account.standing_jpy else "NOT_ABOVE_STANDING"


def _refuse_cancel(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    entry = raise_of(facts.raises, act.day) if act.day is not None and act.day >= at.day else None
    return "" if entry is not None and not entry.cancelled else "NOTHING_TO_CANCEL"


def _refuse_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if _card(act, facts) is not None else "UNKNOWN_CARD"


def _refuse_report(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if act.detail not in ("lost", "stolen"):
        return "BAD_REPORT"
    return _refuse_card(act, facts, figures, at)


def _never_refused(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return ""


def _set_limit(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    account, amount = facts.account, act.amount_jpy
    changes: tuple[Change, ...] = (SetAccount(account.account_id, "standing_jpy", amount),)
    if amount == 0:  # suspends every raise recorded before it (Q5)
        changes += (SetAccount(account.account_id, "zero_seq", at.seq),)
    changes += _limit_notice(act, facts, at)
    return (*changes, _audit(act, str(account.standing_jpy), str(amount)))


def _raise_limit(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    if act.day is None:
        return ()
    put = PutRaise(act.account_id, act.day, act.amount_jpy, at.seq)
    audit = _audit(act, _entry_text(act, facts), f"{act.day} {act.amount_jpy}")
    return (put, *_limit_notice(act, facts, at), audit)


def _cancel_raise(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    if act.day is None:
        return ()
    audit = _audit(act, _entry_text(act, facts), f"{act.day} cancelled")
    return (CancelRaise(act.account_id, act.day), audit)


def _limit_notice(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    if not makes_limit_higher(act, facts, at):
        return ()
    return (Notify(act.key, act.account_id, "limit_raised", act.amount_jpy),)


def _entry_text(act: Act, facts: ActFacts) -> str:
    entry = raise_of(facts.raises, act.day) if act.day is not None else None
    if entry is None:
        return f"{act.day} none"
    return f"{entry.day} {'cancelled' if entry.cancelled else entry.amount_jpy}"


def _set_card_lock(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    """Locking or releasing; asking for what already holds changes nothing and sends no notice."""
    card, locked = _card(act, facts), act.kind == "lock_card"
    names = {True: "locked", False: "open"}
    if card is None or card.locked is locked:
        return (_audit(act, names[locked], names[locked]),)
    return (
        SetCard(card.card_id, "locked", locked),
        Notify(act.key, act.account_id, "card_locked" if locked else "card_unlocked"),
        _audit(act, names[card.locked], names[locked]),
    )


def _report_card(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    card = _card(act, facts)
    return (SetCard(act.card_id, "hot", act.detail), _audit(act, card.hot if card else "", act.detail))


def _release_pin(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    card = _card(act, facts)
    before = f"tries {card.pin_fails}" if card else ""
    return (SetCard(act.card_id, "pin_fails", 0), _audit(act, before, "tries 0"))


def _release_otp(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    changes: tuple[Change, ...] = (
        SetAccount(act.account_id, "otp_locked", False),
        SetAccount(act.account_id, "otp_fails", 0),
    )
    if facts.account.otp_locked:
        changes += (Notify(act.key, act.account_id, "otp_unlocked"),)
    return (*changes, _audit(act, f"tries {facts.account.otp_fails}", "tries 0"))


def _close_account(act: Act, facts: ActFacts, at: At) -> tuple[Change, ...]:
    return (SetAccount(act.account_id, "closed", True), _audit(act, "open", "closed"))


class _ActRule(NamedTuple):
    """Who may do an act, what speaks against it, and what it changes."""

    operator: bool
    refuse: Callable[[Act, ActFacts, Figures, At], str]
    apply: Callable[[Act, ActFacts, At], tuple[Change, ...]]


ACTS: Mapping[str, _ActRule] = {
    "set_limit": _ActRule(False, _refuse_limit, _set_limit),
    "raise_limit": _ActRule(False, _refuse_raise, _raise_limit),
    "cancel_raise": _ActRule(False, _refuse_cancel, _cancel_raise),
    "lock_card": _ActRule(False, _refuse_card, _set_card_lock),
    "unlock_card": _ActRule(False, _refuse_card, _set_card_lock),
    "report_card": _ActRule(True, _refuse_report, _report_card),
    "release_pin": _ActRule(True, _refuse_card, _release_pin),
    "release_otp": _ActRule(True, _never_refused, _release_otp),
    "close_account": _ActRule(True, _never_refused, _close_account),
}


# ---------------------------------------------------------------- parts


def _card(act: Act, facts: ActFacts) -> Card | None:
    return next((card for card in facts.cards if card.card_id == act.card_id), None)


def _audit(act: Act, before: str, after: str, reason: str = "") -> Audit:
    actor = OPERATOR if act.channel == OPERATOR else "customer"
    return Audit(actor, act.channel, act.account_id, act.kind, before, after, reason)


def _refusal(act: Act, reason: str, before: str = "", after: str = "") -> Outcome:
    return Outcome("refused", reason, (_audit(act, before, after, reason),))
