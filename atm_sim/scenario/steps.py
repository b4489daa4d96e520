"""What people do at an ATM and what goes wrong with it, and the list of everything that a step of a scenario can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario import claim_steps as claims
from atm_sim.scenario import machine_steps as machines
from atm_sim.scenario import online_steps as online
from atm_sim.scenario import staff_steps as staff
from atm_sim.scenario.elements import AnyElement, ElementValue, fault_of
from atm_sim.scenario.fields import (
    DenominationKey,
    Jpy,
    Member,
    Pin,
    Whole,
    scalar,
    wrong,
)
from atm_sim.scenario.part import Contradiction, check_word
from atm_sim.scenario.step_parts import PersonStep
from atm_sim.scenario.vocabulary import CARD_OUTCOMES, CardInHand, PinEntry
from bank_host.written import values
from bank_host.written.problems import nearest
from bank_host.written.source import Mapping, Sequence

MOST_PIN_TRIES = 10
MOST_NOTES = 1_000
MISHAPS = ("jam", "cash_not_taken", "card_not_taken", "power_loss")
MISHAPS_WITH_AMOUNT = ("partial", "part_taken", "power_loss")


class Mishap(NamedTuple):
    """What goes wrong at the machine. With an amount, the customer has that much of the notes in the end:

    partial: no more comes out of the shutter; part_taken: the rest is left in it; power_loss: the power fails as
    soon as so much was taken, of which the machine learns nothing (without an amount: while it counts the notes).
    """

    kind: str
    partial_jpy: int = 0


def _read_pins(raw: Any) -> tuple[PinEntry, ...]:
    entries = raw if isinstance(raw, Sequence) else [raw]
    if not 1 <= len(entries) <= MOST_PIN_TRIES:
        raise wrong(f"expected 1 to {MOST_PIN_TRIES} tries such as [wrong, wrong, right]")
    return tuple(_read_pin_entry(entry) for entry in entries)


def _read_pin_entry(entry: Any) -> PinEntry:
    word = scalar(entry, "right or wrong")
    if word == "right":
        return "right"
    if word == "wrong":
        return "wrong"
    raise wrong("a step's PIN is right, wrong or a list of these", word, nearest(word, ("right", "wrong")))


def _read_mishap(raw: Any) -> Mishap:
    if isinstance(raw, Mapping):
        (kind, *others) = raw or ("",)
        if kind not in MISHAPS_WITH_AMOUNT or others:
            raise wrong(
                "expected {partial: ¥20_000}, {part_taken: ...} or {power_loss: ...}: what the customer gets"
            )
        amount = raw.value(kind)
        try:
            return Mishap(str(kind), values.amount_jpy(scalar(amount, "an amount such as ¥20_000")))
        except ValueError as error:
            raise wrong(str(error), amount) from None
    word = scalar(raw, f"{', '.join(MISHAPS)} or {{partial: ¥20_000}}")
    if word not in MISHAPS:
        raise wrong(f"unknown mishap '{word[:40]}'; known are {', '.join(MISHAPS)} and {{partial: ¥20_000}}",
                    suggestion=nearest(word, MISHAPS))  # fmt: skip
    return Mishap(str(word))


_PIN_ENTRY = {"enum": ["right", "wrong"]}
_WITH_AMOUNT = [
    {
        "type": "object",
        "properties": {kind: {"type": "string", "pattern": f"^({values.AMOUNT_PATTERN})$"}},
        "required": [kind],
        "additionalProperties": False,
    }
    for kind in MISHAPS_WITH_AMOUNT
]
PinEntries = Annotated[
    tuple[PinEntry, ...],
    BeforeValidator(_read_pins),
    WithJsonSchema(
        {
            "anyOf": [
                _PIN_ENTRY,
                {"type": "array", "items": _PIN_ENTRY, "minItems": 1, "maxItems": MOST_PIN_TRIES},
            ]
        }
    ),
]
Device = Annotated[
    Mishap, BeforeValidator(_read_mishap), WithJsonSchema({"anyOf": [{"enum": list(MISHAPS)}, *_WITH_AMOUNT]})
]


Notes: TypeAlias = dict[DenominationKey, Annotated[int, Whole(0, MOST_NOTES)]]


class _CardStep(PersonStep):
    pins: PinEntries = Field(default=("right",), alias="pin")

    @property
    def outcomes(self) -> tuple[str, ...]:
        return CARD_OUTCOMES


class _AtmStep(_CardStep):
    """A visit to an ATM. `atm` names a place, or one of its machines as `place/2`."""

    atm: Member
    card: CardInHand = "own"
    device: Device | None = None
    send: dict[AnyElement, ElementValue] = Field(default_factory=dict)

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        for element, value in self.send.items():
            if fault := fault_of(element, value):
                yield Contradiction(("send",), fault)


class Withdraw(_AtmStep):
    do: Literal["withdraw"]
    amount_jpy: Jpy = Field(alias="amount")

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        if self.device and self.device.partial_jpy:
            kind, partial_jpy = self.device
            if kind == "power_loss" and partial_jpy > self.amount_jpy:
                yield Contradiction(("device", kind), "nobody takes more than the amount")
            elif kind != "power_loss" and partial_jpy >= self.amount_jpy:
                text = (
                    "a partial dispense pays out"
                    if kind == "partial"
                    else "the customer who leaves notes takes"
                )
                yield Contradiction(("device", kind), f"{text} less than the amount")


class Deposit(_AtmStep):
    do: Literal["deposit"]
    notes: Notes

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        if not sum(self.notes.values()):
            yield Contradiction(("notes",), "no note is put in; write for example {10000: 3}")


class Balance(_AtmStep):
    do: Literal["balance"]


class ChangePin(_AtmStep):
    do: Literal["change_pin"]
    new_pin: Pin = Field(repr=False)


OfSomebody: TypeAlias = (
    Withdraw
    | Deposit
    | Balance
    | ChangePin
    | online.SetLimit
    | online.RaiseLimit
    | online.CancelRaise
    | online.SetTransferLimit
    | online.LockCard
    | online.UnlockCard
    | online.LockIdCard
    | online.LockToken
    | online.UnlockToken
    | online.ResyncToken
    | online.OrderToken
    | online.ExchangeToken
    | online.RegisterToken
    | online.Login
    | online.SetLoginId
    | online.ChangePassword
    | online.ChangePinOnline
    | online.ChangeData
    | online.Transfer
    | online.FileClaim
    | online.Statement
    | online.SecurityReport
    | staff.ReportCard
    | staff.ReleasePin
    | staff.ReleaseOtp
    | staff.ReleaseIdCard
    | staff.ReissuePassword
    | staff.IssueToken
    | staff.ChangeAuthenticator
    | staff.CloseAccount
    | staff.ReceiveTransfer
    | claims.Claim
    | claims.Complaint
)
AnyStep: TypeAlias = OfSomebody | machines.CountCash | machines.SendMessage
Step: TypeAlias = AnyStep
ACTIONS = [get_args(model.model_fields["do"].annotation)[0] for model in get_args(AnyStep)]


def _known_action(raw: Any) -> Any:
    fault = check_word(raw, "do", ACTIONS, "action")
    if fault:
        raise wrong(fault[0], fault[1], fault[2])
    return raw


StepInFile = Annotated[Annotated[AnyStep, Field(discriminator="do")], BeforeValidator(_known_action)]
