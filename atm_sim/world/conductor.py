"""Carries out what machines and people ask for, on whatever clock a driver lends it.

The conductor knows no clock of its own and no SimPy: a driver gives it the time, calls it back later, and carries
messages. It moves people through sites, hands their acts to the ATMs, performs the machines' effects (send, set a
timer, dispense, record ...), and tells the chronicle what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from atm_sim.records.log import EventLog
from atm_sim.sansio.effects import (
    CancelTimer,
    CashCounted,
    CashTaken,
    Clocked,
    Connected,
    Dispense,
    Dispensed,
    Effect,
    Event,
    Forget,
    Keep,
    PowerLost,
    Received,
    Record,
    Send,
    SetTimer,
    Show,
    TakenUnseen,
    TimerFired,
)
from atm_sim.terminal.note_mix import counted
from atm_sim.world.agendas import Agendas
from atm_sim.world.cast import in_hand
from atm_sim.world.chronicle import Chronicle
from atm_sim.world.disruptions import Disruptions
from atm_sim.world.driver import Driver, Watcher
from atm_sim.world.errands import Errands
from atm_sim.world.lab import RESTART_US, Lab, issuer_node
from atm_sim.world.list_feed import ListFeed
from atm_sim.world.mishaps import UNSEEN, first_notes, paid_out
from atm_sim.world.people import Act, Wish
from atm_sim.world.plans import Errand, Planned
from bank_host.host import Bank, Commit
from bank_host.iso8583.identity import request_id
from bank_host.iso8583.message import Message
from bank_host.rules.facts import Enrolment

T = TypeVar("T")


@dataclass(slots=True)
class Visit:
    """One person's way through a site: arrived, perhaps waited, at a machine, gone."""

    planned: Planned
    arrived_us: int
    machine: str = ""
    started_us: int = 0
    script: Generator[Act | None, Show, None] | None = None
    walked_away: bool = False


class Conductor:
    """Runs one lab once. `start()` plans everything that is known; the driver then runs until nothing is left."""

    def __init__(self, lab: Lab, driver: Driver, log: EventLog, watcher: Watcher | None = None) -> None:
        self._lab = lab
        self._driver = driver
        self._watcher = watcher
        self._timers: dict[tuple[str, str], int] = {}  # the latest setting of each timer
        self._timer_count = 0
        self._visits: dict[str, Visit] = {}  # by machine
        self._requests: dict[str, Planned | Errand] = {}  # who started a chain of messages
        self._chronicle = Chronicle(lab, driver, log)
        self._agendas = Agendas(lab, self, self._chronicle)
        self._disruptions = Disruptions(lab, self)
        self._errands = Errands(lab, self)
        self._list_feed = ListFeed(lab, self, self._disruptions)
        for name, bank in lab.banks.items():
            bank.watch = partial(self.committed, name)

    # ------------------------------------------------------------ what disruptions ask

    def call_at(self, at_us: int, call: Callable[[], None]) -> None:
        self._driver.call_after(max(0, at_us - self._driver.now_us()), call)

    def now_us(self) -> int:
        return self._driver.now_us()

    def in_background(self, after_us: int, call: Callable[[], None]) -> None:
        self._driver.call_after(after_us, call, background=True)

    def tell(self, node: str, event: Event) -> None:
        """Let something happen to a machine; a person in front of an ATM that loses its power goes away."""
        if isinstance(event, PowerLost) and (visitor := self._visits.get(node)) is not None:
            visitor.walked_away = True
        self._tell(node, event)

    def comes_from_outside(self, node: str, sender: str, message: Message) -> None:
        """A message of somebody who is no part of the lab, in the course of the chain that it belongs to."""
        self._tell(node, Received(sender, message), self._requests.get(request_id(message)))

    def struck(self, kind: str, fault: str, where: str) -> None:
        self._chronicle.row(kind, atm=where if where in self._lab.terminals else "", code=where, reason=fault)

    def powered_off(self, node: str) -> None:
        self._timers = {slot: setting for slot, setting in self._timers.items() if slot[0] != node}

    # ------------------------------------------------------------ what a fleet asks

    def begin(self, planned: Planned, machine: str, arrived_us: int) -> None:
        """A customer who has waited elsewhere steps up to a machine that is free; `left` in the log tells the end."""
        visitor = Visit(planned, arrived_us)
        self._lab.sites[planned.site].arrive(visitor, machine)
        self._start_visit(machine, visitor)

    @property
    def disrupted(self) -> bool:
        """Whether something is down, or a fault waits for the work that it is to strike."""
        return self._disruptions.at_work

    # ------------------------------------------------------------ what errands ask

    def in_use(self, machine: str) -> bool:
        return not self._lab.terminals[machine].idle or self._disruptions.is_down(machine)

    def run(self, errand: Errand, machine: str, event: CashCounted) -> None:
        self._tell(machine, event, errand)
        self._chronicle.row("act", errand, atm=machine, code="done")

    def send_as(self, errand: Errand, sender: str, to: str, message: Message) -> None:
        self._requests.setdefault(request_id(message), errand)
        self._send(sender, to, message, errand)

    # ------------------------------------------------------------ what a person in front of the ATM asks

    def chooses(self, machine: str, wish: Wish, label: str = "") -> None:
        """The visitor wants this, from here on; `label` is the scenario step that it is."""
        if (visitor := self._visits.get(machine)) is not None:
            visitor.planned = replace(visitor.planned, wish=wish, service=wish.service, label=label)

    def person_does(self, machine: str, event: Event) -> None:
        """Whoever stands there does this, visitor or not; without power nothing happens."""
        if not self._disruptions.is_down(machine):
            self._tell(machine, event)

    def power_fails(self, machine: str, for_us: int) -> None:
        """An ATM loses its power."""
        if not self._disruptions.is_down(machine):
            self.struck("fault", "power_loss", machine)
            self._disruptions.power_fails(machine, for_us)

    def staff_count(self, machine: str) -> None:
        """Staff count an ATM's cash, if nobody uses it."""
        if not self.in_use(machine):
            self._tell(machine, self._errands.count(machine))

    # ------------------------------------------------------------ planning

    def start(self) -> None:
        """Plan every scripted step and the first arrival of every stream."""
        for atm, terminal in self._lab.terminals.items():
            self._chronicle.row("cassette", atm=atm, amount_jpy=terminal.cash.total_jpy())
        for planned in self._lab.steps:
            self.call_at(planned.at_us, partial(self.step_due, planned))
        self._disruptions.start()
        for at_us, node, clocked in self._lab.clocked():
            self.call_at(at_us, partial(self._clocked, node, clocked))
        self._errands.start()
        for at_us in self._lab.mornings():
            self.call_at(at_us, self.run_due)
        for arrivals in self._lab.streams:
            self._plan_arrival(arrivals)
        for caller, called in self._lab.host_lines():
            self._tell(called, Connected(caller))
            self._tell(caller, Connected(called))
        self._list_feed.start()

    def finish(self) -> None:
        """Write down how each person's last step left the bank."""
        self._agendas.finish()

    def _clocked(self, node: str, clocked: Clocked) -> None:
        """An hour of a node's own; one that is down misses it."""
        if not self._disruptions.is_down(node):
            self._tell(node, clocked)

    def _plan_arrival(self, arrivals: Iterator[Planned]) -> None:
        planned = next(arrivals, None)
        if planned is not None:
            self.call_at(planned.at_us, partial(self._stream_arrival, planned, arrivals))

    def _stream_arrival(self, planned: Planned, arrivals: Iterator[Planned]) -> None:
        self._plan_arrival(arrivals)
        self.arrive(planned)

    def step_due(self, planned: Planned) -> None:
        """A person does this as soon as they have done what came before."""
        self._agendas.due(planned)

    # ------------------------------------------------------------ people at sites

    def arrive(self, planned: Planned) -> None:
        """Somebody comes to a place for an ATM."""
        visitor = Visit(planned, self._driver.now_us())
        self._chronicle.row("arrived", planned)
        if (machine := self._lab.sites[planned.site].arrive(visitor, planned.machine)) is not None:
            self._start_visit(machine, visitor)

    def _start_visit(self, machine: str, visitor: Visit) -> None:
        now_us = self._driver.now_us()
        planned = visitor.planned
        assert planned.wish is not None
        visitor.machine, visitor.started_us = machine, now_us
        person = planned.person
        card = in_hand(person.card, planned.wish.card)
        visitor.script = self._lab.visit(card, person.pin, planned.wish, partial(self._lab.takes_us, planned))
        self._visits[machine] = visitor
        self._chronicle.row("started", planned, atm=machine, wait_us=now_us - visitor.arrived_us)
        if person.from_reader and planned.wish.card == "own" and self._lab.card_read:
            self._chronicle.row("card_read", planned, atm=machine, reason=self._lab.card_read)
        self._do(visitor, next(visitor.script))

    def _do(self, visitor: Visit, act: Act | None) -> None:
        if act is not None:
            self._driver.call_after(act.after_us, partial(self._person_acts, visitor, act.event))

    def _person_acts(self, visitor: Visit, event: Event) -> None:
        if visitor.walked_away:
            return
        if self._disruptions.is_down(visitor.machine):
            self._chronicle.row("no_service", visitor.planned, atm=visitor.machine, reason="power_loss")
            visitor.walked_away = True
            self._maybe_leave(visitor.machine)
        elif (
            isinstance(event, CashTaken)
            and visitor.planned.wish is not None
            and visitor.planned.wish.device in UNSEEN
        ):
            self._taken_unseen(visitor.machine, visitor.planned.wish)
        else:
            self._tell(visitor.machine, event)

    def _taken_unseen(self, machine: str, wish: Wish) -> None:
        """Notes leave the open shutter past its sensors: who stands in front of it knows, the ATM does not."""
        waiting = counted(self._lab.terminals[machine].cash.stacker)
        notes = first_notes(waiting, wish.partial_jpy)
        self._errands.taken_unseen(machine, notes)
        if self._watcher is not None:
            self._watcher.handled(machine, TakenUnseen(notes), (), self._driver.now_us())
        if wish.device == "power_loss":
            self._disruptions.power_fails(machine, RESTART_US)

    def _shown(self, machine: str, show: Show) -> None:
        visitor = self._visits.get(machine)
        if visitor is None or visitor.walked_away or visitor.script is None:
            return
        try:
            self._do(visitor, visitor.script.send(show))
        except StopIteration:
            visitor.walked_away = True

    def _maybe_leave(self, machine: str) -> None:
        """The machine is free when the person has walked away and the terminal is ready for the next one."""
        visitor = self._visits.get(machine)
        if visitor is None or not visitor.walked_away:
            return
        if not (self._lab.terminals[machine].idle or self._disruptions.is_down(machine)):
            return
        del self._visits[machine]
        hold_us = visitor.planned.hold_us
        stays_us = 0 if hold_us is None else visitor.started_us + hold_us - self._driver.now_us()
        if stays_us > 0:
            self._driver.call_after(stays_us, partial(self._leave, machine, visitor))
        else:
            self._leave(machine, visitor)

    def _leave(self, machine: str, visitor: Visit) -> None:
        now_us = self._driver.now_us()
        planned = visitor.planned
        self._chronicle.row(
            "left",
            planned,
            atm=machine,
            wait_us=visitor.started_us - visitor.arrived_us,
            service_us=now_us - visitor.started_us,
        )
        following = self._lab.sites[planned.site].leave(machine)
        if following is not None:
            self._start_visit(machine, following)
        self._agendas.left(planned)

    # ------------------------------------------------------------ what agendas ask of the banks

    def run_due(self) -> None:
        """The banks do what is due: reserved transfers, ended locks, settlements."""
        for name in self._lab.banks:
            self.host_does(name, lambda bank, now_us: bank.run_due(now_us), 0)

    def host_does(self, name: str, work: Callable[[Bank, int], T], otherwise: T) -> T:
        """What a bank does by its own clock, or `otherwise` while its host is down."""
        node, bank = issuer_node(name), self._lab.banks[name]
        at_us = self._disruptions.clock_us(node, self._driver.now_us())
        return self._disruptions.host_does(node, partial(work, bank, at_us), otherwise)

    # ------------------------------------------------------------ machines

    def _tell(self, node: str, event: Event, planned: Planned | Errand | None = None) -> None:
        """Let a machine handle an event, then carry out its effects."""
        visitor = self._visits.get(node)
        context = planned or (visitor.planned if visitor else None)
        previous, self._chronicle.context = self._chronicle.context, context
        effects = self._handled(node, event)
        if self._watcher is not None:
            self._watch(self._watcher, node, event, effects)
        for effect in effects:
            self._perform(node, effect)
        self._chronicle.context = previous
        if node in self._lab.terminals:
            self._errands.comes_to_rest(node)
            self._maybe_leave(node)

    def _handled(self, node: str, event: Event) -> list[Effect]:
        machine, now_us = self._lab.nodes[node], self._driver.now_us()
        disruptions = self._disruptions
        if not disruptions.concern(node):
            return machine.handle(event, now_us)
        nothing: list[Effect] = []
        at_us = disruptions.clock_us(node, now_us)
        return disruptions.host_does(node, partial(machine.handle, event, at_us), nothing)

    def _watch(self, watcher: Watcher, node: str, event: Event, effects: list[Effect]) -> None:
        if node in self._lab.terminals:
            watcher.handled(node, event, effects, self._driver.now_us())
        elif isinstance(event, Received) and (bank := self._lab.bank_at(node)):
            if any(isinstance(effect, Record) and effect.kind == "refused" for effect in effects):
                return  # by the line, which is signed off: the bank never heard of it, so it is no answer of the bank
            for effect in effects:
                if isinstance(effect, Send):
                    watcher.exchanged(bank, event.message, effect.message)

    def _perform(self, node: str, effect: Effect) -> None:
        match effect:
            case Send():
                self._send(node, effect.to, effect.message)
            case SetTimer():
                self._set_timer(node, effect)
            case CancelTimer():
                self._timers.pop((node, effect.key), None)
            case Keep():
                self._lab.disks[node][effect.key] = effect.value
            case Forget():
                del self._lab.disks[node][effect.key]
            case Dispense():
                self._dispense(node, effect)
            case Show():
                self._shown(node, effect)
            case Record():
                self._recorded(node, effect)
            # ReturnCard and RetainCard move a card that nobody else can touch: the record and the screen tell of it

    def _send(self, sender: str, to: str, message: Message, errand: Errand | None = None) -> None:
        now_us = self._driver.now_us()
        request = request_id(message)
        if self._chronicle.context is not None:
            self._requests.setdefault(request, self._chronicle.context)
        planned = errand or self._errands.awaits(to, message) or self._requests.get(request)
        if planned is not None and sender in self._lab.terminals:
            self._errands.passes(sender, planned.label, message)
        link, bank = self._lab.line(sender, to)
        passage = self._lab.links.carry(link, bank, message, now_us)
        self._lab.tap(now_us, sender, to, message)
        self._chronicle.message(sender, to, request, message, planned)
        for kind in passage.struck:
            self._chronicle.row("fault", planned, request_id=request, mti=message.mti, reason=kind)
        if not passage.arrivals:
            self._chronicle.row("lost", planned, request_id=request, mti=message.mti, reason=link)
        for after_us, arriving in passage.arrivals:
            if arriving is None:
                unreadable = partial(
                    self._chronicle.row,
                    "unreadable",
                    planned,
                    request_id=request,
                    mti=message.mti,
                    reason=link,
                )
                self._driver.call_after(after_us, unreadable)
            else:
                self._driver.carry(arriving, after_us, partial(self._deliver, sender, to, request, now_us))

    def _deliver(self, sender: str, to: str, request: str, sent_us: int, message: Message) -> None:
        planned = self._requests.get(request)
        if errand := self._errands.answered(to, message):
            self._chronicle.row("replied", errand, request_id=request, mti=message.mti, code=message.get(39))
        elif self._disruptions.reaches(to, sent_us):
            self._tell(to, Received(sender, message), planned)
        else:
            self._chronicle.row("lost", planned, request_id=request, mti=message.mti, reason="down")

    def _set_timer(self, node: str, timer: SetTimer) -> None:
        slot = (node, timer.key)
        self._timer_count += 1
        self._timers[slot] = mine = self._timer_count

        def due() -> None:
            if self._timers.get(slot) == mine:
                del self._timers[slot]
                self._tell(node, TimerFired(timer.key))

        self._driver.call_after(timer.after_us, due, background=timer.background)

    def _dispense(self, machine: str, dispense: Dispense) -> None:
        visitor = self._visits.get(machine)
        wish = visitor.planned.wish if visitor else None
        after_us = self._lab.takes_us(visitor.planned, "dispense") if visitor else 0
        if wish is not None and wish.device == "power_loss" and not wish.partial_jpy:
            self._driver.call_after(after_us, partial(self._disruptions.power_fails, machine, RESTART_US))
            return
        done = paid_out(dispense.notes, wish.device, wish.partial_jpy) if wish else Dispensed(dispense.notes)
        self._driver.call_after(after_us, partial(self._tell, machine, done))

    # ------------------------------------------------------------ the record

    def _recorded(self, node: str, record: Record) -> None:
        planned = self._requests.get(record.request_id, self._chronicle.context)
        if record.request_id and planned is not None:
            self._requests.setdefault(record.request_id, planned)
        if record.kind == "completed" and isinstance(planned, Planned) and planned.wish is not None:
            planned.person.pin = planned.wish.new_pin or planned.person.pin  # from now on the right one
        self._chronicle.row(
            record.kind,
            planned,
            atm=self._lab.atm_name(record.atm),
            card_alias=record.card_alias,
            request_id=record.request_id,
            mti=record.mti,
            amount_jpy=record.amount_jpy,
            code=record.code,
            reason=record.reason,
            latency_us=record.latency_us,
        )

    def committed(self, bank: str, commit: Commit) -> None:
        """What the host posted, told and set aside for people becomes rows too."""
        if self._watcher is not None:
            self._watcher.committed(commit)
        if not isinstance(commit.request, Enrolment):
            self._chronicle.commit(commit)
            self._disruptions.committed(bank, commit)
