"""What the bank's staff does for a customer, and what other banks send (R36-R40, R70, R106, R118, Q1, Q6)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from atm_sim.scenario.fields import Jpy, Member, Password
from atm_sim.scenario.step_parts import PersonStep
from atm_sim.scenario.vocabulary import Authenticator, Channel, HotAs


class ReportCard(PersonStep):
    """A card is noted as lost or stolen."""

    do: Literal["report_card"]
    reported_as: HotAs = Field(alias="as")


class ReleasePin(PersonStep):
    """The count of wrong PINs is set back."""

    do: Literal["release_pin"]


class ReleaseOtp(PersonStep):
    """The count of wrong one-time codes is set back."""

    do: Literal["release_otp"]


class ReleaseIdCard(PersonStep):
    """The paper has come. With `via`: the customer asks for it online."""

    do: Literal["release_id_card"]
    via: Channel | None = None


class ReissuePassword(PersonStep):
    """A new login password comes by letter."""

    do: Literal["reissue_password"]
    password: Password = Field(repr=False)


class IssueToken(PersonStep):
    """A token that was ordered is sent off."""

    do: Literal["issue_token"]


class ChangeAuthenticator(PersonStep):
    """From token to ID card or back."""

    do: Literal["change_authenticator"]
    authenticator: Authenticator = Field(alias="to")


class CloseAccount(PersonStep):
    do: Literal["close_account"]


class ReceiveTransfer(PersonStep):
    """Money comes in from another bank."""

    do: Literal["receive_transfer"]
    sender: Member = Field(alias="from")
    amount_jpy: Jpy = Field(alias="amount")
