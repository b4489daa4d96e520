"""An act of a customer or of the bank's staff: what it may do, what it spends, what it leaves (I2, I17-I21).

The acts that set limits are the event log from which the limit in force is replayed, so they are remembered as they
were asked, in commit order.
"""

from __future__ import annotations

from datetime import date

from atm_sim.checks.invariants import banking
from atm_sim.checks.invariants.answers import remember_outcome
from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import AccountModel, BankModel, CardModel, LimitAct
from atm_sim.checks.invariants.postings import enter
from atm_sim.checks.invariants.promises import audit_tells, expect_notices
from atm_sim.checks.invariants.tries import (
    OPERATOR,
    act_charged,
    code_judged,
    login_judged,
    pin_judged,
    steps_spent,
)
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit
from bank_host.rules.facts import Act

LIMIT_ACTS = ("set_limit", "raise_limit", "cancel_raise")
CARD_ACTS = ("lock_card", "unlock_card", "report_card", "release_pin", "reissue_card")


def acted(bank: BankModel, commit: Commit, written: Written, found: Findings) -> None:
    act = commit.request
    assert isinstance(act, Act)
    if commit.code == "charge":
        act_charged(bank, act, commit, written, found)
        return
    if act.kind == "close_exception":  # perhaps of no account; nothing that the model knows depends on it
        return
    if act.kind != "login":  # judged anew each time
        remember_outcome(bank, act.key, commit.code, found)
    charged = act.key in bank.charged
    bank.charged.discard(act.key)
    account = bank.accounts[act.account_id]
    locked_before = account.otp_locked
    code_judged(account, act, commit, written, charged, found)
    pin_judged(bank, commit, written, charged, found)
    due = ["otp_locked"] if account.otp_locked and not locked_before else []
    if login_judged(account, commit, written, charged, found):
        due.append("password_lapsed")
    needs_code = False
    if commit.code == "done":
        if act.kind in LIMIT_ACTS:
            needs_code, due = _limit_set(bank, account, act, commit, written, found)
        elif act.kind in CARD_ACTS:
            needs_code, due = _card_set(bank, bank.cards[act.card_id], act, commit, written, found)
        elif act.kind == "close_account":
            audit_tells(written, act.kind, "open", "closed", found)
            account.closed = True
        elif act.kind == "release_otp":
            due = ["otp_unlocked"] if locked_before else []
        elif act.kind in banking.DONE:
            needs_code, due = banking.DONE[act.kind](bank, account, act, commit, written, found)
    steps_spent(bank, written.consumed, commit, needs_code, found)
    enter(bank, written, found)
    expect_notices(bank, written, due, found)


def _limit_set(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    """Enter the act into the log; (needs a code, notices due), by whether any date's limit is higher after it."""
    days = account.days(commit.at.day) | {act.day}
    before = {day: account.limit_on(day) for day in days}
    was = _limit_text(account, act)
    account.acts.append(LimitAct(act.kind, act.day, act.amount_jpy))
    higher = any(account.limit_on(day) > before[day] for day in days)
    audit_tells(written, act.kind, was, _limit_text(account, act), found)
    required = "raise" in bank.policy.on(commit.at.day).otp_required
    return higher and required and act.channel != OPERATOR, ["limit_raised"] if higher else []


def _limit_text(account: AccountModel, act: Act) -> str:
    """What the audit says of the setting that an act is about."""
    if act.kind == "set_limit":
        return str(account.standing_jpy)
    return _raise_text(account, act.day)


def _raise_text(account: AccountModel, day: date | None) -> str:
    latest = account.last_of(day)
    if latest is None:
        return f"{day} none"
    return f"{day} {latest.amount_jpy}" if latest.kind == "raise_limit" else f"{day} cancelled"


def _card_set(
    bank: BankModel, card: CardModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    if act.kind == "release_pin":
        audit_tells(written, act.kind, f"tries {card.tries}", "tries 0", found)
        card.tries = 0
        return False, []
    if act.kind == "report_card":
        audit_tells(written, act.kind, card.hot, act.detail, found)
        card.hot = act.detail
        return False, []
    if act.kind == "reissue_card":
        _card_replaced(bank, card, act, written, found)
        return False, []
    was, locked = card.locked, act.kind == "lock_card"
    names = {True: "locked", False: "open"}
    audit_tells(written, act.kind, names[was], names[locked], found)
    card.locked = locked
    releases = was and not locked
    required = "unlock" in bank.policy.on(commit.at.day).otp_required
    notice = [] if was == locked else ["card_locked" if locked else "card_unlocked"]
    return releases and required and act.channel != OPERATOR, notice


def _card_replaced(bank: BankModel, card: CardModel, act: Act, written: Written, found: Findings) -> None:
    """The old card is hot from the commit on that brings the new one."""
    assert act.new_card is not None, "a done act has what it needs"
    before, hot = f"{card.alias} {card.hot or 'valid'}", card.hot or act.detail
    after = f"{card.alias} {hot}, {act.new_card.alias} valid"
    audit_tells(written, act.kind, before, after, found)
    card.hot = hot
    bank.cards[act.new_card.card_id] = CardModel(act.new_card)
