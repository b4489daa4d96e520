"""The lines between the machines: how long a message travels, and what a faulty line does to it on the way.

Every line has a random stream for its travel times and every fault one of its own, so that a fault never shifts what
another draws. A garbled value that the receiver could not tell from a right one would be caught by the message's
authentication code, so it counts as unreadable; only the elements that an answer repeats of its request are
delivered wrong (RS3).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Final, NamedTuple

from atm_sim.scenario import Scenario
from atm_sim.scenario.faults import LinkFault as FaultInFile
from atm_sim.world.chance import Chance, draw_us
from bank_host.iso8583.garble import another_value
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_response
from bank_host.written.values import Distribution

LATENCIES: Mapping[str, Distribution] = {
    "atm-acquirer": Distribution("fixed", 30_000.0),
    "acquirer-switch": Distribution("fixed", 15_000.0),
    "switch-issuer": Distribution("fixed", 15_000.0),
    "acquirer-issuer": Distribution("fixed", 15_000.0),
}
"""One-way travel times when a scenario does not say (assumed); a message takes the same line in both directions."""

REPEATED: Final = (3, 4, 7, 11, 37, 41, 49)
"""What an answer repeats of its request: here the asker sees for itself that a value is wrong."""


def line_between(sender: str, to: str) -> str:
    """The name of the line that two nodes are joined by."""
    ends = {sender.partition(":")[0], to.partition(":")[0]}
    if "issuer" in ends:
        return "acquirer-issuer" if "acquirer" in ends else "switch-issuer"
    return "acquirer-switch" if "switch" in ends else "atm-acquirer"


class LinkFault(NamedTuple):
    """What a line does from `from_us` until just before `to_us`; `bank` and `mti` narrow it to some messages."""

    link: str
    kind: str  # down | slow | lossy | duplicating | reordering | late | garbling
    from_us: int
    to_us: int
    delay_us: int = 0
    bank: str = ""
    mti: str = ""
    chance: float = 1.0
    element: int = 0
    stream: str = ""  # the name of its random stream

    def concerns(self, bank: str, message: Message, now_us: int) -> bool:
        """Whether a message of this line is in the fault's window, and one of those it strikes."""
        if not self.from_us <= now_us < self.to_us:
            return False
        return self.bank in ("", bank) and self.mti in ("", message.mti)


class Arrival(NamedTuple):
    """One arrival of a message at the far end; without a message, something that nobody can read."""

    after_us: int
    message: Message | None


class Passage(NamedTuple):
    """What became of one message: how it arrives (not at all: it is lost), and the faults that struck it."""

    arrivals: tuple[Arrival, ...]
    struck: tuple[str, ...] = ()


def planned(scenario: Scenario, start_us: int) -> Iterator[LinkFault]:
    """The faults of a scenario that strike its lines, each with a random stream of its own."""
    for number, fault in enumerate(scenario.faults, 1):
        if isinstance(fault, FaultInFile):
            yield LinkFault(
                fault.link,
                fault.kind,
                start_us + scenario.after_midnight_us(fault.begins),
                start_us + scenario.after_midnight_us(fault.ends),
                getattr(fault, "delay_us", 0),
                fault.bank or "",
                fault.mti or "",
                getattr(fault, "chance", 1.0),
                getattr(fault, "element", 0),
                f"fault/{number}/{fault.kind}",
            )


class Links:
    """Latency and faults of every line."""

    def __init__(
        self, latencies: Mapping[str, Distribution], faults: Sequence[LinkFault], chance: Chance
    ) -> None:
        self._latencies = latencies
        self._faults = {link: tuple(fault for fault in faults if fault.link == link) for link in latencies}
        self._chance = chance

    def breaks(self, fault: LinkFault) -> None:
        """From now on a line has this fault too, for as long as it says."""
        self._faults[fault.link] = (*self._faults[fault.link], fault)

    def mends(self, fault: LinkFault) -> None:
        """A fault is over before its time."""
        self._faults[fault.link] = tuple(each for each in self._faults[fault.link] if each != fault)

    def is_down(self, link: str, bank: str, now_us: int) -> bool:
        """Whether a line delivers nothing at all."""
        return any(
            fault.kind == "down" and not fault.mti and fault.from_us <= now_us < fault.to_us
            for fault in self._faults[link]
            if fault.bank in ("", bank)
        )

    def carry(self, link: str, bank: str, message: Message, now_us: int) -> Passage:
        """What becomes of a message that leaves now."""
        travel_us = draw_us(self._latencies[link], self._chance.stream(f"latency/{link}"))
        arrivals: tuple[Arrival, ...] = (Arrival(travel_us, message),)
        struck: tuple[str, ...] = ()
        for fault in self._faults[link]:
            if fault.concerns(bank, message, now_us):
                after = tuple(
                    made
                    for arrival in arrivals
                    for made in _struck(fault, arrival, self._chance.stream(fault.stream))
                )
                if after != arrivals:
                    arrivals, struck = after, (*struck, fault.kind)
        return Passage(arrivals, struck)


def _struck(fault: LinkFault, arrival: Arrival, random: Random) -> Sequence[Arrival]:
    """What one fault makes of one arrival."""
    if fault.chance < 1.0 and random.random() >= fault.chance:
        return (arrival,)
    after_us, message = arrival
    match fault.kind:
        case "down" | "lossy":
            return ()
        case "duplicating":
            return (arrival, Arrival(after_us + fault.delay_us, message))
        case "slow" | "late":
            return (Arrival(after_us + fault.delay_us, message),)
        case "reordering":
            return (Arrival(after_us + random.randint(1, max(1, fault.delay_us)), message),)
        case "garbling":
            return (Arrival(after_us, garbled(message, fault.element, random)),)
    raise ValueError(f"no such fault of a line: {fault.kind}")


def garbled(message: Message | None, element: int, random: Random) -> Message | None:
    """The message with a wrong value in the element, or None: unreadable."""
    if message is None or element not in message:
        return message
    if is_response(message.mti) and element in REPEATED and random.random() < 0.5:
        wrong = another_value(element, message[element], random.randrange(9))
        return None if wrong is None else message.but({element: wrong})
    return None
