"""The lists that banks send the switch which stands in for them, every so often, as a file beside the messages (X8).

A list does not arrive while the bank's host or the switch is down, or their line is; the switch then goes on with the
one it has, which grows older. Nothing waits for the next list: the feed keeps no run going.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from atm_sim.sansio.effects import Event, ListsCame
from atm_sim.scenario.vocabulary import SWITCH
from atm_sim.world.disruptions import Disruptions
from atm_sim.world.lab import Lab, issuer_node
from atm_sim.world.standing_in import lists_of


class World(Protocol):
    """What the feed asks of the conductor."""

    def now_us(self) -> int: ...

    def in_background(self, after_us: int, call: Callable[[], None]) -> None: ...

    def tell(self, node: str, event: Event) -> None: ...


class ListFeed:
    """Sends the lists of every bank that is stood in for. `start()` sends the first and plans the others."""

    def __init__(self, lab: Lab, world: World, disruptions: Disruptions) -> None:
        self._lab = lab
        self._world = world
        self._disruptions = disruptions

    def start(self) -> None:
        for bank, stand_in in self._lab.stood_in_for.items():
            self._due(bank, stand_in.negative_file_every_us)

    def _due(self, bank: str, every_us: int) -> None:
        node, now_us = issuer_node(bank), self._world.now_us()
        line, _ = self._lab.line(node, SWITCH)
        down = self._disruptions.is_down
        if not (down(node) or down(SWITCH) or self._lab.links.is_down(line, bank, now_us)):
            as_of_us = self._disruptions.clock_us(node, now_us)
            self._world.tell(SWITCH, ListsCame(node, lists_of(self._lab.banks[bank], as_of_us)))
        self._world.in_background(every_us, partial(self._due, bank, every_us))
