"""The interbank switch: routes by BIN to the issuers, and answers where none of them does (X8, RS1-RS3).

A card without a route is answered 92, an issuer known to be out of reach or silent 91; the latter is
reversed, since it may have approved. Routes are independent: each issuer has its own queue and its own
pending requests, so one bank that fails does not touch the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atm_sim.network.ladder import Ladder
from atm_sim.network.relay import ADVICES, ISSUER_NOT_AVAILABLE, NO_ROUTE, REQUESTS, Passage, Relay
from atm_sim.sansio.effects import Effect, Event, PowerRestored, Received, TimerFired
from atm_sim.sansio.matching import Counts
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf, SafSettings
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice


@dataclass(frozen=True, slots=True)
class SwitchConfig:
    """Who may send, and which card prefix belongs to which issuer node; the longest prefix wins."""

    acquirers: frozenset[str]
    routes: Mapping[str, str]
    name: str = "switch"
    timer_us: int = Ladder().switch_us
    saf: SafSettings = field(default_factory=SafSettings)


class Switch:
    """A sans-IO machine: see `atm_sim.sansio.effects`."""

    __slots__ = ("_issuers", "_prefix_lengths", "_relay", "_unreachable", "config")

    def __init__(self, config: SwitchConfig, disk: Mapping[str, Any] | None = None) -> None:
        """`disk` is what an earlier run of this node kept on its disk."""
        self.config = config
        self._relay = Relay(config.timer_us, Saf(config.saf, disk))
        self._issuers = frozenset(config.routes.values())
        self._prefix_lengths = sorted({len(prefix) for prefix in config.routes}, reverse=True)
        self._unreachable: set[str] = set()

    @property
    def saf(self) -> Saf:
        """The queues of this switch's own reversals, one for each issuer."""
        return self._relay.saf

    def counts(self, issuer: str) -> Counts:
        """What came from `issuer`, by verdict."""
        return self._relay.counts(issuer)

    def set_reachable(self, issuer: str, reachable: bool) -> None:
        """The link layer's word on an issuer: sign-off or a closed connection makes it unreachable."""
        if issuer not in self._issuers:
            known = ", ".join(sorted(self._issuers))
            raise ValueError(f"no route leads to an issuer {issuer!r}; known: {known}")
        if reachable:
            self._unreachable.discard(issuer)
        else:
            self._unreachable.add(issuer)

    def route(self, pan: str) -> str:
        """The issuer node for a card number; '' if no prefix fits."""
        for length in self._prefix_lengths:
            issuer = self.config.routes.get(pan[:length])
            if issuer is not None:
                return issuer
        return ""

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        match event:
            case Received(sender, message) if sender in self._issuers:
                return self._relay.came_back(sender, message, now_us)
            case Received(sender, message) if sender in self.config.acquirers:
                return self._from_acquirer(sender, message, now_us)
            case Received(_, message):
                return [row("refused", message, reason="unknown_sender")]
            case TimerFired(key):
                return self._relay.timer_fired(key, now_us)
            case PowerRestored():
                return self._relay.saf.resume(now_us)
            case _:
                return []

    def _from_acquirer(self, acquirer: str, message: Message, now_us: int) -> list[Effect]:
        if message.mti not in REQUESTS and message.mti not in ADVICES:
            return [row("refused", message, reason="message_type")]
        issuer = self.route(message.get(2))
        passage = Passage(acquirer, issuer, message, message, now_us)
        if not issuer:
            return self._relay.refuse(passage, NO_ROUTE, "no_route")
        if issuer in self._unreachable:
            if is_advice(message.mti):
                return [row("unreachable", message)]  # unanswered, so its sender keeps it and repeats
            # No byte left for the issuer, so there is nothing to reverse (RS8).
            return self._relay.refuse(passage, ISSUER_NOT_AVAILABLE, "unreachable")
        return self._relay.pass_on(passage, "routed", now_us)
