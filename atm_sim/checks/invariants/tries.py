"""Tries and codes: charged before they are compared, never more than allowed, no step twice (I18, I19)."""

from __future__ import annotations

from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import AccountModel, BankModel
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit
from bank_host.rules.changes import ChargeOtp, ChargePin, ConsumeStep
from bank_host.rules.facts import Act

OPERATOR = "operator"


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


def otp_charged(bank: BankModel, act: Act, commit: Commit, written: Written, found: Findings) -> None:
    most = bank.policy.on(commit.at.day).otp_max_wrong
    for charge in written.charges:
        assert isinstance(charge, ChargeOtp)
        account = bank.accounts[charge.account_id]
        found.checked["I18"] += 1
        if account.otp_tries >= most or account.otp_locked:
            found.breach(
                "I18", f"at most {most} OTP comparisons between two resets", f"number {account.otp_tries + 1}"
            )
        account.otp_tries += 1
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
            refunded = charged and commit.reason == "TOKEN_LOCKED" and change.value == account.otp_tries - 1
            if change.value < account.otp_tries and not (written.consumed or released or refunded):
                found.breach(
                    "I18", "the count of OTP tries stays", f"fell from {account.otp_tries} to {change.value}"
                )
            account.otp_tries = change.value


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
            found.breach(
                "I19", "one spent code for what raises a limit or releases a lock", f"{len(consumed)}"
            )
