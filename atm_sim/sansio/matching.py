"""Joins answers to the requests that wait for them and names the kind of an answer that fits none (ISO 8583).

Four ways of not fitting look alike from outside and have different causes, so they are told apart and
counted apart:

- late: the key was ours, its timer had fired. Raise the timer or find the slow stage.
- duplicate: the key was ours and has had its answer. Somebody repeats, or the network doubles.
- unmatched: the key never was ours. A stage changed a key field; the verdict names the nearest waiting key
  and the part that differs, and so does the timeout that follows.
- unsolicited: not an answer at all, but a request from a side that should only answer.

A key stays known for `keep_us` after its request was answered or given up; later it counts as never ours.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Literal, NamedTuple, TypeVar

from bank_host.iso8583.identity import MatchKey, explain_mismatch, match_key, text_of_key
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_response
from bank_host.named import of_parts

KEEP_US = 120_000_000
_SWEEPS = 1_000
"""How often old settled keys go in the time that they are kept: to look at each message costs more than it frees."""
MOST_COMPARED = 1_000  # waiting keys that an answer without a request is compared with

Context = TypeVar("Context")
Kind = Literal["matched", "late", "duplicate", "unmatched", "unsolicited"]
State = Literal["", "waiting", "answered", "given_up"]


@dataclass(slots=True)
class Counts:
    """How many messages got which verdict; the four that are not `matched` are never added up."""

    matched: int = 0
    late: int = 0
    duplicate: int = 0
    unmatched: int = 0
    unsolicited: int = 0


class Verdict(NamedTuple, Generic[Context]):
    """What a message is; a matched one has the request's `context`, an unmatched one a `detail` in words."""

    kind: Kind
    context: Context | None = None
    detail: str = ""


class Waiting(NamedTuple, Generic[Context]):
    """A request without answer; `near_miss` explains the answer that came nearest to it and did not fit."""

    key: MatchKey
    context: Context
    due_us: int
    timed: bool
    near_miss: str = ""


_waiting: Callable[[tuple[MatchKey, Context, int, bool, str]], Waiting[Context]] = of_parts(Waiting)


class Pending(Generic[Context]):
    """The requests sent to one neighbour, each with whatever its owner wants back when the answer comes."""

    __slots__ = (
        "_forget_at_us",
        "_given_up",
        "_keep_us",
        "_key_of",
        "_settled",
        "_untimed",
        "_waiting",
        "counts",
    )

    def __init__(self, keep_us: int = KEEP_US, key_of: Callable[[Message], MatchKey] = match_key) -> None:
        """`key_of` is what joins answer and request: a dialect's own `match_key`, where it has one."""
        self._keep_us = keep_us
        self._key_of = key_of
        self.counts = Counts()
        # Both stand in the order of their times (one owner waits equally long for all it sends), so what is
        # outdated stands in front.
        self._waiting: OrderedDict[str, Waiting[Context]] = OrderedDict()
        self._settled: OrderedDict[str, int] = OrderedDict()  # until when they are known
        self._given_up: set[str] = set()  # those of them that had no answer
        self._forget_at_us = 0  # no settled one is outdated before
        self._untimed = False  # whether anything ever waited without a timer of its owner's

    def __len__(self) -> int:
        return len(self._waiting)

    def expect(
        self, request: Message, context: Context, now_us: int, wait_us: int, *, timed: bool = True
    ) -> str:
        """Wait for the answer to `request` until now + `wait_us`; returns the key as text, for the timer.

        Asked again for a known key (a repeat), it waits anew. What is `timed` waits until its owner's timer gives it
        up: the machine's clock may have been set meanwhile.
        """
        return self.expect_key(self._key_of(request), context, now_us, wait_us, timed=timed)

    def expect_key(
        self, key: MatchKey, context: Context, now_us: int, wait_us: int, *, timed: bool = True
    ) -> str:
        """The same, for whoever knows the key of the answer without a message."""
        if not timed:
            self._untimed = True
            self._forget_waiting(now_us)
        text = text_of_key(key)
        again = text in self._waiting
        self._waiting[text] = _waiting((key, context, now_us + wait_us, timed, ""))
        if again:
            self._waiting.move_to_end(text)
        return text

    def state(self, message: Message, now_us: int) -> State:
        """What is known of the key of a request or answer; '' means never ours, or forgotten."""
        text = str(self._key_of(message))
        self._forget_waiting(now_us)
        if text in self._waiting:
            return "waiting"
        self._forget_settled(now_us)
        if text not in self._settled:
            return ""
        return "given_up" if text in self._given_up else "answered"

    def answer(self, message: Message, now_us: int) -> Verdict[Context]:
        """Judge an incoming message and count it; a matched one ends the wait."""
        waiting = self.take(message, now_us)
        return self.misfit(message, now_us) if waiting is None else Verdict("matched", waiting.context)

    def take(self, answer: Message, now_us: int) -> Waiting[Context] | None:
        """The request that this answers, whose wait ends and is counted; None for what is a `misfit`."""
        if not is_response(answer.mti):
            return None
        if self._untimed:
            self._forget_waiting(now_us)
        text = text_of_key(self._key_of(answer))
        waiting = self._waiting.pop(text, None)
        if waiting is not None:
            self.counts.matched += 1
            self._given_up.discard(text)
            self._settle(text, now_us)
        return waiting

    def misfit(self, message: Message, now_us: int) -> Verdict[Context]:
        """Judge and count a message that no request waits for."""
        if not is_response(message.mti):
            self.counts.unsolicited += 1
            return Verdict("unsolicited")
        key = self._key_of(message)
        text = str(key)
        self._forget_settled(now_us)
        if text not in self._settled:
            self.counts.unmatched += 1
            return Verdict("unmatched", detail=self._explain(key))
        if text in self._given_up:
            self.counts.late += 1
            return Verdict("late")
        self.counts.duplicate += 1
        return Verdict("duplicate")

    def give_up(self, key_text: str, now_us: int) -> Waiting[Context] | None:
        """The timer of `key_text` fired: the request that had no answer, or None if it no longer waits."""
        waiting = self._waiting.pop(key_text, None)
        if waiting is not None:
            self._given_up.add(key_text)
            self._settle(key_text, now_us)
        return waiting

    def overdue(self, now_us: int) -> Iterator[Waiting[Context]]:
        """Give up, oldest first, whatever has waited its time; for an owner without a timer for each request."""
        while self._waiting:
            text, oldest = next(iter(self._waiting.items()))
            if oldest.due_us > now_us:
                return
            self.give_up(text, now_us)
            yield oldest

    def _explain(self, wanted: MatchKey) -> str:
        nearest = min(
            islice(self._waiting.values(), MOST_COMPARED),
            key=lambda one: (sum(a != b for a, b in zip(wanted, one.key, strict=True)), one.key),
            default=None,
        )
        if nearest is None:
            return explain_mismatch(wanted, ())
        detail = explain_mismatch(wanted, (nearest.key,))
        self._waiting[str(nearest.key)] = nearest._replace(near_miss=detail)
        return detail

    def _settle(self, text: str, now_us: int) -> None:
        if now_us >= self._forget_at_us:
            self._forget_settled(now_us)
        again = text in self._settled
        self._settled[text] = now_us + self._keep_us
        if again:
            self._settled.move_to_end(text)

    def _forget_settled(self, now_us: int) -> None:
        self._forget_at_us = now_us + self._keep_us // _SWEEPS
        while self._settled and next(iter(self._settled.values())) <= now_us:
            self._given_up.discard(self._settled.popitem(last=False)[0])

    def _forget_waiting(self, now_us: int) -> None:
        """What has no timer waits as long as its answer would be late, and no longer."""
        while self._untimed and self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.timed or oldest.due_us + self._keep_us > now_us:
                return
            self._waiting.popitem(last=False)
