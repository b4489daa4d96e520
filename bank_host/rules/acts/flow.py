"""How every act is decided: what speaks against it, what has to be proven, the verdicts, the changes (Q1, Q3, Q7, X1).

Three steps, as with a PIN at an ATM: `precheck_act` refuses what needs no secret or says what to compare, the host
charges a try, commits and compares, `decide_act` takes the verdicts. An act is refused with its own reason before
anything is spent on it.
"""

from __future__ import annotations

from collections.abc import Mapping

from bank_host.policy import Figures
from bank_host.policy.figures import CHANNELS
from bank_host.rules.acts import cards, claims, customer, limits, login, tokens, transfers
from bank_host.rules.acts.rule import (
    CUSTOMER,
    HOST,
    ActRule,
    Compare,
    Needs,
    pin_card,
    refusal,
)
from bank_host.rules.changes import (
    Audit,
    Change,
    ConsumeStep,
    Notify,
    Outcome,
    SetAccount,
    SetCard,
    SetCustomer,
)
from bank_host.rules.facts import Act, ActFacts, At, OtpVerdict
from bank_host.rules.otp import normalise

ACTS: Mapping[str, ActRule] = {
    **limits.ROWS,
    **cards.ROWS,
    **tokens.ROWS,
    **claims.ROWS,
    **customer.ROWS,
    **transfers.ROWS,
    **login.ROWS,
}


def precheck_act(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome | Compare | None:
    """The refusal that needs no secret, what to compare, or None: decide at once."""
    if act.kind == login.LOGIN:
        return login.precheck(act, facts, figures)
    reason = _refused(act, facts, figures, at)
    if reason:
        return refusal(act, reason)
    needs = ACTS[act.kind].needs(act, facts, figures, at)
    reason = _pin_missing(act, facts, figures) if needs.pin else ""
    if not reason and needs.password:
        reason = _password_missing(act, facts, figures)
    if not reason and needs.serials is not None:
        reason = _code_missing(act, facts, needs.serials, figures, at)
    if reason:
        return refusal(act, reason)
    if needs.serials is None and not needs.pin and not needs.password:
        return None
    card = pin_card(act, facts) if needs.pin else None
    return Compare(
        code="" if needs.serials is None else normalise(act.otp, figures) or "",
        second_code=(normalise(act.second_otp, figures) or "") if act.kind == tokens.RESYNC else "",
        serials=needs.serials or (),
        card_id="" if card is None else card.card_id,
        login="password" if needs.password else "",
    )


def decide_act(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The outcome; `facts` are fresh, count the charged tries and carry the verdicts on code, PIN and password."""
    if act.kind == login.LOGIN:
        return login.decide(act, facts, figures, at)
    reason = _refused(act, facts, figures, at)
    needs = Needs() if reason else ACTS[act.kind].needs(act, facts, figures, at)
    spent: tuple[Change, ...] = ()
    if facts.pin_ok is not None:
        if not facts.pin_ok:
            return _pin_refused(act, facts, figures, with_code=needs.serials is not None)
        spent += _pin_right(act, facts)
    if facts.password_ok is not None:
        if not facts.password_ok:
            return _password_refused(act, facts, figures, with_code=needs.serials is not None)
        spent += (_login_refund(act, facts),)
    if facts.otp is not None:
        if facts.otp.result != "matched":
            return _with(spent, _code_refused(act, facts, facts.otp, figures))
        if facts.account.otp_locked:  # by another try, after this one was charged: not consumed (R17)
            return _with(spent, refusal(act, "OTP_LOCKED"))
        spent += _code_spent(act, facts.otp)
    if needs.pin and facts.pin_ok is None:
        reason = "PIN_REQUIRED"
    elif needs.password and facts.password_ok is None:
        reason = "PASSWORD_REQUIRED"
    elif needs.serials is not None and facts.otp is None:
        reason = "OTP_REQUIRED"
    if reason:  # the code stays spent (Q3)
        return _with(spent, refusal(act, reason))
    return _with(spent, ACTS[act.kind].apply(act, facts, figures, at))


def _with(spent: tuple[Change, ...], outcome: Outcome) -> Outcome:
    return outcome._replace(changes=spent + outcome.changes)


def _refused(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    """Why the act cannot be done, or ''."""
    rule = ACTS.get(act.kind)
    if rule is None:
        return "UNKNOWN_ACT"
    allowed = CHANNELS if rule.by == CUSTOMER else (rule.by,)
    if act.channel not in allowed:
        return rule.elsewhere if act.channel in CHANNELS else "WRONG_CHANNEL"
    if facts.account.closed and rule.by != HOST:
        return "ACCOUNT_CLOSED"
    return rule.refuse(act, facts, figures, at)


# ---------------------------------------------------------------- one-time codes


def _code_missing(act: Act, facts: ActFacts, serials: tuple[str, ...], figures: Figures, at: At) -> str:
    """Why no code can be compared, or ''. Nothing of this counts as a wrong entry."""
    account = facts.account
    if account.otp_locked or account.otp_fails >= figures.otp_max_wrong:
        return "OTP_LOCKED"
    devices = [each for each in facts.tokens if each.serial in serials and each.expires >= at.day]
    name = "ID_CARD" if account.authenticator == "id_card" else "TOKEN"
    if not devices:
        return f"NO_{name}"
    if all(each.locked for each in devices):
        return f"{name}_LOCKED"
    entries = (act.otp, act.second_otp) if act.kind == tokens.RESYNC else (act.otp,)
    if not all(entries):
        return "OTP_REQUIRED"
    return "OTP_FORMAT" if any(normalise(entry, figures) is None for entry in entries) else ""


def _code_spent(act: Act, verdict: OtpVerdict) -> tuple[Change, ...]:
    """A right code is consumed, whatever becomes of the act, and the count of wrong ones starts again."""
    return (
        ConsumeStep(verdict.serial, verdict.step),
        SetAccount(act.account_id, "otp_fails", 0),
    )


def _code_refused(act: Act, facts: ActFacts, verdict: OtpVerdict, figures: Figures) -> Outcome:
    fails = facts.account.otp_fails
    if verdict.result == "locked_token":  # not a wrong entry: the charge goes back (R121)
        name = "ID_CARD_LOCKED" if facts.account.authenticator == "id_card" else "TOKEN_LOCKED"
        told = refusal(act, name, before=f"tries {fails}", after=f"tries {max(fails - 1, 0)}")
        return _with((_code_refund(act, facts),), told)
    told = refusal(act, "OTP_USED" if verdict.result == "used" else "OTP_WRONG")
    if fails < figures.otp_max_wrong or facts.account.otp_locked:
        return told
    return told._replace(
        changes=(
            *told.changes,
            SetAccount(act.account_id, "otp_locked", True),
            Notify(act.key, act.account_id, "otp_locked"),
            Audit("host", act.channel, act.account_id, "otp_lock", "open", "locked", "OTP_LOCKED"),
        )
    )


def _code_refund(act: Act, facts: ActFacts) -> SetAccount:
    return SetAccount(act.account_id, "otp_fails", max(facts.account.otp_fails - 1, 0))


# ---------------------------------------------------------------- PINs


def _pin_missing(act: Act, facts: ActFacts, figures: Figures) -> str:
    card = pin_card(act, facts)
    if card is None:
        return "NO_CARD"
    if card.pin_fails >= figures.pin_max_wrong:
        return "PIN_BLOCKED"
    return "" if act.pin_block else "PIN_REQUIRED"


def _pin_right(act: Act, facts: ActFacts) -> tuple[Change, ...]:
    card = pin_card(act, facts)
    return () if card is None else (SetCard(card.card_id, "pin_fails", 0),)


def _pin_refused(act: Act, facts: ActFacts, figures: Figures, *, with_code: bool) -> Outcome:
    """A wrong PIN counts as at an ATM (X1). No code was looked at, so a try charged for one goes back."""
    card = pin_card(act, facts)
    used_up = card is not None and card.pin_fails >= figures.pin_max_wrong
    told = refusal(act, "PIN_BLOCKED" if used_up else "PIN_WRONG")
    return _with((_code_refund(act, facts),), told) if with_code else told


# ---------------------------------------------------------------- the login password


def _password_missing(act: Act, facts: ActFacts, figures: Figures) -> str:
    customer = facts.customer
    if customer.password_lapsed or customer.login_fails >= figures.login_max_wrong:
        return "PASSWORD_LAPSED"
    return "" if act.password is not None and act.password.reveal() else "PASSWORD_REQUIRED"


def _login_refund(act: Act, facts: ActFacts) -> SetCustomer:
    """It was right, so nobody is guessing; failures of the login before stay counted."""
    return SetCustomer(act.account_id, "login_fails", max(facts.customer.login_fails - 1, 0))


def _password_refused(act: Act, facts: ActFacts, figures: Figures, *, with_code: bool) -> Outcome:
    """A wrong password counts as at a login (Q6), so a session that was taken over cannot guess it."""
    told = refusal(act, "PASSWORD_WRONG")
    told = told._replace(changes=(*told.changes, *login.lapse(act, facts.customer, figures)))
    return _with((_code_refund(act, facts),), told) if with_code else told
