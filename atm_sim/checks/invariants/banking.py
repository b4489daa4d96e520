"""Acts of internet banking beside the limits: tokens, ID card, data, transfers (I16, I17, I19-I21).

Each judge enters a done act into the model and says whether it needs a code and which notices it owes. What is asked
and answered is all they look at; the rows that the bank wrote are compared with the model in the sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import AccountModel, BankModel, TransferModel
from atm_sim.checks.invariants.promises import audit_tells
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit
from bank_host.rules.facts import Act

Judge = Callable[[BankModel, AccountModel, Act, Commit, Written, Findings], tuple[bool, list[str]]]

_LOCK_NAMES = {True: "locked", False: "open"}


def _required(bank: BankModel, commit: Commit, what: str) -> bool:
    return what in bank.policy.on(commit.at.day).otp_required


# ---------------------------------------------------------------- limit, data, PIN


def _transfer_limit(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    customer = account.customer
    before, customer.transfer_limit_jpy = customer.transfer_limit_jpy, act.amount_jpy
    audit_tells(written, act.kind, str(before), str(act.amount_jpy), found)
    rises = act.amount_jpy > before
    return rises and _required(bank, commit, "raise"), ["transfer_limit_raised"] if rises else []


def _data(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    """A changed address is told to the new ones and to each one given up."""
    new = dict(act.data).get("emails", account.customer.emails)
    old, account.customer.emails = account.customer.emails, new
    told = [] if new == old else ["email_changed"] * (1 + len(set(old) - set(new)))
    return _required(bank, commit, "customer_data"), told


def _pin(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    return _required(bank, commit, "pin_change"), []


def _authenticator(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    """A limit above the cap of the new authenticator comes down to it."""
    for change in written.customers:
        found.checked["I21"] += 1
        if change.field != "transfer_limit_jpy" or change.value >= account.customer.transfer_limit_jpy:
            found.breach(
                "I21", "a transfer limit that comes down, or stays", f"{change.field} {change.value}"
            )
        account.customer.transfer_limit_jpy = change.value
    return False, []


# ---------------------------------------------------------------- tokens and ID card


def _token_lock(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    """A lock is released by a code of another unlocked token; without one by the PIN, and no step is spent."""
    token = bank.tokens[act.serial]
    was, token.locked = token.locked, act.kind == "lock_token"
    audit_tells(written, act.kind, _LOCK_NAMES[was], _LOCK_NAMES[token.locked], found)
    others = any(
        not each.locked and each.state == "registered" and each.device == "token"
        for serial, each in bank.tokens.items()
        if serial != act.serial and each.account_id == act.account_id
    )
    by_code = was and not token.locked and others and bool(written.consumed or not act.pin_block)
    notice = [] if was == token.locked else ["token_locked" if token.locked else "token_unlocked"]
    return by_code and _required(bank, commit, "unlock"), notice


def _id_card_lock(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    locks = act.kind == "lock_id_card"
    notices = []
    for token in bank.tokens.values():
        if token.account_id == act.account_id and token.device == "id_card" and token.state == "registered":
            if token.locked is not locks:
                notices = ["id_card_locked" if locks else "id_card_unlocked"]
            token.locked = locks
    return False, notices


def _exchanged(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    bank.tokens[act.serial].state = "retired"
    return False, []


def _issued(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    if act.token is not None:
        bank.handed_out(act.token, "issued")
    return False, []


def _registered(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    bank.tokens[act.serial].state = "registered"
    return _required(bank, commit, "token_registration"), ["token_registered"]


def _resynchronised(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    return True, []


# ---------------------------------------------------------------- transfers


def _entered(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    for waiting in account.customer.transfers.values():
        if waiting.state == "pending":
            waiting.state = "dropped"
    if act.payee is not None:
        account.customer.transfers[act.key] = TransferModel(act.payee, act.amount_jpy)
    return False, []


def _dropped(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    account.customer.transfers[act.transfer].state = "dropped"
    return False, []


def _confirmed(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    """Within the day's limit and once; posted to the payee that was entered, or held."""
    transfer, customer = account.customer.transfers[act.transfer], account.customer
    found.checked["I16"] += 1
    used_jpy = customer.transferred_on(commit.at.day)
    if used_jpy + transfer.amount_jpy > customer.transfer_limit_jpy:
        most = f"at most ¥{customer.transfer_limit_jpy:,} transferred on {commit.at.day}"
        found.breach("I16", most, f"¥{used_jpy + transfer.amount_jpy:,}")
    found.checked["I17"] += 1
    if account.closed or account.otp_locked or transfer.state != "pending":
        found.breach("I17", "no transfer of a closed or locked account, nor twice", "one was confirmed")
    transfer.day = commit.at.day
    reserved = commit.reason == "RESERVED"
    transfer.state = "reserved" if reserved else "executed"
    if reserved:
        account.held_jpy += transfer.amount_jpy
    else:
        _posted_as_entered(act, transfer, written, found)
    own = not transfer.payee.bank
    return _required(bank, commit, "transfer"), ["incoming_transfer"] if own else []


def _executed(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    transfer = account.customer.transfers[act.transfer]
    account.held_jpy -= transfer.amount_jpy
    if commit.reason == "FAILED":
        transfer.state = "failed"
        return False, ["transfer_failed"]
    transfer.state = "executed"
    _posted_as_entered(act, transfer, written, found)
    return False, []


def _posted_as_entered(act: Act, transfer: TransferModel, written: Written, found: Findings) -> None:
    """The amount leaves the payer's account for the payee that the code was given for."""
    found.checked["I10"] += 1
    payee = transfer.payee
    to = f"clearing:{payee.bank}" if payee.bank else f"customer:{payee.account_id}"
    expected = {f"customer:{act.account_id}": -transfer.amount_jpy, to: transfer.amount_jpy}
    legs = [dict(post.legs) for post in written.posts]
    if legs != [expected]:
        found.breach("I10", f"¥{transfer.amount_jpy:,} posted as it was entered", "something else was posted")


def _received(
    bank: BankModel, account: AccountModel, act: Act, commit: Commit, written: Written, found: Findings
) -> tuple[bool, list[str]]:
    return False, ["incoming_transfer"]


#: the judge of each act once it is done; an act that is not here owes neither code nor notice
DONE: Mapping[str, Judge] = {
    "set_transfer_limit": _transfer_limit,
    "change_customer_data": _data,
    "change_pin_online": _pin,
    "change_authenticator": _authenticator,
    "lock_token": _token_lock,
    "unlock_token": _token_lock,
    "lock_id_card": _id_card_lock,
    "end_id_card_lock": _id_card_lock,
    "exchange_token": _exchanged,
    "issue_token": _issued,
    "register_token": _registered,
    "resync_token": _resynchronised,
    "enter_transfer": _entered,
    "correct_transfer": _dropped,
    "cancel_transfer": _dropped,
    "confirm_transfer": _confirmed,
    "execute_transfer": _executed,
    "receive_transfer": _received,
}
