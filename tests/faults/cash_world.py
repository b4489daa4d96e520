"""Two ATMs in front of one bank, on bad lines and with bad dispensers: where notes and advices could get lost.

One person after the other, from one seed. The lines lose messages, the dispenser jams or stops short, people forget
card or cash, the power fails; then the lines are well again and every queue runs dry.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Any

from atm_sim.checks.auditor import Auditor
from atm_sim.sansio.effects import (
    CancelTimer,
    CardInserted,
    CardTaken,
    CashTaken,
    Dispense,
    Dispensed,
    PinEntered,
    PowerLost,
    PowerRestored,
    Received,
    Send,
    ServiceChosen,
    SetTimer,
    Show,
    TimerFired,
)
from atm_sim.sansio.saf import Saf, SafSettings
from atm_sim.terminal.card import CardData
from atm_sim.terminal.cassettes import CashUnit, Cassette
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.machine import Terminal
from atm_sim.terminal.settlement import Settlement
from bank_host.host import Bank
from bank_host.jst import HOUR_US, MINUTE_US, SECOND_US, midnight_us
from bank_host.rules.facts import Account, Card, Enrolment
from bank_host.store.memory import MemoryStore
from tests.faults.workload import DAY, PIN, POLICY, FakeHsm

CASSETTES = (Cassette(10_000, 400, near_end=10), Cassette(1_000, 300, near_end=10))
PAN = "9999990000000018"
LINE_US = 200_000
OUTAGE_US = 3 * MINUTE_US
BETWEEN_VISITS_US = 4 * MINUTE_US
SAF = SafSettings(answer_wait_us=20 * SECOND_US, first_delay_us=10 * SECOND_US, most_tries=3)


class Keypad:
    def pin_block(self, pin: str, pan: str) -> str:
        return pin.ljust(16, "F")


@dataclass
class CashParts:
    """What the ATMs are wired from; a mutant hands in another."""

    cash: type[CashUnit] = CashUnit
    saf: type[Saf] = Saf
    settlement: type[Settlement] = Settlement


class CashWorld:
    """A minimal driver: a heap of what is due, and a random hand in every device and line."""

    def __init__(self, seed: int, parts: CashParts, visits: int = 14) -> None:
        self.random = Random(f"cash/{seed}")
        self.now_us = midnight_us(DAY) + 9 * HOUR_US
        self.bank = Bank("our-bank", MemoryStore(), POLICY, FakeHsm())  # type: ignore[arg-type]
        self.auditor = Auditor()
        self.auditor.opened(self.bank)
        self.bank.watch = self.auditor.committed
        account = Account("0010000001", "individual", "token", date(2010, 4, 1), 500_000)
        self.bank.enrol(
            Enrolment(
                account, 3_000_000, (Card("card-0018", "hanako", account.account_id, "1812", PIN),), ()
            ),
            self.now_us,
        )
        self.terminals = {name: self._terminal(name, parts) for name in ("ATM00001", "ATM00002")}
        for name, terminal in self.terminals.items():
            self.auditor.loaded(name, terminal)
        self.visits = visits
        self.lossy = True
        span_us = visits * BETWEEN_VISITS_US
        self.outages = [self.now_us + self.random.randrange(span_us) for _ in range(3)]
        self._due: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._timers: dict[tuple[str, str], int] = {}

    def _terminal(self, name: str, parts: CashParts) -> Terminal:
        config = TerminalConfig(name, "00000000034", "seven_bank", acquirer_node="bank", saf=SAF)
        terminal = Terminal(config, Keypad(), CASSETTES)
        terminal._state.cash = parts.cash(CASSETTES)
        terminal._state.settlement = parts.settlement(config, terminal._state.numbers)
        terminal.settlement.saf = parts.saf(SAF)
        return terminal

    # ---------------------------------------------------------------- the clock

    def later(self, after_us: int, call: Callable[[], None]) -> int:
        self._count += 1
        heapq.heappush(self._due, (self.now_us + after_us, self._count, call))
        return self._count

    def run_until_quiet(self) -> None:
        while self._due:
            self.now_us, _, call = heapq.heappop(self._due)
            call()

    def play(self) -> Auditor:
        for visit in range(self.visits):
            name = self.random.choice(tuple(self.terminals))
            self.later(visit * BETWEEN_VISITS_US, lambda name=name: self.insert(name))  # type: ignore[misc]
        self.later(self.visits * BETWEEN_VISITS_US, self._lines_are_well)
        self.run_until_quiet()
        queues = [terminal.settlement.saf for terminal in self.terminals.values()]
        self.auditor.finish(self.now_us, [self.bank], queues)
        return self.auditor

    def _lines_are_well(self) -> None:
        self.lossy = False

    # ---------------------------------------------------------------- people, devices, lines

    def insert(self, name: str) -> None:
        if self.terminals[name].idle:
            self.tell(name, CardInserted(CardData("hanako", PAN, "1812", "")))

    def tell(self, name: str, event: Any) -> None:
        effects = self.terminals[name].handle(event, self.now_us)
        self.auditor.handled(name, event, effects, self.now_us)
        for effect in effects:
            self._perform(name, effect)

    def _perform(self, name: str, effect: Any) -> None:
        match effect:
            case Send():
                self._send(name, effect.message)
            case SetTimer():
                self._set_timer(name, effect)
            case CancelTimer():
                self._timers.pop((name, effect.key), None)
            case Show():
                self._person(name, effect.screen)
            case Dispense():
                self._dispenser(name, effect.notes)

    def _send(self, name: str, message: Any) -> None:
        def arrive() -> None:
            answer = self.bank.answer(message, self.now_us)
            self.auditor.exchanged(self.bank.name, message, answer)
            if not self._lost():
                self.later(LINE_US, lambda: self.tell(name, Received("bank", answer)))

        if not self._lost():
            self.later(LINE_US, arrive)

    def _lost(self) -> bool:
        """One message in five, and every one while the line is down."""
        down = any(start <= self.now_us < start + OUTAGE_US for start in self.outages)
        return self.lossy and (down or self.random.random() < 0.2)

    def _set_timer(self, name: str, timer: SetTimer) -> None:
        def due() -> None:
            if self._timers.get((name, timer.key)) == mine:
                del self._timers[name, timer.key]
                self.tell(name, TimerFired(timer.key))

        mine = self._timers[name, timer.key] = self.later(timer.after_us, due)

    def _person(self, name: str, screen: str) -> None:
        chance = self.random.random()
        event: Any = None
        match screen:
            case "enter_pin" | "wrong_pin":
                event = PinEntered("1234")
            case "choose_service" if chance < 0.75:
                event = ServiceChosen("withdraw", self.random.choice((3_000, 10_000, 30_000, 56_000)))
            case "choose_service":
                event = ServiceChosen("deposit", notes=((10_000, self.random.randrange(1, 4)), (1_000, 2)))
            case "take_card" if chance < 0.9:
                event = CardTaken()
            case "take_cash" if chance < 0.8:
                event = CashTaken()
        if event is not None:
            self.later(3 * SECOND_US, lambda: self.tell(name, event))

    def _dispenser(self, name: str, notes: tuple[tuple[int, int], ...]) -> None:
        chance = self.random.random()
        if chance < 0.1:
            self.later(2 * SECOND_US, lambda: self.tell(name, PowerLost()))
            self.later(60 * SECOND_US, lambda: self.tell(name, PowerRestored()))
            return
        done = Dispensed(notes)
        if chance < 0.25:
            done = Dispensed((), "jam")
        elif chance < 0.45:
            done = (
                Dispensed(notes[:1], "partial")
                if len(notes) > 1
                else Dispensed(((notes[0][0], 1),), "partial")
            )
        elif chance < 0.5:
            done = Dispensed((), "unknown")
        self.later(6 * SECOND_US, lambda: self.tell(name, done))


def play_cash(seed: int, parts: CashParts | None = None) -> Auditor:
    return CashWorld(seed, parts or CashParts()).play()
