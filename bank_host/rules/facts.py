"""The facts that rules look at: rows as the store loads them, and the requests they are asked about.

Tuples throughout: a withdrawal is decided in microseconds, and nothing a rule sees can change under it.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class At(NamedTuple):
    """When the host decides: its clock, the JST day of that clock (Q4), and its sequence number (Q5)."""

    now_us: int
    day: date
    seq: int


# ---------------------------------------------------------------- rows


class Account(NamedTuple):
    account_id: str  # branch 3 digits + account 7 digits (X14)
    kind: str  # individual | sole_proprietor | corporate
    authenticator: str  # token | id_card
    opened: date
    standing_jpy: int  # the standing daily ATM limit
    posted_jpy: int = 0
    held_jpy: int = 0  # reserved transfers; available = posted - held
    closed: bool = False
    zero_seq: int = 0  # host sequence number of the latest set-to-0; 0 = never
    otp_fails: int = 0
    otp_locked: bool = False


class Card(NamedTuple):
    card_id: str  # keyed HMAC of the PAN, never the PAN
    alias: str
    account_id: str
    expires: str  # YYMM
    pvv: str
    hot: str = ""  # '' | lost | stolen
    locked: bool = False  # by its holder
    pin_fails: int = 0


class Raise(NamedTuple):
    """A dated raise of the ATM limit: holds on `day` only (R90, R91)."""

    account_id: str
    day: date
    amount_jpy: int
    seq: int  # host sequence number of its recording
    cancelled: bool = False


class Token(NamedTuple):
    serial: str
    account_id: str
    secret: str  # base32, 160 bits
    expires: date
    drift_steps: int = 0
    last_step: int = 0
    locked: bool = False

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Token({self._asdict() | {'secret': '***'}})"


class Authorisation(NamedTuple):
    """One financial request and what became of it; a DE90 with card and terminal points to `original_key`."""

    original_key: str
    key: str  # identity of the request message, also its posting key
    card_id: str
    account_id: str
    partner: str
    atm: str
    service: str
    amount_jpy: int
    fee_jpy: int
    medium: str
    limit_day: date  # JST day whose counter it used
    at_us: int
    code: str
    reason: str
    # declined | open | completed (by advice) | settled (by time) | reversed | part_reversed
    # | early (its reversal came first) | manual
    state: str
    reversed_jpy: int = 0
    forced: bool = False


class Exchange(NamedTuple):
    """One message identity with the fingerprint of its content and the answer bytes given (X7)."""

    key: str
    fingerprint: str
    answer: bytes
    at_us: int


class Enrolment(NamedTuple):
    """A new account with everything that comes with it; the balance arrives as the first posting."""

    account: Account
    balance_jpy: int
    cards: tuple[Card, ...]
    tokens: tuple[Token, ...]


# ---------------------------------------------------------------- card transactions


class CardRequest(NamedTuple):
    """A 0200 in the words of the rules."""

    key: str  # identity: the business key of whatever is posted
    original_key: str
    service: str  # withdraw | deposit | balance | change_pin | purchase | transfer
    amount_jpy: int
    currency: str  # ISO 4217 numeric
    partner: str  # policy code of the ATM network ('' = unknown)
    atm: str  # terminal id, DE41 without its padding
    medium: str = "chip"  # chip | stripe
    genuine: bool = True  # CVV or ARQC verdict


class CardFacts(NamedTuple):
    """Everything a card transaction is decided from."""

    card: Card
    account: Account
    raise_today: Raise | None
    used_jpy: int  # net cash authorised today (JST), all media
    used_medium_jpy: int  # the same over the request's medium only (Q11)
    month_uses: int  # uses of the same service in this month, for the fee table (X4)
    pin_ok: bool | None = None  # None until the HSM has spoken


# ---------------------------------------------------------------- the customer's own acts


class Act(NamedTuple):
    """A setting changed in internet banking (pc, smartphone, mobile) or by the bank's staff (operator)."""

    key: str  # request id: a repeat returns the first result
    # set_limit | raise_limit | cancel_raise | lock_card | unlock_card
    # | report_card | release_pin | release_otp | close_account (operator)
    kind: str
    account_id: str
    channel: str
    card_id: str = ""
    amount_jpy: int = 0
    day: date | None = None  # raise_limit, cancel_raise
    otp: str = ""
    detail: str = ""  # report_card: lost | stolen

    def __repr__(self) -> str:
        """Without the one-time password (R14)."""
        return f"Act({self._asdict() | {'otp': '***'}})"


class OtpVerdict(NamedTuple):
    """What the comparison of one code with the account's tokens gave."""

    result: str  # matched | used | locked_token | wrong
    serial: str = ""
    step: int = 0


class ActFacts(NamedTuple):
    """Everything an act is decided from."""

    account: Account
    cards: tuple[Card, ...]
    raises: tuple[Raise, ...]  # today and later, cancelled ones included
    tokens: tuple[Token, ...]
    otp: OtpVerdict | None = None  # None until the code has been compared
