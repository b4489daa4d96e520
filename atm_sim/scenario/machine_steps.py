"""What happens to the machines without a customer: staff count an ATM's cash, a tester sends a message (RS6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from atm_sim.scenario.elements import ElementNumber, ElementValue, fault_of
from atm_sim.scenario.fields import Member, Mti, Whole
from atm_sim.scenario.part import Contradiction
from atm_sim.scenario.step_parts import PersonStep, StepBase
from atm_sim.scenario.vocabulary import DEFAULT_BANK, SWITCH

if TYPE_CHECKING:  # participants name notes as steps do, so they come after the steps
    from atm_sim.scenario.participants import Bank, Place


class MachineStep(StepBase):
    """A step of nobody in the cast."""


class CountCash(MachineStep):
    """Staff count what lies in an ATM's bins; each suspect transaction then ends as what was really paid."""

    do: Literal["count_cash"]
    atm: Member

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ("done",)


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
            if fault := fault_of(element, value):
                yield Contradiction(("elements", element), fault)
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
