"""One TCP connection on asyncio: carries bytes between the socket and its link, and keeps the link's time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from bank_host.port import tls
from bank_host.port.link import ANYBODY, Ask, Close, Effect, End, Link, Send, Told
from bank_host.port.verdict import Verdict

if TYPE_CHECKING:
    from bank_host.port.server import Port

_UNARMED = 1 << 62


class Connection(asyncio.Protocol):
    """One connection of the port; `calls` when we have called the peer."""

    def __init__(self, port: Port, peer: str, *, calls: bool = False) -> None:
        self._port = port
        self._calls = calls
        self._transport: asyncio.Transport | None = None
        self._link: Link | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._armed_us = _UNARMED
        self._cut: asyncio.TimerHandle | None = None
        self._ended = False
        self.peer = peer
        self.place = 0  # among the open connections; taken again when it is free
        self.welcome: asyncio.Task[None] | None = None  # until the transport is there
        self.was_open = False
        self.lost = asyncio.get_running_loop().create_future()

    # ---------------- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        refused = self._port.joined(self) if self._calls else None
        if refused:
            self.abort(refused)
        else:
            self._begin()

    def data_received(self, data: bytes) -> None:
        if self._link is not None:
            self._do(self._link.received(data, self._port.clock()))

    def eof_received(self) -> bool:
        """The peer sends no more. What it sent is answered, but for TLS, which cannot be closed by half."""
        if self._link is not None:
            self._do(self._link.stop(self._port.clock(), "peer_closed"))
        return self._transport is not None and self._transport.get_extra_info("ssl_object") is None

    def connection_lost(self, exc: Exception | None) -> None:
        self.left("lost")

    def left(self, reason: End) -> None:
        """The connection is no more, or has never come about."""
        self._told_of_end(reason)
        if self._link is not None:
            self._link.close(reason)
        for handle in (self._timer, self._cut):
            if handle is not None:
                handle.cancel()
        self._port.left(self)
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        """The peer does not read: we do not read either, and wait only so long."""
        assert self._transport is not None
        self._transport.pause_reading()
        self._cut_later("peer_does_not_read")

    def resume_writing(self) -> None:
        assert self._transport is not None
        if self._cut is not None and not self._transport.is_closing():
            self._cut.cancel()
            self._cut = None
            self._transport.resume_reading()

    # ---------------- the port's side

    def answered(self, ticket: int, answer: Message | None, verdict: Verdict) -> list[Effect]:
        """What follows from an answer: given back to be done once for all answers of a batch."""
        assert self._link is not None
        if answer is not None:
            answer = verdict.treat(answer)
        return self._link.answered(ticket, answer, self._port.clock(), verdict.copies)

    def do(self, effects: Sequence[Effect]) -> None:
        self._do(effects)

    def stop(self) -> None:
        """No more business; close when what was accepted is answered."""
        if self._link is None:
            self.abort("stopping")
        else:
            self._do(self._link.stop(self._port.clock()))

    def abort(self, reason: End) -> None:
        """End the connection at once."""
        if self._link is not None:
            self._link.close(reason)
        self._told_of_end(reason)
        if self._transport is not None:
            self._transport.abort()
        elif self.welcome is not None:
            self.welcome.cancel()

    # ---------------- effects

    def _begin(self) -> None:
        assert self._transport is not None
        port = self._port
        speaker = ANYBODY
        certificate = self._transport.get_extra_info("peercert")
        if port.tls is not None and not self._calls:
            named = tls.speaker(certificate or {})
            if named is None:
                self.abort("certificate_names_nobody")
                return
            speaker = named
        now_us = port.clock()
        self._link = Link(
            port.dialect,
            port.settings.link,
            now_us,
            speaker=speaker,
            security=port.new_security(self.place),
            calls=self._calls,
            wall_clock=port.bank_clock,
        )
        self._do(self._link.opened(now_us))

    def _do(self, effects: Sequence[Effect]) -> None:
        link, transport, port = self._link, self._transport, self._port
        assert link is not None
        assert transport is not None
        out: list[bytes] = []
        ended: End | None = None
        to_do = list(effects)
        for effect in to_do:  # it may grow
            match effect:
                case Send(data, mti, code, waited_us):
                    out.append(data)
                    if mti:
                        port.metrics.answered(mti, code, waited_us)
                case Ask(ticket, message):
                    to_do.extend(port.ask(self, link, ticket, message))
                case Told(event, detail):
                    self.was_open = self.was_open or event == "signed_on"
                    port.told(self.peer, event, detail)
                case Close(reason):
                    ended = reason
        if out:
            transport.write(b"".join(out))
        if ended is not None:
            self._told_of_end(ended)
            transport.close()
            self._cut_later("peer_does_not_read")
        elif not link.closed:
            self._arm(link)

    def _told_of_end(self, reason: End) -> None:
        """Count and log why it ends: the first reason is the one."""
        if self._ended:
            return
        self._ended = True
        self._port.metrics.closed.labels(reason).inc()
        self._port.say(logging.INFO, "closed", peer=self.peer, reason=reason)

    def _cut_later(self, reason: End) -> None:
        if self._cut is None:
            after_s = self._port.settings.write_us / SECOND_US
            self._cut = asyncio.get_running_loop().call_later(after_s, self.abort, reason)

    # ---------------- time

    def _arm(self, link: Link) -> None:
        """One timer, for the earliest thing that is due; a later one is looked for when it fires."""
        due_us = link.due_us
        if due_us < self._armed_us:
            if self._timer is not None:
                self._timer.cancel()
            self._armed_us = due_us
            after_s = max(0, due_us - self._port.clock()) / SECOND_US
            self._timer = asyncio.get_running_loop().call_later(after_s, self._tick)

    def _tick(self) -> None:
        self._armed_us = _UNARMED
        self._timer = None
        if self._link is not None and not self._link.closed:
            self._do(self._link.tick(self._port.clock()))
