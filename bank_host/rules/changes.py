"""What a decision asks the store to write: small records, applied in order within one commit.

A store applies changes and never decides. Each change that could be lost in a race says what it expects
(see the store contract), so a stale decision fails instead of overwriting.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from bank_host.ledger.posting import Post
from bank_host.rules.facts import Authorisation, Card, Sender, Token, Transfer
from bank_host.secrets import Pan


class CountUse(NamedTuple):
    """Add signed yen to the ATM limit counter of one account, JST day and medium."""

    account_id: str
    day: date
    medium: str
    amount_jpy: int


class CountMonth(NamedTuple):
    """Add to the number of uses of a service in a month (YYYY-MM), which the fee table looks at."""

    account_id: str
    month: str
    service: str
    uses: int


class SetAccount(NamedTuple):
    account_id: str
    field: str
    value: Any


class SetCard(NamedTuple):
    card_id: str
    field: str
    value: Any


class SetToken(NamedTuple):
    serial: str
    field: str
    value: Any


class SetCustomer(NamedTuple):
    account_id: str
    field: str
    value: Any

    def __repr__(self) -> str:
        """Without what proves identity."""
        value = "***" if self.field in ("login_id", "password_hash") else repr(self.value)
        return f"SetCustomer({self.account_id!r}, {self.field!r}, {value})"


class AddToken(NamedTuple):
    """A token leaves the bank for its holder."""

    token: Token


class AddCard(NamedTuple):
    """A card leaves the bank for its holder; the bank keeps its number."""

    card: Card
    pan: Pan


class OpenTransfer(NamedTuple):
    """Keep a transfer as it was entered."""

    transfer: Transfer


class MoveTransfer(NamedTuple):
    """Move a transfer on; a conflict unless it still is what the decision saw (`was`)."""

    transfer_id: str
    was: str
    state: str
    day: date | None = None
    due_us: int = 0


class KeepSender(NamedTuple):
    """Keep who sent what came in from another bank, for the payee's statement."""

    sender: Sender


class ChargePin(NamedTuple):
    """Count one PIN try before it is compared; refused (nothing written) once `limit` is reached."""

    card_id: str
    limit: int


class ChargeOtp(NamedTuple):
    """Count one OTP try before it is compared; refused at `limit` or when the account is OTP-locked."""

    account_id: str
    limit: int


class ChargeLogin(NamedTuple):
    """Count one login try before it is compared; refused at `limit` or when the password has lapsed."""

    account_id: str
    limit: int


class ConsumeStep(NamedTuple):
    """Spend a token step: refused unless it is later than the token's last one (I19)."""

    serial: str
    step: int


class PutRaise(NamedTuple):
    """Record a dated raise; a second one for the same date replaces the first (Q9)."""

    account_id: str
    day: date
    amount_jpy: int
    seq: int


class CancelRaise(NamedTuple):
    account_id: str
    day: date


class Open(NamedTuple):
    """Write the authorisation row of a request (also of a declined one)."""

    authorisation: Authorisation


class Resolve(NamedTuple):
    """Move an authorisation on: completed, settled, reversed, part_reversed or manual."""

    original_key: str
    state: str
    reversed_jpy: int


class Notify(NamedTuple):
    """One outbox row, in the same commit as its cause (I20). `key` makes it unique."""

    key: str
    account_id: str
    kind: str
    amount_jpy: int = 0
    address: str = ""  # this e-mail address alone; '' = every registered one (R103)


class Audit(NamedTuple):
    """One append-only audit row: who changed what, and why (X12). Never a PIN, OTP or card number."""

    actor: str  # customer | operator | operator:NAME | atm | host
    channel: str
    account_id: str
    what: str
    before: str = ""
    after: str = ""
    reason: str = ""


class RaiseException(NamedTuple):
    """An exception item for people to resolve: forced posting, reversal after completion, mismatch."""

    key: str
    kind: str
    account_id: str
    amount_jpy: int
    detail: str


class CloseException(NamedTuple):
    """People have dealt with an exception item."""

    key: str


Change = (
    Post
    | CountUse
    | CountMonth
    | SetAccount
    | SetCard
    | SetToken
    | SetCustomer
    | AddToken
    | AddCard
    | OpenTransfer
    | MoveTransfer
    | KeepSender
    | ChargePin
    | ChargeOtp
    | ChargeLogin
    | ConsumeStep
    | PutRaise
    | CancelRaise
    | Open
    | Resolve
    | Notify
    | Audit
    | RaiseException
    | CloseException
)


class Decision(NamedTuple):
    """The answer to a card transaction or advice, and everything that follows from it."""

    code: str  # DE39
    reason: str  # CAPITALS, or '' when approved
    changes: tuple[Change, ...] = ()
    fee_jpy: int = 0
    balance_jpy: int | None = None  # available after an approval


class Outcome(NamedTuple):
    """The answer to a customer's or operator's act."""

    outcome: str  # done | refused
    reason: str
    changes: tuple[Change, ...] = ()
