"""The acquirer: the ATM operator's node between its terminals and the switch (rows RS1-RS3, RS9, RS10).

A request goes to the switch with the operator's DE32 and is answered to the terminal it came from; a bank that runs its
own ATMs keeps its own cards off the switch (on-us). If whoever was asked does not answer in time the terminal gets 91
and the reversal goes out from here, because the issuer may have approved. Advices of the terminals take the same way,
in both directions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atm_sim.network.ladder import Ladder
from atm_sim.network.lines import Lines, LineSettings
from atm_sim.network.relay import ADVICES, REQUESTS, Passage, Relay
from atm_sim.sansio.effects import Effect, Event, Received
from atm_sim.sansio.matching import Counts
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf, SafSettings
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_network
from bank_host.iso8583.network import Keys


@dataclass(frozen=True, slots=True)
class AcquirerConfig:
    """One operator's node. Every neighbour but the switch and the issuers in `own_routes` is one of its terminals."""

    name: str
    acquirer_id: str  # DE32, up to 11 digits
    switch: str = "switch"
    timer_us: int = Ladder().acquirer_us
    own_routes: Mapping[str, str] = field(
        default_factory=dict
    )  # card prefix -> issuer node beside the switch
    saf: SafSettings = field(default_factory=SafSettings)
    lines: LineSettings = field(default_factory=LineSettings)


class Acquirer:
    """A sans-IO machine: see `atm_sim.sansio.effects`."""

    __slots__ = ("_neighbours", "_relay", "config")

    def __init__(
        self,
        config: AcquirerConfig,
        disk: Mapping[str, Any] | None = None,
        keys: Callable[[str], Keys] | None = None,
    ) -> None:
        """`disk` is what an earlier run of this node kept on its disk, `keys` makes the key module of a line."""
        self.config = config
        self._neighbours = {config.switch, *config.own_routes.values()}
        lines = Lines(sorted(self._neighbours), config.lines, keys)
        self._relay = Relay(config.timer_us, Saf(config.saf, disk), lines)

    @property
    def saf(self) -> Saf:
        """The queue of this acquirer's own reversals."""
        return self._relay.saf

    @property
    def counts(self) -> Counts:
        """What came from the switch, by verdict."""
        return self._relay.counts(self.config.switch)

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        match event:
            case Received(_, message) if is_network(message.mti):
                return self._relay.happened(event, now_us)
            case Received(sender, message) if sender in self._neighbours:
                return self._relay.came_back(sender, message, now_us)
            case Received(sender, message):
                return self._from_terminal(sender, message, now_us)
            case _:
                return self._relay.happened(event, now_us)

    def _from_terminal(self, terminal: str, message: Message, now_us: int) -> list[Effect]:
        if message.mti not in REQUESTS and message.mti not in ADVICES:
            return [row("refused", message, reason="message_type")]
        sent = message if 32 in message else message.but({32: self.config.acquirer_id})
        passage = Passage(terminal, self._route(sent.get(2)), message, sent, now_us)
        return self._relay.pass_on(passage, "forwarded", now_us)

    def _route(self, pan: str) -> str:
        """The neighbour to ask about a card: its bank if the ATMs are the bank's own, the switch otherwise."""
        own = self.config.own_routes
        return next((own[prefix] for prefix in own if pan.startswith(prefix)), self.config.switch)
