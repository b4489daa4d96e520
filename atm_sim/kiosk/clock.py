"""A person's time: the conductor's driver on asyncio, where a second takes a second, or less if a trainer wants it.

All calls of one ATM run in a thread, one after the other in the order they are due: the bank's work (disk, key module)
may block, and blocks neither the event loop nor another ATM.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US

_LOG = logging.getLogger(__name__)


def paced_clock(real_us: Callable[[], int], begins_us: int, pace: float) -> Callable[[], int]:
    """A time that begins at that moment and goes `pace` times as fast as the real one."""
    started_us = real_us()
    return lambda: begins_us + int((real_us() - started_us) * pace)


class PersonsClock:
    """The driver of one ATM; `run` does what is due until it is cancelled. `after_each` is called after each call."""

    def __init__(
        self,
        now_us: Callable[[], int],
        after_each: Callable[[], None] = lambda: None,
        *,
        pace: float = 1,
    ) -> None:
        """`pace` is the one at which `now_us` goes."""
        self._wall_us = now_us
        self._pace = pace
        self._ahead_us = 0
        self._after_each = after_each
        self._loop = asyncio.get_running_loop()
        self._due: asyncio.Queue[Callable[[], None]] = asyncio.Queue()
        self._planned: set[asyncio.TimerHandle] = set()

    def now_us(self) -> int:
        return self._wall_us() + self._ahead_us

    def not_before(self, at_us: int) -> None:
        """Let the time between now and then pass at once: a lesson's next step is at a time of its own."""
        self._ahead_us += max(0, at_us - self.now_us())

    def call_after(self, delay_us: int, call: Callable[[], None], *, background: bool = False) -> None:
        """May be asked for in any thread."""
        self._loop.call_soon_threadsafe(self._plan, delay_us, call)

    def carry(self, message: Message, delay_us: int, deliver: Callable[[Message], None]) -> None:
        self.call_after(delay_us, lambda: deliver(message))

    async def run(self) -> None:
        try:
            while True:
                call = await self._due.get()
                try:
                    await asyncio.to_thread(call)
                    await asyncio.to_thread(self._after_each)
                except Exception:  # one ATM's fault is told, and no reason to stop it or its neighbours
                    _LOG.exception("an ATM of the kiosk broke")
        finally:
            for handle in self._planned:
                handle.cancel()

    def _plan(self, delay_us: int, call: Callable[[], None]) -> None:
        if delay_us <= 0:
            self._due.put_nowait(call)
            return

        def due() -> None:
            self._planned.discard(handle)
            self._due.put_nowait(call)

        handle = self._loop.call_later(delay_us / SECOND_US / self._pace, due)
        self._planned.add(handle)
