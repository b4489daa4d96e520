"""Tries and codes: charged before they are compared, never more than allowed, no step twice (I18, I19)."""

from __future__ import annotations

from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import AccountModel, BankModel
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit
from bank_host.rules.changes import ChargeLogin, ChargeOtp, ChargePin, ConsumeStep
from bank_host.rules.facts import Act

OPERATOR = "operator"

#: refusals in which no code was judged: a try charged for one goes back
_NOT_COMPARED = ("TOKEN_LOCKED", "ID_CARD_LOCKED", "PIN_WRONG", "PIN_BLOCKED", "PASSWORD_WRONG")


def pin_charged(bank: BankModel, key: str, commit: Commit, written: Written, found: Findings) -> None:
    """One more comparison of a card's PIN: at most N of them between two resets."""
    most = bank.policy.on(commit.at.day).pin_max_wrong
    for charge in written.charges:
        assert isinstance(charge, ChargePin)
        card = bank.cards[charge.card_id]
        found.checked["I18"] += 1
        if card.tries >= most:
            found.breach(
                "I18", f"at most {most} PIN comparisons between two resets", f"number {card.tries + 1}"
            )
        card.tries += 1
    bank.charged.add(key)


def act_charged(bank: BankModel, act: Act, commit: Commit, written: Written, found: Findings) -> None:
    """One try for each thing that an act has compared: code, PIN, the items of a login."""
    figures = bank.policy.on(commit.at.day)
    for charge in written.charges:
        found.checked["I18"] += 1
        match charge:
            case ChargeOtp():
                account = bank.accounts[charge.account_id]
                most, before, shut = figures.otp_max_wrong, account.otp_tries, account.otp_locked
                account.otp_tries += 1
            case ChargePin():
                card = bank.cards[charge.card_id]
                most, before, shut = figures.pin_max_wrong, card.tries, False
                card.tries += 1
            case ChargeLogin():
                customer = bank.accounts[charge.account_id].customer
                most, before, shut = figures.login_max_wrong, customer.login_tries, customer.lapsed
                customer.login_tries += 1
        if before >= most or shut:
            what = type(charge).__name__.removeprefix("Charge").upper()
            found.breach(
                "I18", f"at most {most} {what} comparisons between two resets", f"number {before + 1}"
            )
    bank.charged.add(act.key)


def compared(charged: bool, what: str, found: Findings) -> None:
    """A verdict was used: it must have been paid for in an earlier commit."""
    found.checked["I18"] += 1
    if not charged:
        found.breach("I18", f"each comparison of a {what} charged before", "a comparison without a charge")


def code_judged(
    account: AccountModel, act: Act, commit: Commit, written: Written, charged: bool, found: Findings
) -> None:
    """The account's OTP counter falls by success, by the refund of a locked token's code, or by the operator."""
    if written.consumed or commit.reason in ("OTP_WRONG", "OTP_USED"):
        compared(charged, "one-time password", found)
    released = commit.code == "done" and act.kind == "release_otp"
    for change in written.accounts:
        if change.field == "otp_locked":
            account.otp_locked = change.value
        elif change.field == "otp_fails":
            found.checked["I18"] += 1
            refunded = charged and commit.reason in _NOT_COMPARED and change.value == account.otp_tries - 1
            if change.value < account.otp_tries and not (written.consumed or released or refunded):
                found.breach(
                    "I18", "the count of OTP tries stays", f"fell from {account.otp_tries} to {change.value}"
                )
            account.otp_tries = change.value


def pin_judged(bank: BankModel, commit: Commit, written: Written, charged: bool, found: Findings) -> None:
    """The count of a card's PIN tries falls in an act only after a comparison that was paid for."""
    for change in written.cards:
        if change.field != "pin_fails" or (commit.code == "done" and _released(commit, "release_pin")):
            continue
        found.checked["I18"] += 1
        card = bank.cards[change.card_id]
        if change.value < card.tries and (not charged or commit.reason in ("PIN_WRONG", "PIN_BLOCKED")):
            found.breach("I18", "the count of PIN tries stays", f"fell from {card.tries} to {change.value}")
        card.tries = change.value


def login_judged(
    account: AccountModel, commit: Commit, written: Written, charged: bool, found: Findings
) -> bool:
    """The count of login tries falls by a login or a new password, and by the one try for a password that was right;
    did the password lapse in this commit?"""
    customer, before = account.customer, account.customer.lapsed
    chosen = _released(commit, "change_password")
    proved = commit.code == "done" and (_released(commit, "login") or chosen)
    if proved:
        compared(charged, "login", found)
    entitled = (proved and charged) or _reissued(commit)
    refunded = customer.login_tries - 1 if chosen and charged and commit.reason != "PASSWORD_WRONG" else None
    for change in written.customers:
        if change.field == "password_lapsed":
            customer.lapsed = change.value
        elif change.field == "login_fails":
            found.checked["I18"] += 1
            if change.value < customer.login_tries and not entitled and change.value != refunded:
                found.breach(
                    "I18",
                    "the count of login tries stays",
                    f"fell from {customer.login_tries} to {change.value}",
                )
            customer.login_tries = change.value
    if before and not customer.lapsed and not _reissued(commit):
        found.breach("I18", "a lapsed password until a new one is issued", "it is valid again")
    return customer.lapsed and not before


def _released(commit: Commit, kind: str) -> bool:
    return isinstance(commit.request, Act) and commit.request.kind == kind


def _reissued(commit: Commit) -> bool:
    return commit.code == "done" and _released(commit, "reissue_password")


def steps_spent(
    bank: BankModel, consumed: list[ConsumeStep], commit: Commit, needs_code: bool, found: Findings
) -> None:
    """Each accepted step is later than the token's last one; what needs a code spends exactly one."""
    for spent in consumed:
        found.checked["I19"] += 1
        last = bank.steps.get(spent.serial, 0)
        if spent.step <= last:
            found.breach("I19", f"a step after {last} of this token", f"step {spent.step} accepted again")
        bank.steps[spent.serial] = max(last, spent.step)
    if commit.code == "done" and needs_code:
        found.checked["I19"] += 1
        if len(consumed) != 1:
            found.breach("I19", "one spent code for each act that needs one", f"{len(consumed)}")
