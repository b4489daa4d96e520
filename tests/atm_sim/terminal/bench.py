"""A terminal on a bench: the test plays the person, the devices and the bank."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from atm_sim.sansio.effects import (
    CardInserted,
    CardTaken,
    CashTaken,
    Dispense,
    Dispensed,
    Effect,
    Event,
    PinEntered,
    Received,
    Record,
    Send,
    ServiceChosen,
    SetTimer,
    Show,
    TimerFired,
)
from atm_sim.terminal.card import CardData
from atm_sim.terminal.cassettes import Cassette
from atm_sim.terminal.config import TerminalConfig
from atm_sim.terminal.machine import Terminal
from bank_host.iso8583.build import answer
from bank_host.iso8583.message import Message

NOON_US = 1_389_754_800_000_000  # 2014-01-15 12:00:00 JST
SECOND_US = 1_000_000

PAN = "9999990000000018"
HANAKO = CardData("hanako", PAN, "1812", f"{PAN}=1812201")

CONFIG = TerminalConfig(
    terminal_id="TERM0001",
    acquirer_id="12345",
    operator="seven_bank",
    services=("withdraw", "deposit", "balance", "change_pin"),
)
CASSETTES = (Cassette(10_000, 200, near_end=10), Cassette(1_000, 500, near_end=10))


class FakeKeypad:
    """Gives a PIN block in which the PIN can be told, so that a test sees which PIN was sent."""

    def pin_block(self, pin: str, pan: str) -> str:
        return pin.ljust(16, "F")

    def unpredictable(self) -> bytes:
        return b"\x52\xbf\x45\x85"


@dataclass
class Bench:
    """Feeds events to one terminal and keeps every effect it asked for."""

    terminal: Terminal
    now_us: int = NOON_US
    effects: list[Effect] = field(default_factory=list)

    def feed(self, *events: Event, after_us: int = SECOND_US) -> list[Effect]:
        """Hand in the events, each `after_us` later than the one before; the effects of all of them."""
        asked: list[Effect] = []
        for event in events:
            self.now_us += after_us
            asked += self.terminal.handle(event, self.now_us)
        self.effects += asked
        return asked

    def insert(self, pin: str = "1234", card: CardData = HANAKO) -> list[Effect]:
        return self.feed(CardInserted(card), PinEntered(pin))

    def choose(self, service: str, amount_jpy: int = 0, **more: object) -> Message:
        """Insert, PIN, choose: the 0200 that was sent."""
        self.insert()
        return sent(self.feed(ServiceChosen(service, amount_jpy, **more)))[-1]  # type: ignore[arg-type]

    def reply(
        self, request: Message, code: str = "00", extra: Mapping[int, str] | None = None
    ) -> list[Effect]:
        return self.feed(Received("acquirer", answer(request, code, extra)))

    def fire(self, what: str) -> list[Effect]:
        """Let the latest timer whose key starts with `what` fire, when it is due."""
        timer = [e for e in self.effects if isinstance(e, SetTimer) and e.key.startswith(what)][-1]
        return self.feed(TimerFired(timer.key), after_us=timer.after_us)

    def withdraw(self, amount_jpy: int = 30_000) -> list[Effect]:
        """An approved withdrawal up to the moment the notes have been counted: the effects of counting."""
        request = self.choose("withdraw", amount_jpy)
        (dispense,) = of(Dispense, self.reply(request, "00", {38: "A00001"}))
        return self.feed(Dispensed(dispense.notes))

    def take_card_and_cash(self) -> list[Effect]:
        return self.feed(CardTaken(), CashTaken())

    def acknowledge(self, advice: Message, code: str = "00") -> list[Effect]:
        return self.feed(Received("acquirer", answer(advice, code)))


def of(kind: type, effects: list[Effect]) -> list:
    return [effect for effect in effects if isinstance(effect, kind)]


def sent(effects: list[Effect]) -> list[Message]:
    return [effect.message for effect in of(Send, effects)]


def sent_types(effects: list[Effect]) -> list[str]:
    return [message.mti for message in sent(effects)]


def screens(effects: list[Effect]) -> list[str]:
    return [show.screen for show in of(Show, effects)]


def kinds(effects: list[Effect]) -> list[str]:
    return [record.kind for record in of(Record, effects)]


def the_record(kind: str, effects: list[Effect]) -> Record:
    """The only record of that kind."""
    (found,) = [record for record in of(Record, effects) if record.kind == kind]
    return found


def new_bench(*, cassettes: tuple[Cassette, ...] = CASSETTES, **settings: object) -> Bench:
    """A bench whose terminal differs from the usual one in these settings."""
    config = replace(CONFIG, **settings)  # type: ignore[arg-type]
    return Bench(Terminal(config, FakeKeypad(), cassettes))
