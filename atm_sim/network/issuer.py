"""The issuer's place in the network: a bank host, which answers by a call, as a node among the machines.

The node knows who has signed on and lets nobody else's business through to the bank. It answers within the same event;
how long the bank works is the driver's to add.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from atm_sim.network.lines import Lines, LineSettings
from atm_sim.network.relay import ISSUER_NOT_AVAILABLE
from atm_sim.sansio.effects import Disconnected, Effect, Event, PowerRestored, Received, Send
from atm_sim.sansio.rows import row
from bank_host.iso8583 import build, network
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice, is_network

Answer = Callable[[Message, int], Sequence[Message]]


class IssuerNode:
    """Hands each message to `answer(message, now_us)` and sends what that returns back to the sender."""

    __slots__ = ("_answer", "_keys", "_lines", "_settings", "name")

    def __init__(
        self,
        name: str,
        answer: Answer,
        lines: LineSettings | None = None,
        keys: Callable[[str], network.Keys] | None = None,
    ) -> None:
        self.name = name
        self._answer = answer
        self._settings = lines
        self._keys = keys
        self._lines = Lines((), lines, keys)

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        match event:
            case Received(sender, message) if is_network(message.mti):
                if message.get(70) in (network.CUT_OVER_BEGINS, network.CUT_OVER_ENDS):
                    return self._told(sender, message, now_us)
                return self._lines.received(sender, message, now_us)
            case Received(sender, message) if self._lines.has_signed_on(sender):
                return self._told(sender, message, now_us)
            case Received(sender, message):
                refused: list[Effect] = [row("refused", message, reason="not_signed_on")]
                if is_advice(message.mti):
                    return refused
                return [*refused, Send(sender, build.answer(message, ISSUER_NOT_AVAILABLE))]
            case Disconnected(neighbour):
                return self._lines.disconnected(neighbour)
            case PowerRestored():
                self._lines = Lines((), self._settings, self._keys)
        return []

    def _told(self, sender: str, message: Message, now_us: int) -> list[Effect]:
        return [Send(sender, answer) for answer in self._answer(message, now_us)]
