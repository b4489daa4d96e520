"""How the lines between the hosts are kept in a scenario: sign-on, echoes, keys, cut-over, the pace of advices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from atm_sim.scenario.fields import Alias, At, DurationUs, Flag, Whole
from atm_sim.scenario.part import Contradiction, Part
from bank_host.jst import HOUR_US, SECOND_US


class SignedOff(Part):
    """Hours for which the switch signs a bank off, as agreed with it."""

    bank: Alias
    begins: At = Field(alias="from")
    ends: At = Field(alias="to")


class Pace(Part):
    """How store-and-forward queues send what waits in them, and when they give it to a person."""

    answer_wait_us: DurationUs = Field(default=60 * SECOND_US, alias="answer_wait")
    first_delay_us: DurationUs = Field(default=30 * SECOND_US, alias="first_delay")
    longest_delay_us: DurationUs = Field(default=600 * SECOND_US, alias="longest_delay")
    gap_us: DurationUs = Field(default=SECOND_US, alias="gap")
    most_tries: Annotated[int, Whole(1, 10_000)] = 100
    longest_age_us: DurationUs = Field(default=24 * HOUR_US, alias="longest_age")
    capacity: Annotated[int, Whole(1, 1_000_000)] = 10_000

    def contradictions(self) -> Iterator[Contradiction]:
        if self.longest_delay_us < self.first_delay_us:
            text = "delays grow from first_delay: on; give longest_delay: at least as much"
            yield Contradiction(("longest_delay",), text)


class Network(Part):
    """The lines between acquirers, switch and banks."""

    sign_on: Flag = True
    echo_every_us: DurationUs = Field(default=0, alias="echo_every")
    sign_off: tuple[SignedOff, ...] = ()
    key_exchange: tuple[At, ...] = ()
    cut_over: tuple[At, ...] = ()
    saf: Pace = Pace()
