"""What acquirer and switch share: pass on, wait, answer 91 and reverse after a vain wait (RS1-RS3).

Why it is so. A stage that gives up on a request cannot know whether the issuer approved it. So it does two
things in one step: it queues a reversal toward the issuer, and it tells the side in front 91 (issuer not
available). 91 is an answer after which the terminal has nothing to reverse, because the stage that says it
has taken the reversal upon itself. An answer that comes later is counted and dropped; passing it on could
pay out cash that is being taken back.

The reversal keeps DE7 and DE11 of its original. When acquirer and switch both give up on one request they
therefore send one and the same message, the issuer posts it once, and either stage recognises the answer.
Nothing is reversed where no amount could have moved (balance enquiry, PIN change).

A stage may stand in for the one behind it (`in_place`). Then an approval of its own takes the place of both the 91 and
the reversal, because an advice follows that the issuer books once whatever it had done before; a refusal of its own
takes the place of the 91 alone.

Advices are passed on end to end: their answer comes from the issuer, and until it comes their sender
repeats them. The relay keeps no copy of them, only the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from atm_sim.network.lines import Lines
from atm_sim.sansio.effects import (
    CancelTimer,
    Clocked,
    Connected,
    Disconnected,
    Effect,
    Event,
    PowerRestored,
    Received,
    Send,
    SetTimer,
    TimerFired,
)
from atm_sim.sansio.matching import Counts, Pending
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf
from bank_host.iso8583 import build
from bank_host.iso8583.identity import match_key
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice, is_repeat
from bank_host.rules.reasons import APPROVED

REQUESTS = frozenset({"0200", "0201"})
ADVICES = frozenset({"0220", "0221", "0420", "0421"})

ISSUER_NOT_AVAILABLE, NO_ROUTE = "91", "92"

_TO = " > "


class Passage(NamedTuple):
    """A message on its way through: where it came from and went to, as it came and as it was sent on."""

    origin: str
    to: str
    received: Message
    sent: Message
    at_us: int


class Instead(NamedTuple):
    """What a stage does in the place of the one behind it; its answer is among the effects."""

    approved: bool
    effects: list[Effect]


InPlace = Callable[[Passage, str, int], Instead | None]
"""(passage, why, now) -> what is done instead of 91; None: nothing, 91 it is."""

Approved = Callable[[Passage, int], list[Effect]]
"""(passage, now) -> what follows when the issuer itself has approved."""


class Relay:
    """Passes messages on and their answers back; `saf` carries the reversals of the relay's own, `lines` tells to whom
    business may go."""

    __slots__ = ("_approved", "_in_place", "_pending", "_timer_us", "lines", "saf")

    def __init__(
        self,
        timer_us: int,
        saf: Saf,
        lines: Lines,
        in_place: InPlace = lambda passage, why, now_us: None,
        approved: Approved = lambda passage, now_us: [],
    ) -> None:
        self._timer_us = timer_us
        self._in_place = in_place
        self._approved = approved
        self.saf = saf
        self.lines = lines
        # For each neighbour its own: an answer counts only from the one that was asked.
        self._pending: dict[str, Pending[Passage]] = {}

    def counts(self, neighbour: str) -> Counts:
        """How many messages of `neighbour` were matched, late, duplicate, unmatched, unsolicited."""
        return self._towards(neighbour).counts

    def happened(self, event: Event, now_us: int) -> list[Effect]:
        """What is the same for every node: its lines, its timers, its starting again."""
        match event:
            case Received(sender, message):
                return self.lines.received(sender, message, now_us)
            case TimerFired(key):
                of_lines = self.lines.timer_fired(key, now_us)
                return self.timer_fired(key, now_us) if of_lines is None else of_lines
            case Connected(neighbour):
                return self.lines.connected(neighbour, now_us)
            case Disconnected(neighbour):
                return self.lines.disconnected(neighbour)
            case Clocked("key_exchange"):
                return self.lines.exchange_keys(now_us)
            case Clocked("cut_over"):
                return self.lines.cut_over(now_us)
            case PowerRestored():
                return self.saf.resume(now_us)
            case _:
                return []

    def pass_on(self, passage: Passage, kind: str, now_us: int) -> list[Effect]:
        """Send a request or advice on; `kind` names the row that says so."""
        sent = passage.sent
        if not self.lines.is_open(passage.to):
            if is_advice(sent.mti):
                return [row("unreachable", sent)]  # unanswered, so its sender keeps it and repeats
            # No byte has left for the neighbour, so there is nothing to reverse (RS8).
            return self.refuse(passage, ISSUER_NOT_AVAILABLE, "unreachable")
        pending = self._towards(passage.to)
        effects: list[Effect] = [row(kind, sent), Send(passage.to, sent)]
        if is_advice(sent.mti):
            pending.expect(sent, passage, now_us, self._timer_us, timed=False)
            return effects
        state = pending.state(sent, now_us)
        if state and not is_repeat(sent.mti):
            return [row("duplicate_request", sent)]
        if state == "given_up":
            return [row("duplicate_request", sent), _answer(passage, ISSUER_NOT_AVAILABLE)]
        if state == "waiting":
            return effects  # the repeat helps if the request was lost; the wait is still that of the request
        key = pending.expect(sent, passage, now_us, self._timer_us)
        return [*effects, SetTimer(_timer(key, passage.to), self._timer_us)]

    def knows(self, passage: Passage, now_us: int) -> bool:
        """Whether this request, or the one it repeats, was passed on before."""
        return bool(self._towards(passage.to).state(passage.sent, now_us))

    def refuse(self, passage: Passage, code: str, kind: str) -> list[Effect]:
        """Answer in the issuer's place a message that goes nowhere."""
        return [row(kind, passage.received, code=code), _answer(passage, code)]

    def not_signed_on(self, passage: Passage) -> list[Effect]:
        """Business of somebody who has not signed on does not pass; an advice stays with its sender."""
        if is_advice(passage.received.mti):
            return [row("refused", passage.received, reason="not_signed_on")]
        refused = row("refused", passage.received, code=ISSUER_NOT_AVAILABLE, reason="not_signed_on")
        return [refused, _answer(passage, ISSUER_NOT_AVAILABLE)]

    def came_back(self, sender: str, message: Message, now_us: int) -> list[Effect]:
        """From the issuer's side: an answer to what was passed on, our own reversal, both or neither."""
        pending = self._towards(sender)
        passed_on = pending.state(message, now_us) == "waiting"
        effects: list[Effect] = []
        if not passed_on or self.saf.waits_for(sender, message, now_us):
            own = self.saf.answered(sender, message, now_us)
            if own is not None and not passed_on:
                return own
            effects += own or []
        verdict = pending.answer(message, now_us)
        if verdict.context is not None:
            return effects + self._pass_back(verdict.context, message, now_us)
        kind = "unsolicited" if verdict.kind == "unsolicited" else f"{verdict.kind}_answer"
        return [*effects, row(kind, message, reason=verdict.detail)]

    def timer_fired(self, key: str, now_us: int) -> list[Effect]:
        of_queue = self.saf.timer_fired(key, now_us)
        if of_queue is not None:
            return of_queue
        text, _, to = key.rpartition(_TO)
        waiting = self._towards(to).give_up(text, now_us)
        if waiting is None:
            return []
        why = f"no answer fitted: {waiting.near_miss}" if waiting.near_miss else "no_answer"
        return self._fail(waiting.context, "timed_out", why, "timeout", now_us)

    # ---------------- inside

    def _towards(self, neighbour: str) -> Pending[Passage]:
        return self._pending.setdefault(neighbour, Pending())

    def _pass_back(self, passage: Passage, answer: Message, now_us: int) -> list[Effect]:
        effects: list[Effect] = []
        if not is_advice(passage.sent.mti):
            wrong = _contradiction(passage.sent, answer)
            key = str(match_key(passage.sent))
            effects = [CancelTimer(_timer(key, passage.to))]
            if wrong:
                return effects + self._fail(passage, "invalid_answer", wrong, "invalid_answer", now_us)
            if answer.get(39) == APPROVED:
                effects += self._approved(passage, now_us)
        # What this stage added is not the sender's and would break its match key.
        added = {de: None for de in passage.sent.fields if de not in passage.received}
        back = answer.but(added) if added else answer
        effects.append(row("passed_back", answer, latency_us=now_us - passage.at_us))
        return [*effects, Send(passage.origin, back)]

    def _fail(self, passage: Passage, kind: str, why: str, reason: str, now_us: int) -> list[Effect]:
        """RS1 and RS3: queue the reversal before anything else, then say 91 to the side in front."""
        request = passage.sent
        effects: list[Effect] = [row(kind, request, reason=why, latency_us=now_us - passage.at_us)]
        instead = self._in_place(passage, reason, now_us)
        if instead is not None and instead.approved:
            return effects + instead.effects
        if int(request.get(4) or 0):
            reversal = build.reversal_advice(request, reason, stan=int(request[11]), now_us=now_us)
            effects += self.saf.queue(passage.to, reversal.but({7: request[7]}), now_us, reason)
        last = [_answer(passage, ISSUER_NOT_AVAILABLE)] if instead is None else instead.effects
        return [*effects, *last]


def _answer(passage: Passage, code: str) -> Send:
    return Send(passage.origin, build.answer(passage.received, code))


def _timer(key: str, to: str) -> str:
    return f"{key}{_TO}{to}"


def _contradiction(request: Message, answer: Message) -> str:
    """Why an answer cannot be the one to this request although its key fits; '' if it can."""
    if len(answer.get(39)) != 2:
        return "DE39 absent or not two characters"
    for de in (3, 4, 37, 49):
        if de in answer and answer[de] != request.get(de):
            return f"DE{de} differs from the request"
    return ""
