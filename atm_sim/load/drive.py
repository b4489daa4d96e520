"""A load run on the clock: sends what is due, brings answers to the fleet, keeps the host's pace out of the plan.

The open model starts everybody at the planned moment, whatever the host does; how late the generator itself was is
measured with it. Users of the closed model wait for their answer first, so a slow host slows the load down.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final, NamedTuple, Protocol

from atm_sim.load.fleet import Fleet, Sent
from atm_sim.load.plan import Arrival, Deed, arrivals, deeds
from atm_sim.load.record import Transaction
from atm_sim.scenario.loading import Load
from atm_sim.wire.connections import Connection, Wires
from atm_sim.wire.keys import BOTH, WireKeys, kinds
from atm_sim.wire.link import Answered, Effect, LinkSettings, NotAnswered, Odd
from bank_host.address import Address
from bank_host.iso8583.dialect import Dialect
from bank_host.jst import SECOND_US

MOST_TOLD: Final = 20  # unmatched answers kept in words
_TURN: Final = 64  # arrivals sent before answers are looked at again
_TICK_US: Final = 1_000
_POLL_S: Final = 0.02
_LEAD_US: Final = 50_000
_KNOWN_US: Final = 30 * SECOND_US  # so long, at least, an answer is known as late or duplicate
_LONGEST_DRAIN_US: Final = 120 * SECOND_US


class Progress(NamedTuple):
    """What the live view shows."""

    since_start_us: int
    planned: int
    waiting: int
    unsettled: int
    links: int


class Target(NamedTuple):
    """Whom to load, and in which words."""

    address: Address
    dialect: Dialect
    new_keys: Callable[[int], WireKeys]
    sign_on: bool = True
    link: LinkSettings | None = None  # a lab's own; else they follow from the load: block


class Turns(Protocol):
    """Which of the fleet's people comes with a deed, where each may be at one ATM at a time."""

    def take(self) -> int | None:
        """Somebody who is at no ATM; None when there is nobody."""


class Driver:
    """One run. `tell` gets the progress now and then; what happened stands in the fleet's record."""

    def __init__(
        self,
        load: Load,
        seed: int,
        fleet: Fleet,
        target: Target,
        customers: int,
        clock: Callable[[], int],
        tell: Callable[[Progress], None] = lambda progress: None,
        turns: Turns | None = None,
    ) -> None:
        self._load = load
        self._turns = turns
        self._fleet = fleet
        self._record = fleet.record
        self._target = target
        self._clock = clock
        self._tell = tell
        self._arrivals: Iterator[Arrival] = arrivals(load, seed, customers)
        self._deeds: Iterator[Deed] = deeds(load, seed, customers)
        self._first_at = Random(f"{seed}/1/load/users")
        self._users: set[int] = set()  # numbers of transactions that a user waits for
        self._next: Arrival | None = None
        self._all_sent = asyncio.Event()
        self._flushing = False
        self._loop = asyncio.get_running_loop()
        self._for_us = load.for_us
        self.start_us = 0
        self.interrupted_us: int | None = None  # after so long somebody pressed Ctrl-C
        settings = target.link or LinkSettings(
            exchange=kinds(BOTH, target.dialect) if load.exchange_keys else (), macs=load.mac
        )
        settings = settings._replace(
            sign_on=target.sign_on,
            answer_within_us=load.answer_within_us,
            keep_us=max(2 * load.answer_within_us, _KNOWN_US),
        )
        self.wires: Wires[Sent] = Wires(target.dialect, settings, clock, self._happened, target.new_keys)

    async def run(self) -> None:
        """From the first connection to the last acknowledgement; NotReached if there is nobody.

        Cancelled (Ctrl-C) while people come, it settles what is open and ends; cancelled again, it ends at once.
        """
        await self.wires.connect(self._target.address, self._load.connections)
        self._fleet.rehearse(self.wires.connections[0].link, self._clock())
        with _few_pauses():
            self.start_us = self._clock() + _LEAD_US
            polling = self._loop.create_task(self._poll())
            for at_us in (each for each in self._load.cut_links_at_us if each < self._load.for_us):
                self._loop.call_later((at_us + _LEAD_US) / SECOND_US, self.wires.cut_all)
            try:
                await self._people_come()
            except asyncio.CancelledError:
                self._nobody_comes_any_more()
            await self._drain()
            polling.cancel()
        for connection in self.wires.connections:
            self._count_link(connection)
        await self.wires.stop()
        self._fleet.give_up()

    async def _people_come(self) -> None:
        if self._load.users:
            self._start_users(self._load.users.count)
            await asyncio.sleep((self._for_us + _LEAD_US) / SECOND_US)
        else:
            self._next = next(self._arrivals, None)
            self._send_due()
            await self._all_sent.wait()

    def _nobody_comes_any_more(self) -> None:
        self._next, self._arrivals = None, iter(())
        self._for_us = self.interrupted_us = max(0, self._clock() - self.start_us)
        if (task := asyncio.current_task()) is not None:
            task.uncancel()

    # ---------------- the open model

    def _send_due(self) -> None:
        """Send whoever is due, and wait for the next one.

        In whole milliseconds, as the loop's timers tick (a shorter wait would be none): whoever comes due within one is
        sent together, and the loop sleeps meanwhile.
        """
        now_us = self._clock()
        self._send(self._due(now_us), now_us)
        if self._next is None:
            self._all_sent.set()
        elif (wait_us := self.start_us + self._next.at_us - self._clock()) > 0:
            self._loop.call_later(-(-wait_us // _TICK_US) * _TICK_US / SECOND_US, self._send_due)
        else:
            self._loop.call_soon(self._send_due)

    def _due(self, now_us: int) -> list[Transaction]:
        """Whose moment has come; so many at most that answers are looked at in between."""
        until_us, following = now_us - self.start_us, self._next
        come: list[Transaction] = []
        while following is not None and following.at_us <= until_us and len(come) < _TURN:
            come.append(self._record.planned(following.at_us, following.deed))
            following = next(self._arrivals, None)
        self._next = following
        return come

    def _send(self, come: list[Transaction], now_us: int) -> bool:
        """All of them press the key at their ATMs; whether a request of theirs went out.

        Step by step for all, not one after the other: code that was just used is still in the processor's caches. They
        count as sent when the last of them has been handed over.
        """
        going = self._ways(come)
        made = [
            (connection, self._fleet.request(each, now_us, connection.link)) for each, connection in going
        ]
        for connection, (message, sent) in made:
            connection.send(message, sent, now_us)
        self.wires.flush()
        self._record.sent((transaction for transaction, _ in going), self._clock() - self.start_us)
        return bool(going)

    def _ways(self, come: list[Transaction]) -> list[tuple[Transaction, Connection[Sent]]]:
        """The connection that each of them takes; who has none, or no card, is dropped."""
        room = self._load.most_waiting - self.wires.waiting
        found: list[tuple[Transaction, Connection[Sent]]] = []
        for transaction in come:
            connection = self.wires.next_open() if len(found) < room else None
            if connection is not None and self._has_card(transaction):
                found.append((transaction, connection))
            else:
                self._record.set_state(transaction, "dropped")
        return found

    def _has_card(self, transaction: Transaction) -> bool:
        if self._turns is None:
            return True
        customer = self._turns.take()
        if customer is None:
            self._record.counts["no_card"] += 1
            return False
        transaction.deed = transaction.deed._replace(customer=customer)
        return True

    # ---------------- the closed model

    def _start_users(self, number: int) -> None:
        assert self._load.users is not None
        for _ in range(number):
            first_s = self._first_at.random() * self._load.users.think_us / SECOND_US
            self._loop.call_later(_LEAD_US / SECOND_US + first_s, self._user_starts)

    def _user_starts(self) -> None:
        now_us = self._clock()
        since_us = now_us - self.start_us
        if since_us >= self._for_us:
            return
        transaction = self._record.planned(since_us, next(self._deeds))
        if self._send([transaction], now_us):
            self._users.add(transaction.number)
        else:
            self._user_thinks()

    def _user_thinks(self) -> None:
        assert self._load.users is not None
        self._loop.call_later(max(0.001, self._load.users.think_us / SECOND_US), self._user_starts)

    # ---------------- what comes back

    def _happened(self, connection: Connection[Sent], effects: list[Effect[Sent]]) -> None:
        now_us = self._clock()
        since_us = now_us - self.start_us
        for effect in effects:
            if isinstance(effect, Answered):
                context, answer = effect
                self._fleet.answered(context, answer, since_us, now_us)
                self._user_goes_on(context)
            elif isinstance(effect, NotAnswered):
                self._fleet.not_answered(effect.context, effect.lost, since_us, now_us)
                self._user_goes_on(effect.context)
            elif isinstance(effect, Odd):
                self._odd(effect)
        if connection.link.closed:
            self._count_link(connection)
        if self._fleet.unsettled and not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._send_advices)

    def _user_goes_on(self, sent: Sent) -> None:
        if sent.transaction.number in self._users:
            self._users.remove(sent.transaction.number)
            self._user_thinks()

    def _odd(self, odd: Odd) -> None:
        if odd.kind == "unmatched" and len(self._record.odd_details) < MOST_TOLD:
            self._record.odd_details.append(odd.detail)

    def _count_link(self, connection: Connection[Sent]) -> None:
        self._record.counts.update(connection.link.counts.as_dict())
        connection.link.counts.clear()

    # ---------------- advices

    def _send_advices(self) -> None:
        self._flushing = False
        now_us = self._clock()
        while (sent := self._fleet.due(now_us)) is not None:
            connection = self.wires.next_open()
            if connection is None:
                self._fleet.put_back(sent, now_us)
                return
            assert sent.advice is not None
            connection.send(sent.advice, sent, now_us)

    async def _poll(self) -> None:
        turns = 0
        while True:
            await asyncio.sleep(_POLL_S)
            if self._fleet.unsettled:
                self._send_advices()
            turns += 1
            if not turns % 10:
                self._tell(
                    Progress(
                        self._clock() - self.start_us,
                        self._record.number,
                        self.wires.waiting,
                        self._fleet.unsettled,
                        self.wires.open_count,
                    )
                )

    async def _drain(self) -> None:
        """Until everything is answered and settled, and no longer than its repeats can take."""
        load = self._load
        longest_us = load.answer_within_us + load.repeats * (load.answer_within_us + load.repeat_after_us)
        give_up_us = self._clock() + min(longest_us, _LONGEST_DRAIN_US) + SECOND_US
        while (self.wires.waiting or self._fleet.unsettled) and self._clock() < give_up_us:
            await asyncio.sleep(_POLL_S)


@contextmanager
def _few_pauses() -> Iterator[None]:
    """The garbage collector does not go over what stays: its pauses would be send lag."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
