"""The issuer's place in the network: a bank host, which answers by a call, as a node among the machines.

The node answers within the same event; how long the bank works is the driver's to add.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from atm_sim.sansio.effects import Effect, Event, Received, Send
from bank_host.iso8583.message import Message

Answer = Callable[[Message, int], Sequence[Message]]


class IssuerNode:
    """Hands each message to `answer(message, now_us)` and sends what that returns back to the sender."""

    __slots__ = ("_answer", "name")

    def __init__(self, name: str, answer: Answer) -> None:
        self.name = name
        self._answer = answer

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        if not isinstance(event, Received):
            return []
        return [Send(event.sender, answer) for answer in self._answer(event.message, now_us)]
