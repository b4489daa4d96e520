"""What happens to the machines without a customer: staff count an ATM's cash, a tester sends a message (RS6)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from atm_sim.scenario.fields import Member, Mti, Whole, scalar, wrong
from atm_sim.scenario.part import Contradiction
from atm_sim.scenario.step_parts import PersonStep, StepBase
from atm_sim.scenario.vocabulary import DEFAULT_BANK, SWITCH
from bank_host.iso8583.fields import MATCHERS
from bank_host.written.card_numbers import TEST_BIN_PREFIX

if TYPE_CHECKING:  # participants name notes as steps do, so they come after the steps
    from atm_sim.scenario.participants import Bank, Place

CARD_NUMBER: Final = 2
SECRET_ELEMENTS: Final = (35, 48, 52)  # the track, a key or new PIN, the PIN block: never written into a file
WRITABLE: Final = tuple(str(de) for de in MATCHERS if de not in SECRET_ELEMENTS)


class MachineStep(StepBase):
    """A step of nobody in the cast."""


class CountCash(MachineStep):
    """Staff count what lies in an ATM's bins; each suspect transaction then ends as what was really paid."""

    do: Literal["count_cash"]
    atm: Member

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ("done",)


def _read_element_number(raw: Any) -> int:
    text = scalar(raw, "the number of a data element such as 39")
    if text not in WRITABLE:
        secret = text.isdigit() and int(text) in SECRET_ELEMENTS
        why = "is a secret and stands in no file" if secret else "is no data element"
        raise wrong(f"{text[:5]} {why}; write the number of another, such as 39")
    return int(text)


def _read_element_value(raw: Any) -> str | None:
    text = scalar(raw, "a data element's value in quotes, or none")
    if text == "none" and not text.quoted:
        return None
    if not text.quoted or not re.fullmatch(r"[ -~]{1,999}", text):
        raise wrong(
            "a data element's value is text of printable ASCII in quotes; none leaves the element out"
        )
    return str(text)


ElementNumber = Annotated[
    int, BeforeValidator(_read_element_number), WithJsonSchema({"enum": list(WRITABLE)})
]
ElementValue = Annotated[
    str | None,
    BeforeValidator(_read_element_value),
    WithJsonSchema({"type": "string", "pattern": "^[ -~]{1,999}$"}),
]


class SendMessage(MachineStep):
    """A message in a node's name, that no node sends by itself; the answer comes back to whoever wrote the step.

    `about` takes the last 0200 of another step: repeats it, reverses it, completes it or answers it, by `mti`. What
    `elements` says comes on top; without `about` it is all there is.
    """

    do: Literal["send"]
    sender: Member = Field(alias="from")
    receiver: Member = Field(alias="to")
    mti: Mti
    about: Annotated[int, Whole(1, 10_000)] | None = None
    elements: dict[ElementNumber, ElementValue] = Field(default_factory=dict)

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ()

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        for element, value in self.elements.items():
            if value is not None and not MATCHERS[element].fullmatch(value):
                yield Contradiction(("elements", element), f"this is no value of data element {element}")
            elif element == CARD_NUMBER and value is not None and not value.startswith(TEST_BIN_PREFIX):
                yield Contradiction(
                    ("elements", element),
                    f"this card number is outside the test range; use one that begins with {TEST_BIN_PREFIX}",
                )
        if self.about is None and not self.elements:
            yield Contradiction(
                ("do",), "the message is empty; add about: with a step's number, or elements:"
            )


def loose_ends(
    steps: Sequence[StepBase], places: Mapping[str, Place], banks: Mapping[str, Bank]
) -> Iterator[Contradiction]:
    """Messages about no request, and along no line."""
    lines = set(_lines(places, banks))
    for number, step in enumerate(steps):
        if not isinstance(step, SendMessage):
            continue
        if step.about is not None and not _asks_the_bank(steps, step.about):
            text = f"step {step.about} sends no request; about: is the number of a step at an ATM"
            yield Contradiction(("steps", number, "about"), text)
        ends = _node(step.sender), _node(step.receiver)
        if ends not in lines and ends[::-1] not in lines:
            text = f"no line joins {step.sender} and {step.receiver}"
            yield Contradiction(("steps", number, "to"), text)


def _node(name: str) -> str:
    return name.partition("/")[0]


def _asks_the_bank(steps: Sequence[StepBase], number: int) -> bool:
    if number > len(steps):
        return False
    step = steps[number - 1]
    return isinstance(step, PersonStep) and "atm" in type(step).model_fields


def _lines(places: Mapping[str, Place], banks: Mapping[str, Bank]) -> Iterator[tuple[str, str]]:
    """Which ends, as a scenario calls them, have a line between them."""
    for name in dict.fromkeys((DEFAULT_BANK, *banks)):
        yield SWITCH, name
    for name, place in places.items():
        yield name, place.operator
        yield place.operator, SWITCH
        for bank, entry in banks.items():
            if place.operator in entry.atms:
                yield place.operator, bank
