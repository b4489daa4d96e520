"""Links on asyncio: a few long-lived connections to one host, opened again when they are lost, or accepted.

Everything that waits to be written goes out once for each turn of the loop, so thousands of terminals cost one system
call a turn and connection, not one a message. uvloop is used where it is installed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar, cast

from atm_sim.wire.keys import WireKeys
from atm_sim.wire.link import Close, Context, Effect, LinkSettings, Opened, WireLink, Write, Written
from bank_host.address import Address
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.message import Message

try:
    import uvloop
except ImportError:  # the extra `fast`
    new_event_loop = asyncio.new_event_loop
else:
    new_event_loop = uvloop.new_event_loop

T = TypeVar("T")
TICK_S = 0.02
CALL_AGAIN_S = 0.25
_SLICE_BYTES = 4_096  # some thirty answers, a millisecond's work
MOST_ENDS = 1_000  # that are remembered


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to its end on the fastest loop there is."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)


class NotReached(Exception):
    """No connection came about; the text says why."""


class Connection(asyncio.Protocol, Generic[Context]):
    """One connection and its link."""

    def __init__(self, wires: Wires[Context], place: int) -> None:
        self._wires = wires
        self._transport: asyncio.Transport | None = None
        self._out: list[bytes] = []
        self._unread = b""
        self._loop = asyncio.get_running_loop()
        self.place = place
        keys = wires.new_keys(place)
        self.link: WireLink[Context] = WireLink(wires.dialect, wires.settings, keys, wires.clock())
        self.lost: asyncio.Future[None] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._wires.joins(self)
        self.do(self.link.opened(self._wires.clock()))

    def data_received(self, data: bytes) -> None:
        """Slice by slice: what falls due to be sent meanwhile does not wait until all is read that has come."""
        waits = bool(self._unread)
        self._unread += data
        if not waits:
            self._read_on()

    def _read_on(self) -> None:
        part, self._unread = self._unread[:_SLICE_BYTES], self._unread[_SLICE_BYTES:]
        if self._unread:
            self._loop.call_soon(self._read_on)
        self.do(self.link.received(part, self._wires.clock()))

    def connection_lost(self, exc: Exception | None) -> None:
        rest, self._unread = self._unread, b""
        self.do(self.link.received(rest, self._wires.clock()))
        self.do(self.link.close("lost", self._wires.clock()))
        if not self.lost.done():
            self.lost.set_result(None)

    def send(self, message: Message | Written, context: Context, now_us: int) -> None:
        """Send a request or advice; FormatError for what is no message."""
        self._write(self.link.send(message, context, now_us))

    def do(self, effects: list[Effect[Context]]) -> None:
        passed_on: list[Effect[Context]] = []
        for effect in effects:
            if isinstance(effect, Write):
                self._write(effect.data)
            else:
                passed_on.append(effect)
                if isinstance(effect, Close):
                    self.flush()
                    if self._transport is not None:
                        self._transport.close()
        if passed_on:
            self._wires.happened(self, passed_on)

    def cut(self) -> None:
        """Break the connection as a network would: at once, without a farewell."""
        if self._transport is not None:
            self._transport.abort()

    def _write(self, data: bytes) -> None:
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(data)

    def flush(self) -> None:
        """Hand over what waits to be written, which the next turn of the loop would do."""
        if self._out and self._transport is not None and not self._transport.is_closing():
            self._transport.write(b"".join(self._out))
        self._out.clear()


Happened = Callable[[Connection[Context], list[Effect[Context]]], None]


class Wires(Generic[Context]):
    """All connections to one host. `happened` is told whatever a link's owner has to know, in its order."""

    def __init__(
        self,
        dialect: Dialect,
        settings: LinkSettings,
        clock: Callable[[], int],
        happened: Happened[Context],
        new_keys: Callable[[int], WireKeys | None] = lambda place: None,
    ) -> None:
        self.dialect = dialect
        self.settings = settings
        self.clock = clock
        self.new_keys = new_keys
        self.ended: deque[tuple[str, str]] = deque(
            maxlen=MOST_ENDS
        )  # why connections ended, and in what words
        self._happened = happened
        self._all: list[Connection[Context]] = []
        self._open: list[Connection[Context]] = []
        self._turn = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._first: asyncio.Event = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._stopping = False

    # ---------------- opening and closing

    async def connect(self, address: Address, connections: int, within_s: float = 5.0) -> None:
        """Open the connections and wait until all are ready for business; NotReached if none is in time."""
        self._tasks = [asyncio.create_task(self._keep(address, place)) for place in range(1, connections + 1)]
        await self._ready(connections, within_s, f"{address}")

    async def listen(self, address: Address, connections: int = 1, within_s: float = 60.0) -> None:
        """Wait for the host to call us, where it is the side that calls."""
        places = iter(range(1, 1 << 30))
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Connection(self, next(places)), address.host, address.port
        )
        self._tasks = [asyncio.create_task(self._tick_all())]
        await self._ready(connections, within_s, f"a call to {address}")

    async def stop(self) -> None:
        """Sign off and close."""
        self._stopping = True
        for connection in list(self._all):
            connection.do(connection.link.stop(self.clock()))
        waits = [connection.lost for connection in self._all]
        if waits:
            await asyncio.wait(waits, timeout=1.0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()

    def cut_all(self) -> None:
        """Break all connections at once, as a fault of the network would."""
        for connection in list(self._all):
            connection.cut()

    # ---------------- using them

    @property
    def connections(self) -> list[Connection[Context]]:
        """All there are, also those not yet ready for business."""
        return list(self._all)

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet, over all connections."""
        return sum(connection.link.waiting for connection in self._all)

    @property
    def open_count(self) -> int:
        return len(self._open)

    def next_open(self) -> Connection[Context] | None:
        """The connections take turns; None while none is open."""
        if not self._open:
            return None
        self._turn = (self._turn + 1) % len(self._open)
        return self._open[self._turn]

    def flush(self) -> None:
        """Hand over what waits to be written, on all connections."""
        for connection in self._open:
            connection.flush()

    # ---------------- inside

    def joins(self, connection: Connection[Context]) -> None:
        """It has come about; one that only was to be made (uvloop makes it before it calls) is none of ours."""
        self._all.append(connection)

    def happened(self, connection: Connection[Context], effects: list[Effect[Context]]) -> None:
        for effect in effects:
            if isinstance(effect, Opened):
                self._open.append(connection)
                self._first.set()
            elif isinstance(effect, Close):
                self._left(connection)
                self.ended.append((effect.reason, effect.detail))
                self._first.set()
        self._happened(connection, effects)

    def _left(self, connection: Connection[Context]) -> None:
        for group in (self._all, self._open):
            if connection in group:
                group.remove(connection)

    async def _keep(self, address: Address, place: int) -> None:
        """Open one connection again and again until we stop."""
        loop = asyncio.get_running_loop()
        if place == 1:
            self._tasks.append(loop.create_task(self._tick_all()))
        while not self._stopping:
            try:
                _, connection = await loop.create_connection(lambda: Connection(self, place), *address)
            except OSError as error:
                self._not_reached(error.strerror or f"{error}")
            else:
                await asyncio.shield(connection.lost)
            if not self._stopping:
                await asyncio.sleep(CALL_AGAIN_S)

    def _not_reached(self, why: str) -> None:
        """Told once however often it is tried in vain, or a long outage would push out how it began."""
        if ("not_reached", why) != (self.ended[-1] if self.ended else None):
            self.ended.append(("not_reached", why))
        self._first.set()

    async def _ready(self, connections: int, within_s: float, whom: str) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + within_s
        while len(self._open) < connections and loop.time() < give_up_at:
            self._first.clear()
            try:
                await asyncio.wait_for(self._first.wait(), give_up_at - loop.time())
            except TimeoutError:
                break
            if any(reason in ("sign_on_refused", "key_refused") for reason, _ in self.ended):
                break
        if not self._open:
            why = ": ".join(filter(None, self.ended[-1])) if self.ended else f"nobody in {within_s:g} s"
            hint = f"; does it speak {self.dialect.name}? `atm-sim doctor HOST:PORT` finds out"
            answered = self.ended and self.ended[-1][0] in ("not_reached", "sign_on_refused", "key_refused")
            await self.stop()
            raise NotReached(f"{whom} could not be used: {why.replace('_', ' ')}{'' if answered else hint}")

    async def _tick_all(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for connection in list(self._all):
                connection.do(connection.link.tick(self.clock()))
