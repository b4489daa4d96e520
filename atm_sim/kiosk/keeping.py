"""What a kiosk keeps on its disk, so that a restart in the middle of a session leaves the money right (RS1, RS6, RS9).

Beside the bank's database lies one SQLite file: which ATMs there are, what each terminal remembers, which advices wait
in its network. What a machine wants kept is written before anything else that it asks for is done, and sealed as the
bank's secrets are, because an advice holds a card number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter

from atm_sim.kiosk.lesson import TOLD, Lesson, StepNote
from atm_sim.sansio.effects import Effect, Event, Forget, Keep, Machine
from atm_sim.sansio.saf import Entry
from atm_sim.scenario import Case
from atm_sim.terminal.machine import Terminal
from atm_sim.terminal.memory import Memory
from atm_sim.world.lab import Lab
from atm_sim.world.plans import Planned
from bank_host.iso8583.message import Message
from bank_host.store.sealing import SIMULATION_KEY, derive, seal, unseal

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS station (
    number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, day TEXT NOT NULL, learner TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS kept (
    number INTEGER NOT NULL, node TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (number, node, key));
"""
_MEMORY: Final = TypeAdapter(Memory)
_MEMORY_KEY: Final = "memory"
_PEOPLE: Final = "people"
_LESSON: Final = "lesson"
_WHOLE: Final = 0  # the number under which is kept what is of all ATMs together
_WHOLE_NODE: Final = "kiosk"


class StationRow(NamedTuple):
    """One ATM that was opened; `key` is its browser's."""

    number: int
    key: str
    day: str
    learner: str


class _Advice(NamedTuple):
    """An entry of a store-and-forward queue as plain data."""

    number: int
    destination: str
    mti: str
    elements: dict[int, str]
    reason: str
    queued_us: int
    tries: int
    manual: bool


class _Course(NamedTuple):
    """How far a lesson has come."""

    at: int
    notes: tuple[StepNote, ...]


_COURSE: Final = TypeAdapter(_Course)
_ADVICE: Final = TypeAdapter(_Advice)


class Notebook:
    """The file. Its methods may be called in any thread."""

    def __init__(self, file: Path) -> None:
        file.touch(mode=0o600)
        self._keys = derive(SIMULATION_KEY)
        self._lock = Lock()
        self._file = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = FULL")
        self._file.executescript(_TABLES)

    def close(self) -> None:
        with self._lock:
            self._file.close()

    # ------------------------------------------------------------ ATMs

    def stations(self) -> list[StationRow]:
        with self._lock:
            rows = self._file.execute("SELECT number, key, day, learner FROM station ORDER BY number")
            return [StationRow(*row) for row in rows]

    def add(self, row: StationRow) -> None:
        with self._lock:
            self._file.execute("INSERT INTO station VALUES (?, ?, ?, ?)", row)

    def lesson(self) -> str | None:
        """The title of the lesson that the folder was begun with, '' of none; None of a new one."""
        return self.read(_WHOLE, _WHOLE_NODE).get(_LESSON)

    def begin_lesson(self, title: str) -> None:
        self.write(_WHOLE, _WHOLE_NODE, {_LESSON: title})

    # ------------------------------------------------------------ what machines keep

    def write(self, number: int, node: str, values: dict[str, str | None]) -> None:
        """All of it or nothing; None is forgotten."""
        with self._lock:
            self._file.execute("BEGIN IMMEDIATE")
            for key, value in values.items():
                if value is None:
                    self._file.execute(
                        "DELETE FROM kept WHERE (number, node, key) = (?, ?, ?)", (number, node, key)
                    )
                else:
                    sealed = seal(self._keys, _owner(number, node, key), value)
                    self._file.execute(
                        "INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", (number, node, key, sealed)
                    )
            self._file.execute("COMMIT")

    def read(self, number: int, node: str) -> dict[str, str]:
        with self._lock:
            rows = self._file.execute(
                "SELECT key, value FROM kept WHERE (number, node) = (?, ?)", (number, node)
            )
            return {key: unseal(self._keys, _owner(number, node, key), value) for key, value in rows}


def _owner(number: int, node: str, key: str) -> str:
    return f"kiosk/{number}/{node}/{key}"


class Page:
    """One ATM's part of the notebook."""

    def __init__(self, notebook: Notebook, number: int) -> None:
        self._notebook = notebook
        self._number = number

    def keeping(self, node: str, machine: Machine) -> Machine:
        """The machine, with everything written down that it wants kept."""
        return _Keeping(self, node, machine)

    def memory(self, node: str) -> Memory | None:
        """What a terminal remembers."""
        text = self._notebook.read(self._number, node).get(_MEMORY_KEY)
        return None if text is None else _MEMORY.validate_json(text)

    def disk(self, node: str) -> dict[str, Any]:
        """The advices that wait at a node."""
        kept = self._notebook.read(self._number, node)
        return {key: _entry(text) for key, text in kept.items() if key != _MEMORY_KEY}

    def write(self, node: str, values: dict[str, str | None]) -> None:
        self._notebook.write(self._number, node, values)

    def pins(self) -> dict[str, str]:
        """The PINs that made-up people have chosen at this ATM, by alias."""
        return self._notebook.read(self._number, _PEOPLE)

    def keep_pin(self, alias: str, pin: str) -> None:
        self.write(_PEOPLE, {alias: pin})

    def lesson(self, case: Case, lab: Lab, steps: Sequence[Planned]) -> Lesson:
        """The learner's way through a lesson, as far as it has come."""
        kept = self._notebook.read(self._number, _LESSON).get(_MEMORY_KEY)
        if kept is None:
            return Lesson(case, lab, steps)
        course = _COURSE.validate_json(kept)
        return Lesson(case, lab, steps, course.notes, course.at)

    def keep_lesson(self, lesson: Lesson) -> None:
        """A step that has been told is done."""
        course = _Course(lesson.at + (lesson.phase == TOLD), tuple(lesson.notes))
        self.write(_LESSON, {_MEMORY_KEY: _COURSE.dump_json(course).decode()})


class _Keeping:
    """Between a machine and whoever carries out its effects."""

    def __init__(self, page: Page, node: str, machine: Machine) -> None:
        self._page = page
        self._node = node
        self._machine = machine
        self._written: Memory | None = None

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        effects = self._machine.handle(event, now_us)
        values: dict[str, str | None] = {}
        for effect in effects:
            if isinstance(effect, Keep) and isinstance(effect.value, Entry):
                values[effect.key] = _advice(effect.value)
            elif isinstance(effect, Forget):
                values[effect.key] = None
        if isinstance(self._machine, Terminal):
            memory = self._machine.remembered()
            if memory != self._written:
                values[_MEMORY_KEY] = _MEMORY.dump_json(memory).decode()
                self._written = memory
        if values:
            self._page.write(self._node, values)
        return effects


def _advice(entry: Entry) -> str:
    message = entry.message
    stored = _Advice(
        entry.number,
        entry.destination,
        message.mti,
        dict(message.fields),
        entry.reason,
        entry.queued_us,
        entry.tries,
        entry.manual,
    )
    return _ADVICE.dump_json(stored).decode()


def _entry(text: str) -> Entry:
    stored = _ADVICE.validate_json(text)
    message = Message(stored.mti, stored.elements)
    return Entry(
        stored.number,
        stored.destination,
        message,
        stored.reason,
        stored.queued_us,
        stored.tries,
        stored.manual,
    )
