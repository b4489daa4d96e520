"""Events at the readers: none is lost, each comes once, and a service that stops is no end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardreader.problems import ReaderError
from cardreader.transport import ReaderState
from cardreader.virtual.in_process import InProcess
from cardreader.watch import Event, Watcher, watch
from tests.cardreader.cards import READER, Scripted, card

ATR = b"\x3b\x00"
EMPTY = ReaderState(READER)
FULL = ReaderState(READER, present=True, atr=ATR)


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def watcher(*states: ReaderState) -> Watcher:
    made = Watcher()
    made.saw(states)
    return made


def test_the_first_look_tells_what_is_there() -> None:
    assert [
        Event("service_up"),
        Event("reader_added", READER),
        Event("card_inserted", READER, ATR),
    ] == Watcher().saw([FULL])


def test_nothing_new_is_no_event() -> None:
    assert [] == watcher(FULL).saw([FULL])


@pytest.mark.parametrize(
    ("expected", "before", "after"),
    [
        ("card_inserted", EMPTY, FULL._replace(changes=1)),
        ("card_removed", FULL, EMPTY._replace(changes=1)),
        ("card_mute", EMPTY, FULL._replace(mute=True, changes=1)),
        ("card_removed card_inserted", FULL, FULL._replace(changes=2)),
        ("card_removed card_inserted", FULL, FULL._replace(atr=b"\x3b\x01")),  # no count on this system
        ("card_inserted card_removed", EMPTY, EMPTY._replace(changes=2)),
        ("card_inserted card_removed card_inserted", EMPTY, FULL._replace(changes=3)),
        ("card_removed card_inserted card_removed", FULL, EMPTY._replace(changes=3)),
        ("card_removed card_inserted", FULL._replace(changes=0xFFFF), FULL._replace(changes=1)),  # it wraps
        ("card_inserted", EMPTY._replace(changes=700), FULL._replace(changes=1)),  # it began anew
    ],
)
def test_what_happened_between_two_looks(expected: str, before: ReaderState, after: ReaderState) -> None:
    assert expected.split() == kinds(watcher(before).saw([after]))


def test_a_reader_that_is_unplugged_takes_its_card_along() -> None:
    assert ["card_removed", "reader_removed"] == kinds(watcher(FULL).saw([]))


def test_a_service_that_stops_is_told_once_and_its_return_tells_all_again() -> None:
    made = watcher(FULL)
    assert ["card_removed", "reader_removed", "service_down"] == kinds(made.lost("no_service"))
    assert [] == made.lost("no_service")
    assert ["service_down"] == kinds(made.lost("denied"))
    assert ["service_up", "reader_added", "card_inserted"] == kinds(made.saw([FULL]))


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=30))
def test_however_rarely_one_looks_insertions_and_removals_alternate_and_none_is_missing(
    looks: list[tuple[int, bool]],
) -> None:
    """`moves` insertions or removals between two looks; sometimes the service is away at a look."""
    made, changes, events = watcher(EMPTY), 0, []
    for moves, away in looks:
        changes += moves
        if away:
            events += made.lost("no_service")
            continue
        state = ReaderState(
            READER, present=bool(changes % 2), atr=ATR if changes % 2 else b"", changes=changes
        )
        events += made.saw([state])
    moved = [event.kind for event in events if event.kind.startswith("card_")]
    assert moved == [("card_inserted", "card_removed")[at % 2] for at in range(len(moved))]
    if not any(away for _, away in looks):
        assert changes == len(moved)


def test_the_loop_asks_until_the_service_is_back() -> None:
    readers = InProcess(READER)
    readers.insert(READER, card())
    pauses: list[float] = []

    def comes_back(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            readers.serve(True)

    readers.serve(False)
    events = watch(readers, pause=comes_back)
    assert ["service_down", "service_up", "reader_added", "card_inserted"] == kinds(list(islice(events, 4)))
    assert 3 == len(pauses)


def test_the_loop_tells_readers_and_cards_as_they_come_and_go() -> None:
    readers = InProcess()
    events = watch(readers, pause=lambda seconds: None)
    seen = [next(events)]
    acts = [
        lambda: readers.plug(READER),
        lambda: readers.insert(READER, card()),
        lambda: readers.remove(READER),
        lambda: readers.insert(READER, Scripted(lambda command: None, atr=b"")),
    ]
    for act in acts:
        act()
        seen.append(next(events))
    readers.unplug(READER)
    seen += islice(events, 2)
    assert [
        "service_up",
        "reader_added",
        "card_inserted",
        "card_removed",
        "card_mute",
        "card_removed",
        "reader_removed",
    ] == kinds(seen)


def test_what_the_service_refuses_is_told_in_words() -> None:
    class Refusing(InProcess):
        def states(self, known: object = None, wait_s: float = 0) -> tuple[ReaderState, ...]:
            raise ReaderError("denied")

    events: Iterator[Event] = watch(Refusing(), pause=lambda seconds: None)
    assert Event("service_down", problem="denied") == next(events)
