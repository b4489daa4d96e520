"""What a script says, typed: rules, what their conditions ask of a message, and what they do to its answer."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from bank_host.iso8583.message import Message

MTI = 0
"""Stands for the message type where a data element's number is expected."""

COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
    "!=": operator.ne,
}


class Presence(NamedTuple):
    """The element is there, or is not."""

    wanted: bool

    def holds(self, value: str | None) -> bool:
        return (value is not None) is self.wanted


class Like(NamedTuple):
    """The element's text: `*` stands for any characters, `?` for one; blanks at its end do not count."""

    pattern: str
    wanted: bool = True

    def holds(self, value: str | None) -> bool:
        return (
            value is not None and (_regex(self.pattern).fullmatch(value.rstrip()) is not None) is self.wanted
        )


class Compared(NamedTuple):
    """The element as a number."""

    comparison: str  # one of COMPARISONS
    number: int

    def holds(self, value: str | None) -> bool:
        is_number = value is not None and value.isascii() and value.isdigit()
        return is_number and COMPARISONS[self.comparison](int(value or 0), self.number)


Test: TypeAlias = Presence | Like | Compared


class Condition(NamedTuple):
    """One element (or the MTI) fulfils one of the tests."""

    element: int
    any_of: tuple[Test, ...]

    def holds(self, message: Message) -> bool:
        value = message.mti if self.element == MTI else message.fields.get(self.element)
        return any(test.holds(value) for test in self.any_of)


class Actions(NamedTuple):
    """What becomes of a message and of its answer. Without any of it the bank answers, at once and once."""

    silent: bool = False  # no answer; the bank never hears of the message
    close: bool = False  # the connection is cut; the bank never hears of the message
    code: str = ""  # DE39 of the script's own answer; the bank never hears of the message
    elements: tuple[tuple[int, str], ...] = ()  # of the answer: these values
    dropped: tuple[int, ...] = ()  # of the answer: left out
    garbled: tuple[int, ...] = ()  # of the answer: another value than the right one
    late_us: int = 0
    copies: int = 1  # 0: the answer gets lost

    @property
    def asks_the_bank(self) -> bool:
        return not (self.silent or self.close or self.code)


class Rule(NamedTuple):
    """A message that fulfils every condition is treated as `actions` say."""

    name: str
    when: tuple[Condition, ...]
    actions: Actions
    times: int | None = None  # only the first so many that it strikes
    chance: float = 1.0


class Script(NamedTuple):
    rules: tuple[Rule, ...]
    seed: int = 1


@lru_cache(maxsize=1024)
def _regex(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in pattern), re.DOTALL)
