"""The session kernel: one event a visit, at the moment the bank decides; everything else of it is computed.

Only the decision touches what others see, so the phases before and after it, waiting, balking and reneging are
arithmetic. The heap holds the visits in progress and nothing else. The kernel knows no SimPy and no rule: durations and
what follows an answer come from the terminal's tables, answers from the bank's rules.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple

from atm_sim.fleet.arrivals import DEPOSIT, SERVICES, WITHDRAW, Arrival
from atm_sim.fleet.books import Books, Request
from atm_sim.fleet.cash import Stock
from atm_sim.fleet.ground import Neighbours, Site
from atm_sim.sansio.effects import ServiceChosen
from atm_sim.scenario.fleet import Customers
from atm_sim.terminal.config import ALL_DAY, TerminalConfig
from atm_sim.terminal.note_mix import Notes
from atm_sim.terminal.phases import BEFORE_REQUEST, PIN_AGAIN, REFUSED, Ending, ending
from atm_sim.terminal.refusal import refusal
from atm_sim.world.plans import notes_of
from bank_host.jst import MINUTE_US

NEVER: Final = 1 << 62
IN_USE: Final = NEVER


ROW = (
    "time_us", "kind", "site", "machine", "account", "service", "amount_jpy", "code", "reason", "wait_us", "service_us",
    "number", "fee_jpy", "decided_us",
)  # fmt: skip
"""The columns of an event row, all whole numbers; words stand in `Words`."""

KINDS = ("session", "diverted", "postponed", "lost")
SESSION, DIVERTED, POSTPONED, LOST = range(4)


CLOSED, OUT_OF_CASH, CROWDED, IMPATIENT, OUT_OF_ORDER = (
    "closed",
    "out_of_cash",
    "crowded",
    "impatient",
    "out_of_order",
)
NO_CASH = "no_cash"
"""Why somebody goes away from a site."""


class Words(dict[str, int]):
    """Codes and reasons by number, in the order they came up: the same in every run of a seed."""

    def __init__(self) -> None:
        super().__init__({"": 0})

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


class _Wish(NamedTuple):
    """What a class of machines makes of a service and an amount."""

    reason: str  # why it refuses; '' = it asks the bank
    notes: Notes | None  # counted out while there is plenty of each, or taken in
    asked: Request  # of the bank
    endings: dict[str, tuple[Ending, tuple[int, ...]]]  # by code: what follows, and which habits


class Waiting:
    """Somebody in a queue."""

    __slots__ = ("arrival", "arrived_us", "gone")

    def __init__(self, arrival: Arrival, arrived_us: int) -> None:
        self.arrival, self.arrived_us, self.gone = arrival, arrived_us, False


class Travel(NamedTuple):
    """How long a request takes to the bank, and its answer back."""

    up_us: int
    down_us: int


@dataclass(slots=True)
class Hearers:
    """Who acts from outside hears of the machines through these; each gets the machine and the time."""

    near_end: Callable[[int, int], None] | None = None
    could_not_pay: Callable[[int, int], None] | None = None


class _PlentyOfCash:
    """A machine's cassettes as `refusal` asks for them, with more of each note than anybody wants."""

    def __init__(self, stock: Stock, machine: int, config: TerminalConfig) -> None:
        self._stock, self._machine, self._config = stock, machine, config

    def mix(self, amount_jpy: int, *, policy: str, max_notes: int) -> Notes | None:
        return self._stock.usual_mix(self._machine, amount_jpy, self._config)


class Kernel:
    """Sites, machines and queues of one partition. `drain(until_us)` is the only thing that moves time.

    Machines, sites and accounts are named by their place in the partition. Who acts from outside (a repair, a guard, a
    network fault) does so between two drains, when everything up to now has happened: `stop`, `resume` and `stock`.
    """

    def __init__(
        self,
        sites: Sequence[Site],
        configs: Sequence[TerminalConfig],
        books: Books,
        stock: Stock,
        customers: Customers,
        travel: Travel,
        removed: frozenset[int] = frozenset(),
    ) -> None:
        self.sites, self.configs, self.books, self.stock = sites, configs, books, stock
        self.customers, self.travel, self.removed = customers, travel, removed
        self.hearers = Hearers()
        # who plays a visit in full detail instead; True when it does, and then calls `left`
        self.hand_over: Callable[[int, Arrival, int, int], bool] | None = None
        self.words = Words()
        self.rows: list[int] = []
        self.now_us = self.until_us = 0
        self.first = array("q", (site.first_machine - sites[0].first_machine for site in sites))
        self.site_of = array("q", (place for place, site in enumerate(sites) for _ in range(site.machines)))
        self.added_jpy = [0] * len(configs)  # by staff, net of what they took out
        self.loads: list[tuple[int, int]] = []  # the same visit by visit, with its time
        self._neighbours = Neighbours(sites, customers.neighbour_within_m)
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._arrivals: list[Arrival] = [_NOBODY]
        self._next = 0
        self._free_at = array("q", [0]) * len(configs)
        self._down = bytearray(len(configs))
        self._queues: dict[int, deque[Waiting]] = {}
        self._always_open = [config.hours == (ALL_DAY,) and not config.maintenance for config in configs]
        self._class_of = _classes(configs, stock)
        self._wishes: dict[tuple[int, int, int], _Wish] = {}

    # ------------------------------------------------------------ time

    def expect(self, arrivals: list[Arrival]) -> None:
        """Who comes next, in order, all later than whoever came before."""
        assert self._next == len(self._arrivals) - 1, "the window before this one is not over"
        self._arrivals, self._next = [*arrivals, _NOBODY], 0

    def drain(self, until_us: int) -> None:
        """Let everything happen that happens before `until_us`; a hearer may bring that nearer."""
        self.until_us = until_us
        heap, arrivals, arrive = self._heap, self._arrivals, self._arrive
        place = self._next
        coming = arrivals[place]
        while True:
            if heap and heap[0][0] <= coming[0]:
                now_us = heap[0][0]
                if now_us >= self.until_us:
                    break
                _, _, act, details = heappop(heap)
                self.now_us = now_us
                act(now_us, *details)
            else:
                if coming[0] >= self.until_us:
                    break
                self.now_us = coming[0]
                arrive(coming[0], coming, coming[1])
                place += 1
                coming = arrivals[place]
        self._next = place

    @property
    def idle(self) -> bool:
        """Whether nothing is left to happen but arrivals."""
        return not self._heap

    def _at(self, at_us: int, act: Callable[..., None], *details: Any) -> None:
        self._order = order = self._order + 1
        heappush(self._heap, (at_us, order, act, details))

    # ------------------------------------------------------------ what acts from outside

    def stop(self, machine: int) -> None:
        """Nobody begins at the machine any more; who is at it ends first."""
        self._down[machine] = 1

    def resume(self, machine: int, now_us: int) -> None:
        self._down[machine] = 0
        if self._queues.get(self.site_of[machine]) and self._free_at[machine] <= now_us:
            self._free_at[machine] = now_us
            self._at(now_us, self._freed, machine)

    def load(self, machine: int, notes: Mapping[int, int]) -> None:
        """Staff leave these notes in the cassettes."""
        before_jpy = self.stock.total_jpy(machine)
        self.stock.set(machine, notes)
        added_jpy = self.stock.total_jpy(machine) - before_jpy
        self.added_jpy[machine] += added_jpy
        self.loads.append((self.now_us, added_jpy))

    def free_at_us(self, machine: int) -> int:
        """When the machine's customer leaves; `IN_USE` while the bank has not answered."""
        return self._free_at[machine]

    def waiting(self, site: int) -> int:
        """How many stand in the queue."""
        return len(self._queues.get(site, ()))

    # ------------------------------------------------------------ at the door

    def _arrive(self, now_us: int, arrival: Arrival, site: int) -> None:
        first = self.first[site]
        if (  # most arrivals: a site that is open, and its first machine is free
            self._free_at[first] <= now_us
            and not self._down[first]
            and self._always_open[first]
            and site not in self.removed
            and not (arrival[3] == WITHDRAW and self.stock.empty[first])
        ):
            self._start(first, arrival, now_us, now_us)
            return
        machines = range(first, first + self.sites[site].machines)
        if site in self.removed or not (self._always_open[first] or self.configs[first].in_service(now_us)):
            self._elsewhere(now_us, arrival, site, CLOSED)
            return
        if (
            arrival[3] == WITHDRAW
            and self.stock.empty[first]
            and all(map(self.stock.empty.__getitem__, machines))
        ):
            self._elsewhere(now_us, arrival, site, OUT_OF_CASH)
            return
        free_at, down, stopped = self._free_at, self._down, 0
        for machine in machines:
            if down[machine]:
                stopped += 1
            elif free_at[machine] <= now_us:
                self._start(machine, arrival, now_us, now_us)
                return
        if stopped == len(machines):
            self._elsewhere(now_us, arrival, site, OUT_OF_ORDER)
            return
        queue = self._queues.setdefault(site, deque())
        if len(queue) >= self.customers.balk_at:
            self._elsewhere(now_us, arrival, site, CROWDED)
            return
        waiting = Waiting(arrival, now_us)
        queue.append(waiting)
        self._at(now_us + arrival.patience_us, self._renege, site, waiting)
        for machine in machines:
            if free_at[machine] != IN_USE and free_at[machine] > now_us:
                self._at(free_at[machine], self._freed, machine)

    def _freed(self, now_us: int, machine: int) -> None:
        """A machine whose site has a queue is free now, unless somebody was faster."""
        queue = self._queues.get(self.site_of[machine])
        if not queue or self._free_at[machine] > now_us or self._down[machine]:
            return
        waiting = queue.popleft()
        waiting.gone = True
        if not (self._always_open[machine] or self.configs[machine].in_service(now_us)):
            self._elsewhere(now_us, waiting.arrival, self.site_of[machine], CLOSED)
            self._at(now_us, self._freed, machine)
            return
        self._start(machine, waiting.arrival, waiting.arrived_us, now_us)

    def _renege(self, now_us: int, site: int, waiting: Waiting) -> None:
        if not waiting.gone:
            waiting.gone = True
            self._queues[site].remove(waiting)
            self._elsewhere(now_us, waiting.arrival, site, IMPATIENT, now_us - waiting.arrived_us)

    def _elsewhere(self, now_us: int, arrival: Arrival, site: int, reason: str, waited_us: int = 0) -> None:
        """To the nearest site not tried yet, else back later, else lost."""
        customers = self.customers
        tried = (*arrival.tried, site)
        if len(tried) <= customers.neighbours:
            for other, metres in self._neighbours.of(site):
                if other not in tried and other not in self.removed:
                    walk_us = metres * MINUTE_US // customers.metres_per_minute
                    self._at(now_us + walk_us, self._arrive, arrival._replace(tried=tried), other)
                    self._row(now_us, DIVERTED, site, -1, arrival, 0, reason, waited_us, 0, 0, 0)
                    return
        if arrival.returns and not arrival.came_back:
            later = arrival._replace(tried=(), came_back=True)
            self._at(now_us + customers.returns_after, self._arrive, later, arrival.site)
            self._row(now_us, POSTPONED, site, -1, arrival, 0, reason, waited_us, 0, 0, 0)
            return
        self._row(now_us, LOST, site, -1, arrival, 0, reason, waited_us, 0, 0, 0)

    # ------------------------------------------------------------ at the machine

    def _start(self, machine: int, arrival: Arrival, arrived_us: int, now_us: int) -> None:
        self._free_at[machine] = IN_USE
        if self.hand_over is not None and self.hand_over(machine, arrival, arrived_us, now_us):
            return
        asks_us = now_us + arrival[5] + arrival[6] + arrival[7] + self.travel[0]
        self._order = order = self._order + 1
        heappush(self._heap, (asks_us, order, self._asked, (machine, arrival, arrived_us, now_us, 0)))

    def _asked(
        self, now_us: int, machine: int, arrival: Arrival, arrived_us: int, started_us: int, tries: int
    ) -> None:
        """A request reaches the bank: the one moment of a visit that others can feel."""
        service, amount_jpy = arrival[3], arrival[4]
        up_us, down_us = self.travel
        wish = self._class_of[machine], service, amount_jpy
        reason, notes, asked, endings = self._wishes.get(wish) or self._wish(machine, wish)
        if not self._always_open[machine] and not self.configs[machine].in_service(now_us - up_us):
            reason = CLOSED
        elif service == WITHDRAW and not reason and not self.stock.plenty_of(machine, amount_jpy):
            notes = self.stock.mix(machine, amount_jpy, self.configs[machine])
            reason = "" if notes else NO_CASH
        if reason and not tries:
            leaves_us = now_us - up_us + self._takes_us(arrival, REFUSED_HABITS)
            self._row(arrived_us, SESSION, self.site_of[machine], machine, arrival, 0, reason,
                      started_us - arrived_us, leaves_us - started_us, 0, 0)  # fmt: skip
            self._leave(machine, leaves_us)
            if reason == NO_CASH:
                self._could_not_pay(machine, leaves_us, arrival)
            return
        wrong = arrival[11]
        books = self.books
        (code, why, fee_jpy, _), number = books.decide(arrival[2], machine, asked, now_us, wrong <= tries)
        known = endings.get(code)
        if known is None:
            after = ending(SERVICES[service], code, self.configs[machine])
            known = endings[code] = after, _places(after.habits)
        after, habits = known
        answered_us = now_us + down_us
        if after.asks_pin:
            answered_us += arrival[6]  # the PIN again, or the cancel key
            if tries + 1 < self.customers.pin_tries:
                self._at(
                    answered_us + up_us, self._asked, machine, arrival, arrived_us, started_us, tries + 1
                )
                return
        leaves_us = answered_us
        for habit in habits:
            leaves_us += arrival[habit]  # type: ignore[operator]
        if after.pays_out:
            assert notes is not None, "the machine asks the bank for nothing that it cannot pay"
            if self.stock.pay_out(machine, notes) and self.hearers.near_end is not None:
                self.hearers.near_end(machine, now_us)
        elif after.takes_in:
            assert notes is not None, "a deposit is counted before the bank is asked"
            self.stock.take_in(machine, notes)
        if self.stock.stale:  # the cassettes move with the answer, which is still under way to the machine
            self.stock.stale = False
            self._at(answered_us, self._cassettes_moved, machine)
        if after.completes:
            done_us = (answered_us if after.at_answer else leaves_us) + up_us
            books.complete(arrival[2], machine, number, asked, done_us)
        site, words = self.site_of[machine], self.words
        self.rows += (
            arrived_us, SESSION, site, machine, arrival[2], service, amount_jpy, words[code], words[why],
            started_us - arrived_us, leaves_us - started_us, number, fee_jpy, now_us,
        )  # fmt: skip
        self._free_at[machine] = leaves_us
        if self._queues and self._queues.get(site):
            self._at(leaves_us, self._freed, machine)

    def left(
        self, now_us: int, machine: int, arrival: Arrival, arrived_us: int, started_us: int, code: str, reason: str,
        fee_jpy: int, decided_us: int,
    ) -> None:  # fmt: skip
        """A visit that was handed over is over; the bank decided earlier, perhaps on the day before."""
        self.now_us = decided_us
        self._row(arrived_us, SESSION, self.site_of[machine], machine, arrival, self.words[code], reason,
                  started_us - arrived_us, now_us - started_us, 0, fee_jpy)  # fmt: skip
        self.now_us = now_us
        self._leave(machine, now_us)
        if reason == NO_CASH:
            self._could_not_pay(machine, now_us, arrival)

    def _leave(self, machine: int, leaves_us: int) -> None:
        self._free_at[machine] = leaves_us
        if self._queues and self._queues.get(self.site_of[machine]):
            self._at(leaves_us, self._freed, machine)

    # ------------------------------------------------------------ cash

    def _wish(self, machine: int, key: tuple[int, int, int]) -> _Wish:
        """As the machine's own tables of refusals and notes say."""
        _, service, amount_jpy = key
        config = replace(self.configs[machine], hours=(ALL_DAY,), maintenance=())
        taken = notes_of(amount_jpy) if service == DEPOSIT else ()
        choice = ServiceChosen(SERVICES[service], amount_jpy, taken)
        plenty = _PlentyOfCash(self.stock, machine, config)
        reason = refusal(choice, config, plenty, self.now_us)  # type: ignore[arg-type]
        notes = taken if service == DEPOSIT else self.stock.usual_mix(machine, amount_jpy, config)
        asked = self.books.request(machine, SERVICES[service], amount_jpy)
        wish = self._wishes[key] = _Wish(reason, notes, asked, {})
        return wish

    def _cassettes_moved(self, now_us: int, machine: int) -> None:
        self.stock.look(machine)

    def _could_not_pay(self, machine: int, leaves_us: int, arrival: Arrival) -> None:
        """The customer tries elsewhere, once they have their card back."""
        self._at(leaves_us, self._elsewhere, arrival, self.site_of[machine], OUT_OF_CASH)
        if self.hearers.could_not_pay is not None:
            self.hearers.could_not_pay(machine, self.now_us)

    # ------------------------------------------------------------ the record

    def _takes_us(self, arrival: Arrival, habits: tuple[int, ...]) -> int:
        return sum(arrival[habit] for habit in habits)  # type: ignore[misc]

    def _row(
        self, time_us: int, kind: int, site: int, machine: int, arrival: Arrival, code: int, reason: str,
        wait_us: int, service_us: int, number: int, fee_jpy: int,
    ) -> None:  # fmt: skip
        self.rows += (
            time_us, kind, site, machine, arrival[2], arrival[3], arrival[4], code, self.words[reason],
            wait_us, service_us, number, fee_jpy, self.now_us,
        )  # fmt: skip

    def take_rows(self) -> list[int]:
        """What was written since the last call, a flat row of `ROW` after the other."""
        taken, self.rows = self.rows, []
        return taken


def _places(habits: tuple[str, ...]) -> tuple[int, ...]:
    """Where an arrival keeps how long these habits take."""
    return tuple(Arrival._fields.index(f"{habit}_us") for habit in habits)


def _classes(configs: Sequence[TerminalConfig], stock: Stock) -> list[int]:
    """Machines that refuse, pay and end alike, by a number."""
    known: dict[Any, int] = {}
    return [
        known.setdefault((c.operator, c.ceiling_jpy, c.amount_step_jpy, c.services, c.accepts_jpy, c.max_notes_in,
                          c.max_notes_out, c.note_policy, c.retains_also, c.completion_advice, cassettes), len(known))
        for c, cassettes in zip(configs, stock.classes, strict=True)
    ]  # fmt: skip


REFUSED_HABITS = _places(REFUSED.habits)
_NOBODY = Arrival(NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, False, -1)

assert (BEFORE_REQUEST, PIN_AGAIN) == (("insert", "pin", "choose"), ("pin",)), (
    "as `_start` and `_asked` add them up"
)
