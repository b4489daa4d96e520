"""The money of one commit: balanced postings, one for each key, covered balances (I1, I2, I4, I8, I10, I15)."""

from __future__ import annotations

from atm_sim.checks.invariants.findings import Findings
from atm_sim.checks.invariants.model import MONEY, BankModel, Transaction
from atm_sim.checks.invariants.written import Written
from bank_host.ledger.posting import FEES, Post
from bank_host.rules.changes import CountUse

#: how a transaction may move on; one that is not here has ended
_NEXT = {
    "open": ("completed", "settled", "reversed", "part_reversed", "manual"),
    "settled": ("completed", "reversed", "part_reversed", "manual"),
    "declined": ("manual",),
}


def enter(bank: BankModel, written: Written, found: Findings) -> None:
    """Judge and book every posting of a commit, then compare the suspense accounts it touched."""
    for post in written.posts:
        _balanced(post, found)
        _first_of_its_key(bank, post, found)
        _book(bank, post, found)
    if written.resolved:
        _resolve(bank, written, found)
    for post in written.posts:
        for book, _ in post.legs:
            if book.startswith("suspense:"):
                _suspense_is_open(bank, book[9:], found)


def _balanced(post: Post, found: Findings) -> None:
    found.checked["I1"] += 1
    total_jpy = 0
    for _, amount_jpy in post.legs:
        total_jpy += amount_jpy
        if not amount_jpy:
            found.breach("I1", "no leg of 0 yen", f"a leg of 0 yen in a {post.kind}")
    if total_jpy or len(post.legs) < 2:
        found.breach("I1", "two legs or more that sum to ¥0", f"{len(post.legs)} that sum to ¥{total_jpy:,}")


def _first_of_its_key(bank: BankModel, post: Post, found: Findings) -> None:
    found.checked["I2"] += 1
    if post.key in bank.posted:
        found.breach("I2", "one posting", f"a second one, a {post.kind}, under one key")
    bank.posted.add(post.key)


def _book(bank: BankModel, post: Post, found: Findings) -> None:
    about = bank.transactions.get(bank.originals.get(post.refers or post.key, ""))
    for book, amount_jpy in post.legs:
        kind, _, name = book.partition(":")
        if kind == "customer":
            _move_customer(bank, name, amount_jpy, post.forced, found)
        elif kind == "suspense":
            bank.suspense[name] += amount_jpy
        elif kind == "atm":
            bank.atm_cash[name] += amount_jpy
            if about is not None:
                about.cash_jpy += amount_jpy


def _move_customer(bank: BankModel, account_id: str, amount_jpy: int, forced: bool, found: Findings) -> None:
    account = bank.accounts.get(account_id)
    if account is None:
        found.breach("I5", "a posting to an account that was opened", "one to an account nobody opened")
        return
    account.balance_jpy += amount_jpy
    if amount_jpy < 0:
        found.checked["I4"] += 1
        available_jpy = account.balance_jpy - account.held_jpy
        if available_jpy < 0 and not forced:
            found.breach("I4", "¥0 or more available after an unforced posting", f"¥{available_jpy:,}")


def _suspense_is_open(bank: BankModel, atm: str, found: Findings) -> None:
    found.checked["I8"] += 1
    held_jpy, open_jpy = bank.suspense[atm], bank.open_jpy[atm]
    if held_jpy != open_jpy:
        found.breach("I8", f"¥{open_jpy:,} in suspense for {atm}: its open authorisations", f"¥{held_jpy:,}")
        bank.open_jpy[atm] = held_jpy  # once, not again at each later commit of this ATM


# ---------------------------------------------------------------- what became of a transaction


def _resolve(bank: BankModel, written: Written, found: Findings) -> None:
    """A transaction moves on: by a state that may follow, by a reversal within its amount."""
    for resolve in written.resolved:
        found.checked["I10"] += 1
        about = bank.transactions.get(resolve.original_key)
        if about is None:
            found.breach("I10", "the end of a known transaction", f"{resolve.state} of an unknown one")
            continue
        if resolve.state not in _NEXT.get(about.state, ()):
            found.breach(
                "I10", f"nothing after {about.state}: a transaction ends once", f"it became {resolve.state}"
            )
        before_jpy = about.suspense_jpy
        about.state = resolve.state
        bank.open_jpy[about.atm] += about.suspense_jpy - before_jpy
        if resolve.state in ("reversed", "part_reversed"):
            about.reversed_jpy = max(about.reversed_jpy, resolve.reversed_jpy)


def given_back_jpy(post: Post, about: Transaction) -> tuple[int, int]:
    """Amount and fee that a reversal posting gives back to the customer."""
    customer_jpy = sum(amount_jpy for book, amount_jpy in post.legs if book.startswith("customer:"))
    fee_jpy = -sum(amount_jpy for book, amount_jpy in post.legs if book == FEES)
    return MONEY[about.service] * (customer_jpy - fee_jpy), fee_jpy


# ---------------------------------------------------------------- the limit counter


def count_use(bank: BankModel, written: Written, found: Findings, use: CountUse | None) -> None:
    """`use` is how the counter of one account, day and medium must move; None = every counter stays."""
    if use is None and not written.uses:
        return
    found.checked["I15"] += 1
    due = [use] if use is not None else []
    if written.uses != due:
        found.breach("I15", f"the limit counter moves by {_uses_text(due)}", f"by {_uses_text(written.uses)}")
    if use is not None:
        by_medium = bank.accounts[use.account_id].used.setdefault(use.day, {})
        by_medium[use.medium] = by_medium.get(use.medium, 0) + use.amount_jpy


def _uses_text(uses: list[CountUse]) -> str:
    return " and ".join(f"¥{use.amount_jpy:,} on {use.day} ({use.medium})" for use in uses) or "nothing"
