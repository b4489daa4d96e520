"""What the doctor says: one finding for each cause, with its place and the next step; never message data of a card."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Finding(NamedTuple):
    """One cause. Findings with the same `cause` are one: the first is kept, and how many messages show it."""

    cause: str  # for programs: what differs, e.g. `wire.bitmap`
    what: str  # what was seen, against what was expected
    next_step: str
    message: int = 0  # number of the first message that shows it; 0: the exchange as a whole
    de: int | None = None
    offset: int | None = None  # byte of that message, from 0
    messages: int = 1

    @property
    def place(self) -> str:
        """Where to look, in words."""
        parts = [f"message {self.message}"] if self.message else []
        parts += [f"DE{self.de}"] if self.de is not None else []
        parts += [f"byte {self.offset}"] if self.offset is not None else []
        more = f", and {self.messages - 1} more" if self.messages > 1 else ""
        return ", ".join(parts) + (more if parts else "")


class Diagnosis(NamedTuple):
    """How a conversation looks to who expects `dialect`: the findings, first cause first; none if all fits."""

    dialect: str
    findings: tuple[Finding, ...]
    cost: int  # how far the peer is from the dialect
    read: int  # messages that could be read, with the findings taken into account
    messages: int
    notes: tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        return not self.findings and self.read > 0


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """One for each cause, in the order in which the causes were found."""
    found: dict[str, Finding] = {}
    for finding in findings:
        first = found.setdefault(finding.cause, finding)
        if first is not finding:
            found[finding.cause] = first._replace(messages=first.messages + finding.messages)
    return list(found.values())
