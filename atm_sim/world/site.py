"""A place with one or more ATMs and one queue: first come, first served, at the first machine that is free."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

Visitor = TypeVar("Visitor")


class Site(Generic[Visitor]):
    """Who uses which machine, and who waits. Machines are taken in their listed order."""

    def __init__(self, name: str, machines: tuple[str, ...]) -> None:
        self.name = name
        self.machines = machines
        self.using: dict[str, Visitor] = {}
        self.waiting: deque[Visitor] = deque()

    def arrive(self, visitor: Visitor) -> str | None:
        """The machine the visitor goes to at once, or None: the visitor has joined the queue."""
        for machine in self.machines:
            if machine not in self.using:
                self.using[machine] = visitor
                return machine
        self.waiting.append(visitor)
        return None

    def leave(self, machine: str) -> Visitor | None:
        """The machine is free; the visitor who goes to it next, if one waits."""
        del self.using[machine]
        if not self.waiting:
            return None
        following = self.waiting.popleft()
        self.using[machine] = following
        return following
