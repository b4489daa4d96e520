"""Visits in full detail: the conductor of every other scenario plays them, message by message, on the fleet's books.

Which ones: all of them (`detail: full`), or those that something scheduled can touch, a fault of a line, a host, a node
or a clock. The kernel keeps the queues; what the bank commits goes into the fleet's arrays too, so that both details go
on from the same account, and from the same notes in a machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from atm_sim.checks.rows import NETWORK_REFUSALS
from atm_sim.fleet.arrivals import HABIT_NAMES, SERVICES, Arrival
from atm_sim.fleet.books import AccountFacts
from atm_sim.fleet.drive import FleetClock
from atm_sim.fleet.kernel import Kernel
from atm_sim.records.event import EventRecord
from atm_sim.records.log import EventLog, MessageRow
from atm_sim.scenario import Scenario
from atm_sim.scenario.faults import moments
from atm_sim.scenario.participants import Place
from atm_sim.scenario.vocabulary import DEFAULT_BANK, DEFAULT_BIN
from atm_sim.terminal.card import CardData
from atm_sim.world.cast import SERVICE_CODES, Person
from atm_sim.world.conductor import Conductor
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.people import Wish
from atm_sim.world.plans import ATM, Planned, notes_of
from bank_host.host import Commit
from bank_host.hsm import Hsm
from bank_host.iso8583.message import Message
from bank_host.issuing import card_expiry, card_number, pin_value, track2
from bank_host.jst import MINUTE_US, jst_date
from bank_host.policy import Policy
from bank_host.rules.facts import Account, Act, Card, CardRequest, Customer, Enrolment, Raise
from bank_host.store.memory import MemoryStore

LONGEST_VISIT_US = 10 * MINUTE_US
"""A visit that begins so long before a fault cannot be touched by it: timers end before (assumed)."""


NO_ANSWER = "timed_out"
"""Why a visit failed whose request nobody answered while the person stood there."""


class Window(NamedTuple):
    """From when to when a fault can touch a visit; then until the network has come to rest."""

    from_us: int
    to_us: int


class FleetStore(MemoryStore):
    """The host's store, whose accounts come from the fleet's arrays each time a card is used in full detail."""

    def set_account(self, account: Account, card: Card, day_raise: Raise | None, facts: AccountFacts) -> None:
        tables = self._tables
        tables.accounts[account.account_id] = account
        tables.customers.setdefault(account.account_id, Customer(account.account_id))
        tables.cards[card.card_id] = card
        tables.card_ids[account.account_id] = (card.card_id,)
        if day_raise is not None:
            tables.raises[account.account_id, day_raise.day] = day_raise

    def set_uses(self, account_id: str, facts: AccountFacts, today: object, month: str) -> None:
        tables = self._tables
        tables.used[account_id, today] = {"chip": facts.used_jpy}  # type: ignore[index]
        for service, uses in facts.month_uses.items():
            tables.month_uses[account_id, month, service] = uses


class _Log(EventLog):
    """The conductor's log, which also hears how each visit went."""

    def __init__(self, visits: Visits) -> None:
        super().__init__()
        self.append = visits.heard
        self.append_message = _nothing_kept


def _nothing_kept(row: MessageRow) -> None:
    """The messages of a fleet are too many to keep."""


class _Current:
    """A visit under way."""

    __slots__ = (
        "arrival", "arrived_us", "code", "decided", "decided_us", "fee_jpy", "machine", "network", "notes", "reason",
        "started_us",
    )  # fmt: skip

    def __init__(
        self, machine: int, arrival: Arrival, arrived_us: int, started_us: int, notes: dict[int, int]
    ) -> None:
        self.machine, self.arrival, self.notes = machine, arrival, notes
        self.arrived_us, self.started_us = arrived_us, started_us
        self.code = self.reason = ""
        self.decided = self.network = ""  # what bank and network said last
        self.decided_us = started_us
        self.fee_jpy = 0


class Visits:
    """Plays what the kernel hands over."""

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy,
        kernel: Kernel,
        seed: int,
        replication: int,
    ) -> None:
        self._scenario, self._kernel, self._policy = scenario, kernel, policy

        assert scenario.fleet is not None
        self._all = scenario.fleet.detail == "full"
        self._store = FleetStore()
        world = scenario.model_copy(update={"fleet": None, "places": _places(scenario, kernel)})
        self._lab = Lab(
            world, seed=seed, replication=replication, run="", parts=Parts(store=lambda bank: self._store)
        )
        self._windows = sorted(_windows(scenario, self._lab.start_us))
        self._names = [
            site.machine_name(site.first_machine + number)
            for site in kernel.sites
            for number in range(site.machines)
        ]
        self._places = {name: place for place, name in enumerate(self._names)}
        self._terminals = {
            terminal.config.terminal_id: self._places[name] for name, terminal in self._lab.terminals.items()
        }
        self._hsm = Hsm.simulation()
        self._people: dict[int, Person] = {}
        self._numbers: dict[str, int] = {}  # of accounts, by account number
        self._cards: dict[str, int] = {}  # the same by card
        self._current: dict[str, _Current] = {}  # by the number of the arrival, as rows name it
        self._out: dict[int, int] = {}  # accounts that the network may still speak of, with visits under way
        self._quiet_after_us = 0
        self._rows: list[EventRecord] = []

    def __call__(self, kernel: Kernel, clock: FleetClock) -> None:
        """As somebody from outside: begin."""
        self._conductor = Conductor(self._lab, clock, _Log(self))
        self._lab.banks[DEFAULT_BANK].watch = self._committed
        self._conductor.start()
        kernel.hand_over = self.hand_over

    # ------------------------------------------------------------ whose visit it is

    def hand_over(self, machine: int, arrival: Arrival, arrived_us: int, now_us: int) -> bool:
        if not (self._all or arrival.account in self._out or self._touched(now_us)):
            return False
        person = self._person(arrival.account, now_us)
        if not self._out.get(arrival.account):
            self._check_out(arrival.account, person, now_us)
        self._out[arrival.account] = self._out.get(arrival.account, 0) + 1
        name = self._names[machine]
        terminal = self._lab.terminals[name]
        notes = self._kernel.stock.of(machine)
        terminal.cash.lay_in(tuple(notes.items()))
        label = f"{arrival.number}"
        customers = self._kernel.customers
        service, amount_jpy = SERVICES[arrival.service], arrival.amount_jpy
        wrong = min(arrival.wrong_pins, customers.pin_tries)
        pins = ("wrong",) * wrong + (("right",) if wrong < customers.pin_tries else ())
        wish = Wish(
            service,
            amount_jpy if service == "withdraw" else 0,
            notes_of(amount_jpy) if service == "deposit" else (),
            pins,
        )
        habits = {habit: arrival.takes_us(habit) for habit in HABIT_NAMES}
        site = self._kernel.sites[self._kernel.site_of[machine]].name
        planned = Planned(now_us, person, label, ATM, service, site, name, wish, takes_us=habits)
        self._current[label] = _Current(machine, arrival, arrived_us, now_us, notes)
        self._conductor.begin(planned, name, arrived_us)
        return True

    def _touched(self, now_us: int) -> bool:
        while self._windows and self._windows[0].to_us <= now_us and now_us >= self._quiet_after_us:
            if self._conductor.disrupted or any(queue.waiting for queue in self._lab.queues()):
                self._quiet_after_us = (
                    now_us + MINUTE_US
                )  # a fault or an advice still waits: look again later
                return True
            self._windows.pop(0)
            self._forget()
        if not self._windows:
            return False
        return self._windows[0].from_us <= now_us

    def _forget(self) -> None:
        """The network is at rest: nobody speaks of the accounts without a visit under way."""
        self._out = {number: visits for number, visits in self._out.items() if visits}

    # ------------------------------------------------------------ between arrays and store

    def _person(self, number: int, now_us: int) -> Person:
        known = self._people.get(number)
        if known is not None:
            return known
        facts = self._kernel.books.facts_of(number, now_us)
        pan = card_number(DEFAULT_BIN, self._kernel.books.people.first + number)
        pin = f"{number % 10_000:04d}"
        expires = card_expiry(self._scenario.day)
        pvv = pin_value(self._hsm, pin, pan)
        track = track2(self._hsm, pan, expires, SERVICE_CODES["chip"], pvv)
        card = CardData(facts.account_id, pan, expires, track)
        person = Person(facts.account_id, DEFAULT_BANK, facts.account_id, self._hsm.card_id(pan), card, pin)
        self._people[number] = person
        self._numbers[facts.account_id] = self._cards[person.card_id] = number
        return person

    def _check_out(self, number: int, person: Person, now_us: int) -> None:
        """Write the account's state into the store as the arrays have it."""
        facts = self._kernel.books.facts_of(number, now_us)
        pan = card_number(DEFAULT_BIN, self._kernel.books.people.first + number)
        today = jst_date(now_us)
        account = Account(
            facts.account_id, facts.kind, "token", self._scenario.day, facts.standing_jpy, facts.posted_jpy
        )
        card = Card(
            person.card_id,
            facts.account_id,
            facts.account_id,
            card_expiry(self._scenario.day),
            pin_value(self._hsm, person.pin, pan),
            locked=facts.locked,
            pin_fails=facts.pin_fails,
        )
        day_raise = None
        if facts.raised_day >= 0:
            day = self._scenario.day + timedelta(days=facts.raised_day)
            day_raise = Raise(facts.account_id, day, self._kernel.books.people.raised_jpy, 1)
        self._store.set_account(account, card, day_raise, facts)
        self._store.set_uses(facts.account_id, facts, today, self._policy.on(today).month)

    def _committed(self, commit: Commit) -> None:
        """What the host changed goes into the arrays, and to the conductor's record."""
        self._conductor.committed(DEFAULT_BANK, commit)
        request = commit.request
        if isinstance(request, Act | Enrolment):
            return
        if isinstance(request, CardRequest):
            terminal_id = request.atm
        else:
            assert isinstance(request, Message)
            terminal_id = request.get(41).rstrip()
        number = self._number(commit)
        if number is not None:
            machine = self._terminals[terminal_id]
            self._kernel.books.take_up(commit.changes, number, machine, commit.at.now_us)

    def _number(self, commit: Commit) -> int | None:
        """The account that a commit is about."""
        for change in commit.changes:
            account_id = getattr(change, "account_id", "")
            if account_id in self._numbers:
                return self._numbers[account_id]
            if (card_id := getattr(change, "card_id", "")) in self._cards:
                return self._cards[card_id]
        return None

    # ------------------------------------------------------------ what the conductor tells

    def take_rows(self) -> list[EventRecord]:
        """What was written since the last call."""
        taken, self._rows = self._rows, []
        return taken

    def heard(self, row: EventRecord) -> None:
        self._rows.append(row)
        visit = self._current.get(row.step)
        if visit is None:
            return
        match row.kind:
            case "decided":
                visit.decided, visit.decided_us = row.reason, row.time_us + self._lab.start_us
            case "answered":
                visit.code, visit.reason = row.code, row.reason or visit.network or visit.decided
                visit.network = ""
                self._cash_moved(visit)  # counted out, or taken in, with the answer
            case "declined" | "no_service" if row.reason:
                visit.reason = row.reason
            case kind if kind in NETWORK_REFUSALS:
                visit.network = kind
            case "fee":
                visit.fee_jpy += row.amount_jpy
            case "cassette":
                self._cash_moved(visit)
            case "left":
                self._left(row, visit)

    def _cash_moved(self, visit: _Current) -> None:
        """The same notes leave or enter the fleet's cassettes, into which staff may have laid others meanwhile."""
        notes = dict(self._lab.terminals[self._names[visit.machine]].cash.stock)
        lying = self._kernel.stock.of(visit.machine)
        moved = {note: lying[note] + count - visit.notes[note] for note, count in notes.items()}
        self._kernel.stock.set(visit.machine, moved)
        visit.notes = notes

    def _left(self, row: EventRecord, visit: _Current) -> None:
        del self._current[row.step]
        account = visit.arrival.account
        self._out[account] -= 1
        if self._all and not self._out[account]:
            del self._out[account]
        now_us = row.time_us + self._lab.start_us
        reason = visit.reason if visit.code or visit.reason else NO_ANSWER
        self._kernel.left(
            now_us, visit.machine, visit.arrival, visit.arrived_us, visit.started_us, visit.code, reason, visit.fee_jpy,
            visit.decided_us,
        )  # fmt: skip


def _places(scenario: Scenario, kernel: Kernel) -> dict[str, Place]:
    """The sites of a partition as the lab builds them."""
    fleet = scenario.fleet
    assert fleet is not None
    return {
        site.name: Place.model_construct(
            operator=site.operator,
            machines=site.machines,
            cassettes=fleet.class_of(site.operator, site.machine_class).cassettes,
            near_end=fleet.class_of(site.operator, site.machine_class).near_end,
            hours_us=site.hours_us,
        )
        for site in kernel.sites
    }


def _windows(scenario: Scenario, start_us: int) -> Iterator[Window]:
    """When something scheduled can touch a visit: a fault, and what it lasts; hours for which a bank is signed off."""
    for fault in scenario.faults:
        times = [start_us + scenario.after_midnight_us(at) for at in moments(fault).values()]
        lasts_us = getattr(fault, "for_us", 0)
        yield Window(min(times) - LONGEST_VISIT_US, max(times) + lasts_us + MINUTE_US)
    for hours in scenario.network.sign_off:
        begins_us, ends_us = (start_us + scenario.after_midnight_us(at) for at in (hours.begins, hours.ends))
        yield Window(begins_us - LONGEST_VISIT_US, ends_us + MINUTE_US)


def takes_part(scenario: Scenario) -> bool:
    """Whether any visit is to be played in full detail."""
    scheduled = bool(scenario.faults or scenario.network.sign_off)
    return scenario.fleet is not None and (scenario.fleet.detail == "full" or scheduled)
