"""All ATMs of one Locust worker over a few connections: the load run's own fleet and links, on gevent."""

from __future__ import annotations

from typing import NamedTuple

import gevent
from gevent import socket
from gevent.event import AsyncResult, Event

from atm_sim.load.fleet import STANS, Fleet, Sent
from atm_sim.load.people import acceptors
from atm_sim.load.plan import deeds
from atm_sim.load.record import Record, Transaction
from atm_sim.load.target import carriers
from atm_sim.scenario import Scenario
from atm_sim.wire.keys import BOTH, WireKeys, kinds, published
from atm_sim.wire.link import Answered, Close, Effect, LinkSettings, NotAnswered, Opened, WireLink, Write
from bank_host.address import Address
from bank_host.clock import steady_clock
from bank_host.iso8583.dialect import Dialect
from bank_host.jst import jst_date
from bank_host.policy import load_policy

TICK_S = 0.02
CALL_AGAIN_S = 0.25
READY_S = 10.0


class Share(NamedTuple):
    """Which of the workers this one is: it has its own part of the customers and of every ATM's trace numbers."""

    number: int  # from 0
    of: int

    @property
    def stans(self) -> range:
        size = len(STANS) // self.of
        return range(STANS[0] + self.number * size, STANS[0] + (self.number + 1) * size)


class Multiplexer:
    """One of each process. The users' greenlets call `ask`, which returns when their transaction has its answer."""

    def __init__(self, scenario: Scenario, share: Share, address: Address, dialect: Dialect) -> None:
        load = scenario.load
        assert load is not None
        self.clock = steady_clock()
        self._start_us = self.clock()
        policy = load_policy()
        people = carriers(scenario, load, scenario.seed, policy, self._start_us)[share.number :: share.of]
        atms = acceptors(scenario, load, policy.on(jst_date(self._start_us)))
        if not people:
            raise ValueError(
                f"customers: of the scenario are fewer than the {share.of} workers they are split among"
            )
        self.fleet = Fleet(load, atms, people, Record(), share.stans)
        self._deeds = deeds(load, scenario.seed + share.number, len(people))
        self._waiting: dict[int, AsyncResult] = {}
        self._address, self._dialect, self._hsm = address, dialect, published(dialect)
        self._settings = LinkSettings(
            exchange=kinds(BOTH, dialect) if load.exchange_keys else (),
            macs=load.mac,
            answer_within_us=load.answer_within_us,
        )
        self._open: list[_Connection] = []
        self._turn = 0
        self._ready = Event()
        self._refused = Event()  # nobody took the last call
        self._greenlets = [gevent.spawn(self._keep, place) for place in range(1, load.connections + 1)]
        self._greenlets.append(gevent.spawn(self._tick))

    def ask(self) -> Transaction | None:
        """Somebody comes to an ATM, and leaves with an answer or without; None while no connection is open."""
        if not self._open:
            gevent.wait((self._ready, self._refused), timeout=READY_S, count=1)
        if not self._open:
            gevent.sleep(CALL_AGAIN_S)  # before the same user comes again
            return None
        self._turn = (self._turn + 1) % len(self._open)
        connection, now_us = self._open[self._turn], self.clock()
        since_us = now_us - self._start_us
        record = self.fleet.record
        transaction = record.planned(since_us, next(self._deeds))
        message, sent = self.fleet.request(transaction, now_us, connection.link)
        answer = self._waiting[transaction.number] = AsyncResult()
        connection.write(connection.link.send(message, sent, now_us))
        record.sent([transaction], since_us)
        answer.get()
        return transaction

    def stop(self) -> None:
        """Sign off; whoever still waits gets no answer."""
        for connection in list(self._open):
            self.happened(connection, connection.link.stop(self.clock()))
        gevent.sleep(TICK_S)
        gevent.killall(self._greenlets)

    # ---------------- inside

    def _keep(self, place: int) -> None:
        while True:
            try:
                with socket.create_connection(self._address, timeout=READY_S) as peer:
                    peer.settimeout(None)
                    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    keys = WireKeys(self._hsm, place)
                    _Connection(peer, WireLink(self._dialect, self._settings, keys, self.clock()), self).run()
            except OSError:  # told by the requests that nobody takes
                self._refused.set()
            gevent.sleep(CALL_AGAIN_S)

    def _tick(self) -> None:
        while True:
            gevent.sleep(TICK_S)
            for connection in list(self._open):
                self.happened(connection, connection.link.tick(self.clock()))
            self._send_advices()

    def happened(self, connection: _Connection, effects: list[Effect[Sent]]) -> None:
        now_us = self.clock()
        since_us = now_us - self._start_us
        for effect in effects:
            if isinstance(effect, Write):
                connection.write(effect.data)
            elif isinstance(effect, Opened):
                self._open.append(connection)
                self._ready.set()
                self._refused.clear()
            elif isinstance(effect, Answered):
                self.fleet.answered(effect.context, effect.answer, since_us, now_us)
                self._go_on(effect.context)
            elif isinstance(effect, NotAnswered):
                self.fleet.not_answered(effect.context, effect.lost, since_us, now_us)
                self._go_on(effect.context)
            elif isinstance(effect, Close):
                self._left(connection)
        if self.fleet.unsettled:
            self._send_advices()

    def _left(self, connection: _Connection) -> None:
        connection.end()
        if connection in self._open:
            self._open.remove(connection)
        if not self._open:
            self._ready.clear()

    def _go_on(self, sent: Sent) -> None:
        if sent.part == "request":
            self._waiting.pop(sent.transaction.number).set()

    def _send_advices(self) -> None:
        now_us = self.clock()
        while self._open and (sent := self.fleet.due(now_us)) is not None:
            assert sent.advice is not None
            connection = self._open[0]
            connection.write(connection.link.send(sent.advice, sent, now_us))


class _Connection:
    """One connection. What is written goes out in one piece for each turn of the loop."""

    def __init__(self, peer: socket.socket, link: WireLink[Sent], owner: Multiplexer) -> None:
        self._peer, self.link, self._owner = peer, link, owner
        self._out: list[bytes] = []
        self._something = Event()
        self._ended = False

    def run(self) -> None:
        """Until either side ends it."""
        clock = self._owner.clock
        writer = gevent.spawn(self._write_on)
        try:
            self._owner.happened(self, self.link.opened(clock()))
            while not self._ended and (data := self._peer.recv(65_536)):
                self._owner.happened(self, self.link.received(data, clock()))
        finally:
            self._owner.happened(self, self.link.close("lost", clock()))
            writer.join(timeout=1.0)
            writer.kill()

    def write(self, data: bytes) -> None:
        self._out.append(data)
        self._something.set()

    def end(self) -> None:
        self._ended = True
        self._something.set()

    def _write_on(self) -> None:
        while not self._ended or self._out:
            self._something.wait()
            self._something.clear()
            data, self._out = b"".join(self._out), []
            if data:
                self._peer.sendall(data)
        self._peer.shutdown(socket.SHUT_RDWR)
