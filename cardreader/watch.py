"""What happens at the readers: a sans-IO machine that turns states into events, and the loop that asks PC/SC.

Nothing is lost: a card that went and came between two looks is told by the system's own count. A service that stops
takes its readers and cards with it; they are told again when it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, Literal, NamedTuple

from cardreader.problems import Problem, ReaderError
from cardreader.transport import ReaderState, Transport

Kind = Literal[
    "service_up",
    "service_down",
    "reader_added",
    "reader_removed",
    "card_inserted",
    "card_mute",
    "card_removed",
]

LOOK_S: Final = 1.0
"""The longest wait in one look: so long may a reader stay unnoticed where the system does not tell."""
RETRY_S: Final = 0.25
_COUNTER: Final = 0x10000
_MOST_MISSED: Final = 0x100
"""A step of the count that is larger is none: the count began anew."""


class Event(NamedTuple):
    """One thing that happened."""

    kind: Kind
    reader: str = ""
    atr: bytes = b""
    problem: Problem | None = None


class Watcher:
    """What was seen last, and what follows from what is seen now."""

    def __init__(self) -> None:
        self.known: tuple[ReaderState, ...] | None = None
        self._problem: Problem | None = None

    def saw(self, states: Sequence[ReaderState]) -> list[Event]:
        """The readers as they are now."""
        events = [Event("service_up")] if self.known is None else []
        before = {state.reader: state for state in self.known or ()}
        now = {state.reader: state for state in states}
        for reader, state in before.items():
            if reader not in now:
                events += _gone(state)
        for reader, state in now.items():
            if reader not in before:
                events.append(Event("reader_added", reader))
                events += _came(state) if state.present else []
            else:
                events += _changed(before[reader], state)
        self.known, self._problem = tuple(states), None
        return events

    def lost(self, problem: Problem) -> list[Event]:
        """The service does not answer; told once for each reason."""
        events = [event for state in self.known or () for event in _gone(state)]
        if self._problem != problem:
            events.append(Event("service_down", problem=problem))
        self.known, self._problem = None, problem
        return events


def _came(state: ReaderState) -> list[Event]:
    kind: Kind = "card_mute" if state.mute else "card_inserted"
    return [Event(kind, state.reader, state.atr)]


def _went(state: ReaderState) -> list[Event]:
    return [Event("card_removed", state.reader)]


def _gone(state: ReaderState) -> list[Event]:
    return [*(_went(state) if state.present else []), Event("reader_removed", state.reader)]


def _changed(before: ReaderState, now: ReaderState) -> list[Event]:
    """The events between two looks at one reader, those that nobody saw included."""
    moved = (now.changes - before.changes) % _COUNTER
    missed = moved // 2 if moved <= _MOST_MISSED else 0
    unseen = ReaderState(now.reader, present=True)
    match before.present, now.present:
        case False, False:
            return [*_came(unseen), *_went(unseen)] * missed
        case False, True:
            return [*([*_came(unseen), *_went(unseen)] * missed), *_came(now)]
        case True, False:
            return [*_went(before), *([*_came(unseen), *_went(unseen)] * missed)]
        case _:
            if missed or before.atr != now.atr or before.mute != now.mute:
                return [*_went(before), *([*_came(unseen), *_went(unseen)] * (missed - 1)), *_came(now)]
            return []


def watch(
    transport: Transport, *, pause: Callable[[float], object], look_s: float = LOOK_S
) -> Iterator[Event]:
    """Events as they happen, until the caller has enough. `pause` waits between two tries to reach the service."""
    watcher = Watcher()
    while True:
        try:
            states = transport.states(watcher.known, look_s)
        except ReaderError as error:
            yield from watcher.lost(error.problem)
            pause(RETRY_S)
        else:
            yield from watcher.saw(states)
