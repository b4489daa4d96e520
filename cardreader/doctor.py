"""What stands between this program and a bank card, looked at from the bottom up to the first fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from cardreader.aids import KnownAid
from cardreader.card import Card
from cardreader.flow import read_card
from cardreader.problems import Problem, ReaderError
from cardreader.transport import ReaderState, Transport

Stage = str
MACHINE_STAGES: Final = ("library", "service", "reader")
"""What is wrong there is the machine's; after them it is the card's."""


class Check(NamedTuple):
    """One thing that was looked at: what was found, or which problem there is."""

    stage: Stage
    found: str
    problem: Problem | None = None


def examine(
    open_transport: Callable[[], Transport], known: Sequence[KnownAid], terminal: Mapping[str, bytes]
) -> Iterator[Check]:
    """Each check as it is made; the first problem is the last one."""
    stage = "library"
    try:
        transport = open_transport()
        yield Check(stage, f"PC/SC through {transport.name}")
        stage = "service"
        states = transport.states()
        yield Check(stage, "answers")
        stage = "reader"
        if not states:
            raise ReaderError("no_reader")
        yield Check(stage, ", ".join(state.reader for state in states))
        stage = "card"
        state = _with_card(states)
        yield Check(stage, f"in {state.reader}")
        stage = "bank card"
        with Card(transport, state.reader) as card:
            reading = read_card(card, known, terminal)
        if reading.outcome != "read":
            raise ReaderError(reading.outcome)
        labels = ", ".join(one.label or one.aid.hex().upper() for one in reading.applications)
        yield Check(stage, labels)
    except ReaderError as error:
        yield Check(stage, error.what, error.problem)


def _with_card(states: Sequence[ReaderState]) -> ReaderState:
    """The first reader with a card that speaks, else what is the matter with all of them."""
    present = [state for state in states if state.present]
    speaking = [state for state in present if not state.mute and not state.in_use]
    if speaking:
        return speaking[0]
    if not present:
        raise ReaderError("no_card")
    raise ReaderError("mute" if present[0].mute else "reader_in_use")
