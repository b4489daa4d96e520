"""A second clock for tests: asyncio with a heap for virtual time; every message really travels through a TCP socket.

The same lab and conductor that SimPy drives run here. A message is encoded, framed, written to a loopback socket, cut
out of the stream again and decoded; what the other end is handed is the decoded copy, `delay_us` later on the heap.
A message that the codec cannot read is dropped, as a host drops it, and listed in `refused`.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from atm_sim.records.log import EventLog
from atm_sim.world.conductor import Conductor
from atm_sim.world.lab import Lab
from bank_host.iso8583.codec import decode, encode
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.framing import FRAMINGS
from bank_host.iso8583.message import Message

FRAMING = FRAMINGS["len2"]
READ_BYTES = 4_096

Wire = Callable[[int, bytes], bytes | None]
"""What the line does to the n-th message (from 1): the bytes that get through, None when it is lost."""


def faithful(number: int, data: bytes) -> bytes | None:
    return data


class Travelled(NamedTuple):
    """What a run on the second clock leaves."""

    log: EventLog
    messages: int  # that went through the socket
    refused: list[FormatError]


class _Due(NamedTuple):
    """A call on the heap: by time, and at the same time in the order they were asked for."""

    at_us: int
    number: int
    call: Callable[[], Awaitable[None] | None]
    background: bool


class AsyncioDriver:
    """The conductor's driver on an asyncio loop: `now_us` is the time of the call that runs."""

    def __init__(self, start_us: int, writer: asyncio.StreamWriter, wire: Wire) -> None:
        self._now_us = start_us
        self._writer = writer
        self._wire = wire
        self._heap: list[_Due] = []
        self._asked = 0
        self._outstanding = 0
        self._under_way: deque[asyncio.Future[bytes]] = deque()  # in the order they were written
        self.sent = 0
        self.refused: list[FormatError] = []

    def now_us(self) -> int:
        return self._now_us

    def call_after(
        self, delay_us: int, call: Callable[[], Awaitable[None] | None], *, background: bool = False
    ) -> None:
        self._asked += 1
        self._outstanding += not background
        heapq.heappush(self._heap, _Due(self._now_us + delay_us, self._asked, call, background))

    def carry(self, message: Message, delay_us: int, deliver: Callable[[Message], None]) -> None:
        self.sent += 1
        data = self._wire(self.sent, encode(message))
        if data is None:
            return
        self._writer.write(FRAMING.wrap(data))
        arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._under_way.append(arrived)
        self.call_after(delay_us, lambda: self._hand_over(arrived, deliver))

    async def _hand_over(self, arrived: asyncio.Future[bytes], deliver: Callable[[Message], None]) -> None:
        try:
            message = decode(await arrived)
        except FormatError as error:
            self.refused.append(error)
        else:
            deliver(message)

    async def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The far end of the socket: cut the stream into messages until it closes."""
        frames = FRAMING.reader()
        while piece := await reader.read(READ_BYTES):
            for frame in frames.feed(piece):
                self._under_way.popleft().set_result(frame.payload)
        writer.close()

    async def run_until(self, until_us: int) -> None:
        while self._outstanding and self._heap[0].at_us <= until_us:
            due = heapq.heappop(self._heap)
            self._outstanding -= not due.background
            self._now_us = due.at_us
            waiting = due.call()
            if waiting is not None:
                await waiting


def run_over_sockets(lab: Lab, wire: Wire = faithful) -> Travelled:
    """Run one lab to its end on the second clock."""
    return asyncio.run(_run(lab, wire))


async def _run(lab: Lab, wire: Wire) -> Travelled:
    far_end: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Future()
    server = await asyncio.start_server(lambda *streams: far_end.set_result(streams), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    log = EventLog()
    driver = AsyncioDriver(lab.start_us, writer, wire)
    receiving = asyncio.create_task(driver.receive(*await far_end))
    conductor = Conductor(lab, driver, log)
    conductor.start()
    await driver.run_until(lab.until_us)
    conductor.finish()
    writer.close()
    await receiving
    server.close()
    return Travelled(log, driver.sent, driver.refused)
