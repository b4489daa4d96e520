"""The interbank switch: routes by BIN to the issuers, and answers where none of them does (X8, RS1-RS3).

A card without a route is answered 92, an issuer known to be out of reach or silent 91; the latter is
reversed, since it may have approved. Routes are independent: each issuer has its own queue and its own
pending requests, so one bank that fails does not touch the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atm_sim.network.ladder import Ladder
from atm_sim.network.lines import Lines, LineSettings
from atm_sim.network.relay import ADVICES, NO_ROUTE, REQUESTS, Passage, Relay
from atm_sim.sansio.effects import Clocked, Effect, Event, Received
from atm_sim.sansio.matching import Counts
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf, SafSettings
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_network
from bank_host.iso8583.network import Keys

SIGN_OFF, SIGN_ON = "sign_off", "sign_on"
"""Hours that a switch may be clocked for, each with the issuer that they are about."""


@dataclass(frozen=True, slots=True)
class SwitchConfig:
    """Who may send, and which card prefix belongs to which issuer node; the longest prefix wins."""

    acquirers: frozenset[str]
    routes: Mapping[str, str]
    name: str = "switch"
    timer_us: int = Ladder().switch_us
    saf: SafSettings = field(default_factory=SafSettings)
    lines: LineSettings = field(default_factory=LineSettings)


class Switch:
    """A sans-IO machine: see `atm_sim.sansio.effects`."""

    __slots__ = ("_issuers", "_keys", "_prefix_lengths", "_relay", "config")

    def __init__(
        self,
        config: SwitchConfig,
        disk: Mapping[str, Any] | None = None,
        keys: Callable[[str], Keys] | None = None,
    ) -> None:
        """`disk` is what an earlier run of this node kept on its disk, `keys` makes the key module of a line."""
        self.config = config
        self._issuers = frozenset(config.routes.values())
        lines = Lines(sorted(self._issuers), config.lines, keys)
        self._relay = Relay(config.timer_us, Saf(config.saf, disk), lines)
        self._prefix_lengths = sorted({len(prefix) for prefix in config.routes}, reverse=True)

    @property
    def saf(self) -> Saf:
        """The queues of this switch's own reversals, one for each issuer."""
        return self._relay.saf

    def counts(self, issuer: str) -> Counts:
        """What came from `issuer`, by verdict."""
        return self._relay.counts(issuer)

    def route(self, pan: str) -> str:
        """The issuer node for a card number; '' if no prefix fits."""
        for length in self._prefix_lengths:
            issuer = self.config.routes.get(pan[:length])
            if issuer is not None:
                return issuer
        return ""

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        match event:
            case Clocked(what) if what.startswith((SIGN_OFF, SIGN_ON)):
                return self._planned(what, now_us)
            case Received(_, message) if is_network(message.mti):
                return self._relay.happened(event, now_us)
            case Received(sender, message) if sender in self._issuers:
                return self._relay.came_back(sender, message, now_us)
            case Received(sender, message) if sender in self.config.acquirers:
                return self._from_acquirer(sender, message, now_us)
            case Received(_, message):
                return [row("refused", message, reason="unknown_sender")]
            case _:
                return self._relay.happened(event, now_us)

    def _planned(self, what: str, now_us: int) -> list[Effect]:
        """The hours at which an issuer is signed off and on again, as agreed with it."""
        todo, _, issuer = what.partition(" ")
        lines = self._relay.lines
        return lines.sign_off(issuer, now_us) if todo == SIGN_OFF else lines.sign_on(issuer, now_us)

    def _from_acquirer(self, acquirer: str, message: Message, now_us: int) -> list[Effect]:
        if message.mti not in REQUESTS and message.mti not in ADVICES:
            return [row("refused", message, reason="message_type")]
        passage = Passage(acquirer, self.route(message.get(2)), message, message, now_us)
        if not self._relay.lines.has_signed_on(acquirer):
            return self._relay.not_signed_on(passage)
        if not passage.to:
            return self._relay.refuse(passage, NO_ROUTE, "no_route")
        return self._relay.pass_on(passage, "routed", now_us)
