"""A card reader of the kiosk's own computer: what is put into it is told, read no further than its application's name.

A real card never takes part: it stands for a made-up customer's, whose own virtual card does the talking.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from threading import Event, Thread
from typing import Final

from atm_sim.runner.own_card import look_at
from cardreader.problems import ReaderError
from cardreader.transport import Transport
from cardreader.watch import watch

ANY: Final = "any"


class ReaderWatch:
    """Watches the readers in a thread of its own; `came` is told what was put in, `went` when it is pulled."""

    def __init__(
        self,
        transport: Transport,
        reader: str,
        day: date,
        came: Callable[[str], object],
        went: Callable[[], object],
    ) -> None:
        """`reader` is a part of the name of the one that is meant, or `any`."""
        self._transport = transport
        self._wanted = "" if reader == ANY else reader.lower()
        self._day = day
        self._came, self._went = came, went
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No card is told any more."""
        self._stopping.set()

    def _run(self) -> None:
        for event in watch(self._transport, pause=self._stopping.wait):
            if self._stopping.is_set():
                return
            if not event.reader or self._wanted not in event.reader.lower():
                continue
            if event.kind == "card_inserted":
                self._tell_card(event.reader)
            elif event.kind in ("card_removed", "reader_removed"):
                self._went()

    def _tell_card(self, reader: str) -> None:
        """A card that is no bank card, or cannot be read, is told as such and opens nothing."""
        try:
            kept = look_at(self._transport, self._day, reader=reader)
        except ReaderError:
            return
        self._came(str(kept))
