"""The one thread that talks to the bank: whatever waits is decided together and made durable in one commit.

Group commit without a timer: while one batch is being committed the next gathers, and a lone request goes at once. A
request with a PIN takes part in two commits in a row; the second is also the first one of those that came meanwhile.
An answer is handed back only when the bank has committed what it tells of, and the next commit waits until it is sent:
one interpreter does both, and whoever asks again at once still takes part. Work that is due is done in between.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from bank_host.host import Bank, OnTheWay, Step, not_answered
from bank_host.iso8583.message import Message
from bank_host.port.logs import Say, log_at_once
from bank_host.rules.changes import Audit

K = TypeVar("K")

Answers: TypeAlias = Sequence[tuple[K, Message | None]]
"""Whose each answer is, and the answer."""


class BatchSettings(NamedTuple):
    """How much may wait, and how much is decided at once."""

    most_at_once: int = 128
    most_waiting: int = 2_048
    most_notes: int = (
        256  # audit rows that wait to be written; what is more than that is only counted and logged
    )
    due_every_us: int = 10_000_000


class Batches(Generic[K]):
    """Messages in by `put`, answers out by `deliver`, after which `sent` is to be called; the three calls back are made
    in the writer's thread."""

    def __init__(
        self,
        bank: Bank,
        clock: Callable[[], int],
        deliver: Callable[[Answers[K]], None],
        settings: BatchSettings | None = None,
        observe: Callable[[int], None] = lambda size: None,
        ended: Callable[[], None] = lambda: None,
        say: Say = log_at_once,
    ) -> None:
        self._bank = bank
        self._clock = clock
        self._deliver = deliver
        self._settings = settings or BatchSettings()
        self._observe = observe
        self._ended = ended
        self._say = say
        self._queue: deque[tuple[K, Message]] = deque()
        self._notes: deque[Audit] = deque()
        self._changed = threading.Condition()
        self._stopping = False
        self._sending = False  # answers are handed back and have not left yet
        self._due_us = 0
        self._on_the_way: tuple[OnTheWay[K], ...] = ()
        self._thread = threading.Thread(target=self._run, name="bank-writer", daemon=True)

    def __len__(self) -> int:
        """How many messages wait for the next batch."""
        return len(self._queue)

    def start(self) -> None:
        self._bank.fault = self._message_failed
        self._thread.start()

    def put(self, key: K, message: Message) -> bool:
        """Queue a message; False when too many wait already."""
        with self._changed:
            if self._stopping or len(self._queue) >= self._settings.most_waiting:
                return False
            self._queue.append((key, message))
            if len(self._queue) == 1:  # else the writer knows
                self._wake()
        return True

    def sent(self) -> None:
        """The answers that were delivered last have left."""
        with self._changed:
            self._sending = False
            self._wake()

    def note(self, row: Audit) -> None:
        """Have an audit row written, with the next commit of its own."""
        with self._changed:
            if len(self._notes) < self._settings.most_notes:
                self._notes.append(row)
                self._wake()

    def stop(self) -> None:
        """Take nothing more and answer what was taken; then the thread calls `ended` and is no more."""
        with self._changed:
            self._stopping = True
            self._wake()

    def _wake(self) -> None:
        if self._goes_on():
            self._changed.notify()

    def _goes_on(self) -> bool:
        """Whether the writer has something to do now."""
        work = self._queue or self._on_the_way or self._notes
        return self._stopping or (not self._sending and bool(work))

    # ---------------- the writer's thread

    def _run(self) -> None:
        while True:
            now_us = self._clock()
            if now_us >= self._due_us:
                self._due_us = now_us + self._settings.due_every_us
                self._do_what_is_due(now_us)
            batch = self._next_batch()
            if self._notes:
                self._write_notes()
            if batch or self._on_the_way:
                if batch:
                    self._observe(len(batch))
                answers, self._on_the_way = self._step(batch)
                if answers:
                    self._sending = True
                    self._deliver(answers)
            elif self._stopping:
                self._ended()
                return

    def _next_batch(self) -> list[tuple[K, Message]]:
        """All that waits, up to the bound; nothing when work is due, messages are on the way or the end has come."""
        with self._changed:
            self._changed.wait_for(self._goes_on, max(0, self._due_us - self._clock()) / 1_000_000)
            return [self._queue.popleft() for _ in range(min(len(self._queue), self._settings.most_at_once))]

    def _step(self, batch: Sequence[tuple[K, Message]]) -> Step[K]:
        """The bank's next commit. It sees to it that a message it fails at takes no other along; should all of it fail,
        the port fails closed, and never with a message's data."""
        try:
            return self._bank.step(batch, self._on_the_way, self._clock())
        except Exception as error:
            left = [*((each.key, each.asked.message) for each in self._on_the_way), *batch]
            self._say(logging.ERROR, "batch_failed", error=type(error).__name__, size=len(left))
            return Step([(key, not_answered(message)) for key, message in left], ())

    def _message_failed(self, error: Exception) -> None:
        self._say(logging.ERROR, "message_failed", error=type(error).__name__)

    def _write_notes(self) -> None:
        rows = [self._notes.popleft() for _ in range(len(self._notes))]
        try:
            self._bank.note(rows, self._clock())
        except Exception as error:
            self._say(logging.ERROR, "audit_failed", error=type(error).__name__, rows=len(rows))

    def _do_what_is_due(self, now_us: int) -> None:
        try:
            done = self._bank.run_due(now_us)
        except Exception as error:
            self._say(logging.ERROR, "due_work_failed", error=type(error).__name__)
        else:
            if done:
                self._say(logging.INFO, "due_work_done", count=done)
