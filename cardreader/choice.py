"""Which reader is meant: the one that is named, else the only one with a card. Never simply the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cardreader.problems import ReaderError
from cardreader.transport import ReaderState, Transport
from cardreader.watch import LOOK_S


def reader_with_card(
    transport: Transport,
    wanted: str | None,
    wait_s: float,
    clock: Callable[[], float],
    waiting: Callable[[], None] = lambda: None,
) -> ReaderState:
    """Waits for a card, at most this long; ReaderError says what is missing. Calls `waiting` once if it has to wait."""
    until = clock() + wait_s
    states, told = transport.states(), False
    while True:
        found = _chosen(states, wanted)
        if found is not None:
            return found
        left = until - clock()
        if left <= 0:
            raise ReaderError("no_card")
        if not told:
            waiting()
            told = True
        states = transport.states(states, min(left, LOOK_S))


def _chosen(states: Sequence[ReaderState], wanted: str | None) -> ReaderState | None:
    if not states:
        raise ReaderError("no_reader")
    named = [state for state in states if wanted is None or wanted.lower() in state.reader.lower()]
    if not named:
        raise ReaderError("no_reader", f"none of that name; there are {_listed(states)}")
    present = [state for state in named if state.present]
    if len(present) > 1:
        raise ReaderError("which_reader", _listed(present))
    if present and present[0].mute:
        raise ReaderError("mute", present[0].reader)
    return present[0] if present else None


def _listed(states: Sequence[ReaderState]) -> str:
    return ", ".join(state.reader for state in states)
