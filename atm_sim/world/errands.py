"""What happens at the machines without a customer: staff count an ATM's cash, a tester sends a message of his own.

The errands also know what no machine can: which notes left an open shutter unseen. Staff find it when they count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Protocol

from atm_sim.sansio.effects import CashCounted
from atm_sim.scenario.machine_steps import CountCash, SendMessage
from atm_sim.terminal.note_mix import Notes, counted
from atm_sim.terminal.settlement import Suspect
from atm_sim.world.lab import Lab
from atm_sim.world.plans import Errand
from bank_host.iso8583 import build
from bank_host.iso8583.identity import MatchKey, match_key, request_id
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice, is_response, is_reversal

TESTERS_TRACE_NUMBERS = 900_000
"""The first trace number (DE11) of a tester's messages; no ATM comes so far in a day."""


class World(Protocol):
    """What errands ask of the conductor."""

    def call_at(self, at_us: int, call: Callable[[], None]) -> None: ...

    def now_us(self) -> int: ...

    def in_use(self, machine: str) -> bool:
        """Whether an ATM is without power or serves somebody."""

    def run(self, errand: Errand, machine: str, event: CashCounted) -> None:
        """Let staff do something to an ATM."""

    def send_as(self, errand: Errand, sender: str, to: str, message: Message) -> None:
        """Put a message on a line in a node's name."""


class Errands:
    """The errands of one replication. `start()` plans them all."""

    def __init__(self, lab: Lab, world: World) -> None:
        self._lab = lab
        self._world = world
        self._to_count: dict[str, list[Errand]] = {}  # by ATM: staff wait until nobody uses it
        self._latest: dict[str, str] = {}  # the request that each ATM sent last
        self._unseen: dict[str, Counter[int]] = {}  # by request: notes that were taken past the sensors
        self._wanted = {
            str(errand.step.about) for errand in lab.errands if isinstance(errand.step, SendMessage)
        }
        self._originals: dict[str, Message] = {}  # by step: its last request
        self._asked: dict[tuple[str, MatchKey], Errand] = {}  # answers that a tester waits for
        self._sent = 0

    def start(self) -> None:
        for errand in self._lab.errands:
            self._world.call_at(errand.at_us, partial(self._due, errand))

    # ------------------------------------------------------------ what the conductor tells

    def passes(self, sender: str, label: str, message: Message) -> None:
        """A message leaves an ATM in the course of a step."""
        if message.mti == "0200":
            self._latest[sender] = request_id(message)
            if label.partition("#")[0] in self._wanted:
                self._originals[label.partition("#")[0]] = message

    def taken_unseen(self, machine: str, notes: Notes) -> None:
        """Notes left the open shutter of an ATM, and it does not know."""
        self._unseen.setdefault(self._latest[machine], Counter()).update(dict(notes))

    def comes_to_rest(self, machine: str) -> None:
        """Nobody uses the ATM: whoever waits to count its notes can do it now."""
        if machine in self._to_count and not self._world.in_use(machine):
            for errand in self._to_count.pop(machine):
                self._world.run(errand, machine, self.count(machine))

    def count(self, machine: str) -> CashCounted:
        """What staff find who count now."""
        suspects = self._lab.terminals[machine].settlement.suspects
        return CashCounted(tuple(map(self._found, suspects)))

    def answered(self, node: str, message: Message) -> Errand | None:
        """The errand whose message this answers; the node in whose name it was sent never asked."""
        return self._asked.pop((node, match_key(message)), None) if self._asked else None

    def awaits(self, node: str, message: Message) -> Errand | None:
        """The errand whose message this is going to answer."""
        return self._asked.get((node, match_key(message))) if self._asked else None

    # ------------------------------------------------------------ inside

    def _due(self, errand: Errand) -> None:
        match errand.step:
            case CountCash(atm=name):
                for machine in self._lab.machines_at(name):
                    self._to_count.setdefault(machine, []).append(errand)
                    self.comes_to_rest(machine)
            case SendMessage() as step:
                self._send(errand, step)

    def _found(self, suspect: Suspect) -> Notes:
        """What is really there of the notes that were at stake."""
        gone = self._unseen.get(request_id(suspect.transaction.request), Counter())
        return counted(Counter(dict(suspect.notes)) - gone)

    def _send(self, errand: Errand, step: SendMessage) -> None:
        message = self._message(step)
        if message is None:
            return  # the step that it is about has asked nobody
        (sender, *_), (to, *_) = self._lab.nodes_called(step.sender), self._lab.nodes_called(step.receiver)
        if not is_response(message.mti):
            self._asked[sender, match_key(message)] = errand
        self._world.send_as(errand, sender, to, message)

    def _message(self, step: SendMessage) -> Message | None:
        if step.about is None:
            return Message(step.mti, {de: value for de, value in step.elements.items() if value is not None})
        original = self._originals.get(str(step.about))
        if original is None:
            return None
        return self._about(original, step.mti).but(step.elements)

    def _about(self, original: Message, mti: str) -> Message:
        """What a message of that type says about a request, if nobody says otherwise."""
        if is_response(mti):
            return build.answer(original, "00").but(mti=mti)
        if not (is_reversal(mti) or is_advice(mti)):
            return original.but(mti=mti)
        self._sent += 1
        stan, now_us = TESTERS_TRACE_NUMBERS + self._sent, self._world.now_us()
        if is_reversal(mti):
            return build.reversal_advice(original, "timeout", stan=stan, now_us=now_us).but(mti=mti)
        return build.completion_advice(original, stan=stan, now_us=now_us).but(mti=mti)
