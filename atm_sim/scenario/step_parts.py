"""What every step of a scenario has: when, mostly who, how often, and what must come of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from atm_sim.scenario.elements import CHECKED, AnyElement, ElementValue, fault_of
from atm_sim.scenario.fields import (
    At,
    DurationUs,
    Jpy,
    Member,
    Mti,
    PreviousLogin,
    ResponseCode,
    Share,
    Snake,
    Text,
    Whole,
)
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.vocabulary import (
    SETTING_OUTCOMES,
    CardFate,
    Decision,
    Outcome,
    Payer,
    TransferState,
)
from bank_host.written.source import Mapping

ELEMENTS = "DE2 to DE128"
"""What stands for all keys such as DE39 where the keys of an expect: block are listed."""

_ELEMENT = re.compile("DE[0-9]{1,3}")


def _element_keys(schema: dict[str, Any]) -> None:
    """In the schema every element is a key of its own."""
    elements = schema["properties"].pop(ELEMENTS)
    value = next(each for each in elements["anyOf"] if "additionalProperties" in each)["additionalProperties"]
    schema["properties"] |= dict.fromkeys(CHECKED, value)


class Repeat(Part):
    """The step is done `times` in all, one every `every_us`."""

    times: Annotated[int, Whole(1, 10_000)]
    every_us: DurationUs = Field(alias="every")


class StepExpectation(Part):
    """What a step must lead to; what is not named is not checked."""

    outcome: Outcome | None = None
    code: ResponseCode | None = None
    reason: Snake | None = None
    dispensed_jpy: Jpy | None = Field(default=None, alias="dispensed")
    balance_jpy: Jpy | None = Field(default=None, alias="balance")
    fee_jpy: Jpy | None = Field(default=None, alias="fee")
    notice: Snake | None = None
    card: CardFate | None = None
    limit_jpy: Jpy | None = Field(default=None, alias="limit")
    room_jpy: Jpy | None = Field(default=None, alias="room")
    reversed_jpy: Jpy | None = Field(default=None, alias="reversed")
    messages: tuple[Mti, ...] | None = None
    transfer_limit_jpy: Jpy | None = Field(default=None, alias="transfer_limit")
    transfer: TransferState | None = None
    previous_login: PreviousLogin | None = None
    failed_logins: Annotated[int, Whole(0, 1_000)] | None = None
    statement: tuple[Text, ...] | None = None
    active: tuple[Snake, ...] | None = None
    inactive: tuple[Snake, ...] | None = None
    decision: Decision | None = None
    paid_jpy: Jpy | None = Field(default=None, alias="paid")
    share: Annotated[float, Share()] | None = None
    payer: Payer | None = None
    rule: Snake | None = None
    contact: Text | None = None
    role: Text | None = None
    telephone: tuple[Text, ...] | None = None
    mti: Mti | None = None
    within_us: DurationUs | None = Field(default=None, alias="within")
    elements: dict[AnyElement, ElementValue] | None = Field(default=None, alias=ELEMENTS)

    model_config = ConfigDict(json_schema_extra=_element_keys)

    @classmethod
    def gathered(cls, raw: Mapping) -> Mapping:
        """Every DE… of the map in one."""
        elements = {key: value for key, value in raw.items() if _ELEMENT.fullmatch(key)}
        if not elements:
            return raw
        first = next(iter(elements))
        rest = {key: value for key, value in raw.items() if key not in elements}
        return raw.like({**rest, first.retold(ELEMENTS): raw.like(elements)})

    def contradictions(self) -> Iterator[Contradiction]:
        for element, value in (self.elements or {}).items():
            if fault := fault_of(element, value):
                yield Contradiction((f"DE{element}",), fault)
        if not self.model_fields_set:
            yield Contradiction(
                (), "this expects nothing; name what must happen, such as {outcome: approved}"
            )


class StepBase(Part):
    """What every step has: when, what must come of it, and how often."""

    at: At
    name: Text | None = None
    expect: StepExpectation | None = None
    repeat: Repeat | None = None

    @property
    def outcomes(self) -> tuple[str, ...]:
        return SETTING_OUTCOMES

    def contradictions(self) -> Iterator[Contradiction]:
        outcome = self.expect.outcome if self.expect else None
        if outcome and outcome not in self.outcomes:
            allowed = " or ".join(self.outcomes)
            ends = f"it ends as {allowed}" if allowed else "expect its code: instead"
            yield Contradiction(("expect", "outcome"), f"this act cannot end as '{outcome}'; {ends}")


class PersonStep(StepBase):
    """A step of somebody of the cast: what the person does, or what is done for the person."""

    who: Member
