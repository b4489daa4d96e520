"""A run folder as a recording: what was sent to the bank, in order, and what it answered (pure).

A folder holds no card number, track or PIN block. They are made again from the cast, by card alias, a new PIN from its
step; what a folder hides and nobody can make again (chip data) is told, and its message is not sent.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Final, NamedTuple

from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow, fields_of
from atm_sim.scenario.vocabulary import DEFAULT_BANK, SWITCH
from atm_sim.world.cast import Person, in_hand
from atm_sim.world.lab import Keypad, Lab, issuer_node
from atm_sim.world.people import Wish, wrong_pin
from bank_host.hsm import Hsm
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.describe import HIDDEN
from bank_host.iso8583.identity import MatchKey, match_key
from bank_host.iso8583.message import Message

COMPARED: Final = (4, 39, 54)
"""Elements of an answer whose value is compared; of DE38 only whether it is there, because each host gives its own."""

_ISSUER: Final = issuer_node(DEFAULT_BANK)
_REMADE: Final = (2, 14, 35, 48, 52)
_NEW_PIN: Final = 48
_MACS: Final = (64, 128)  # made by the link that a message takes


class Exchange(NamedTuple):
    """A message to the bank with its answer; both masked."""

    step: str
    request_id: str
    card_alias: str
    message: Message
    answer: Message | None  # None: there was none in the run


class Difference(NamedTuple):
    """Where an answer is not the recorded one; element: MTI, DE39 ..."""

    step: str
    request_id: str
    element: str
    recorded: str
    answered: str


def exchanges(
    messages: Iterable[MessageRow], events: Iterable[EventRecord], replication: int
) -> list[Exchange]:
    """What went over the line between switch and bank in one replication: requests, advices and reversals."""
    aliases = {
        row.request_id: row.card_alias
        for row in events
        if row.replication == replication and row.request_id and row.card_alias
    }
    sent: list[tuple[MessageRow, Message]] = []
    answers: defaultdict[MatchKey, deque[Message]] = defaultdict(deque)
    for row in messages:
        if row.replication != replication or row.mti[1] not in "24":
            continue
        message = Message(row.mti, fields_of(row))
        if (row.sender, row.receiver) == (SWITCH, _ISSUER):
            sent.append((row, message))
        elif (row.sender, row.receiver) == (_ISSUER, SWITCH):
            answers[match_key(message)].append(message)
    found = []
    for row, message in sent:
        waiting = answers[match_key(message)]
        answer = waiting.popleft() if waiting else None
        found.append(Exchange(row.step, row.request_id, aliases.get(row.request_id, ""), message, answer))
    return found


class CannotRemake(Exception):
    """A message that cannot be sent again; the text says why."""


class Remaker:
    """Makes hidden elements again for the cards of a lab's cast."""

    def __init__(self, lab: Lab) -> None:
        self._people = lab.people
        self._wishes = {
            planned.label: planned.wish for planned in lab.steps if planned.label and planned.wish
        }
        self._keypad = Keypad(Hsm.simulation())
        self._tries: defaultdict[str, int] = defaultdict(int)  # PINs typed so far, by step
        self._approvals: dict[str, tuple[str, str]] = {}  # DE38 recorded and answered, by request id

    def remade(self, exchange: Exchange) -> Message:
        """The message in clear, on the lab's clock and under the lab's keys; CannotRemake."""
        masked = exchange.message
        hidden = [
            de for de, value in masked.fields.items() if value == HIDDEN and de not in (*_REMADE, *_MACS)
        ]
        if hidden:
            elements = ", ".join(f"DE{de}" for de in hidden)
            raise CannotRemake(f"{elements} cannot be made again from the cast")
        person = self._people.get(exchange.card_alias)
        if person is None and any(de in masked for de in _REMADE):
            raise CannotRemake("its card is of nobody in the cast")
        changes: dict[int, str | None] = dict.fromkeys(de for de in _MACS if de in masked)
        if person is not None:
            changes |= self._of_card(exchange, person)
        if self._approvals.get(exchange.request_id, ("", ""))[0] == masked.get(38) != "":
            changes[38] = self._approvals[exchange.request_id][1]
        return masked.but(changes)

    def heard(self, exchange: Exchange, answer: Message | None) -> None:
        """An advice that follows quotes the approval code of this answer; whoever has a new PIN now types it."""
        wish = self._wishes.get(exchange.step)
        if wish is not None and _NEW_PIN in exchange.message and _approved(answer):
            self._people[exchange.card_alias].pin = wish.new_pin
        if answer is not None and 38 in answer and exchange.answer is not None and 38 in exchange.answer:
            self._approvals[exchange.request_id] = (exchange.answer[38], answer[38])

    def _of_card(self, exchange: Exchange, person: Person) -> dict[int, str | None]:
        wish = self._wishes.get(exchange.step, Wish("withdraw"))
        card = in_hand(person.card, wish.card)
        made = {2: card.pan, 14: card.expires, 35: card.track2}
        if 52 in exchange.message:
            made[52] = self._keypad.pin_block(self._typed(exchange.step, person, wish), card.pan)
        if _NEW_PIN in exchange.message:
            if not wish.new_pin:
                raise CannotRemake(f"DE{_NEW_PIN} cannot be made again from the cast")
            made[_NEW_PIN] = self._keypad.pin_block(wish.new_pin, card.pan)
        return {de: value or None for de, value in made.items() if de in exchange.message}

    def _typed(self, step: str, person: Person, wish: Wish) -> str:
        """The PIN of this try, right or wrong as the person's step says."""
        number = self._tries[step]
        self._tries[step] += 1
        entry = wish.pins[number] if number < len(wish.pins) and step else "right"
        return person.pin if entry == "right" else wrong_pin(person.pin)


def differences(exchange: Exchange, answer: Message | None) -> list[Difference]:
    """Element by element; nothing is compared where the run had no answer."""
    if exchange.answer is None:
        return []
    if answer is None:
        pairs = [("MTI", exchange.answer.mti, "no answer")]
    else:
        pairs = [("MTI", exchange.answer.mti, answer.mti)]
        pairs += [(f"DE{de}", exchange.answer.get(de, "absent"), answer.get(de, "absent")) for de in COMPARED]
        pairs.append(("DE38", _presence(exchange.answer), _presence(answer)))
    return [Difference(exchange.step, exchange.request_id, *pair) for pair in pairs if pair[1] != pair[2]]


def _approved(answer: Message | None) -> bool:
    return answer is not None and response_code(answer.get(39)).action == "pay"


def _presence(answer: Message) -> str:
    return "present" if 38 in answer else "absent"
