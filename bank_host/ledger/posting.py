"""The balanced postings of an ATM bank, append-only and in integer yen (invariants I1, I2, I8).

Sign: a leg is positive where the bank owes more (a customer's balance grows), negative where it owes less.
A withdrawal moves money from the customer to the suspense account of that ATM at once; the completion
advice moves it on to the ATM's cash account, which therefore holds the net cash that this ATM has paid out
for this bank. A deposit is the mirror image. Corrections are new postings that refer to the old one;
nothing is ever edited.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

FEES = "fees"
OPENING = "opening"


def customer(account_id: str) -> str:
    return f"customer:{account_id}"


def suspense(atm: str) -> str:
    return f"suspense:{atm}"


def atm_cash(atm: str) -> str:
    return f"atm:{atm}"


def clearing(bank: str) -> str:
    """What this bank owes another one for transfers."""
    return f"clearing:{bank}"


class Post(NamedTuple):
    """One journal transaction: `legs` are (ledger account, signed yen), sum 0; `key` is unique for ever."""

    key: str
    # opening, withdrawal, deposit, purchase, completion, reversal, settlement, transfer, incoming_transfer, token_fee
    kind: str
    day: date  # JST posting day
    legs: tuple[tuple[str, int], ...]
    refers: str = ""  # key of the posting that this one completes or corrects
    forced: bool = False  # posted although limit or balance spoke against it (X8)
