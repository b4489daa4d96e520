"""A world while it is being drawn: the clock of its steps, its people, and a rough idea of what each still may draw.

The idea is only good enough to aim: amounts at the edge of a limit or a balance find more than amounts anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple, TypeVar

from atm_sim.fuzz.written import DAY_S, moment

T = TypeVar("T")

NOTE_JPY = 1_000
MOST_AT_ONCE_JPY = 500_000


@dataclass(slots=True)
class Sketch:
    """One person of the cast, as if everything so far had been approved."""

    alias: str
    bank: str
    kind: str
    balance_jpy: int
    limit_jpy: int
    id_card: bool = False
    raised: bool = False  # a dated raise stands
    used_jpy: int = 0  # today
    used_on: int = -1  # the day of `used_jpy`, counted from the world's

    def begin_day(self, day: int) -> None:
        if day != self.used_on:
            self.used_on, self.used_jpy = day, 0

    @property
    def room_jpy(self) -> int:
        return max(0, self.limit_jpy - self.used_jpy)


@dataclass(slots=True)
class Site:
    """A place of the world, and the names of its machines."""

    alias: str
    operator: str
    machines: int

    @property
    def atms(self) -> list[str]:
        return [self.alias] + [f"{self.alias}/{n}" for n in range(1, self.machines + 1) if self.machines > 1]

    @property
    def terminals(self) -> list[str]:
        """The machines by their own names."""
        return self.atms[1:] or self.atms


class Request(NamedTuple):
    """A step that asks a bank: its number, the ends of the lines that its messages take, and when it began."""

    step: int
    atm: str
    operator: str
    bank: str
    at_s: int
    amount_jpy: int
    mishap: bool  # its outcome may still be open


@dataclass(slots=True)
class Mood:
    """What one world is like. Worlds that differ find more than worlds that have a little of everything: in each some
    kinds of step are missing, and people may all know their PIN."""

    kinds: frozenset[str]  # the steps that happen in it
    wrong_pins: float
    mishaps: float
    wrong_codes: float
    calm: bool  # no fault at all, so that every request reaches its bank


@dataclass(slots=True)
class Draft:
    """What the tables of steps and faults draw from."""

    random: Random
    day: date
    at_s: int
    mood: Mood
    people: list[Sketch] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    last: tuple[Sketch, str] | None = None  # who did what in the latest step
    banks: list[str] = field(default_factory=list)
    visits_s: list[tuple[int, str]] = field(default_factory=list)  # when somebody steps up to which ATM
    requests: list[Request] = field(default_factory=list)
    acts_s: list[int] = field(default_factory=list)  # when anything at all happens

    def one_of(self, choices: Sequence[T]) -> T:
        return self.random.choice(choices)

    def happens(self, chance: float) -> bool:
        return self.random.random() < chance

    def moment(self, at_s: int) -> str:
        return moment(self.day, max(0, at_s))

    def date(self, days_later: int) -> str:
        """A date, counted from the day on which the step lies."""
        return str(self.day + timedelta(days=self.at_s // DAY_S + days_later))

    def person(self) -> Sketch:
        return self.one_of(self.people)

    def aimed_jpy(self, person: Sketch) -> int:
        """Mostly at an edge: the room, one note more, what is used, the limit, the balance; at times anywhere."""
        whole_jpy = person.balance_jpy // NOTE_JPY * NOTE_JPY
        edges = (
            person.room_jpy,
            person.room_jpy,
            person.room_jpy + NOTE_JPY,
            person.limit_jpy,
            person.used_jpy - person.limit_jpy,
            person.used_jpy,
            whole_jpy,
            whole_jpy,
            whole_jpy + NOTE_JPY,
            10_000,
            10_000,
            self.random.randrange(1, 60) * NOTE_JPY,
        )
        return min(max(NOTE_JPY, self.one_of(edges)), MOST_AT_ONCE_JPY)
