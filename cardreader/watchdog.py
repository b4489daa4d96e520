"""Calls that may never come back: made in a thread of their own, which is given up if it takes too long.

PC/SC has no time-out, so a card that falls silent would hold its caller for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")


class TookTooLong(Exception):
    """The call has not come back; its thread is lost, and so is this watchdog."""


class Watchdog:
    """Makes calls one after another. After `TookTooLong` it makes no more but the last."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], Any] | None] = SimpleQueue()
        self._results: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._lost = False
        # A daemon: a silent card must not keep the program from ending.
        Thread(target=self._work, name="card", daemon=True).start()

    def call(self, function: Callable[..., Result], *arguments: Any, patience_s: float) -> Result:
        if self._lost:
            raise TookTooLong
        self._calls.put(lambda: function(*arguments))
        try:
            result, error = self._results.get(timeout=patience_s)
        except Empty:
            self._lost = True
            raise TookTooLong from None
        if error is not None:
            raise error
        returned: Result = result
        return returned

    def end(self, last: Callable[[], object] | None = None) -> None:
        """Lets the thread end after the call it is in, however late that comes back, and after a last one."""
        if last is not None:
            self._calls.put(last)
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                self._results.put((call(), None))
            except BaseException as error:  # handed to the caller, whatever it is
                self._results.put((None, error))
