"""Where the lab's messages become the target's: stamped by the real clock, and back as the lab knows them (sans-IO).

The lab lives on the scenario's clock, which jumps; the target on the real one. DE7, 12, 13 and with them 11 and 37 are
given anew, the same for a message and its repeats; DE90 quotes its original as the target got it. What a scenario sets
itself goes through as it is. An answer that does not repeat what it was sent keeps what it says, so that it is noticed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from atm_sim.target.keys import LAB_PIN_KEY
from atm_sim.wire.keys import WireKeys
from bank_host import jst
from bank_host.hsm.errors import MalformedPinBlock
from bank_host.iso8583 import build
from bank_host.iso8583.identity import parse_original, request_id
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import request_mti

STAMPED: Final = (7, 11, 12, 13, 37, 90)
_PIN_BLOCKS: Final = (48, 52)


class Asked(NamedTuple):
    """A message on its way: as the lab sent it, and as the target got it."""

    ours: Message
    wire: Message


class _Stamp(NamedTuple):
    transmitted: str
    stan: str


class _Chain(NamedTuple):
    time: str
    date: str
    reference: str


class _Stamped(NamedTuple):
    """What a message's stamps are in the lab, and at the target."""

    ours: Mapping[int, str]
    wire: Mapping[int, str]


class Border:
    """One case's. `stans` counts on over all cases, so that no two of them look like one to the target."""

    def __init__(
        self,
        clock: Callable[[], int],
        stans: Iterator[int],
        kept: frozenset[tuple[int, str]] = frozenset(),
    ) -> None:
        """`kept`: elements and values that the scenario sets itself."""
        self._clock = clock
        self._stans = stans
        self._kept = kept
        self._stamps: dict[tuple[str, ...], _Stamp] = {}
        self._chains: dict[str, _Chain] = {}
        self._stamped: dict[tuple[str, str], _Stamped] = {}  # by chain and type

    def outward(self, message: Message, keys: WireKeys | None = None) -> Message:
        """The message for the target; its PIN blocks under the keys of the link that it will take."""
        now_us = self._clock()
        stamp = self._stamp(message, now_us)
        chain = self._chain(message, stamp, now_us)
        wanted = {7: stamp.transmitted, 11: stamp.stan, 12: chain.time, 13: chain.date, 37: chain.reference}
        if 90 in message:
            wanted[90] = self._quoted(message)
        changes: dict[int, str | None] = {
            de: value for de, value in wanted.items() if de in message and (de, message[de]) not in self._kept
        }
        stamped = _Stamped(message.only(changes), message.but(changes).only(changes))
        self._stamped[request_id(message), message.mti[:3]] = stamped
        if keys is not None:
            changes |= {de: self._sealed(message, de, keys) for de in _PIN_BLOCKS if de in message}
        return message.but(changes)

    def inward(self, asked: Asked, answer: Message) -> Message:
        """The target's answer as the lab waits for it."""
        changes: dict[int, str | None] = {
            de: asked.ours[de]
            for de in STAMPED
            if de in answer and de in asked.ours and answer[de] == asked.wire.get(de)
        }
        return answer.but(changes)

    def as_on_the_wire(self, message: Message) -> Message:
        """A message of the lab, request or answer, with the stamps that it had at the target."""
        stamped = self._stamped.get((request_id(message), request_mti(message.mti)[:3]))
        if stamped is None:
            return message
        ours, wire = stamped
        return message.but({de: wire[de] for de in ours if message.get(de) == ours[de]})

    def chain_on_the_wire(self, name: str) -> str:
        """A chain's name (terminal and reference) at the target."""
        chain = self._chains.get(name)
        return name if chain is None else f"{name.partition('/')[0]}/{chain.reference}"

    def _stamp(self, message: Message, now_us: int) -> _Stamp:
        key = (message.mti[:3], message.get(41), message.get(11), message.get(7))
        if key not in self._stamps:
            stan = build.stan_text(next(self._stans))
            self._stamps[key] = _Stamp(build.transmission_time(now_us), stan)
        return self._stamps[key]

    def _chain(self, message: Message, stamp: _Stamp, now_us: int) -> _Chain:
        name = request_id(message)
        if name not in self._chains:
            local = jst.civil(now_us)
            reference = build.retrieval_reference(now_us, int(stamp.stan))
            self._chains[name] = _Chain(f"{local:%H%M%S}", f"{local:%m%d}", reference)
        return self._chains[name]

    def _quoted(self, advice: Message) -> str:
        """DE90 with the original's numbers as the target knows them; as it is, of an original that it never saw."""
        original = parse_original(advice[90])
        key = (original.mti[:3], advice.get(41), original.stan, original.transmitted)
        stamp = self._stamps.get(key)
        if stamp is None:
            return advice[90]
        return f"{original.mti}{stamp.stan}{stamp.transmitted}{advice[90][20:]}"

    def _sealed(self, message: Message, de: int, keys: WireKeys) -> str:
        """A PIN block of the lab under the link's key; a block that is none for this card goes as it is."""
        try:
            return keys.translated(message[de], message.get(2), LAB_PIN_KEY)
        except MalformedPinBlock:
            return message[de]
