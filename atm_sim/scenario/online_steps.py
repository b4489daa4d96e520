"""What customers do at home, by PC, smartphone or mobile phone: logins, limits, locks, tokens, transfers (R20-R119)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from atm_sim.scenario.fields import (
    At,
    Day,
    DurationUs,
    Email,
    Flag,
    Jpy,
    LoginId,
    Member,
    Otp,
    Password,
    Pin,
    Text,
    Whole,
)
from atm_sim.scenario.part import Contradiction
from atm_sim.scenario.step_parts import PersonStep
from atm_sim.scenario.vocabulary import Cause, Channel, Declared, ExchangeReason, PinEntry, TransferEnd

MOST_TOKENS = 9
TokenNumber = Annotated[int, Whole(1, MOST_TOKENS)]


class SelfService(PersonStep):
    """A step at home: no machine, no message."""

    via: Channel


class WithCode(SelfService):
    """A step that may ask for a one-time code: which one is typed, and off which device it was read, when."""

    otp: Otp | None = Field(default=None, repr=False)
    otp_token: TokenNumber | None = None
    otp_of: Member | None = None
    read_at: At | None = None

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        if self.otp in ("current", "previous"):
            return
        for key in ("otp_token", "otp_of", "read_at"):
            if key in self.model_fields_set:
                yield Contradiction((key,), "no code is read off a device here; add otp: current")


class SetLimit(WithCode):
    do: Literal["set_limit"]
    amount_jpy: Jpy = Field(alias="amount")


class RaiseLimit(WithCode):
    do: Literal["raise_limit"]
    amount_jpy: Jpy = Field(alias="amount")
    on: Day


class CancelRaise(WithCode):
    do: Literal["cancel_raise"]
    on: Day


class SetTransferLimit(WithCode):
    do: Literal["set_transfer_limit"]
    amount_jpy: Jpy = Field(alias="amount")


class LockCard(SelfService):
    do: Literal["lock_card"]


class UnlockCard(WithCode):
    do: Literal["unlock_card"]


class LockIdCard(SelfService):
    do: Literal["lock_id_card"]


# ---------------------------------------------------------------- tokens


class LockToken(SelfService):
    do: Literal["lock_token"]
    token: TokenNumber = 1


class UnlockToken(WithCode):
    """With a code of the other token; with the PIN where there is none."""

    do: Literal["unlock_token"]
    token: TokenNumber = 1
    pin: PinEntry = "right"


class ResyncToken(SelfService):
    """Two codes of the token in a row, as its display shows them."""

    do: Literal["resync_token"]
    token: TokenNumber = 1


class OrderToken(SelfService):
    do: Literal["order_token"]


class ExchangeToken(SelfService):
    do: Literal["exchange_token"]
    token: TokenNumber = 1
    because: ExchangeReason


class RegisterToken(WithCode):
    """By PIN, serial number and a code of the new token itself."""

    do: Literal["register_token"]
    token: TokenNumber
    pin: PinEntry = "right"


# ---------------------------------------------------------------- who one is


class Login(SelfService):
    """Every item right, unless the step says otherwise."""

    do: Literal["login"]
    account: Literal["right", "wrong"] = "right"
    password: Literal["right", "wrong"] = "right"
    pin: PinEntry = "right"
    login_id: Literal["right", "wrong", "none"] = "right"


class SetLoginId(SelfService):
    do: Literal["set_login_id"]
    login_id: LoginId = Field(repr=False)


class ChangePassword(WithCode):
    """A login password of one's own, with the one of today and a code."""

    do: Literal["change_password"]
    password: Literal["right", "wrong"] = "right"
    new_password: Password = Field(repr=False)


class ChangePinOnline(WithCode):
    do: Literal["change_pin_online"]
    new_pin: Pin = Field(repr=False)


class ChangeData(WithCode):
    do: Literal["change_data"]
    full_name: Text | None = None
    address: Text | None = None
    phone: Text | None = None
    emails: tuple[Email, ...] | None = None

    @property
    def data(self) -> tuple[tuple[str, Any], ...]:
        """What changes, by the bank's names."""
        values = {
            "name": self.full_name,
            "address": self.address,
            "phone": self.phone,
            "emails": self.emails,
        }
        return tuple((field, value) for field, value in values.items() if value is not None)

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        if not self.data:
            yield Contradiction((), "nothing changes; name full_name, address, phone or emails")


# ---------------------------------------------------------------- transfers


class Transfer(WithCode):
    """Entered, looked at on the confirm screen, and ended there in one of five ways. `to` is somebody of the cast."""

    do: Literal["transfer"]
    to: Member
    amount_jpy: Jpy = Field(alias="amount")
    ends: TransferEnd = "transfer"
    wait_us: DurationUs = Field(default=0, alias="wait")
    repeat_request: Flag = False


# ---------------------------------------------------------------- a loss


class FileClaim(SelfService):
    """A loss is reported to the bank's staff; what the rules give for it is the step `claim`."""

    do: Literal["file_claim"]
    cause: Cause
    amount_jpy: Jpy = Field(alias="amount")
    on: Day
    stolen_on: Day | None = None
    after_lock: Flag = False
    declares: tuple[Declared, ...] = ()


# ---------------------------------------------------------------- what one looks at


class Statement(SelfService):
    do: Literal["statement"]
    first_day: Day | None = Field(default=None, alias="since")
    last_day: Day | None = Field(default=None, alias="until")


class SecurityReport(SelfService):
    do: Literal["security_report"]
