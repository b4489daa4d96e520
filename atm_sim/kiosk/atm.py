"""One ATM of the kiosk: its terminal and network on the shared bank, the person in front of it, and what both see.

Everything here runs in the ATM's own thread of control (`clock`): what the browser asks, what is due, what is shown.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

from atm_sim.kiosk.clock import PersonsClock
from atm_sim.kiosk.front import KEYS, Front, receipt_lines
from atm_sim.kiosk.glass import Glass
from atm_sim.kiosk.keeping import Page
from atm_sim.kiosk.lesson import HAPPENS, PERFORM
from atm_sim.kiosk.slot import Slot
from atm_sim.kiosk.texts import Lang, labels, person_name, say
from atm_sim.records.log import EventLog
from atm_sim.sansio.effects import (
    CancelPressed,
    CardTaken,
    CashTaken,
    Dispense,
    Effect,
    Event,
    PowerLost,
    PowerRestored,
    Print,
    ServiceChosen,
    Show,
)
from atm_sim.scenario import Case, Scenario
from atm_sim.scenario.vocabulary import SWITCH
from atm_sim.terminal.note_mix import counted
from atm_sim.terminal.state import Stage
from atm_sim.world.cast import Person
from atm_sim.world.conductor import Conductor
from atm_sim.world.lab import Lab, Parts
from atm_sim.world.links import LinkFault
from atm_sim.world.people import ENDINGS, Wish
from atm_sim.world.plans import ATM, Planned
from bank_host.host import Commit
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US
from cardreader.card import Exchange

POWER_BACK_US: Final = 10 * SECOND_US
_FAREWELL_US: Final = 5 * SECOND_US
_SIGNED_ON_US: Final = SECOND_US  # a restart: from the lines' opening to what was left open
_MOMENT_US: Final = SECOND_US // 2
_PATIENCE_US: Final = 20 * SECOND_US  # with advices that nobody takes
_FOR_EVER_US: Final = 2**62
_PRESSED_LINE: Final = "switch-issuer"

FAULTS: Final = ("jam", "partial", "line", "power", "count")
"""What a trainer can press."""


class Course(NamedTuple):
    """A lesson for one learner, and where the result goes."""

    case: Case
    learner: str
    write: Callable[[dict[str, Any]], None]


class Atm:
    """One ATM with everything on its side of the bank. `does` is what the browser asks, `view` what it draws."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        parts: Parts,
        clock: PersonsClock,
        page: Page,
        course: Course | None = None,
    ) -> None:
        """`page` is what is kept of it; on a page with writing it goes on where an earlier program ended."""
        self._page = page
        self.lang: Lang = "ja"
        self.glass = Glass()
        self._slot = Slot(self._chip_spoke)
        self._seen_apdus: tuple[Exchange, ...] = ()
        self._clock = clock
        self.log = EventLog()
        self.lab = Lab(
            scenario,
            seed=seed,
            replication=1,
            run="kiosk",
            parts=replace(parts, visit=self._slot.visit, node=page.keeping),
        )
        steps, self.lab.steps, self.lab.errands = self.lab.steps, (), ()  # a person decides what happens
        self._course = course
        self.lesson = None if course is None else page.lesson(course.case, self.lab, steps)
        self._ended_us = 0  # when the step's end was seen: what follows it gets a moment
        self.machine, self.terminal = next(iter(self.lab.terminals.items()))
        self.conductor = Conductor(self.lab, clock, self.log, self)
        self.front = Front(self.terminal.config.services, self.terminal.config.accepts_jpy)
        self._armed = ""  # the mishap of the next withdrawal: jam or partial
        self._cut: LinkFault | None = None
        self._shows = 0
        self._person: Person | None = None
        self._in_reader = ""  # what is kept of a real card

        self._counts_when_idle = False
        self._pins = {alias: person.pin for alias, person in self.lab.people.items()}

    def start(self) -> None:
        self._open_lines()
        if self.lesson is not None:
            self._on(self.lesson.begins_step())

    def _open_lines(self) -> None:
        """Opens the lines; what an earlier program left open is settled once they are signed on."""
        memory = self._page.memory(self.machine)
        if memory is None:
            self.conductor.start()
            return
        for alias, pin in self._page.pins().items():
            self.lab.people[alias].pin = pin
        for node in self.lab.nodes:
            self.lab.disks[node] = self._page.disk(node)
            if node.startswith("acquirer:") or node == SWITCH:
                self.lab.rebuild(node)
        self._person = self.lab.people.get(memory.card_alias)
        card = self._person.card if self._person else None
        self.terminal.recall(memory, card, self.lab.disks[self.machine])
        self.front.off()
        self.conductor.start()
        self.conductor.call_at(self._clock.now_us() + _SIGNED_ON_US, self._starts_again)

    def _starts_again(self) -> None:
        self._counts_when_idle = True
        for node in self.lab.nodes:
            if not self.lab.bank_at(node):  # the bank's own end has just signed on
                self.conductor.tell(node, PowerRestored())
        self._settle()

    # ------------------------------------------------------------ what the browser asks

    def does(self, what: str, value: str = "") -> None:
        """One thing that the person or the trainer did. What makes no sense now is no error: the key is dead."""
        match what:
            case "insert" if value in self.lab.people:
                self._insert(self.lab.people[value])
            case "pull":
                self._pull()
            case "key" if value in KEYS:
                self._tell(self.front.pressed(value))
            case "choose":
                self._tell(self.front.chosen(value))
            case "take_cash":
                self._tell(CashTaken())
            case "take_receipt":
                self.front.receipt = None
            case "language" if value in ("en", "ja"):
                self.lang = "en" if value == "en" else "ja"
            case "fault" if value in FAULTS and self.lesson is None:
                self._fault(value)
            case "predict" if self.lesson is not None:
                with suppress(ValueError):
                    self.lesson.predicts(json.loads(value))
            case "next" if self.lesson is not None:
                self._on(self.lesson.goes_on())
        self._settle()

    def reader_tells(self, card: str) -> None:
        """A card in the reader beside the browser stands for the first customer's; pulled there, it is pulled here."""
        before, self._in_reader = self._in_reader, card
        if card:
            self._insert(next(iter(self.lab.people.values())))
        elif before:
            self._pull()
        self._settle()

    def _pull(self) -> None:
        """The card leaves the slot, whatever the machine is doing."""
        if not self.terminal.has_card or self._slot.pulled:
            return
        self._slot.pull()
        if self.terminal.stage in (Stage.PIN, Stage.MENU):
            self._tell(CancelPressed())

    def _insert(self, person: Person) -> None:
        if not self.terminal.idle or self.terminal.has_card:
            return
        wish = Wish("") if self.lesson is None else self.lesson.wish_of(person)
        if wish is None:
            return
        self._person = person
        now_us = self._clock.now_us()
        site = next(iter(self.lab.sites))
        self.conductor.arrive(Planned(now_us, person, "", ATM, "", site, self.machine, wish))

    def _tell(self, event: Event | None) -> None:
        if event is None:
            return
        if self.lesson is not None and not self.lesson.allows(event):
            self.front.again()
            return
        if isinstance(event, ServiceChosen):
            self._wishes(event)
        self.conductor.person_does(self.machine, event)

    def _wishes(self, choice: ServiceChosen) -> None:
        step = None if self.lesson is None else self.lesson.step
        if step is not None and step.wish is not None:
            self.conductor.chooses(self.machine, step.wish, step.label)
            return
        device, self._armed = self._armed if choice.service == "withdraw" else "", ""
        wish = Wish(
            choice.service,
            choice.amount_jpy,
            choice.notes,
            new_pin=choice.new_pin,
            device=device,
            partial_jpy=choice.amount_jpy // 2 if device == "partial" else 0,
        )
        self.conductor.chooses(self.machine, wish)

    def _settle(self) -> None:
        """What follows by itself: a card that has been pulled is taken as soon as the machine lets go of it; after a
        restart, staff count what nobody knows (RS6)."""
        if self._slot.pulled and self.terminal.stage is Stage.CARD_OUT:
            self._slot.pulled = False
            self.conductor.person_does(self.machine, CardTaken())
        if self._counts_when_idle and self.terminal.idle:
            self._counts_when_idle = False
            if self.terminal.settlement.suspects:
                self.conductor.staff_count(self.machine)

    def settle(self) -> None:
        """After each turn."""
        self._settle()
        self._step_may_end()
        for person in self.lab.people.values():
            if self._pins[person.alias] != person.pin:
                self._pins[person.alias] = person.pin
                self._page.keep_pin(person.alias, person.pin)

    # ------------------------------------------------------------ lessons

    def _on(self, happens: Planned | None) -> None:
        """The next step has begun: the time is its own, and what needs no learner happens at once."""
        assert self.lesson is not None
        self._ended_us = 0
        if (step := self.lesson.step) is not None:
            self._clock.not_before(step.at_us)
        if happens is not None:
            self.conductor.step_due(happens)
        self._keep_lesson()

    def _step_may_end(self) -> None:
        """A step has ended when its person has gone and nothing is under way any more, such as a reversal."""
        lesson = self.lesson
        if lesson is None or lesson.phase not in (PERFORM, HAPPENS) or not lesson.happened(self.log):
            return
        now_us = self._clock.now_us()
        if not self._ended_us:
            self._ended_us = now_us
        under_way = any(queue.waiting for queue in self.lab.queues())
        if now_us < self._ended_us + _MOMENT_US or (under_way and now_us < self._ended_us + _PATIENCE_US):
            self._clock.call_after(_MOMENT_US, lambda: None)  # and then another look
            return
        lesson.told(self.log)
        self._keep_lesson()

    def _keep_lesson(self) -> None:
        if self.lesson is not None and self._course is not None:
            self._page.keep_lesson(self.lesson)
            self._course.write(self.lesson.result(self._course.learner, self.log))

    def _fault(self, fault: str) -> None:
        match fault:
            case "jam" | "partial":
                self._armed = "" if self._armed == fault else fault
            case "line" if self._cut is None:
                now_us = self._clock.now_us()
                self._cut = LinkFault(_PRESSED_LINE, "down", now_us, _FOR_EVER_US)
                self.lab.links.breaks(self._cut)
            case "line" if self._cut is not None:
                self.lab.links.mends(self._cut)
                self._cut = None
            case "power":
                self.conductor.power_fails(self.machine, POWER_BACK_US)
            case "count":
                self.conductor.staff_count(self.machine)

    # ------------------------------------------------------------ what the machines do (`world.driver.Watcher`)

    def handled(self, atm: str, event: Event, effects: Iterable[Effect], now_us: int) -> None:
        if isinstance(event, PowerLost):
            self.front.off()
        for effect in effects:
            match effect:
                case Show():
                    self._shown(effect)
                case Dispense():
                    self.front.counting()
                case Print():
                    self.front.receipt = effect.receipt

    def _shown(self, show: Show) -> None:
        self.front.shown(show)
        self._shows += 1
        if show.screen in ENDINGS:
            self._clock.call_after(_FAREWELL_US, partial(self._goes_idle, self._shows))

    def _goes_idle(self, shows: int) -> None:
        if shows == self._shows and self.terminal.idle:
            self.front.goes_idle()

    def committed(self, commit: Commit) -> None:
        self.glass.committed(commit)

    def exchanged(self, bank: str, request: Message, answer: Message) -> None:
        """The messages are in the log already."""

    def _chip_spoke(self, trace: tuple[Exchange, ...]) -> None:
        """The whole trace of the chip's transaction so far; only what is new in it is added."""
        known = len(self._seen_apdus) if trace[: len(self._seen_apdus)] == self._seen_apdus else 0
        self.glass.apdus += trace[known:]
        self._seen_apdus = trace

    # ------------------------------------------------------------ what it looks like

    def view(self) -> dict[str, Any]:
        """Everything that the page draws, in the person's language."""
        lang, terminal = self.lang, self.terminal
        return {
            "lang": lang,
            "labels": labels(lang),
            "screen": self.front.view(lang),
            "card": self._card_view(lang),
            "tray": self._tray_view(lang),
            "receipt": receipt_lines(self.front.receipt, lang),
            "receipt_label": say("printer.out" if self.front.receipt else "printer.empty", lang),
            "wallet": [self._wallet_card(person, lang) for person in self.lab.people.values()],
            "reader": self._reader_view(lang),
            "papers": [self._papers(person, lang) for person in self.lab.people.values()],
            "busy": terminal.has_card or not terminal.idle,
            "glass": self.glass.view(terminal, self.log.messages, self._clock.now_us(), lang),
            "lesson": None if self.lesson is None else self.lesson.view(lang),
            "faults": [] if self.lesson else [self._fault_view(fault, lang) for fault in FAULTS],
        }

    def _fault_view(self, fault: str, lang: Lang) -> dict[str, Any]:
        return {"id": fault, "label": say(f"fault.{fault}", lang), "on": self._is_on(fault)}

    def _is_on(self, fault: str) -> bool:
        match fault:
            case "line":
                return self._cut is not None
            case "power":
                return self.terminal.stage is Stage.OFF
        return self._armed == fault

    def _card_view(self, lang: Lang) -> dict[str, str]:
        state = "none"
        if self.terminal.has_card:
            state = "out" if self.terminal.stage is Stage.CARD_OUT else "in"
        label = {"none": "slot.empty", "in": "slot.in", "out": "slot.out"}[state]
        return {
            "state": state,
            "label": say(label, lang),
            "name": person_name(self._person.name, lang) if self._person else "",
        }

    def _tray_view(self, lang: Lang) -> dict[str, Any]:
        cash, is_open = self.terminal.cash, self.terminal.stage is Stage.CASH_OUT
        notes = counted(cash.stacker + cash.escrow) if is_open else ()
        return {
            "open": is_open,
            "label": say("tray.open" if is_open else "tray.closed", lang),
            "notes": [[note_jpy, count] for note_jpy, count in notes],
        }

    def _wallet_card(self, person: Person, lang: Lang) -> dict[str, Any]:
        return {
            "id": person.alias,
            "name": person_name(person.name, lang),
            "number": f"•••• {person.card.pan[-4:]}",
            "pin": person.pin,
            "in": self._person is person and self.terminal.has_card,
        }

    def _reader_view(self, lang: Lang) -> str:
        if not self._in_reader:
            return ""
        name = person_name(next(iter(self.lab.people.values())).name, lang)
        return say("wallet.in_reader", lang).format(card=self._in_reader, name=name)

    def _papers(self, person: Person, lang: Lang) -> dict[str, Any]:
        """What a customer has at home for internet banking; the token's code is the one of this moment."""
        branch, account = person.account_id[:3], person.account_id[3:]
        lines = [
            (say("papers.account", lang), f"{branch} - {account}"),
            (say("papers.password", lang), person.password),
        ]
        lines += [
            (say("papers.token", lang), token.display(self._clock.now_us())) for token in person.tokens[:1]
        ]
        return {"name": person_name(person.name, lang), "lines": lines}
