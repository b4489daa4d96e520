"""Locks of the cash card and of the ID card, and what the bank's staff does to cards and accounts.

Requirements R18, R109-R116, R118-R120, R122, Q1, Q5, Q7, X1.
"""

from __future__ import annotations

from collections.abc import Mapping

from bank_host.policy import Figures
from bank_host.rules.acts.rule import (
    CUSTOMER,
    HOST,
    NOTHING,
    OPERATOR,
    ActRule,
    Needs,
    audit,
    code_of_account,
    done,
    never_refused,
    registered,
    the_card,
)
from bank_host.rules.calendar import business_days_after
from bank_host.rules.changes import (
    AddCard,
    Change,
    Notify,
    Outcome,
    SetAccount,
    SetCard,
    SetCustomer,
    SetToken,
)
from bank_host.rules.facts import Act, ActFacts, At, Token
from bank_host.rules.reasons import HOT_CODES

_LOCK_NAMES = {True: "locked", False: "open"}

# ---------------------------------------------------------------- the cash card


def _refuse_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if the_card(act, facts) is not None else "UNKNOWN_CARD"


def _unlock_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    """Releasing a lock needs a code (R116, Q7); unlocking what is open changes nothing and needs none."""
    card = the_card(act, facts)
    releases = card is not None and card.locked
    return code_of_account(facts) if releases and "unlock" in figures.otp_required else NOTHING


def _set_card_lock(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """Locking or releasing; asking for what already holds changes nothing and sends no notice."""
    card, locked = the_card(act, facts), act.kind == "lock_card"
    if card is None or card.locked is locked:
        return done(audit(act, _LOCK_NAMES[locked], _LOCK_NAMES[locked]))
    return done(
        SetCard(card.card_id, "locked", locked),
        Notify(act.key, act.account_id, "card_locked" if locked else "card_unlocked"),
        audit(act, _LOCK_NAMES[card.locked], _LOCK_NAMES[locked]),
    )


def _refuse_report(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if act.detail not in HOT_CODES:
        return "BAD_REPORT"
    return _refuse_card(act, facts, figures, at)


def _report_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    card = the_card(act, facts)
    return done(SetCard(act.card_id, "hot", act.detail), audit(act, card.hot if card else "", act.detail))


def _release_pin(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    card = the_card(act, facts)
    before = f"tries {card.pin_fails}" if card else ""
    return done(SetCard(act.card_id, "pin_fails", 0), audit(act, before, "tries 0"))


def _refuse_new_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    old = the_card(act, facts)
    if old is None:
        return "UNKNOWN_CARD"
    if not old.hot and act.detail not in HOT_CODES:
        return "BAD_REPORT"
    if act.new_pan is None or act.new_card is None or act.new_card.account_id != act.account_id:
        return "BAD_CARD"
    return "NUMBER_TAKEN" if facts.number_taken else ""


def _reissue_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """A card with another number takes the old one's place; the old one is hot from the same commit on."""
    old, new, pan = the_card(act, facts), act.new_card, act.new_pan
    assert old is not None, "an unknown card was refused"
    assert new is not None, "without a new card it was refused"
    assert pan is not None, "without its number it was refused"
    hot = old.hot or act.detail
    changes: tuple[Change, ...] = () if old.hot else (SetCard(old.card_id, "hot", hot),)
    told = audit(act, f"{old.alias} {old.hot or 'valid'}", f"{old.alias} {hot}, {new.alias} valid")
    return done(*changes, AddCard(new, pan), told)


# ---------------------------------------------------------------- the ID card


def id_card(facts: ActFacts) -> Token | None:
    return next(iter(registered(facts, "id_card")), None)


def _refuse_id_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if id_card(facts) is not None else "NO_ID_CARD"


def _lock_id_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """A lock set while a release is under way stays: the paper has to come again."""
    held = id_card(facts)
    if held is None or (held.locked and held.release_on is None):
        return done(audit(act, "locked", "locked"))
    changes: tuple[Change, ...] = (
        SetToken(held.serial, "locked", True),
        SetToken(held.serial, "release_on", None),
    )
    if not held.locked:
        changes += (Notify(act.key, act.account_id, "id_card_locked"),)
    return done(*changes, audit(act, _LOCK_NAMES[held.locked], "locked"))


def _refuse_release(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    held = id_card(facts)
    if held is None:
        return "NO_ID_CARD"
    return "" if held.locked else "NOT_LOCKED"


def _release_id_card(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The paper has come: the lock ends some business days later (R118)."""
    held = id_card(facts)
    assert held is not None, "without an ID card it was refused"
    day = business_days_after(at.day, figures.lock_id_card_paper_delay_bd, figures)
    return done(SetToken(held.serial, "release_on", day), audit(act, "locked", f"locked until {day}"))


def _refuse_end_of_lock(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    held = id_card(facts)
    ends = held is not None and held.locked and held.release_on is not None and held.release_on <= at.day
    return "" if ends else "NOT_DUE"


def _end_id_card_lock(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    held = id_card(facts)
    assert held is not None, "without an ID card it was refused"
    return done(
        SetToken(held.serial, "locked", False),
        SetToken(held.serial, "release_on", None),
        Notify(act.key, act.account_id, "id_card_unlocked"),
        audit(act, "locked", "open"),
    )


# ---------------------------------------------------------------- the account


def _release_otp(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    changes: tuple[Change, ...] = (
        SetAccount(act.account_id, "otp_locked", False),
        SetAccount(act.account_id, "otp_fails", 0),
    )
    if facts.account.otp_locked:
        changes += (Notify(act.key, act.account_id, "otp_unlocked"),)
    return done(*changes, audit(act, f"tries {facts.account.otp_fails}", "tries 0"))


def _close_account(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    return done(SetAccount(act.account_id, "closed", True), audit(act, "open", "closed"))


def _refuse_authenticator(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if act.detail in ("token", "id_card") else "BAD_AUTHENTICATOR"


def _change_authenticator(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """From token to ID card or back; a transfer limit above the new cap is lowered to it (R70)."""
    account = facts.account
    changes: tuple[Change, ...] = (SetAccount(act.account_id, "authenticator", act.detail),)
    cap_jpy = figures.transfer_cap[account.kind][act.detail]
    before, after = account.authenticator, act.detail
    if facts.customer.transfer_limit_jpy > cap_jpy:
        changes += (SetCustomer(act.account_id, "transfer_limit_jpy", cap_jpy),)
        before, after = f"{before} {facts.customer.transfer_limit_jpy}", f"{after} {cap_jpy}"
    return done(*changes, audit(act, before, after))


ROWS: Mapping[str, ActRule] = {
    "lock_card": ActRule(CUSTOMER, _refuse_card, _set_card_lock),
    "unlock_card": ActRule(CUSTOMER, _refuse_card, _set_card_lock, _unlock_needs),
    "report_card": ActRule(OPERATOR, _refuse_report, _report_card),
    "release_pin": ActRule(OPERATOR, _refuse_card, _release_pin),
    "reissue_card": ActRule(OPERATOR, _refuse_new_card, _reissue_card),
    "lock_id_card": ActRule(CUSTOMER, _refuse_id_card, _lock_id_card),
    "release_id_card": ActRule(OPERATOR, _refuse_release, _release_id_card, elsewhere="PAPER_ONLY"),
    "end_id_card_lock": ActRule(HOST, _refuse_end_of_lock, _end_id_card_lock),
    "release_otp": ActRule(OPERATOR, never_refused, _release_otp),
    "close_account": ActRule(OPERATOR, never_refused, _close_account),
    "change_authenticator": ActRule(OPERATOR, _refuse_authenticator, _change_authenticator),
}
