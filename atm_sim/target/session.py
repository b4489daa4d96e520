"""Plays labs against a host over TCP: on a clock that jumps while nobody waits, and runs as the real one meanwhile.

The only place here with sockets. Between two waits for the target everything else (people, ATMs, network) takes no real
time; while an answer is awaited the lab's clock runs with the real one, so that timers fire when they really would.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import time
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Final, NamedTuple

from atm_sim.records.log import EventLog
from atm_sim.sansio.effects import Effect, Event, Machine, Received, Send
from atm_sim.scenario.vocabulary import DEFAULT_BANK
from atm_sim.target.bank import Asking
from atm_sim.target.border import Asked, Border
from atm_sim.target.profile import Profile
from atm_sim.wire.connections import Connection, NotReached, Wires, new_event_loop
from atm_sim.wire.link import Answered, NotAnswered, Odd
from atm_sim.wire.link import Effect as LinkEffect
from atm_sim.wire.traces import numbers_before
from atm_sim.world.conductor import Conductor
from atm_sim.world.lab import Lab, Parts, issuer_node
from bank_host.address import Address
from bank_host.host import Bank
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from bank_host.store.contract import Store

TARGET: Final = "target"
_NODE: Final = issuer_node(DEFAULT_BANK)


class _Waiting(NamedTuple):
    """Whom an answer is for."""

    case: int
    asked: Asked
    asker: str
    mark: tuple[int, int]


class _Call(NamedTuple):
    at_us: int
    number: int
    call: Callable[[], None]
    background: bool


class JumpingClock:
    """The conductor's driver: what is due next is called next; the session says when the real time counts."""

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us
        self._calls: list[_Call] = []
        self._asked = 0
        self.outstanding = 0

    def now_us(self) -> int:
        return self._now_us

    def call_after(self, delay_us: int, call: Callable[[], None], *, background: bool = False) -> None:
        self._asked += 1
        self.outstanding += not background
        heapq.heappush(self._calls, _Call(self._now_us + delay_us, self._asked, call, background))

    def carry(self, message: Message, delay_us: int, deliver: Callable[[Message], None]) -> None:
        self.call_after(delay_us, lambda: deliver(message))

    @property
    def next_us(self) -> int:
        return self._calls[0].at_us if self._calls else 1 << 62

    def passes_to(self, now_us: int) -> None:
        """Real time has passed, though not beyond what is due."""
        self._now_us = max(self._now_us, min(now_us, self.next_us))

    def call_next(self) -> None:
        due = heapq.heappop(self._calls)
        self.outstanding -= not due.background
        self._now_us = max(self._now_us, due.at_us)
        due.call()


class _AtTheBorder:
    """The bank's node: what comes in goes to the target, what comes back goes to who asked."""

    def __init__(self, node: Machine, bank: Asking) -> None:
        self._node = node
        self._bank = bank
        self.asker = ""
        self.arriving: _Waiting | None = None

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        if isinstance(event, Received) and event.sender == TARGET:
            assert self.arriving is not None, "an answer comes with what it answers"
            self._bank.told(self.arriving.asked, self.arriving.mark)
            return [Send(self.arriving.asker, event.message)]
        if isinstance(event, Received):
            self.asker = event.sender
        return self._node.handle(event, now_us)


class Session:
    """Connections to one target, open as long as the block; NotReached when there are none."""

    def __init__(
        self, address: Address, profile: Profile, clock: Callable[[], int], answer_within_us: int
    ) -> None:
        self._address = address
        self._profile = profile
        self._clock = clock
        self._settings = profile.link_settings(answer_within_us)
        self._runner = asyncio.Runner(loop_factory=new_event_loop)
        self._arrived: deque[tuple[_Waiting, Message | None]] = deque()
        self._case = 0
        self._waiting = 0
        self.odd: list[str] = []  # messages of the target that are no answer, in words
        self.stans = count(numbers_before(clock()) + 1)

    def __enter__(self) -> Session:
        self._runner.__enter__()
        try:
            self._runner.run(self._open())
        except BaseException:
            self._runner.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self._runner.run(self._wires.stop())
        finally:
            self._runner.__exit__(None, None, None)

    async def _open(self) -> None:
        self._bell = asyncio.Event()
        self._wires: Wires[_Waiting] = Wires(
            self._profile.dialect, self._settings, self._clock, self._happened, self._profile.wire_keys
        )
        await self._wires.connect(self._address, self._profile.link.connections)

    def play(
        self,
        lab_of: Callable[[Parts], Lab],
        border: Border,
        store: Callable[[str], Store] | None = None,
        numbers_from: int = 0,
    ) -> EventLog:
        """Play a lab to its end with the target as its bank."""
        self._case += 1
        self._waiting = 0
        self._arrived.clear()
        self.odd.clear()
        found: dict[str, Asking] = {}
        nodes: dict[str, _AtTheBorder] = {}

        def put(message: Message) -> None:
            self._put(message, border, nodes[_NODE].asker, found[DEFAULT_BANK])

        def bank(ours: Bank) -> Bank:
            if ours.name != DEFAULT_BANK:
                return ours
            found[ours.name] = asking = Asking(ours, border, self._clock, put)
            return asking

        def node(name: str, machine: Machine) -> Machine:
            if name != _NODE:
                return machine
            nodes[name] = at_the_border = _AtTheBorder(machine, found[DEFAULT_BANK])
            return at_the_border

        parts = Parts(bank=bank, node=node, numbers_from=numbers_from)
        if store is not None:
            parts.store = store
        lab = lab_of(parts)
        return self._runner.run(self._play(lab, border, nodes[_NODE]))

    def ask(self, message: Message, border: Border) -> Message | None:
        """One message without a lab around it, and its answer as the lab knows it; None when none comes in time."""
        self._case += 1
        self._arrived.clear()
        return self._runner.run(self._ask(message, border))

    async def _ask(self, message: Message, border: Border) -> Message | None:
        connection = self._open_connection()
        asked = Asked(message, border.outward(message, connection.link.keys))
        self._bell.clear()
        connection.send(asked.wire, _Waiting(self._case, asked, "", (0, 0)), self._clock())
        await self._bell.wait()  # rung at the latest when the link gives the answer up
        _, answer = self._arrived.popleft()
        return None if answer is None else border.inward(asked, answer)

    async def _play(self, lab: Lab, border: Border, node: _AtTheBorder) -> EventLog:
        log = EventLog()
        clock = JumpingClock(lab.start_us)
        conductor = Conductor(lab, clock, log)
        conductor.start()
        while clock.outstanding or self._waiting:
            if not self._waiting:
                if clock.next_us > lab.until_us:
                    break
                clock.call_next()
                continue
            await self._wait_for_target(clock)
            while self._arrived:
                waiting, answer = self._arrived.popleft()
                self._waiting -= 1
                if answer is not None:
                    node.arriving = waiting
                    ours = border.inward(waiting.asked, answer)
                    conductor.comes_from_outside(_NODE, TARGET, ours)
        conductor.finish()
        return log

    async def _wait_for_target(self, clock: JumpingClock) -> None:
        """Until something comes, or as long as it is until something is due in the lab, which then happens."""
        began_us, from_us = time.monotonic_ns() // 1_000, clock.now_us()
        until_s = (clock.next_us - from_us) / SECOND_US
        if not self._arrived and until_s > 0:
            self._bell.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), min(until_s, 3_600))
        clock.passes_to(from_us + time.monotonic_ns() // 1_000 - began_us)
        if not self._arrived and clock.next_us <= clock.now_us():
            clock.call_next()

    def _put(self, message: Message, border: Border, asker: str, bank: Asking) -> None:
        connection = self._open_connection()
        wire = border.outward(message, connection.link.keys)
        waiting = _Waiting(self._case, Asked(message, wire), asker, bank.mark())
        connection.send(wire, waiting, self._clock())
        self._waiting += 1

    def _open_connection(self) -> Connection[_Waiting]:
        connection = self._wires.next_open()
        if connection is None:
            why = ": ".join(filter(None, self._wires.ended[-1])) if self._wires.ended else "no connection"
            raise NotReached(f"{self._address} was lost while a step ran ({why.replace('_', ' ')})")
        return connection

    def _happened(self, connection: Connection[_Waiting], effects: list[LinkEffect[_Waiting]]) -> None:
        for effect in effects:
            if isinstance(effect, Odd):
                self.odd.append(f"{effect.kind.replace('_', ' ')} {effect.detail}".strip())
                continue
            if not isinstance(effect, Answered | NotAnswered) or effect.context.case != self._case:
                continue
            if isinstance(effect, NotAnswered) and effect.near_miss:
                self.odd.append(effect.near_miss)
            answer = effect.answer if isinstance(effect, Answered) else None
            self._arrived.append((effect.context, answer))
            self._bell.set()
