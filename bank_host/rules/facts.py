"""The facts that rules look at: rows as the store loads them, and the requests they are asked about.

Tuples throughout: a withdrawal is decided in microseconds, and nothing a rule sees can change under it.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from bank_host.secrets import Pan, Secret


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
    """A device that answers for its holder: a token shows codes by time, an ID card holds a table of them."""

    serial: str
    account_id: str
    secret: str  # base32, 160 bits
    expires: date
    drift_steps: int = 0
    last_step: int = 0  # latest spent time step; of an ID card the latest challenge answered
    locked: bool = False
    device: str = "token"  # token | id_card
    state: str = "registered"  # issued (on its way to the holder) | registered | retired (exchanged)
    release_on: date | None = None  # of an ID card: JST day on which its lock ends, once the paper has come

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Token({self._asdict() | {'secret': '***'}})"


class Customer(NamedTuple):
    """Who holds an account and how they enter it; apart from the account, which every ATM transaction loads."""

    account_id: str
    name: str = ""
    address: str = ""
    phone: str = ""
    emails: tuple[str, ...] = ()
    birthday: date | None = None
    login_id: str = ""  # '' = none set (R45)
    password_hash: str = ""  # Argon2id
    password_lapsed: bool = False
    login_fails: int = 0  # in a row, over all three channels (Q6)
    last_login_us: int = 0  # 0 = never
    previous_login_us: int = 0  # the one before, which the Welcome Page shows (R98)
    failed_since_login: int = 0
    failed_before_login: int = 0  # between the latest two successful logins
    transfer_limit_jpy: int = 0  # a day's transfers; 0 = transfer lock (R60)
    tokens_ordered: int = 0  # ordered and not yet issued
    pin_warnings: int = 0  # how often the holder was warned of a guessable PIN (R77)

    def __repr__(self) -> str:
        """Without what proves identity."""
        return f"Customer({self._asdict() | {'password_hash': '***', 'login_id': '***'}})"


class Payee(NamedTuple):
    """Where a transfer goes; `bank` is '' for an account of this bank."""

    bank: str
    account_id: str
    name: str = ""


class Sender(NamedTuple):
    """Who sent the money that came in from another bank by the posting with this key."""

    posting_key: str
    bank: str
    name: str


class Sides(NamedTuple):
    """Both sides of a posted transfer; the sender has a bank or an account of this bank."""

    posting_key: str
    sender_bank: str  # '' = this one
    sender_id: str  # '' = at another bank
    sender_name: str
    payee: Payee


class Transfer(NamedTuple):
    """One transfer as the customer entered it; only its state moves on."""

    transfer_id: str  # request id of its entry
    account_id: str
    payee: Payee
    amount_jpy: int
    digest: str  # of all the above: what the code is given for (R24)
    entered_us: int
    state: str = "pending"  # pending | dropped | reserved | executed | failed
    day: date | None = None  # JST day of its confirmation, whose limit it uses (R57)
    due_us: int = 0  # of a reserved one


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
    customer: Customer | None = None  # None: nothing but the transfer limit of the opening date
    pans: tuple[Pan, ...] = ()  # of the cards whose PIN is to be checked in internet banking too


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
    """What a customer does in internet banking (pc, smartphone, mobile), the bank's staff (operator) or the bank
    itself when something is due (host). `bank_host.rules.acts.ACTS` lists the kinds and who may do them."""

    key: str  # request id: a repeat returns the first result
    kind: str
    account_id: str
    channel: str
    card_id: str = ""
    amount_jpy: int = 0
    day: date | None = None  # raise_limit, cancel_raise
    otp: str = ""
    detail: str = ""  # report_card: lost, stolen; exchange_token: failed, expired, lost; change_authenticator
    serial: str = ""  # of the token that the act is about
    second_otp: str = ""  # resync_token: the code after `otp`
    transfer: str = ""  # request id of the transfer's entry
    payee: Payee | None = None
    login_id: str = ""
    password: Secret | None = None
    new_password: Secret | None = None  # change_password
    pin_block: str = ""  # the account's PIN as the front end enciphers it
    new_pin_block: str = ""
    data: tuple[tuple[str, Any], ...] = ()  # change_customer_data: (field, new value)
    token: Token | None = None  # issue_token
    new_card: Card | None = None  # reissue_card
    new_pan: Pan | None = None  # the number of that card
    password_hash: str = ""  # of a password that is issued, chosen or hashed anew; the host fills it in
    operator: str = ""  # who of the bank's staff does it
    because: str = ""  # why, in the operator's words

    def __repr__(self) -> str:
        """Without anything that proves identity (R14)."""
        return f"Act({self._asdict() | dict.fromkeys(SECRET_FIELDS, '***')})"


SECRET_FIELDS = (
    *("otp", "second_otp", "login_id", "password", "new_password"),
    *("pin_block", "new_pin_block", "password_hash"),
)


class OtpVerdict(NamedTuple):
    """What the comparison of one code with the account's tokens gave."""

    result: str  # matched | used | locked_token | wrong
    serial: str = ""
    step: int = 0
    drift_steps: int | None = None  # learnt by resynchronisation


class NewPin(NamedTuple):
    """What the PIN module says of a PIN that somebody wants to have."""

    pvv: str
    guessable: bool


class ActFacts(NamedTuple):
    """Everything an act is decided from."""

    account: Account
    cards: tuple[Card, ...]
    raises: tuple[Raise, ...]  # today and later, cancelled ones included
    tokens: tuple[Token, ...]
    otp: OtpVerdict | None = None  # None until the code has been compared
    customer: Customer = Customer("")
    transfers: tuple[Transfer, ...] = ()  # pending and reserved ones
    transferred_jpy: int = 0  # confirmed today, reservations included
    payee: Account | None = None  # of a transfer within the bank
    pin_ok: bool | None = None  # None until the PIN module has spoken
    password_ok: bool | None = None  # None until the password has been compared
    new_pin: NewPin | None = None
    numbered: tuple[
        str, ...
    ] = ()  # cards whose number the bank keeps, so that a PIN can be checked without them
    serial_taken: bool = False  # issue_token: another token has this serial number
    number_taken: bool = False  # reissue_card: another card has this number
