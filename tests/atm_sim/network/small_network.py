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
from atm_sim.sansio.saf import Saf
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
    """Approves and reverses once; a repeat gets the same answer (rows RI1, RI3, RI4, RI6)."""

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


class Atm:
    """The least a terminal does: wait 45 s, pay on an approval in time, reverse what it did not pay."""

    def __init__(self, acquirer_node: str) -> None:
        self.acquirer = acquirer_node
        self.saf = Saf()
        self.broken: set[str] = set()  # the trace numbers at which the dispenser fails
        self.paid: list[Message] = []
        self._waiting: dict[str, Message] = {}

    def start(self, request: Message) -> list[Effect]:
        self._waiting[request[11]] = request
        return [Send(self.acquirer, request), SetTimer(request[11], 45 * SECOND)]

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        if isinstance(event, TimerFired):
            of_queue = self.saf.timer_fired(event.key, now_us)
            return self._reverse(event.key, "timeout", now_us) if of_queue is None else of_queue
        assert isinstance(event, Received)
        answer = event.message
        if answer.mti != "0210":
            return self.saf.answered(event.sender, answer, now_us) or []
        if answer[11] not in self._waiting:
            return []  # late or doubled
        if answer[39] == "00" and answer[11] in self.broken:
            return [CancelTimer(answer[11]), *self._reverse(answer[11], "hardware_error", now_us)]
        request = self._waiting.pop(answer[11])
        if answer[39] == "00":
            self.paid.append(request)
        return [CancelTimer(answer[11])]

    def _reverse(self, stan: str, reason: str, now_us: int) -> list[Effect]:
        request = self._waiting.pop(stan)
        advice = build.reversal_advice(request, reason, stan=500_000 + int(stan), now_us=now_us)
        return self.saf.queue(self.acquirer, advice, now_us, reason)


class Delivery(NamedTuple):
    """One message on one link; the script gives the delays it arrives with: () loses it, two double it."""

    sender: str
    to: str
    message: Message
    at_us: int


LinkScript = Callable[[Delivery], tuple[int, ...]]


def healthy(delivery: Delivery) -> tuple[int, ...]:
    return (20_000,)


class SmallNetwork:
    """Carries effects out in the order of their times; `log` keeps what was sent, arrived or not."""

    def __init__(self, link: LinkScript = healthy) -> None:
        self.link = link
        self.now_us = NOON_US
        self.banks = {"our-bank": Bank(), "other-bank": Bank()}
        self.acquirers = {name: acquirer(name) for name in ACQUIRER_IDS}
        self.switch = switch()
        self.atms = {name: Atm(ATMS[name]) for name in ATMS}
        self.machines: dict[str, Machine] = {
            **self.acquirers,
            **self.atms,
            "switch": self.switch,
            **{name: IssuerNode(name, bank.answer) for name, bank in self.banks.items()},
        }
        self.log: list[Delivery] = []
        self.records: list[tuple[str, Record]] = []
        self._heap: list[tuple[int, int, str, Event]] = []
        self._seq = 0
        self._timers: dict[tuple[str, str], int] = {}

    def start(self, atm: str, request: Message, broken: bool = False) -> None:
        """The ATM sends the request now; with `broken` its dispenser fails after an approval."""
        if broken:
            self.atms[atm].broken.add(request[11])
        for effect in self.atms[atm].start(request):
            self._carry_out(atm, effect)

    def pass_time(self, duration_us: int) -> None:
        until_us = self.now_us + duration_us
        self.run(until_us)
        self.now_us = until_us

    def run(self, until_us: int | None = None) -> None:
        """Until nothing is left to happen, or until a time."""
        while self._heap and (until_us is None or self._heap[0][0] <= until_us):
            at_us, seq, name, event = heapq.heappop(self._heap)
            if isinstance(event, TimerFired) and self._timers.get((name, event.key)) != seq:
                continue  # cancelled, or set anew since
            self.now_us = at_us
            for effect in self.machines[name].handle(event, self.now_us):
                self._carry_out(name, effect)

    def answers(self, mti: str = "0210") -> list[tuple[str, str]]:
        """(ATM, code) of what the acquirers sent back."""
        return [(one.to, one.message[39]) for one in self.log if one.to in ATMS and one.message.mti == mti]

    @property
    def queued(self) -> int:
        """Advices that still wait somewhere, or wait for a person."""
        queues = [atm.saf for atm in self.atms.values()]
        queues += [node.saf for node in self.acquirers.values()]
        return sum(len(saf.waiting) + len(saf.manual) for saf in [*queues, self.switch.saf])

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
        self.log.append(delivery)
        for delay_us in self.link(delivery):
            self._push(delivery.at_us + delay_us, delivery.to, Received(delivery.sender, delivery.message))

    def _push(self, at_us: int, name: str, event: Event) -> int:
        self._seq += 1
        heapq.heappush(self._heap, (at_us, self._seq, name, event))
        return self._seq
