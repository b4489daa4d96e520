"""What people tell the bank after a loss, and of what they complain (R123-R140)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from atm_sim.scenario.fields import At, Day, Flag, Jpy, Text, Whole
from atm_sim.scenario.part import Contradiction, Part
from atm_sim.scenario.step_parts import PersonStep
from atm_sim.scenario.vocabulary import Cause, Proved

MOST_DELAY_DAYS = 1_000


class LossLine(Part):
    """One withdrawal or transfer that was not the holder's."""

    at: At
    amount_jpy: Jpy = Field(alias="amount")
    after_lock: Flag = False
    above_limit: Flag = False


class Claim(PersonStep):
    """A loss claim; what is not `proved` is taken as not given."""

    do: Literal["claim"]
    cause: Cause
    losses: tuple[LossLine, ...]
    proved: tuple[Proved, ...] = ()
    stolen_on: Day | None = None
    delay_days: Annotated[int, Whole(0, MOST_DELAY_DAYS)] = 0

    def contradictions(self) -> Iterator[Contradiction]:
        yield from super().contradictions()
        if not self.losses:
            yield Contradiction(
                ("losses",), "nothing was lost; write for example [{at: 10:05, amount: ¥50_000}]"
            )
        for number, loss in enumerate(self.losses):
            if not loss.amount_jpy:
                yield Contradiction(("losses", number, "amount"), "a loss is above ¥0")


class Complaint(PersonStep):
    """A complaint; the answer is the office that takes it."""

    do: Literal["complaint"]
    about: Text
