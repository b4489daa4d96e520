"""What a conductor needs from outside: a clock with a line that carries messages, and perhaps somebody who watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from atm_sim.sansio.effects import Effect, Event
from bank_host.host import Commit
from bank_host.iso8583.message import Message


class Driver(Protocol):
    """What a clock has to offer: the time, a call later, and a line that carries messages."""

    def now_us(self) -> int: ...

    def call_after(self, delay_us: int, call: Callable[[], None], *, background: bool = False) -> None:
        """Call once, `delay_us` from now; calls due at the same time run in the order they were asked for.

        The run is over when only `background` calls are left.
        """

    def carry(self, message: Message, delay_us: int, deliver: Callable[[Message], None]) -> None:
        """Bring `message` to the other end, `delay_us` from now."""


class Watcher(Protocol):
    """Somebody who sees everything and changes nothing: the auditor of the invariants."""

    def committed(self, commit: Commit) -> None: ...

    def exchanged(self, bank: str, request: Message, answer: Message) -> None: ...

    def handled(self, atm: str, event: Event, effects: Iterable[Effect], now_us: int) -> None: ...
