"""The acquirer: the ATM operator's node between its terminals and the switch (rows RS1-RS3, RS9, RS10).

A request goes to the switch with the operator's DE32 and is answered to the terminal it came from. If the
switch does not answer in time the terminal gets 91 and the reversal goes out from here, because behind the
switch the issuer may have approved. Advices of the terminals pass through in both directions.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from atm_sim.network.ladder import Ladder
from atm_sim.network.relay import ADVICES, REQUESTS, Passage, Relay
from atm_sim.sansio.effects import Effect, Event, Received, TimerFired
from atm_sim.sansio.matching import Counts
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf, SafSettings
from bank_host.iso8583.message import Message


@dataclass(frozen=True, slots=True)
class AcquirerConfig:
    """One operator's node. Every neighbour but the switch is one of its terminals."""

    name: str
    acquirer_id: str  # DE32, up to 11 digits
    switch: str = "switch"
    timer_us: int = Ladder().acquirer_us
    saf: SafSettings = field(default_factory=SafSettings)


class Acquirer:
    """A sans-IO machine: see `atm_sim.sansio.effects`."""

    __slots__ = ("_relay", "config")

    def __init__(self, config: AcquirerConfig) -> None:
        self.config = config
        self._relay = Relay(config.timer_us, Saf(config.saf))

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
            case Received(sender, message) if sender == self.config.switch:
                return self._relay.came_back(sender, message, now_us)
            case Received(sender, message):
                return self._from_terminal(sender, message, now_us)
            case TimerFired(key):
                return self._relay.timer_fired(key, now_us)
            case _:
                return []

    def _from_terminal(self, terminal: str, message: Message, now_us: int) -> list[Effect]:
        if message.mti not in REQUESTS and message.mti not in ADVICES:
            return [row("refused", message, reason="message_type")]
        sent = message if 32 in message else message.but({32: self.config.acquirer_id})
        passage = Passage(terminal, self.config.switch, message, sent, now_us)
        return self._relay.pass_on(passage, "forwarded", now_us)
