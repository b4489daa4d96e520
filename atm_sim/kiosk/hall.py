"""All ATMs of a kiosk on one bank: each has its terminal, its network and its people for itself, and they share nothing
but the bank's store, as strangers do."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from atm_sim.kiosk.atm import Atm, Course
from atm_sim.kiosk.clock import PersonsClock
from atm_sim.kiosk.keeping import Notebook, Page, StationRow
from atm_sim.kiosk.texts import Lang
from atm_sim.scenario import Case, Scenario
from atm_sim.world.lab import Parts
from bank_host.jst import jst_date
from bank_host.store.contract import Store

MOST_ATMS: Final = 200
_NUMBERS: Final = 1_000
"""So many accounts and ATMs each part of the kiosk may have."""


class LessonPlan(NamedTuple):
    """What everybody is taught, and the folder of the learners' results."""

    case: Case
    results: Path


def write_result(file: Path, result: dict[str, Any]) -> None:
    """One learner's result so far; whoever reads it meanwhile reads a whole one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    new.replace(file)


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

    def reader_tells(self, card: str) -> None:
        """What is in the reader now; '' for nothing."""
        atm = self.atm
        assert atm is not None, "a station is opened before anybody knows its key"
        self.clock.call_after(0, lambda: atm.reader_tells(card))


class Hall:
    """Opens ATMs and knows them by the key that only their own browser has."""

    def __init__(
        self,
        scenario: Scenario,
        store: Store,
        notebook: Notebook,
        now_us: Callable[[], int],
        *,
        lesson: LessonPlan | None = None,
        pace: float = 1,
    ) -> None:
        """Without a lesson the kiosk lives on the day it is used, with one on the scenario's; time goes at `pace`."""
        self._scenario = scenario
        self._store = store
        self._notebook = notebook
        self._now_us = now_us
        self._lesson = lesson
        self._pace = pace
        self._stations: dict[str, Station] = {}
        self._opened = 0
        self._in_front: Station | None = (
            None  # whose browser is on this computer, where a card reader would be
        )

    def station(self, key: str) -> Station | None:
        return self._stations.get(key)

    def looked_at(self, station: Station) -> None:
        """A browser of this computer shows this ATM: a card put into the reader is put in here."""
        self._in_front = station

    def card_came(self, what: str) -> None:
        """A card was put into the reader."""
        if self._in_front is not None:
            self._in_front.reader_tells(what)

    def card_went(self) -> None:
        """It was pulled: at all ATMs, whichever it was put in at."""
        for station in self._stations.values():
            station.reader_tells("")

    @property
    def is_full(self) -> bool:
        return len(self._stations) >= MOST_ATMS

    async def reopen(self) -> None:
        """The ATMs of an earlier program, each with what it left open."""
        for row in self._notebook.stations():
            await self._started(row, again=True)

    async def open(self, learner: str = "", lang: Lang = "ja") -> Station:
        """A new ATM with people of its own."""
        day = self._scenario.day if self._lesson else jst_date(self._now_us())
        row = StationRow(self._opened + 1, secrets.token_urlsafe(24), day.isoformat(), learner)
        self._opened = row.number  # before anything else can open one
        station = await self._started(row, again=False)
        if station.atm is not None:
            station.atm.lang = lang
        return station

    async def close(self) -> None:
        for station in self._stations.values():
            if station.running is not None:
                station.running.cancel()

    async def _started(self, row: StationRow, *, again: bool) -> Station:
        self._opened = max(self._opened, row.number)
        loop = asyncio.get_running_loop()
        clock = PersonsClock(self._now_us, lambda: self._turn_ends(station, loop), pace=self._pace)
        station = Station(row.number, row.key, clock)
        station.atm = await asyncio.to_thread(self._atm, row, clock, again)
        if not again:
            self._notebook.add(row)
        self._stations[station.key] = station
        station.running = loop.create_task(clock.run())
        clock.call_after(0, station.atm.start)
        return station

    def _atm(self, row: StationRow, clock: PersonsClock, again: bool) -> Atm:
        scenario = self._scenario.model_copy(update={"day": date.fromisoformat(row.day)})
        parts = Parts(
            store=lambda bank: self._store, numbers_from=row.number * _NUMBERS, opens_accounts=not again
        )
        page = Page(self._notebook, row.number)
        if self._lesson is None:
            return Atm(scenario, row.number, parts, clock, page)
        write = partial(write_result, self._lesson.results / f"{row.number:03d}.json")
        return Atm(scenario, row.number, parts, clock, page, Course(self._lesson.case, row.learner, write))

    @staticmethod
    def _turn_ends(station: Station, loop: asyncio.AbstractEventLoop) -> None:
        """Still in the ATM's turn: draw it, and hand the picture to the loop."""
        if station.atm is None:
            return
        station.atm.settle()
        look = station.look
        if look is not None:
            loop.call_soon_threadsafe(look, station.atm.view())
