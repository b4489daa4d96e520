"""Advices: what they tell of has happened, so each is accepted and takes effect once (I2, I10, I12, I14, I15).

Reads the message itself (DE4, DE60, DE90, DE95), not what the bank made of it.
"""

from __future__ import annotations

from datetime import date, timedelta

from atm_sim.checks.invariants.answers import remember_outcome
from atm_sim.checks.invariants.decisions import NOTICES
from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import MONEY, BankModel, Transaction
from atm_sim.checks.invariants.postings import count_use, enter, given_back_jpy
from atm_sim.checks.invariants.promises import expect_notices
from atm_sim.checks.invariants.written import Written
from bank_host.host import Commit
from bank_host.iso8583.composite import service_of
from bank_host.iso8583.identity import identity, original_key, quoted_original_key
from bank_host.iso8583.message import Message
from bank_host.rules.changes import CountUse

COMPLETION = "completion"
RECENT_DAYS = 31  # what claims to be older counts as of today


def advised(bank: BankModel, commit: Commit, written: Written, found: Findings) -> None:
    message = commit.request
    assert isinstance(message, Message)
    remember_outcome(bank, identity(message), commit.code, found)
    found.checked["I14"] += 1
    if commit.code != "00":
        found.breach("I14", "00: an advice is never declined", commit.code)
    quoted = quoted_original_key(message)
    about = bank.transactions.get(quoted)
    use = None
    if message.mti[1] == "4":
        if about is None:
            bank.transactions[quoted] = Transaction("", "early")
        else:
            use = _reversed(about, message, written, found)
    elif message.get(60) == COMPLETION:
        if about is not None and about.state == "open":
            _takes_effect(written, "completion", found)
    else:
        use = _stood_in(bank, message, about, commit, written, found)
    if written.exceptions:
        for each in (bank.transactions.get(quoted), bank.transactions.get(original_key(message))):
            if each is not None:
                each.listed = True
    enter(bank, written, found)
    count_use(bank, written, found, use)
    booked = any(post.forced and post.kind != "reversal" for post in written.posts)
    due = NOTICES.get(service_of(message[3]), []) if booked else []
    expect_notices(bank, written, due, found)


def _takes_effect(written: Written, what: str, found: Findings) -> None:
    """An accepted advice about something open is posted or lies on somebody's desk."""
    found.checked["I12"] += 1
    if not written.posts and not written.exceptions:
        found.breach("I12", f"a posting or an exception item for the {what} of an open approval", "neither")


def _reversed(about: Transaction, message: Message, written: Written, found: Findings) -> CountUse | None:
    """Give back exactly what was not paid out, at most once; the day whose limit it used gets it back."""
    due_jpy = int(message[4]) - (int(message[95][:12]) if 95 in message else 0)
    if about.state in ("open", "settled") and about.service in MONEY and due_jpy:
        _takes_effect(written, "reversal", found)
    back_total_jpy = 0
    for post in written.posts:
        found.checked["I10"] += 1
        if about.service not in MONEY:
            found.breach("I10", f"no posting for the reversal of a {about.service}", f"a {post.kind}")
            continue
        back_jpy, fee_jpy = given_back_jpy(post, about)
        back_total_jpy += back_jpy
        if back_jpy != due_jpy:
            found.breach("I10", f"¥{due_jpy:,} given back", f"¥{back_jpy:,}")
        if fee_jpy != (about.fee_jpy if back_jpy == about.amount_jpy else 0):
            found.breach(
                "I10", "the fee given back with the whole amount only", f"¥{fee_jpy:,} of ¥{about.fee_jpy:,}"
            )
    about.reversed_jpy += back_total_jpy
    if not 0 <= about.reversed_jpy <= about.amount_jpy and written.posts:
        found.breach("I10", f"at most ¥{about.amount_jpy:,} given back in all", f"¥{about.reversed_jpy:,}")
    if not back_total_jpy or not about.counted:
        return None
    return CountUse(about.account_id, about.limit_day, about.medium, -back_total_jpy)


def _stood_in(
    bank: BankModel,
    message: Message,
    about: Transaction | None,
    commit: Commit,
    written: Written,
    found: Findings,
) -> CountUse | None:
    """What the switch approved in the bank's absence is posted whatever limit and balance say, and flagged."""
    forced = [post for post in written.posts if post.forced]
    if about is not None and about.state == "early":
        found.checked["I11"] += 1
        if written.posts:
            found.breach("I11", "nothing posted: its reversal came first", "a posting")
    if about is not None and about.state != "declined":
        found.checked["I10"] += 1
        if written.posts and about.state != "early":
            found.breach("I10", "nothing posted: the request itself was", f"a {written.posts[0].kind}")
        return None
    service, amount_jpy = service_of(message[3]), int(message[4])
    if not written.exceptions:
        found.breach("I14", "an exception item for what was approved in stand-in", "none")
    if service not in MONEY or not amount_jpy or _unknown_card(written):
        return None
    if len(forced) != 1:
        found.breach(
            "I14", f"a forced posting of ¥{amount_jpy:,}", f"{len(forced)} among {len(written.posts)}"
        )
        return None
    return _enter_forced(bank, message, about, service, amount_jpy, commit, written)


def _unknown_card(written: Written) -> bool:
    """There is no account to post to, so the exception item is all that can be asked for."""
    return any(item.kind.startswith("COMPLETION_") for item in written.exceptions)


def _approved_on(message: Message, commit: Commit) -> date:
    """The switch says in DE17 on which day it approved; that day's limit is used, even if it is booked later."""
    today = commit.at.day
    for day in (today - timedelta(days=back) for back in range(RECENT_DAYS + 1)):
        if message.get(17) == f"{day:%m%d}":
            return day
    return today


def _enter_forced(
    bank: BankModel,
    message: Message,
    about: Transaction | None,
    service: str,
    amount_jpy: int,
    commit: Commit,
    written: Written,
) -> CountUse | None:
    """Remember it as a transaction of its own, or as the end of the declined one that it overrules."""
    key, atm = identity(message), message[41].rstrip()
    day = _approved_on(message, commit) if about is None else about.limit_day
    books = [book for post in written.posts for book, _ in post.legs if book.startswith("customer:")]
    account_id = books[0].removeprefix("customer:") if books else ""
    medium = "chip" if message.get(22).startswith("05") else "stripe"
    if about is None:
        row_key = quoted_original_key(message) or original_key(message)
        about = bank.transactions[row_key] = Transaction(key, "open", service, amount_jpy, commit.at.now_us)
        bank.originals[key] = row_key
        about.atm = atm
        bank.open_jpy[atm] += about.suspense_jpy
    about.account_id, about.medium, about.limit_day = account_id, medium, day
    about.counted = bank.counts(service, day)
    fees = [opened.authorisation.fee_jpy for opened in written.opened]
    about.fee_jpy = fees[0] if fees else about.fee_jpy
    if not about.counted or account_id not in bank.accounts:
        return None
    return CountUse(account_id, day, medium, amount_jpy)
