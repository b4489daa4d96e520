"""A person's own card at the simulated ATM: waited for, looked at, and mapped to a made-up account.

Of the card only three things are kept: the name of its application as the shipped list has it, how it was read, and how
its ATR begins. Number, track and name never leave this module; the messages of the run are those of the scenario's
account, without chip data.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from typing import Final, NamedTuple

from cardreader.aids import known_aids, name_of
from cardreader.card import Card
from cardreader.choice import reader_with_card
from cardreader.emv.terminal import terminal_values
from cardreader.flow import read_card
from cardreader.guard import Level
from cardreader.problems import ReaderError
from cardreader.transport import Transport
from cardreader.virtual.card import VirtualCard
from cardreader.virtual.example import example_card
from cardreader.virtual.in_process import InProcess

VIRTUAL_READER: Final = "Virtual reader"
_UNPREDICTABLE: Final = bytes(4)
"""Nothing is signed for a bank, so nothing has to be unforeseeable."""


class Kept(NamedTuple):
    """All that is kept of a real card."""

    application: str
    interface: str
    atr_family: str

    def __str__(self) -> str:
        return ", ".join(self).lower()


def look_at(
    transport: Transport,
    day: date,
    *,
    level: Level = Level.IDENTIFY,
    reader: str | None = None,
    wait_s: float = 0,
    waiting: Callable[[], None] = lambda: None,
) -> Kept:
    """Waits for a card and reads it as far as the level allows; ReaderError says what is missing."""
    state = reader_with_card(transport, reader, wait_s, time.monotonic, waiting)
    known = known_aids()
    with Card(transport, state.reader, level) as card:
        reading = read_card(card, known, terminal_values(day, _UNPREDICTABLE))
    if reading.outcome != "read":
        raise ReaderError(reading.outcome)
    application = name_of(reading.applications[0].aid, known)
    return Kept(application, reading.interface, f"{reading.atr[:1].hex()} {reading.protocol}")


def virtual_reader() -> Transport:
    """A reader with a virtual card that is treated as a person's own."""
    readers = InProcess(VIRTUAL_READER, made_here=False)
    readers.insert(VIRTUAL_READER, VirtualCard(example_card()))
    return readers
