"""A port in a thread of its own, and peers on real sockets that talk to it: for the tests of the port."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bank_host import jst
from bank_host.clock import steady_clock
from bank_host.host import Bank, OnTheWay, Step
from bank_host.hsm import TPK
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import DEFAULT, Dialect
from bank_host.iso8583.framing import FRAMINGS
from bank_host.iso8583.message import Message
from bank_host.port.link import LinkSettings
from bank_host.port.metrics import Metrics
from bank_host.port.server import Port, PortSettings
from bank_host.rules.changes import Audit
from tests.bank_host.online_bank import HANAKO, NOON_US, PANS, PINS, OnlineBank

PATIENCE_S = 20.0
PATIENT = LinkSettings(sign_on_within_us=60 * jst.SECOND_US, whole_frame_us=60 * jst.SECOND_US)
"""Bounds that do not bite however slow the machine is; a test shortens the one it is about."""

new_event_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop

FRAMING = FRAMINGS["len2"]
frame = FRAMING.wrap
ACQUIRER = "34"  # Seven Bank


def withdrawal(
    online: OnlineBank, stan: int, *, account: str = HANAKO, terminal: str = "ATM00007", pin: str = ""
) -> Message:
    """¥10,000 at an ATM."""
    pan = PANS[account]
    return build.financial_request(
        "withdraw",
        pan=pan,
        amount_jpy=10_000,
        stan=stan,
        now_us=NOON_US,
        acceptor=build.Acceptor(terminal, "SHIBUYA", ACQUIRER),
        expiry_yymm="1801",
        pin_block=online.bank.hsm.encrypt_pin_block(TPK, pin or PINS[account], pan),
    )


def managing(code: str, stan: int = 1, **more: str) -> Message:
    """A 0800."""
    return build.network_request(code, stan=stan, now_us=NOON_US, **more)


class Peer:
    """One connection to the port."""

    def __init__(self, sock: socket.socket, dialect: Dialect = DEFAULT) -> None:
        sock.settimeout(PATIENCE_S)
        self.socket = sock
        self._dialect = dialect
        self._stream = dialect.framing.reader()
        self._heard: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def say(self, *messages: Message) -> None:
        wrap = self._dialect.framing.wrap
        self.send(b"".join(wrap(self._dialect.encode(message)) for message in messages))

    def hear_bytes(self) -> bytes:
        """The next message as it came."""
        while not self._heard:
            data = self.socket.recv(65_536)
            assert data, "the port closed the connection"
            self._heard += [frame.payload for frame in self._stream.feed(data)]
        return self._heard.pop(0)

    def hear(self) -> Message:
        return self._dialect.decode(self.hear_bytes())

    def ask(self, message: Message) -> Message:
        self.say(message)
        return self.hear()

    def sign_on(self) -> Peer:
        assert self.ask(managing("001"))[39] == "00"
        return self

    def is_cut(self) -> bool:
        """Whether the port ends the connection, now or within the test's patience, without another word."""
        try:
            return self.socket.recv(1) == b""
        except TimeoutError:
            return False
        except (ConnectionError, ssl.SSLError):
            return True

    def close(self) -> None:
        self.socket.close()


@dataclass
class Served:
    """A port at work."""

    port: Port
    loop: asyncio.AbstractEventLoop
    address: tuple[str, int]
    metrics: Metrics
    peers: list[Peer]

    def connect(self, context: ssl.SSLContext | None = None) -> Peer:
        sock = socket.create_connection(self.address)
        if context is not None:
            sock.settimeout(PATIENCE_S)
            sock = context.wrap_socket(sock, server_hostname="localhost")
        self.peers.append(Peer(sock, self.port.dialect))
        return self.peers[-1]

    def figure(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(name, labels) or 0.0

    def events(self, event: str) -> float:
        return self.figure("bank_host_link_events_total", event=event)

    def closed(self, reason: str) -> float:
        return self.figure("bank_host_links_closed_total", reason=reason)

    def has_closed(self, reason: str) -> bool:
        """Whether one connection was ended for this reason, now or as soon as the loop gets to it."""
        return self.until(lambda: self.closed(reason) == 1)

    def until(self, happened: Callable[[], bool]) -> bool:
        """Turn by turn of the loop, until it has happened."""
        turns = iter(range(20_000))
        while not happened() and next(turns, None) is not None:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(PATIENCE_S)
        return happened()

    def stop(self) -> bool:
        return asyncio.run_coroutine_threadsafe(self.port.stop(), self.loop).result(PATIENCE_S)

    def begin_to_stop(self) -> Any:
        return asyncio.run_coroutine_threadsafe(self.port.stop(), self.loop)


@contextmanager
def served(bank: Any, *, settings: PortSettings | None = None, **how: Any) -> Iterator[Served]:
    """A port on a free address, in a thread; stopped at the end, if the test has not stopped it."""
    loop = new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    metrics = Metrics()

    async def opened() -> tuple[Port, tuple[str, int]]:
        port = Port(
            bank,
            how.pop("dialect", DEFAULT),
            settings=settings or PortSettings(link=PATIENT),
            metrics=metrics,
            clock=steady_clock(),
            bank_clock=lambda: NOON_US,
            **how,
        )
        return port, port.listen("127.0.0.1", 0)

    port, address = asyncio.run_coroutine_threadsafe(opened(), loop).result(PATIENCE_S)
    here = Served(port, loop, address, metrics, [])
    try:
        yield here
    finally:
        for peer in here.peers:
            peer.close()
        here.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
        loop.close()


class HeldBank:
    """A bank that takes its time: it answers when it is released."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.batches: list[int] = []
        self.reached = threading.Event()
        self.released = threading.Event()

    def step(
        self, new: Sequence[tuple[Any, Message]], on_the_way: Sequence[OnTheWay[Any]], now_us: int
    ) -> Step[Any]:
        if new:
            self.batches.append(len(new))
            self.reached.set()
            assert self.released.wait(PATIENCE_S)
        return self.bank.step(new, on_the_way, now_us)

    def run_due(self, now_us: int) -> int:
        return 0

    def note(self, rows: Sequence[Audit], now_us: int) -> None:
        self.bank.note(rows, now_us)


def bits(settings: PortSettings, **link: Any) -> PortSettings:
    """The settings with some bounds of a link changed."""
    return settings._replace(link=settings.link._replace(**link))
