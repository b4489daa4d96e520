"""What goes in and out of the API, as its OpenAPI description tells it. Amounts are whole yen, times are JST."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Header, Path
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt

Yen = Annotated[StrictInt, Field(ge=0, le=10**12)]
AccountId = Annotated[
    str, Field(pattern=r"^[0-9]{10}$", description="Branch and account number, 3 + 7 digits")
]
Code = Annotated[str, Field(max_length=32, description="One-time password; empty where none is needed")]
Name = Annotated[str, Field(max_length=60)]
TransferId = Annotated[str, Path(pattern=r"^web:[0-9a-f]{40}$")]
CardId = Annotated[str, Path(pattern=r"^[0-9A-Za-z]{1,100}$")]
Serial = Annotated[str, Path(pattern=r"^[0-9A-Za-z-]{1,40}$")]
RequestId = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[0-9A-Za-z._-]{8,80}$",
        description="Made and kept by the client before it sends: a repeat gets the first result, without a code",
    ),
]


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(Model):
    """`password` is the PIN on the channel `mobile`."""

    account_id: AccountId
    password: Annotated[str, Field(max_length=200)]
    channel: Literal["pc", "smartphone", "mobile"] = "pc"
    login_id: Annotated[str, Field(max_length=50)] = ""
    device: Annotated[str, Field(max_length=128)] = ""


class LoggedIn(Model):
    """`token` goes into `Authorization: Bearer`; `device`, sent with the next login, says that it is no stranger."""

    token: str
    device: str
    previous_login: datetime | None
    failed_since_then: int


class CardView(Model):
    card_id: str
    alias: str
    locked: bool
    reported: bool


class DeviceView(Model):
    serial: str
    device: str
    state: str
    expires: date
    locked: bool


class AccountView(Model):
    account_id: str
    kind: str
    balance_jpy: int
    held_jpy: int
    cards: list[CardView]
    devices: list[DeviceView]
    code_places: list[str] = Field(description="Places of the ID card that the next code is read from")


class OtherSide(Model):
    """The payee of a transfer as it was entered, or the sender of one that came in, whose account is not told.

    `bank` is empty for this bank.
    """

    bank: str
    account_id: str
    name: str


class Movement(Model):
    """`other` is there for transfers alone."""

    seq: int
    at: datetime
    kind: str
    amount_jpy: int
    balance_jpy: int
    other: OtherSide | None


class Raise(Model):
    day: date
    amount_jpy: int
    state: str


class Limits(Model):
    atm_standing_jpy: int
    atm_today_jpy: int
    raises: list[Raise]
    transfer_limit_jpy: int
    transferred_jpy: int


class Limit(Model):
    amount_jpy: Yen
    otp: Code = ""


class Lock(Model):
    locked: StrictBool
    otp: Code = ""
    pin: Annotated[str, Field(max_length=12)] = ""


class NewPassword(Model):
    """`password` is the one of today."""

    password: Annotated[str, Field(max_length=200)]
    new_password: Annotated[str, Field(max_length=64)]
    otp: Code = ""


class Order(Model):
    """`bank` is empty for an account of this bank."""

    bank: Name = ""
    account_id: AccountId
    name: Name = ""
    amount_jpy: Yen


class Confirmation(Model):
    otp: Code


class TransferView(Model):
    transfer_id: str
    state: str
    bank: str
    account_id: str
    name: str
    amount_jpy: int
    due: datetime | None


class SafeguardView(Model):
    name: str
    active: bool
    as_of: date


class Notice(Model):
    at: datetime
    kind: str
    amount_jpy: int


class NewClaim(Model):
    """A loss. `time` is empty when it is not known; `declared` is what the customer says of himself."""

    cause: Literal["forged", "stolen", "spyware", "phishing"]
    day: date
    amount_jpy: Annotated[Yen, Field(ge=1)]
    time: Annotated[str, Field(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9])?$")] = ""
    stolen_on: date | None = None
    after_lock: Annotated[StrictBool, Field(description="Card or account was locked or reported before")] = (
        False
    )
    declared: Annotated[
        list[Literal["prompt_notice", "full_explanation", "police_report"]], Field(max_length=3)
    ] = []


class ClaimView(Model):
    """`number` is the one to name on the telephone; `open` while the bank looks into it."""

    number: int
    at: datetime
    cause: str
    day: date
    amount_jpy: int
    state: Literal["open", "closed"]


class Problem(Model):
    """Why something was not done: a code for programs, a sentence for people."""

    reason: str
    detail: str
