"""The postings of each banking event: who pays whom, one balanced transaction each (invariants I1, I2, I8).

A key is the message identity of what is posted; completions, settlements and reversals hang theirs on the
key of the posting they refer to, so that each can exist once however often it is asked for.
"""

from __future__ import annotations

from datetime import date

from bank_host.ledger.posting import FEES, OPENING, Post, atm_cash, clearing, customer, suspense

DEPOSIT = "deposit"
TRANSFER_KEY = "transfer:"
"""What the posting key of a customer's transfer begins with; its id follows."""


def signed(kind: str, amount_jpy: int) -> int:
    """What the customer's balance gains: a deposit adds, everything else takes."""
    return amount_jpy if kind == DEPOSIT else -amount_jpy


def opening(account_id: str, amount_jpy: int, day: date) -> Post:
    """The balance an account starts with."""
    return Post(
        f"opening:{account_id}", "opening", day, ((customer(account_id), amount_jpy), (OPENING, -amount_jpy))
    )


def authorised(
    key: str,
    kind: str,
    day: date,
    account_id: str,
    atm: str,
    amount_jpy: int,
    fee_jpy: int,
    forced: bool = False,
) -> Post:
    """A withdrawal, purchase or deposit at its approval: customer, suspense account of the ATM, fee."""
    gain = amount_jpy if kind == DEPOSIT else -amount_jpy
    if fee_jpy:
        legs: tuple[tuple[str, int], ...] = (
            (f"customer:{account_id}", gain - fee_jpy),
            (f"suspense:{atm}", -gain),
            (FEES, fee_jpy),
        )
    else:
        legs = ((f"customer:{account_id}", gain), (f"suspense:{atm}", -gain))
    return tuple.__new__(
        Post, (key, kind, day, legs, "", forced)
    )  # on the way of every approval: half the cost


def cleared(key: str, kind: str, how: str, day: date, atm: str, amount_jpy: int) -> Post:
    """Suspense becomes cash of the ATM: `how` is completion (by advice) or settlement (by time)."""
    gain = signed(kind, amount_jpy)
    return Post(f"{key}:{how}", how, day, ((suspense(atm), gain), (atm_cash(atm), -gain)), key)


def given_back(
    key: str,
    kind: str,
    day: date,
    account_id: str,
    atm: str,
    amount_jpy: int,
    back_jpy: int,
    fee_jpy: int,
    *,
    settled: bool = False,
    forced: bool = False,
) -> Post:
    """A reversal: `back_jpy` returns to the customer, the rest is the cash that did change hands.

    An open authorisation leaves the suspense account whole; one that was settled meanwhile is corrected in
    the ATM's cash.
    """
    back = -signed(kind, back_jpy)
    stays = signed(kind, amount_jpy - back_jpy)
    if settled:
        legs = [(customer(account_id), back + fee_jpy), (atm_cash(atm), -back)]
    else:
        legs = [(customer(account_id), back + fee_jpy), (suspense(atm), stays - back)]
        if stays:
            legs.append((atm_cash(atm), -stays))
    if fee_jpy:
        legs.append((FEES, -fee_jpy))
    return Post(f"{key}:reversal", "reversal", day, tuple(legs), key, forced)


def transferred(
    transfer_id: str, day: date, account_id: str, bank: str, payee_id: str, amount_jpy: int
) -> Post:
    """A customer's transfer: to another customer, or to the clearing account of the payee's bank."""
    to = clearing(bank) if bank else customer(payee_id)
    legs = ((customer(account_id), -amount_jpy), (to, amount_jpy))
    return Post(TRANSFER_KEY + transfer_id, "transfer", day, legs)


def received(key: str, day: date, account_id: str, bank: str, amount_jpy: int) -> Post:
    """A transfer from another bank."""
    legs = ((clearing(bank), -amount_jpy), (customer(account_id), amount_jpy))
    return Post(f"received:{key}", "incoming_transfer", day, legs)


def charged_fee(key: str, kind: str, day: date, account_id: str, fee_jpy: int) -> Post:
    """A fee for something that is no transaction: a token."""
    return Post(f"fee:{key}", kind, day, ((customer(account_id), -fee_jpy), (FEES, fee_jpy)))


def problems(post: Post) -> tuple[str, ...]:
    """What is wrong with a posting: fewer than two legs, a zero leg, or a sum that is not 0 (I1)."""
    found = []
    if len(post.legs) < 2:
        found.append("has fewer than two legs")
    if any(amount == 0 for _, amount in post.legs):
        found.append("has a zero leg")
    if (total := sum(amount for _, amount in post.legs)) != 0:
        found.append(f"its legs sum to {total}")
    return tuple(found)
