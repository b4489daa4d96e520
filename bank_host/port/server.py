"""The bank's port: listens, calls switches, keeps the bounds, and brings messages to the bank and answers back."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import count
from typing import NamedTuple

from bank_host.host import Bank
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from bank_host.port.batches import Answers, Batches, BatchSettings
from bank_host.port.connection import Connection
from bank_host.port.link import AUDITED, QUIET, Effect, End, Event, Link, LinkSecurity, LinkSettings
from bank_host.port.logs import RateLimited
from bank_host.port.metrics import Metrics
from bank_host.port.verdict import Judge, Verdict, no_judge
from bank_host.rules.changes import Audit

_BACKLOG = 512
_ACCEPT_AGAIN_S = 0.1
_KERNEL_BYTES = 64 * 1024
"""What the system keeps of a connection each way: else it would keep megabytes for one that does not read."""

log = logging.getLogger(__name__)


class PortSettings(NamedTuple):
    """The bounds of the port; those of one link and of the queue in front of the bank are in it."""

    link: LinkSettings = LinkSettings()
    batch: BatchSettings = BatchSettings()
    most_connections: int = 512
    most_per_peer: int = 20  # of one address; loopback has no such bound
    write_us: int = 10 * SECOND_US  # how long a peer that does not read is waited for
    handshake_us: int = 2 * SECOND_US  # of TLS, and for its farewell
    stop_us: int = 10 * SECOND_US  # how long a stop waits for answers
    call_again_us: int = SECOND_US  # the first wait before a switch is called again; it doubles
    call_again_most_us: int = 60 * SECOND_US


class _Key(NamedTuple):
    """Whose message it is that the bank has."""

    connection: Connection
    ticket: int
    verdict: Verdict


class Port:
    """All connections of one bank host."""

    def __init__(
        self,
        bank: Bank,
        dialect: Dialect,
        *,
        settings: PortSettings,
        metrics: Metrics,
        clock: Callable[[], int],
        bank_clock: Callable[[], int],
        new_security: Callable[[int], LinkSecurity | None] = lambda place: None,
        judge: Judge = no_judge,
        tls: ssl.SSLContext | None = None,
        calling_tls: ssl.SSLContext | None = None,
    ) -> None:
        self.dialect = dialect
        self.settings = settings
        self.metrics = metrics
        self.clock = clock
        self.new_security = new_security
        self.tls = tls
        self.stopping = False
        self._calling_tls = calling_tls
        self._judge = judge
        self.bank_clock = bank_clock
        self._loop = asyncio.get_running_loop()
        self._connections: set[Connection] = set()
        self._places: dict[int, Connection] = {}
        self._of_peer: Counter[str] = Counter()
        self._nobody = asyncio.Event()
        self._no_writer = asyncio.Event()
        self._nobody.set()
        self._doors: list[asyncio.Task[None]] = []
        self._callers: list[asyncio.Task[None]] = []
        self.say = RateLimited(log, clock)
        self._batches: Batches[_Key] = Batches(
            bank,
            bank_clock,
            self._deliver,
            settings.batch,
            observe=metrics.batch.observe,
            ended=self._writer_is_gone,
            say=self.say,
        )
        metrics.watch(lambda: len(self._connections), lambda: len(self._batches))
        self._batches.start()

    # ---------------- opening and closing

    def listen(self, host: str, port: int) -> tuple[str, int]:
        """Accept connections; the address that was taken (port 0 takes a free one)."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        listening.setblocking(False)
        for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            listening.setsockopt(socket.SOL_SOCKET, buffer, _KERNEL_BYTES)
        self._doors.append(self._loop.create_task(self._accept(listening)))
        address = listening.getsockname()
        return address[0], address[1]

    async def _accept(self, listening: socket.socket) -> None:
        """Each one is counted before its TLS handshake, so that those who never finish one are within the bounds."""
        with listening:
            while True:
                try:
                    sock, address = await self._loop.sock_accept(listening)
                except OSError as error:  # no file descriptor left, or the peer is gone already
                    self.say(logging.WARNING, "accept_failed", error=type(error).__name__)
                    await asyncio.sleep(_ACCEPT_AGAIN_S)
                    continue
                connection = Connection(self, str(address[0]))
                refused = self.joined(connection)
                if refused:
                    connection.left(refused)
                    sock.close()
                else:
                    connection.welcome = self._loop.create_task(self._welcome(sock, connection))

    async def _welcome(self, sock: socket.socket, connection: Connection) -> None:
        handshake_s = self.settings.handshake_us / SECOND_US if self.tls is not None else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                sock,
                ssl=self.tls,
                ssl_handshake_timeout=handshake_s,
                ssl_shutdown_timeout=handshake_s,
            )
        except (OSError, asyncio.CancelledError):  # ssl.SSLError and the timeout are OSErrors
            connection.left("tls_failed")
            sock.close()

    def call(self, host: str, port: int) -> None:
        """Keep a connection to a switch, with a growing delay after each that failed."""
        self._callers.append(self._loop.create_task(self._keep_calling(host, port)))

    async def _keep_calling(self, host: str, port: int) -> None:
        settings = self.settings
        wait_us = settings.call_again_us
        handshake_s = settings.handshake_us / SECOND_US if self._calling_tls else None
        while not self.stopping:
            try:
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self, host, calls=True),
                    host,
                    port,
                    ssl=self._calling_tls,
                    ssl_handshake_timeout=handshake_s,
                    ssl_shutdown_timeout=handshake_s,
                )
            except OSError as error:
                self.metrics.events.labels("call_failed").inc()
                self.say(logging.WARNING, "call_failed", peer=host, error=type(error).__name__)
            else:
                await connection.lost
                if connection.was_open:
                    wait_us = settings.call_again_us
            await asyncio.sleep(wait_us / SECOND_US)
            wait_us = min(2 * wait_us, settings.call_again_most_us)

    async def stop(self) -> bool:
        """Accept nobody, answer what was accepted, close; whether that went well within the time given for it."""
        self.stopping = True
        for door in self._doors:
            door.cancel()
        for connection in list(self._connections):
            connection.stop()
        in_time = await self._comes(self._nobody)
        self.abort()
        return await self._comes(self._no_writer) and in_time

    async def _comes(self, event: asyncio.Event) -> bool:
        try:
            await asyncio.wait_for(event.wait(), self.settings.stop_us / SECOND_US)
        except TimeoutError:
            return False
        return True

    def abort(self) -> None:
        """Cut every connection, and have the writer end after the batch it is at."""
        self.stopping = True
        for caller in self._callers:
            caller.cancel()
        for connection in list(self._connections):
            connection.abort("stopped_at_once")
        self._batches.stop()

    # ---------------- connections

    def joined(self, connection: Connection) -> End | None:
        """Count a new connection; why it may not stay, if so."""
        peer = connection.peer
        most_of_peer = self.settings.most_connections if _is_loopback(peer) else self.settings.most_per_peer
        refused: End | None = None
        if self.stopping:
            refused = "stopping"
        elif len(self._connections) >= self.settings.most_connections:
            refused = "too_many_connections"
        elif self._of_peer[peer] >= most_of_peer:
            refused = "too_many_of_peer"
        self._connections.add(connection)
        connection.place = next(place for place in count() if place not in self._places)
        self._places[connection.place] = connection
        self._of_peer[peer] += 1
        self._nobody.clear()
        return refused

    def left(self, connection: Connection) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            del self._places[connection.place]
            self._of_peer[connection.peer] -= 1
            if not self._of_peer[connection.peer]:
                del self._of_peer[connection.peer]
        if not self._connections:
            self._nobody.set()

    # ---------------- messages

    def told(self, peer: str, event: Event, detail: str) -> None:
        """What happened on a link: counted, logged within limits, and what is about its security audited."""
        self.metrics.events.labels(event).inc()
        self.say(logging.INFO if event in QUIET else logging.WARNING, event, peer=peer, detail=detail)
        if event in AUDITED:
            self._batches.note(Audit("host", "port", "", event, after=detail, reason=peer))

    def ask(self, connection: Connection, link: Link, ticket: int, message: Message) -> Sequence[Effect]:
        """Bring a message to the bank, unless the script has a word for it; what follows at once."""
        verdict = self._judge(message, self.bank_clock())
        if verdict.close:
            return link.close("script")
        if verdict.asks_the_bank:
            put = self._batches.put(_Key(connection, ticket, verdict), message)
            return () if put else link.refused(ticket, self.clock())
        if verdict.delay_us:
            self._later(_Key(connection, ticket, verdict), verdict.answer)
            return ()
        return connection.answered(ticket, verdict.answer, verdict)

    def _deliver(self, answers: Answers[_Key]) -> None:
        """In the writer's thread: hand a batch's answers over to the loop."""
        try:
            self._loop.call_soon_threadsafe(self._delivered, answers)
        except RuntimeError:  # the loop has ended: nobody is there any more
            self._batches.sent()

    def _writer_is_gone(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._no_writer.set)

    def _delivered(self, answers: Answers[_Key]) -> None:
        self._loop.call_soon(self._batches.sent)  # when all have left, and what has come since is read
        effects: dict[Connection, list[Effect]] = {}
        for key, answer in answers:
            if key.verdict.delay_us:
                self._later(key, answer)
            else:
                effects.setdefault(key.connection, []).extend(
                    key.connection.answered(key.ticket, answer, key.verdict)
                )
        for connection, together in effects.items():
            connection.do(together)

    def _later(self, key: _Key, answer: Message | None) -> None:
        def leave() -> None:
            key.connection.do(key.connection.answered(key.ticket, answer, key.verdict))

        self._loop.call_later(key.verdict.delay_us / SECOND_US, leave)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
