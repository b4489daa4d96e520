"""Transfers: entered and stored, confirmed with a code, executed at once or when Zengin opens (R16, R22-R31, R57-R61).

The code authorises the transfer that the bank stored, not what a screen shows: an edit is a new entry. The limit of a
day counts what was confirmed on it, reservations included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from bank_host.ledger.entries import received, transferred
from bank_host.policy import Figures
from bank_host.rules.acts.rule import (
    CUSTOMER,
    HOST,
    NOTHING,
    ActRule,
    Needs,
    audit,
    available_jpy,
    code_of_account,
    done,
)
from bank_host.rules.calendar import zengin_due_us
from bank_host.rules.changes import (
    Change,
    KeepSender,
    MoveTransfer,
    Notify,
    OpenTransfer,
    Outcome,
    SetAccount,
)
from bank_host.rules.facts import Act, ActFacts, At, Payee, Sender, Transfer


def digest(account_id: str, payee: Payee, amount_jpy: int) -> str:
    """A fingerprint of everything that the code is given for."""
    text = "\0".join((account_id, *payee, str(amount_jpy)))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def the_transfer(act: Act, facts: ActFacts, state: str) -> Transfer | None:
    return next(
        (each for each in facts.transfers if each.transfer_id == act.transfer and each.state == state), None
    )


# ---------------------------------------------------------------- entry


def _refuse_entry(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if act.payee is None or not act.payee.account_id:
        return "PAYEE_UNKNOWN"
    if act.amount_jpy <= 0:
        return "BAD_AMOUNT"
    return _refuse_order(act.payee, act.amount_jpy, facts)


def _refuse_order(payee: Payee, amount_jpy: int, facts: ActFacts) -> str:
    """What speaks against a transfer of this amount to this payee, now."""
    known = facts.payee
    if not payee.bank and (known is None or known.closed or known.account_id == facts.account.account_id):
        return "PAYEE_UNKNOWN"
    if facts.account.otp_locked:  # R16, said before anything is typed
        return "OTP_LOCKED"
    limit_jpy = facts.customer.transfer_limit_jpy
    if limit_jpy == 0:
        return "TRANSFER_LOCKED"
    if facts.transferred_jpy + amount_jpy > limit_jpy:
        return "TRANSFER_LIMIT_EXCEEDED"
    return "" if available_jpy(facts) >= amount_jpy else "NO_FUNDS"


def _enter(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The new entry takes the place of one that still waits for its code."""
    assert act.payee is not None, "without a payee it was refused"
    entry = Transfer(
        act.key,
        act.account_id,
        act.payee,
        act.amount_jpy,
        digest(act.account_id, act.payee, act.amount_jpy),
        at.now_us,
    )
    dropped = tuple(_dropped(each) for each in facts.transfers if each.state == "pending")
    told = audit(act, "", f"pending {act.amount_jpy} to {act.payee.bank or 'this bank'}")
    return done(*dropped, OpenTransfer(entry), told)


# ---------------------------------------------------------------- correct, cancel


def _refuse_drop(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    return "" if the_transfer(act, facts, "pending") else "NO_PENDING_TRANSFER"


def _drop(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    entry = the_transfer(act, facts, "pending")
    assert entry is not None, "without an entry it was refused"
    return done(_dropped(entry), audit(act, "pending", "dropped"))


def _dropped(entry: Transfer) -> MoveTransfer:
    return MoveTransfer(entry.transfer_id, entry.state, "dropped")


# ---------------------------------------------------------------- confirm


def _refuse_confirmation(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    entry = the_transfer(act, facts, "pending")
    return "NO_PENDING_TRANSFER" if entry is None else _refuse_order(entry.payee, entry.amount_jpy, facts)


def _confirmation_needs(act: Act, facts: ActFacts, figures: Figures, at: At) -> Needs:
    """Every single transfer (R22)."""
    return code_of_account(facts) if "transfer" in figures.otp_required else NOTHING


def _confirm(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    entry = the_transfer(act, facts, "pending")
    assert entry is not None, "without an entry it was refused"
    if not entry.payee.bank:
        told = audit(act, "pending", f"executed {entry.amount_jpy}", "EXECUTED")
        notice = Notify(
            f"{entry.transfer_id}:incoming", entry.payee.account_id, "incoming_transfer", entry.amount_jpy
        )
        return done(*_executed(entry, at), notice, told, reason="EXECUTED")
    due_us = zengin_due_us(at.now_us, entry.amount_jpy, figures)
    if due_us <= at.now_us:
        told = audit(act, "pending", f"executed {entry.amount_jpy}", "EXECUTED")
        return done(*_executed(entry, at), told, reason="EXECUTED")
    held_jpy = facts.account.held_jpy
    return done(
        MoveTransfer(entry.transfer_id, "pending", "reserved", at.day, due_us),
        SetAccount(act.account_id, "held_jpy", held_jpy + entry.amount_jpy),
        audit(act, "pending", f"reserved {entry.amount_jpy}", "RESERVED"),
        reason="RESERVED",
    )


def _executed(entry: Transfer, at: At) -> tuple[Change, ...]:
    return (
        transferred(
            entry.transfer_id,
            at.day,
            entry.account_id,
            entry.payee.bank,
            entry.payee.account_id,
            entry.amount_jpy,
        ),
        MoveTransfer(
            entry.transfer_id, entry.state, "executed", entry.day or at.day, entry.due_us or at.now_us
        ),
    )


# ---------------------------------------------------------------- what the bank does when it is due


def _refuse_execution(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    entry = the_transfer(act, facts, "reserved")
    if entry is None or entry.due_us > at.now_us:
        return "NOT_DUE"
    locked = facts.customer.transfer_limit_jpy == 0 and figures.transfer_lock_holds_reservations
    return "TRANSFER_LOCKED" if locked else ""  # R60: by the policy's switch


def _execute(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """The amount is no longer held; it goes out, unless the account was closed or forced below it meanwhile."""
    entry = the_transfer(act, facts, "reserved")
    assert entry is not None, "without a reservation it was refused"
    account = facts.account
    release = SetAccount(act.account_id, "held_jpy", account.held_jpy - entry.amount_jpy)
    if account.closed or available_jpy(facts) < 0:
        told = audit(act, "reserved", f"failed {entry.amount_jpy}", "FAILED")
        move = MoveTransfer(entry.transfer_id, "reserved", "failed", entry.day, entry.due_us)
        notice = Notify(act.key, act.account_id, "transfer_failed", entry.amount_jpy)
        return done(release, move, notice, told, reason="FAILED")
    told = audit(act, "reserved", f"executed {entry.amount_jpy}", "EXECUTED")
    return done(release, *_executed(entry, at), told, reason="EXECUTED")


def _refuse_receipt(act: Act, facts: ActFacts, figures: Figures, at: At) -> str:
    if facts.account.closed:
        return "ACCOUNT_CLOSED"
    return "" if act.amount_jpy > 0 and act.payee is not None and act.payee.bank else "BAD_AMOUNT"


def _receive(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """Money comes in from another bank; `payee` names the bank and who sent it."""
    assert act.payee is not None, "without a bank it was refused"
    post = received(act.key, at.day, act.account_id, act.payee.bank, act.amount_jpy)
    return done(
        post,
        KeepSender(Sender(post.key, act.payee.bank, act.payee.name)),
        Notify(act.key, act.account_id, "incoming_transfer", act.amount_jpy),
        audit(act, "", f"received {act.amount_jpy} from {act.payee.bank}"),
    )


ROWS: Mapping[str, ActRule] = {
    "enter_transfer": ActRule(CUSTOMER, _refuse_entry, _enter),
    "correct_transfer": ActRule(CUSTOMER, _refuse_drop, _drop),
    "cancel_transfer": ActRule(CUSTOMER, _refuse_drop, _drop),
    "confirm_transfer": ActRule(CUSTOMER, _refuse_confirmation, _confirm, _confirmation_needs),
    "execute_transfer": ActRule(HOST, _refuse_execution, _execute),
    "receive_transfer": ActRule(HOST, _refuse_receipt, _receive),
}
