"""The lines between the machines: how long a message travels, and when it does not arrive at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from atm_sim.scenario.values import Distribution
from atm_sim.world.chance import Chance, draw_us

LATENCIES: Mapping[str, Distribution] = {
    "atm-acquirer": Distribution("fixed", 30_000.0),
    "acquirer-switch": Distribution("fixed", 15_000.0),
    "switch-issuer": Distribution("fixed", 15_000.0),
    "acquirer-issuer": Distribution("fixed", 15_000.0),
}
"""One-way travel times when a scenario does not say (assumed); a message takes the same line in both directions."""


def line_between(sender: str, to: str) -> str:
    """The name of the line that two nodes are joined by."""
    ends = {sender.partition(":")[0], to.partition(":")[0]}
    if "issuer" in ends:
        return "acquirer-issuer" if "acquirer" in ends else "switch-issuer"
    return "acquirer-switch" if "switch" in ends else "atm-acquirer"


class LinkFault(NamedTuple):
    """A line that is down or slow from `from_us` until just before `to_us`; `bank` narrows it to one issuer."""

    link: str
    state: str  # down | slow
    from_us: int
    to_us: int
    delay_us: int = 0
    bank: str = ""


class Links:
    """Latency and faults of every line, drawn from one random stream a line."""

    def __init__(
        self, latencies: Mapping[str, Distribution], faults: Sequence[LinkFault], chance: Chance
    ) -> None:
        self._latencies = latencies
        self._faults = faults
        self._chance = chance

    def travel_us(self, link: str, bank: str, now_us: int) -> int | None:
        """How long a message that leaves now travels, or None: it is lost."""
        delay_us = draw_us(self._latencies[link], self._chance.stream(f"latency/{link}"))
        for fault in self._faults:
            applies = fault.link == link and fault.bank in ("", bank)
            if applies and fault.from_us <= now_us < fault.to_us:
                if fault.state == "down":
                    return None
                delay_us += fault.delay_us
        return delay_us
