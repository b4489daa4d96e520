"""Connections of the asking side on real sockets: shared, opened again when they are lost, or accepted."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from atm_sim.wire import connections
from atm_sim.wire.connections import Connection, NotReached, Wires, run
from atm_sim.wire.link import Answered, LinkSettings, NotAnswered
from bank_host.address import Address
from bank_host.clock import steady_clock
from bank_host.iso8583 import build
from bank_host.iso8583.dialect import DEFAULT
from bank_host.iso8583.message import Message
from tests.atm_sim.load.loads import null_host

PATIENCE_S = 30.0
SIGNING_ON, PLAIN = LinkSettings(), LinkSettings(sign_on=False)


@pytest.fixture(params=["asyncio", "uvloop"], autouse=True)
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """On both event loops."""
    if request.param == "asyncio":
        monkeypatch.setattr(connections, "new_event_loop", asyncio.new_event_loop)


@pytest.fixture(scope="module")
def host() -> Iterator[Address]:
    with null_host() as address:
        yield address


def request(stan: int) -> Message:
    return build.financial_request(
        "balance",
        pan="4999000000000018",
        amount_jpy=0,
        stan=stan,
        now_us=steady_clock()(),
        acceptor=build.Acceptor("T1", "SHOP", "34"),
    )


class Heard:
    """What the owner was told, and a way to wait for it."""

    def __init__(self) -> None:
        self.effects: list[Any] = []
        self._news = asyncio.Event()

    def __call__(self, connection: Connection[int], effects: list[Any]) -> None:
        self.effects += effects
        self._news.set()

    async def until(self, met: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not met():
                self._news.clear()
                await self._news.wait()

    def contexts(self, kind: type) -> list[int]:
        return [effect.context for effect in self.effects if isinstance(effect, kind)]


def wires(heard: Heard, settings: LinkSettings = SIGNING_ON) -> Wires[int]:
    return Wires(DEFAULT, settings, steady_clock(), heard)


def test_connections_take_turns_and_each_answer_finds_its_request(host):
    async def main() -> tuple[set[int], list[int]]:
        heard = Heard()
        pool = wires(heard)
        await pool.connect(host, 3)
        places = set()
        for number in range(30):
            connection = pool.next_open()
            assert connection is not None
            places.add(connection.place)
            connection.send(request(number + 1), number, steady_clock()())
        assert 30 == pool.waiting
        await heard.until(lambda: len(heard.contexts(Answered)) == 30)
        assert 0 == pool.waiting
        await pool.stop()
        return places, heard.contexts(Answered)

    places, answered = run(main())
    assert {1, 2, 3} == places
    assert list(range(30)) == sorted(answered)


def test_a_cut_gives_back_what_waited_and_connections_come_again(host):
    async def main() -> Heard:
        heard = Heard()
        pool = wires(heard)
        await pool.connect(host, 2)
        pool.cut_all()
        connection = pool.next_open()
        assert connection is not None
        connection.send(request(1), 7, steady_clock()())
        assert 1 == pool.waiting
        await heard.until(lambda: bool(heard.contexts(NotAnswered)))
        assert 0 == pool.waiting
        await heard.until(lambda: pool.open_count == 2)
        again = pool.next_open()
        assert again is not None
        again.send(request(2), 8, steady_clock()())
        await heard.until(lambda: 8 in heard.contexts(Answered))
        await pool.stop()
        return heard

    heard = run(main())
    assert [7] == heard.contexts(NotAnswered)
    assert all(effect.lost for effect in heard.effects if isinstance(effect, NotAnswered))


def test_we_may_be_the_side_that_is_called():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    echoed: list[str] = []

    def peer() -> None:
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                continue
        with connection:
            reader, frames = DEFAULT.framing.reader(), []
            while not frames:
                frames = reader.feed(connection.recv(65_536))
            asked = DEFAULT.decode(frames[0].payload)
            echoed.append(asked[11])
            connection.sendall(DEFAULT.framing.wrap(DEFAULT.encode(build.answer(asked, "00"))))
            connection.recv(1)

    async def main() -> list[int]:
        heard = Heard()
        pool = wires(heard, PLAIN)
        caller = threading.Thread(target=peer, daemon=True)
        caller.start()
        await pool.listen(Address("127.0.0.1", port))
        connection = pool.next_open()
        assert connection is not None
        connection.send(request(5), 5, steady_clock()())
        await heard.until(lambda: bool(heard.contexts(Answered)))
        await pool.stop()
        return heard.contexts(Answered)

    assert [5] == run(main())
    assert ["000005"] == echoed


def test_an_outage_leaves_nothing_behind_but_how_it_began(monkeypatch):
    """However often the host is called in vain meanwhile."""
    monkeypatch.setattr(connections, "CALL_AGAIN_S", 0.01)

    async def main() -> None:
        heard, accepted = Heard(), list[asyncio.StreamWriter]()

        async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(writer)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        pool = wires(heard, PLAIN)
        await pool.connect(Address("127.0.0.1", port), 2)
        server.close()
        while len(accepted) < 2:
            await asyncio.sleep(0)
        for writer in accepted:
            writer.transport.abort()
        async with asyncio.timeout(PATIENCE_S):
            while "not_reached" not in dict(pool.ended):
                await asyncio.sleep(0)
            assert [] == pool.connections
            server = await asyncio.start_server(accept, "127.0.0.1", port)
            await heard.until(lambda: pool.open_count == 2)
        assert ["lost", "lost", "not_reached"] == [reason for reason, _ in pool.ended]
        await pool.stop()
        server.close()

    run(main())


def test_nobody_there_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    async def main() -> None:
        await wires(Heard()).connect(Address("127.0.0.1", port), 1, within_s=0.5)

    with pytest.raises(NotReached, match=rf"127\.0\.0\.1:{port} could not be used: not reached"):
        run(main())


def test_a_peer_that_hangs_up_may_speak_otherwise():
    async def main() -> None:
        async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        try:
            await wires(Heard()).connect(Address("127.0.0.1", server.sockets[0].getsockname()[1]), 1, 1.0)
        finally:
            server.close()

    with pytest.raises(
        NotReached, match=r"lost; does it speak atm-sim\? `atm-sim doctor HOST:PORT` finds out"
    ):
        run(main())


def test_what_falls_due_does_not_wait_until_all_that_came_is_read() -> None:
    """A hundred answers in one piece: somebody else's turn comes before the last of them, and none is lost."""
    happened: list[object] = []

    async def main() -> None:
        clock = steady_clock()
        wires: Wires[int] = Wires(DEFAULT, PLAIN, clock, lambda connection, effects: happened.extend(effects))
        connection: Connection[int] = Connection(wires, 1)
        connection.do(connection.link.opened(clock()))
        answers = []
        for stan in range(1, 101):
            asked = request(stan)
            connection.link.send(asked, stan, clock())
            answers.append(DEFAULT.framing.wrap(DEFAULT.encode(build.answer(asked, "00"))))
        happened.clear()
        asyncio.get_running_loop().call_soon(happened.append, "due")
        connection.data_received(b"".join(answers))
        while len(happened) < 101:
            await asyncio.sleep(0)

    run(main())
    assert 0 < happened.index("due") < 100
    happened.remove("due")
    assert list(range(1, 101)) == [each.context for each in happened if isinstance(each, Answered)]
