"""What every store asks of a change before it writes it: the same refusals in memory and in SQL (I1, I3).

A `ValueError` here is a fault of the caller, never an answer to a customer.
"""

from __future__ import annotations

from bank_host.ledger.posting import Post, customer
from bank_host.rules.changes import SetAccount, SetCard, SetCustomer, SetToken
from bank_host.rules.facts import Account, Customer

CUSTOMER = customer("")  # the ledger accounts whose cached balance is the account row's own

WAITING = ("pending", "reserved")  # states of a transfer that an act may still move

# Fields with a writer of their own (posted_jpy: Post, last_step: ConsumeStep) and identities are not here.
FIELDS: dict[type, frozenset[str]] = {
    SetAccount: frozenset(
        {"authenticator", "standing_jpy", "held_jpy", "closed", "zero_seq", "otp_fails", "otp_locked"}
    ),
    SetCard: frozenset({"pvv", "hot", "locked", "pin_fails", "expires"}),
    SetToken: frozenset({"drift_steps", "locked", "expires", "state", "release_on"}),
    SetCustomer: frozenset(Customer._fields) - {"account_id"},
}


def check_legs(post: Post) -> None:
    """A posting has two legs or more, none of them 0, and they sum to 0 (I1)."""
    total_jpy = 0
    for _, amount_jpy in post.legs:
        if not amount_jpy:
            raise ValueError(f"posting {post.kind}: a leg of 0 yen")
        total_jpy += amount_jpy
    if total_jpy or len(post.legs) < 2:
        raise ValueError(f"posting {post.kind}: {len(post.legs)} legs that sum to {total_jpy}, not 0")


def check_field(change: SetAccount | SetCard | SetToken | SetCustomer) -> None:
    """Only fields that a rule may set; a balance moves by postings alone."""
    kind = type(change)
    if change.field not in FIELDS[kind]:
        allowed = ", ".join(sorted(FIELDS[kind]))
        raise ValueError(f"{kind.__name__} cannot set {change.field!r}; it sets {allowed}")


def check_opening(account: Account) -> None:
    """A new account is empty: its opening balance is a posting like any other (I3, I5)."""
    if account.posted_jpy or account.held_jpy:
        raise ValueError("a new account starts at 0 yen; post its opening balance")
