"""One at a time for each key, within a process: a repeat waits for what it repeats."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Turns:
    """Keys are forgotten as soon as nobody has or awaits a turn."""

    def __init__(self) -> None:
        self._mine = Lock()
        self._of_key: dict[str, tuple[Lock, int]] = {}  # its lock, and how many have it or await it

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """Within it nobody else has a turn of this key."""
        with self._mine:
            lock, users = self._of_key.get(key, (Lock(), 0))
            self._of_key[key] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._mine:
                lock, users = self._of_key.pop(key)
                if users > 1:
                    self._of_key[key] = lock, users - 1
