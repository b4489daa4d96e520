"""What is wrong with a file, said so that a person can mend it: position, line, caret, suggestion.

All problems of a file are collected before anything is raised. No message and no quoted line shows a card number,
PIN or one-time password.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from bank_host.written.mask import masked_line

MOST_PROBLEMS = 200
WIDEST_LINE = 120  # display columns of a quoted line; a longer one is cut around the caret


class Positioned(Protocol):
    """Anything that was read from a file and knows where: a scalar, a map, a list."""

    @property
    def source(self) -> Source: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class FileKind(NamedTuple):
    """The words in which a message speaks of a kind of file."""

    name: str  # "scenario file"
    begins: str  # what its map starts with
    example: str  # what to compare with
    instead_of_anchors: str


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One file's name and text; `lines` are what a message quotes."""

    file: str
    text: str
    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: str, text: str) -> Source:
        return cls(file, text, tuple(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")))


@dataclass(frozen=True, slots=True)
class Position:
    """A bare position, for problems that belong to no node (a control character, a syntax error)."""

    source: Source
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault at one position; `line` and `column` count characters from 1."""

    file: str
    line: int
    column: int
    message: str
    suggestion: str = ""
    source_line: str = ""

    @property
    def text(self) -> str:
        """The message with its suggestion, without the position."""
        return f"{self.message}; did you mean {self.suggestion!r}?" if self.suggestion else self.message

    @property
    def located(self) -> str:
        """`line:column: text`, the form in which an invalid example states what it expects."""
        return f"{self.line}:{self.column}: {self.text}"

    def __str__(self) -> str:
        head = f"{self.file}:{self.located}"
        if not self.source_line.strip():
            return head
        shown, indent = _around_caret(self.source_line, self.column - 1)
        return f"{head}\n{self.line:>8} | {shown}\n{'':>8} | {' ' * indent}^"


class WrittenError(Exception):
    """A file cannot be used; `problems` holds everything that is wrong with it, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(problems)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


@dataclass(slots=True)
class Problems:
    """Collects problems while a file is read. One position speaks once: what follows from a fault is not reported."""

    error: type[WrittenError] = WrittenError
    found: dict[tuple[str, int, int, bool], Problem] = field(default_factory=dict)

    def add(self, at: Positioned, message: str, suggestion: str = "", *, about_absence: bool = False) -> None:
        """`about_absence` marks a missing key, which is told beside any fault of the key that stands first."""
        key = (at.source.file, at.line, at.column, about_absence)
        lines = at.source.lines
        text = masked_line(lines[at.line - 1]) if 0 < at.line <= len(lines) else ""
        self.found.setdefault(key, Problem(at.source.file, at.line, at.column, message, suggestion, text))

    def ordered(self) -> tuple[Problem, ...]:
        in_order = sorted(self.found.values(), key=lambda p: (p.file, p.line, p.column, p.message))
        return tuple(in_order[:MOST_PROBLEMS])

    def stop_if_any(self) -> None:
        if self.found:
            raise self.error(self.ordered())


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or ''."""
    close = difflib.get_close_matches(name[:64], list(known), n=1, cutoff=0.6)
    return close[0] if close else ""


def listed(names: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    items = list(names)
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {last} {items[-1]}" if items else "none"


def shown(text: str) -> str:
    """A value as a message may repeat it: short, and no long run of digits."""
    if sum(character.isdigit() for character in text) > 6:
        return "…"
    return text if len(text) <= 40 else f"{text[:39]}…"


def display_width(text: str) -> int:
    """Terminal columns of `text`: full-width characters take two, combining ones none (Unicode East Asian Width)."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _around_caret(line: str, index: int) -> tuple[str, int]:
    """The line (a window of it when it is very long) and the display column of the character at `index`."""
    line = line.replace("\t", " ")
    start = 0
    if display_width(line) > WIDEST_LINE and display_width(line[:index]) > WIDEST_LINE // 2:
        start = max(0, index - WIDEST_LINE // 4)
    head = "…" if start else ""
    shown, width = head, display_width(head)
    for character in line[start:]:
        width += _character_width(character)
        if width > WIDEST_LINE:
            shown += "…"
            break
        shown += character
    return shown, display_width(head + line[start:index])
