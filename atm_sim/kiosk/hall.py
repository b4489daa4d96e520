"""All ATMs of a kiosk on one bank: each has its terminal, its network and its people for itself, and they share nothing
but the bank's store, as strangers do."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

from atm_sim.kiosk.atm import Atm
from atm_sim.kiosk.clock import PersonsClock
from atm_sim.scenario import Scenario
from atm_sim.world.lab import Parts
from bank_host.jst import jst_date
from bank_host.store.contract import Store

MOST_ATMS: Final = 200
_NUMBERS: Final = 1_000
"""So many accounts and ATMs each part of the kiosk may have."""


class Station:
    """An ATM with its clock, and the one browser that looks at it."""

    def __init__(self, number: int, key: str, clock: PersonsClock) -> None:
        self.number = number
        self.key = key
        self.clock = clock
        self.atm: Atm | None = None
        self.running: asyncio.Task[None] | None = None
        self.look: Callable[[dict[str, Any] | None], None] | None = None

    def does(self, what: str, value: str = "") -> None:
        """Called in the event loop; done in the ATM's own turn."""
        atm = self.atm
        assert atm is not None, "a station is opened before anybody knows its key"
        self.clock.call_after(0, lambda: atm.does(what, value))


class Hall:
    """Opens ATMs and knows them by the key that only their own browser has."""

    def __init__(
        self, scenario: Scenario, store: Store, now_us: Callable[[], int], *, real_day: bool
    ) -> None:
        """`real_day`: the kiosk lives on the day it is used, not on the scenario's."""
        self._scenario = scenario
        self._store = store
        self._now_us = now_us
        self._real_day = real_day
        self._stations: dict[str, Station] = {}
        self._opened = 0

    def station(self, key: str) -> Station | None:
        return self._stations.get(key)

    @property
    def is_full(self) -> bool:
        return len(self._stations) >= MOST_ATMS

    async def open(self) -> Station:
        """A new ATM with people of its own."""
        self._opened += 1
        number = self._opened
        loop = asyncio.get_running_loop()
        clock = PersonsClock(self._now_us, lambda: self._show(station, loop))
        station = Station(number, secrets.token_urlsafe(24), clock)
        station.atm = await asyncio.to_thread(self._atm, number, clock)
        self._stations[station.key] = station
        station.running = loop.create_task(clock.run())
        clock.call_after(0, station.atm.start)
        return station

    async def close(self) -> None:
        for station in self._stations.values():
            if station.running is not None:
                station.running.cancel()

    def _atm(self, number: int, clock: PersonsClock) -> Atm:
        scenario = self._scenario
        if self._real_day:
            scenario = scenario.model_copy(update={"day": jst_date(self._now_us())})
        parts = Parts(store=lambda bank: self._store, numbers_from=number * _NUMBERS)
        return Atm(scenario.model_copy(update={"steps": ()}), number, parts, clock)

    @staticmethod
    def _show(station: Station, loop: asyncio.AbstractEventLoop) -> None:
        """In the ATM's turn: draw it, and hand the picture to the loop."""
        if station.atm is not None and station.look is not None:
            loop.call_soon_threadsafe(station.look, station.atm.view())
