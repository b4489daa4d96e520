"""A place with one or more ATMs and one queue: first come, first served, at the first machine that is free."""

from __future__ import annotations

from typing import Generic, TypeVar

Visitor = TypeVar("Visitor")


class Site(Generic[Visitor]):
    """Who uses which machine, and who waits. Machines are taken in their listed order."""

    def __init__(self, name: str, machines: tuple[str, ...]) -> None:
        self.name = name
        self.machines = machines
        self.using: dict[str, Visitor] = {}
        self.waiting: list[tuple[Visitor, str]] = []

    def arrive(self, visitor: Visitor, wanted: str = "") -> str | None:
        """The machine the visitor goes to at once, or None: the visitor has joined the queue.

        `wanted` is the one machine the visitor will use; '' is whichever is free.
        """
        for machine in (wanted,) if wanted else self.machines:
            if machine not in self.using:
                self.using[machine] = visitor
                return machine
        self.waiting.append((visitor, wanted))
        return None

    def leave(self, machine: str) -> Visitor | None:
        """The machine is free; the visitor who goes to it next, if one waits for it."""
        del self.using[machine]
        for place, (visitor, wanted) in enumerate(self.waiting):
            if wanted in ("", machine):
                del self.waiting[place]
                self.using[machine] = visitor
                return visitor
        return None
