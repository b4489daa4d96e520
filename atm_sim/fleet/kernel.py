"""The session kernel: one event a visit, at the moment the bank decides; everything else of it is computed.

Only the decision touches what others see, so the phases before and after it, waiting, balking and reneging are
arithmetic. Where nobody can come in between, neither to the account nor to the machine, that moment is computed too,
and the heap holds the other visits in progress. The kernel knows no SimPy and no rule: durations and what follows an
answer come from the terminal's tables, answers from the bank's rules.
"""

from __future__ import annotations

from array import array
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Any, Final, NamedTuple

from atm_sim.fleet.arrivals import AT_MACHINE, CHOSEN, DEPOSIT, SERVICES, WITHDRAW, Arrival, habit_ends
from atm_sim.fleet.books import Books, Request
from atm_sim.fleet.cash import Stock
from atm_sim.fleet.ground import Neighbours, Site
from atm_sim.fleet.rows import Numbered, Rows
from atm_sim.sansio.effects import ServiceChosen
from atm_sim.scenario.fleet import Customers
from atm_sim.terminal.config import ALL_DAY, TerminalConfig
from atm_sim.terminal.note_mix import Notes
from atm_sim.terminal.phases import BEFORE_REQUEST, PIN_AGAIN, REFUSED, ending
from atm_sim.terminal.refusal import refusal
from atm_sim.world.plans import notes_of
from bank_host.jst import MINUTE_US

NEVER: Final = 1 << 62
IN_USE: Final = NEVER


ROW = ("time_us", "visit", "site", "machine", "account", "wait_us", "service_us", "number", "decided_us")
"""The columns of an event row, all whole numbers."""

VISIT = ("kind", "service", "amount_jpy", "code", "reason", "fee_jpy")
"""What a `visit` of an event row is, the same for all that ask and hear alike; words stand in `Kernel.words`."""

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


@dataclass(slots=True, frozen=True)
class _After:
    """What follows from an answer: how the visit goes on, between which two habits, and what its row says."""

    from_habit: int
    to_habit: int
    asks_pin: bool
    pays_out: bool
    takes_in: bool
    completes: bool
    at_answer: bool
    visit: int


@dataclass(slots=True, frozen=True)
class _Wish:
    """What a class of machines makes of a service and an amount."""

    reason: str  # why it refuses; '' = it asks the bank
    notes: Notes | None  # counted out while there is plenty of each, or taken in
    asked: Request  # of the bank
    answers: dict[int, _After]  # by what the bank told


class Waiting:
    """Somebody in a queue."""

    __slots__ = ("arrival", "arrived_us", "gone")

    def __init__(self, arrival: Arrival, arrived_us: int) -> None:
        self.arrival, self.arrived_us, self.gone = arrival, arrived_us, False


class Travel(NamedTuple):
    """How long a request takes to the bank, and its answer back."""

    up_us: int
    down_us: int


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
        self._up_us, self._down_us = travel
        # who plays a visit in full detail instead; True when it does, and then calls `left`
        self.hand_over: Callable[[int, Arrival, int, int], bool] | None = None
        self.words = Numbered[str]({"": 0})
        self.visits = Numbered[tuple[int, int, int, int, int, int]]()
        self.rows = Rows(ROW)
        self.now_us = self.until_us = 0
        # numbers of machines lie together in arrays: a large fleet touches another one with every visit
        self.first = array("i", (site.first_machine - sites[0].first_machine for site in sites))
        self.site_of = array("i", (place for place, site in enumerate(sites) for _ in range(site.machines)))
        self.added_jpy = [0] * len(configs)  # by staff, net of what they took out
        self.loads: list[tuple[int, int]] = []  # the same visit by visit, with its time
        self._neighbours = Neighbours(sites, customers.neighbour_within_m)
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = 0
        self._arrivals: Iterator[Arrival] = iter(())
        self._coming = _NOBODY
        # by account: visits that take their way through queues and the heap, or come again
        self._under_way = Counter[int]()
        self._free_at = array("q", [0]) * len(configs)
        self._down = bytearray(len(configs))
        self._queues: dict[int, deque[Waiting]] = {}
        self._always_open = bytearray(
            config.hours == (ALL_DAY,) and not config.maintenance for config in configs
        )
        self._class_of = _classes(configs, stock)
        self._wishes: dict[tuple[int, int, int], _Wish] = {}

    # ------------------------------------------------------------ time

    def expect(self, arrivals: Iterable[Arrival]) -> None:
        """Who comes next, in order, all later than whoever came before."""
        assert self._coming is _NOBODY, "the window before this one is not over"
        self._arrivals = iter(arrivals)
        self._coming = next(self._arrivals, _NOBODY)

    def drain(self, until_us: int) -> None:
        """Let everything happen that happens before `until_us`; who plays a visit in full may bring that nearer."""
        self.until_us = until_us
        heap, arrivals, arrive = self._heap, self._arrivals, self._arrive
        coming = self._coming
        while True:
            now_us = coming[0]
            if heap and heap[0][0] <= now_us:
                now_us = heap[0][0]
                if now_us >= self.until_us:
                    break
                _, _, act, details = heappop(heap)
                self.now_us = now_us
                act(now_us, *details)
            else:
                if now_us >= self.until_us:
                    break
                self.now_us = now_us
                arrive(now_us, coming)
                coming = next(arrivals, _NOBODY)
        self._coming = coming

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
        self._down[machine] = True

    def resume(self, machine: int, now_us: int) -> None:
        self._down[machine] = False
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

    def gone(self, machine: int) -> bool:
        """Whether its site is removed: nobody uses it, brings cash to it or counts it."""
        return self.site_of[machine] in self.removed

    def waiting(self, site: int) -> int:
        """How many stand in the queue."""
        return len(self._queues.get(site, ()))

    # ------------------------------------------------------------ at the door

    def _arrive(self, now_us: int, arrival: Arrival) -> None:
        """Somebody new. Most come alone to a site that is open and whose first machine is free: up to the bank's answer
        nothing can touch account, machine or cassettes, so that answer is asked for now."""
        site = arrival.site
        first = self.first[site]
        asks_us = now_us + arrival.chosen_us + self._up_us
        if (
            self._free_at[first] <= now_us
            and asks_us < arrival.alone_until_us
            and asks_us < self.until_us
            and arrival.account not in self._under_way
            and self._always_open[first]
            and not self._down[first]
            and not (arrival.service == WITHDRAW and self.stock.empty[first])
            and site not in self.removed
            and self.hand_over is None
        ):
            self._asked(asks_us, first, arrival, now_us, now_us, 0)
            return
        self._under_way[arrival.account] += 1
        self._at_door(now_us, arrival, site)

    def _at_door(self, now_us: int, arrival: Arrival, site: int) -> None:
        first = self.first[site]
        machines = range(first, first + self.sites[site].machines)
        if site in self.removed or not (self._always_open[first] or self.configs[first].in_service(now_us)):
            self._elsewhere(now_us, arrival, site, CLOSED)
            return
        if (
            arrival.service == WITHDRAW
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
                    self._at(now_us + walk_us, self._at_door, arrival._replace(tried=tried), other)
                    self._row(now_us, DIVERTED, site, -1, arrival, 0, reason, waited_us, 0, 0, now_us)
                    return
        if arrival.returns and not arrival.came_back:
            later = arrival._replace(tried=(), came_back=True)
            self._at(now_us + customers.returns_after, self._at_door, later, arrival.site)
            self._row(now_us, POSTPONED, site, -1, arrival, 0, reason, waited_us, 0, 0, now_us)
            return
        self._row(now_us, LOST, site, -1, arrival, 0, reason, waited_us, 0, 0, now_us)
        self._over(arrival.account)

    def _over(self, account: int) -> None:
        """A visit's way is at its end."""
        self._under_way[account] -= 1
        if not self._under_way[account]:
            del self._under_way[account]

    # ------------------------------------------------------------ at the machine

    def _start(self, machine: int, arrival: Arrival, arrived_us: int, now_us: int) -> None:
        self._free_at[machine] = IN_USE
        if self.hand_over is not None and self.hand_over(machine, arrival, arrived_us, now_us):
            return
        asks_us = now_us + arrival.chosen_us + self._up_us
        self._at(asks_us, self._asked, machine, arrival, arrived_us, now_us, 0)

    def _asked(
        self, now_us: int, machine: int, arrival: Arrival, arrived_us: int, started_us: int, tries: int
    ) -> None:
        """A request reaches the bank: the one moment of a visit that others can feel."""
        account, service, amount_jpy = arrival.account, arrival.service, arrival.amount_jpy
        key = self._class_of[machine], service, amount_jpy
        wish = self._wishes.get(key) or self._wish(machine, key)
        refused, notes = wish.reason, wish.notes
        if not self._always_open[machine] and not self.configs[machine].in_service(now_us - self._up_us):
            refused = CLOSED
        elif service == WITHDRAW and not refused and not self.stock.plenty_of(machine, amount_jpy):
            notes = self.stock.mix(machine, amount_jpy, self.configs[machine])
            refused = "" if notes else NO_CASH
        if refused and not tries:
            leaves_us = now_us - self._up_us + arrival.between(*REFUSED_HABITS)
            self._row(arrived_us, SESSION, self.site_of[machine], machine, arrival, 0, refused,
                      started_us - arrived_us, leaves_us - started_us, 0, now_us)  # fmt: skip
            self._leave(machine, leaves_us, account)
            if refused == NO_CASH:
                self._could_not_pay(machine, leaves_us, arrival)
            return
        told, number = self.books.decide(account, machine, wish.asked, now_us, arrival.wrong_pins <= tries)
        after = wish.answers.get(told) or self._after(machine, key, told)
        answered_us = now_us + self._down_us
        if after.asks_pin:
            answered_us += arrival.takes_us("pin")  # once more, or the cancel key
            if tries + 1 < self.customers.pin_tries:
                self._under_way.setdefault(account, 1)
                self._free_at[machine] = IN_USE
                asks_us = answered_us + self._up_us
                self._at(asks_us, self._asked, machine, arrival, arrived_us, started_us, tries + 1)
                return
        leaves_us = answered_us + arrival.between(after.from_habit, after.to_habit)
        if after.pays_out:
            assert notes is not None, "the machine asks the bank for nothing that it cannot pay"
            self.stock.pay_out(machine, notes)
        elif after.takes_in:
            assert notes is not None, "a deposit is counted before the bank is asked"
            self.stock.take_in(machine, notes)
        if self.stock.stale:  # the cassettes move with the answer, which is still under way to the machine
            self.stock.stale = False
            self._at(answered_us, self._cassettes_moved, machine)
        if after.completes:
            done_us = (answered_us if after.at_answer else leaves_us) + self._up_us
            self.books.complete(account, machine, number, wish.asked, done_us)
        self.rows.flat += (
            arrived_us, after.visit, self.site_of[machine], machine, account, started_us - arrived_us,
            leaves_us - started_us, number, now_us,
        )  # fmt: skip
        self._leave(machine, leaves_us, account)

    def left(
        self, now_us: int, machine: int, arrival: Arrival, arrived_us: int, started_us: int, code: str, reason: str,
        fee_jpy: int, decided_us: int,
    ) -> None:  # fmt: skip
        """A visit that was handed over is over; the bank decided earlier, perhaps on the day before."""
        self._row(arrived_us, SESSION, self.site_of[machine], machine, arrival, self.words[code], reason,
                  started_us - arrived_us, now_us - started_us, fee_jpy, decided_us)  # fmt: skip
        self._leave(machine, now_us, arrival.account)
        if reason == NO_CASH:
            self._could_not_pay(machine, now_us, arrival)

    def _leave(self, machine: int, leaves_us: int, account: int) -> None:
        self._free_at[machine] = leaves_us
        if account in self._under_way:
            self._over(account)
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

    def _after(self, machine: int, key: tuple[int, int, int], told: int) -> _After:
        """As the machine's own table of endings says."""
        _, service, amount_jpy = key
        code, reason, fee_jpy = list(self.books.told)[told]
        after = ending(SERVICES[service], code, self.configs[machine])
        visit = SESSION, service, amount_jpy, self.words[code], self.words[reason], fee_jpy
        found = _After(
            *habit_ends(after.habits), after.asks_pin, after.pays_out, after.takes_in, after.completes, after.at_answer,
            self.visits[visit],
        )  # fmt: skip
        self._wishes[key].answers[told] = found
        return found

    def _cassettes_moved(self, now_us: int, machine: int) -> None:
        self.stock.look(machine)

    def _could_not_pay(self, machine: int, leaves_us: int, arrival: Arrival) -> None:
        """The customer tries elsewhere, once they have their card back."""
        self._under_way[arrival.account] += 1
        self._at(leaves_us, self._elsewhere, arrival, self.site_of[machine], OUT_OF_CASH)

    # ------------------------------------------------------------ the record

    def _row(
        self, time_us: int, kind: int, site: int, machine: int, arrival: Arrival, code: int, reason: str,
        wait_us: int, service_us: int, fee_jpy: int, decided_us: int,
    ) -> None:  # fmt: skip
        visit = kind, arrival.service, arrival.amount_jpy, code, self.words[reason], fee_jpy
        self.rows.flat += (
            time_us, self.visits[visit], site, machine, arrival.account, wait_us, service_us, 0, decided_us
        )  # fmt: skip

    def pack(self) -> None:
        """Make what was written so far small."""
        self.rows.pack()
        self.books.journal.pack()


def _classes(configs: Sequence[TerminalConfig], stock: Stock) -> array[int]:
    """Machines that share configuration and cassettes, by a number."""
    known = Numbered[tuple[int, int]]()
    return array(
        "i", (known[id(config), id(held)] for config, held in zip(configs, stock.classes, strict=True))
    )


REFUSED_HABITS = habit_ends(REFUSED.habits)
_NOBODY = Arrival(NEVER, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, False, -1)

assert habit_ends(BEFORE_REQUEST) == (AT_MACHINE, CHOSEN), "as `_arrive` and `_start` take it"
assert PIN_AGAIN == ("pin",), "as `_asked` adds it"
