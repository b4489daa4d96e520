"""Store-and-forward: keeps an advice until the other side accepted it (reversal truth table RS1, RS9, RS10).

Why it is so. A reversal that gets lost leaves a customer charged for cash that never came out, and nobody
notices until the evening. So an advice may wait, may be repeated, may end on a person's desk, but is never
dropped: every way out of this queue is either the other side's acceptance or the state 'manual', and both
leave a row.

- One advice in flight for each destination, first in, first out: a recovering bank is not flooded, and it
  sees events in the order in which they happened. The one exception: a reversal passes the waiting 0220s of
  its own card, because posting what is about to be taken back can take the card over its limit.
- The first send is at once. Without an answer within `answer_wait_us` the try has failed; the repeat
  follows after a delay that grows by `growth` up to `longest_delay_us`. A repeat is the same message under
  0221 or 0421: same DE7, 11, 12, 13, 37 and 90, so the issuer can tell it from a second advice. An
  acceptance that comes during the delay counts, whichever try it answers.
- Tries, age and length are bounded. What exceeds a bound becomes 'manual': it is sent no more, kept in
  `manual`, and its reconciliation item stays open until a person closes it.

A destination known to be away can be put on hold: what waits for it then costs no tries, and goes out when the hold is
released.

The queue does nothing by itself: its methods return effects for the owning machine to pass on, and the
machine hands it the timers and the 0230/0430 answers. Every change of an entry is kept on the machine's disk
before anything of it is sent; after a restart the queue is rebuilt from the disk and `resume()` starts it
again. The alternative of a free-running retry loop for each advice was left out: it reorders, and it floods.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from atm_sim.sansio.effects import CancelTimer, Effect, Forget, Keep, Send, SetTimer
from atm_sim.sansio.matching import Pending
from atm_sim.sansio.rows import row
from bank_host.iso8583.build import as_repeat
from bank_host.iso8583.identity import match_key
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice, is_reversal

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US

# An advice has to be accepted, so any other answer to one acknowledges it, also 25 (original not found) and
# 94 (known already). These say that it did not get through, or was not understood: it stays queued.
NOT_ACCEPTED = frozenset({"30", "63", "68", "90", "91", "92", "96"})

_TIMER = "saf/"
_DISK = "saf/"


class SafSettings(NamedTuple):
    """Pace and bounds. By default a silent destination sees 9 tries in an hour, then one every 11 minutes."""

    answer_wait_us: int = 60 * SECOND_US
    first_delay_us: int = 30 * SECOND_US  # from a failed try to the first repeat
    growth: int = 2  # each further delay is so many times the one before
    longest_delay_us: int = 600 * SECOND_US
    gap_us: int = SECOND_US  # from an acceptance to the next send
    most_tries: int = 100
    longest_age_us: int = 24 * HOUR_US
    capacity: int = 10_000  # for each destination


class Entry(NamedTuple):
    """An advice in the queue, as it was built (never as its repeat); all that must survive a restart."""

    number: int  # in the order they came
    destination: str
    message: Message
    reason: str
    queued_us: int
    tries: int = 0
    manual: bool = False  # a person has to settle it

    @property
    def key(self) -> str:
        """Where the disk holds it."""
        return f"{_DISK}{self.number}"


@dataclass(slots=True)
class _Lane:
    """The queue of one destination; its head is the one that is sent and repeated."""

    destination: str
    entries: deque[Entry] = field(default_factory=deque)
    answers: Pending[None] = field(default_factory=Pending)  # waits for every entry, sent or not
    in_flight: bool = False  # the head was sent and its answer wait runs
    busy: bool = False  # a timer is set: answer wait, delay or gap
    free_at_us: int = 0  # no send before this time
    held: bool = False  # the destination is known to be away


class Saf:
    """Store-and-forward queues, one for each destination."""

    __slots__ = ("_lanes", "_manual", "_numbered", "settings")

    def __init__(self, settings: SafSettings | None = None, disk: Mapping[str, Any] | None = None) -> None:
        """`disk` is what the machine's disk holds; the entries of a queue are some of it."""
        self.settings = settings or SafSettings()
        self._lanes: dict[str, _Lane] = {}
        self._manual: list[Entry] = []
        self._numbered = 0
        stored = [value for key, value in (disk or {}).items() if key.startswith(_DISK)]
        for entry in sorted(stored, key=lambda entry: entry.number):
            self._numbered = entry.number
            if entry.manual:
                self._manual.append(entry)
                continue
            lane = self._lane(entry.destination)
            lane.entries.insert(_place(lane, entry), entry)
            self._expect(lane, entry)

    # ---------------- what the owner reads

    @property
    def manual(self) -> tuple[Entry, ...]:
        """The advices that a person has to settle."""
        return tuple(self._manual)

    def depth(self, destination: str) -> int:
        return len(self._lanes[destination].entries) if destination in self._lanes else 0

    def oldest_age_us(self, destination: str, now_us: int) -> int:
        entries = self._lanes[destination].entries if destination in self._lanes else ()
        return max((now_us - entry.queued_us for entry in entries), default=0)

    @property
    def waiting(self) -> tuple[Entry, ...]:
        """The advices that are still to be accepted, those of one destination in the order they go out."""
        return tuple(entry for lane in self._lanes.values() for entry in lane.entries)

    # ---------------- what happens to the queue

    def queue(self, destination: str, advice: Message, now_us: int, reason: str = "") -> list[Effect]:
        """Take over an advice (0220 or 0420) for `destination`; the same advice twice is taken once."""
        if not is_advice(advice.mti):
            raise ValueError(f"store-and-forward takes advices (0220, 0420), got {advice.mti}")
        lane = self._lane(destination)
        if lane.answers.state(advice, now_us) == "waiting":
            return []
        self._numbered += 1
        entry = Entry(self._numbered, destination, advice, reason, now_us)
        kind = "reversal_queued" if is_reversal(advice.mti) else "advice_queued"
        effects: list[Effect] = [row(kind, advice, reason=reason)]
        self._expect(lane, entry)
        if len(lane.entries) >= self.settings.capacity:
            return effects + self._give_up(lane, entry, "queue_full", now_us)
        lane.entries.insert(_place(lane, entry), entry)
        effects.append(Keep(entry.key, entry))
        return effects if lane.busy else effects + self._next(lane, now_us)

    def waits_for(self, sender: str, answer: Message, now_us: int) -> bool:
        """Whether `answer` from `sender` would settle an advice of this queue."""
        lane = self._lanes.get(sender)
        return lane is not None and lane.answers.state(answer, now_us) == "waiting"

    def answered(self, sender: str, answer: Message, now_us: int) -> list[Effect] | None:
        """A 0230 or 0430 came from `sender`; None if it answers nothing that this queue sent."""
        lane = self._lanes.get(sender)
        state = lane.answers.state(answer, now_us) if lane is not None else ""
        if lane is None or not state:
            return None
        if state == "waiting" and answer.get(39) in NOT_ACCEPTED:
            return [row("advice_refused", answer)]  # as if unanswered: the answer wait runs on to the repeat
        verdict = lane.answers.answer(answer, now_us)
        if verdict.kind != "matched":
            return [row(f"{verdict.kind}_answer", answer)]
        return self._accepted(lane, answer, now_us)

    def timer_fired(self, key: str, now_us: int) -> list[Effect] | None:
        """None if the timer is not one of this queue's."""
        if not key.startswith(_TIMER):
            return None
        lane = self._lanes.get(key.removeprefix(_TIMER))
        if lane is None:
            return []
        if lane.in_flight:
            lane.in_flight = False
            lane.free_at_us = now_us + self._delay_us(lane.entries[0].tries)
        lane.busy = False
        return self._next(lane, now_us)

    def hold(self, destination: str) -> None:
        """Send nothing to a destination that is away; an answer that is still under way counts."""
        self._lane(destination).held = True

    def release(self, destination: str, now_us: int) -> list[Effect]:
        """The destination is back: what waits goes out, at the queue's pace."""
        lane = self._lane(destination)
        lane.held = False
        return [] if lane.busy else self._next(lane, now_us)

    def resume(self, now_us: int) -> list[Effect]:
        """After a restart, when no timer is left: send each queue's head, as a repeat if it was tried."""
        effects: list[Effect] = []
        for lane in self._lanes.values():
            lane.in_flight = lane.busy = False
            lane.free_at_us = now_us
            effects += self._next(lane, now_us)
        return effects

    # ---------------- inside

    def _lane(self, destination: str) -> _Lane:
        return self._lanes.setdefault(destination, _Lane(destination))

    def _expect(self, lane: _Lane, entry: Entry) -> None:
        lane.answers.expect(entry.message, None, entry.queued_us, self.settings.longest_age_us)

    def _next(self, lane: _Lane, now_us: int) -> list[Effect]:
        """Send the head, or come back when the lane is free; what is past its bounds leaves first."""
        effects = self._give_up_outdated(lane, now_us)
        timer = _TIMER + lane.destination
        if not lane.entries or lane.held:
            return effects
        lane.busy = True
        head = lane.entries[0]
        if lane.free_at_us > now_us:
            until_us = min(lane.free_at_us, head.queued_us + self.settings.longest_age_us)
            return [*effects, SetTimer(timer, until_us - now_us)]
        lane.entries[0] = tried = head._replace(tries=head.tries + 1)
        lane.in_flight = True
        message = as_repeat(head.message) if head.tries else head.message
        if head.tries:
            effects.append(row("repeated", message, reason=head.reason, latency_us=now_us - head.queued_us))
        effects.append(Keep(tried.key, tried))  # before the send: after a restart it is known to be a repeat
        return [*effects, Send(lane.destination, message), SetTimer(timer, self.settings.answer_wait_us)]

    def _accepted(self, lane: _Lane, answer: Message, now_us: int) -> list[Effect]:
        key = match_key(answer)
        at = next(i for i, entry in enumerate(lane.entries) if match_key(entry.message) == key)
        entry = lane.entries[at]
        del lane.entries[at]
        kind = "reversed" if is_reversal(answer.mti) else "advice_accepted"
        code, age_us = answer.get(39), now_us - entry.queued_us
        effects: list[Effect] = [
            row(kind, entry.message, code=code, reason=entry.reason, latency_us=age_us),
            Forget(entry.key),
        ]
        if at > 0:  # answered before its turn: the peer had this advice from somebody else too
            return effects
        lane.in_flight = lane.busy = False
        lane.free_at_us = now_us + self.settings.gap_us
        if not lane.entries:
            return [*effects, CancelTimer(_TIMER + lane.destination)]
        return effects + self._next(lane, now_us)

    def _give_up_outdated(self, lane: _Lane, now_us: int) -> list[Effect]:
        effects: list[Effect] = []
        while lane.entries:
            head = lane.entries[0]
            if head.tries >= self.settings.most_tries:
                why = "tries_used_up"
            elif now_us - head.queued_us >= self.settings.longest_age_us:
                why = "too_old"
            else:
                break
            effects += self._give_up(lane, lane.entries.popleft(), why, now_us)
        return effects

    def _give_up(self, lane: _Lane, entry: Entry, why: str, now_us: int) -> list[Effect]:
        entry = entry._replace(manual=True)
        self._manual.append(entry)
        lane.answers.give_up(str(match_key(entry.message)), now_us)
        age_us = now_us - entry.queued_us
        return [Keep(entry.key, entry), row("manual", entry.message, reason=why, latency_us=age_us)]

    def _delay_us(self, tries: int) -> int:
        grown: int = self.settings.first_delay_us * self.settings.growth ** (tries - 1)
        return min(grown, self.settings.longest_delay_us)


def _place(lane: _Lane, entry: Entry) -> int:
    """Where `entry` belongs: at the end, but a reversal before the unsent 0220s of its own card."""
    if is_reversal(entry.message.mti):
        pan = entry.message.get(2)
        for at, other in enumerate(lane.entries):
            if not other.tries and not is_reversal(other.message.mti) and other.message.get(2) == pan:
                return at
    return len(lane.entries)
