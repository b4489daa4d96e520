"""A small network for tests: two ATMs, two acquirers, a switch, two banks, on a heap; links obey a script."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple

from atm_sim.network.acquirer import Acquirer, AcquirerConfig
from atm_sim.network.issuer import IssuerNode
from atm_sim.network.switch import Switch, SwitchConfig
from atm_sim.sansio.effects import (
    CancelTimer,
    Effect,
    Event,
    Machine,
    Received,
    Record,
    Send,
    SetTimer,
    TimerFired,
)
from bank_host.iso8583 import build
from bank_host.iso8583.identity import identity, original_key, quoted_original_key
from bank_host.iso8583.message import Message

SECOND = 1_000_000
NOON_US = 1_388_977_200 * SECOND
OUR_PAN, OTHER_PAN, FOREIGN_PAN = "4999001234567890", "4999110000000007", "4000000000000002"
ATMS = {"atm-1": "seven", "atm-2": "lawson"}
ACQUIRER_IDS = {"seven": "10001", "lawson": "10002"}
ROUTES = {"4999": "our-bank", "499911": "other-bank"}


def withdrawal(atm: str = "atm-1", stan: int = 1, pan: str = OUR_PAN, at_us: int = NOON_US) -> Message:
    return build.financial_request(
        "withdraw",
        pan=pan,
        amount_jpy=30_000,
        stan=stan,
        now_us=at_us,
        acceptor=build.Acceptor(atm.upper(), "SHOP", ACQUIRER_IDS[ATMS[atm]]),
    )


def acquirer(name: str = "seven") -> Acquirer:
    return Acquirer(AcquirerConfig(name, ACQUIRER_IDS[name]))


def switch() -> Switch:
    return Switch(SwitchConfig(acquirers=frozenset(ACQUIRER_IDS), routes=ROUTES))


def sent(effects: list[Effect]) -> list[tuple[str, Message]]:
    return [(effect.to, effect.message) for effect in effects if isinstance(effect, Send)]


def kinds(effects: list[Effect]) -> list[str]:
    return [effect.kind for effect in effects if isinstance(effect, Record)]


class Bank:
    """Approves everything once, reverses once, answers repeats with the same answer (rows RI1, RI3, RI4, RI6)."""

    def __init__(self) -> None:
        self.answers: dict[str, Message] = {}
        self.approved: dict[str, Message] = {}
        self.reversed: set[str] = set()

    def answer(self, message: Message, now_us: int) -> list[Message]:
        key = identity(message)
        if key not in self.answers:
            self.answers[key] = build.answer(message, self._decide(message))
        return [self.answers[key]]

    def _decide(self, message: Message) -> str:
        if message.mti.startswith("04"):
            self.reversed.add(quoted_original_key(message))
        elif message.mti in ("0200", "0201"):
            if original_key(message) in self.reversed:
                return "94"
            self.approved[original_key(message)] = message
        return "00"

    @property
    def standing(self) -> list[str]:
        """What was approved and not taken back."""
        return [key for key in self.approved if key not in self.reversed]


class Delivery(NamedTuple):
    """One message on one link; a link script says with which delays it arrives: () loses it, two double it."""

    sender: str
    to: str
    message: Message
    at_us: int


LinkScript = Callable[[Delivery], tuple[int, ...]]


def healthy(delivery: Delivery) -> tuple[int, ...]:
    return (20_000,)


class SmallNetwork:
    """Carries the effects out in the order of their times; what reaches a terminal is kept in `at_terminals`."""

    def __init__(self, link: LinkScript = healthy) -> None:
        self.link = link
        self.now_us = NOON_US
        self.banks = {"our-bank": Bank(), "other-bank": Bank()}
        self.acquirers = {name: acquirer(name) for name in ACQUIRER_IDS}
        self.switch = switch()
        self.machines: dict[str, Machine] = {
            **self.acquirers,
            "switch": self.switch,
            **{name: IssuerNode(name, bank.answer) for name, bank in self.banks.items()},
        }
        self.at_terminals: list[tuple[str, Message]] = []
        self.records: list[tuple[str, Record]] = []
        self._heap: list[tuple[int, int, str, Event]] = []
        self._seq = 0
        self._timers: dict[tuple[str, str], int] = {}

    def send(self, atm: str, message: Message, at_us: int | None = None) -> None:
        """The terminal sends to its acquirer, over a link like any other."""
        self._deliver(Delivery(atm, ATMS[atm], message, self.now_us if at_us is None else at_us))

    def run(self, until_us: int | None = None) -> None:
        while self._heap and (until_us is None or self._heap[0][0] <= until_us):
            at_us, seq, name, event = heapq.heappop(self._heap)
            if isinstance(event, TimerFired) and self._timers.get((name, event.key)) != seq:
                continue  # cancelled, or set anew since
            self.now_us = at_us
            if isinstance(event, Received) and name in ATMS:
                self.at_terminals.append((name, event.message))
                continue
            for effect in self.machines[name].handle(event, self.now_us):
                self._carry_out(name, effect)

    def answers(self, mti: str = "0210") -> list[tuple[str, str]]:
        """(terminal, code) of what came back."""
        return [(atm, message[39]) for atm, message in self.at_terminals if message.mti == mti]

    def kinds(self, machine: str) -> list[str]:
        return [record.kind for name, record in self.records if name == machine]

    def _carry_out(self, name: str, effect: Effect) -> None:
        if isinstance(effect, Send):
            self._deliver(Delivery(name, effect.to, effect.message, self.now_us))
        elif isinstance(effect, SetTimer):
            self._timers[name, effect.key] = self._push(
                self.now_us + effect.after_us, name, TimerFired(effect.key)
            )
        elif isinstance(effect, CancelTimer):
            self._timers.pop((name, effect.key), None)
        elif isinstance(effect, Record):
            self.records.append((name, effect))

    def _deliver(self, delivery: Delivery) -> None:
        for delay_us in self.link(delivery):
            self._push(delivery.at_us + delay_us, delivery.to, Received(delivery.sender, delivery.message))

    def _push(self, at_us: int, name: str, event: Event) -> int:
        self._seq += 1
        heapq.heappush(self._heap, (at_us, self._seq, name, event))
        return self._seq
