"""The interbank switch: routes by BIN to the issuers, and answers where none of them does (X8, RS1-RS3).

A card without a route is answered 92, an issuer known to be out of reach or silent 91; the latter is
reversed, since it may have approved. Routes are independent: each issuer has its own queue and its own
pending requests, so one bank that fails does not touch the others.

For an issuer that wants it the switch stands in (`atm_sim.network.stand_in`): in a planned window, while the issuer is
out of reach, after a vain wait or an answer that cannot be used. It answers the 0210 itself and queues a 0220 that
quotes the original, never both that and a reversal. Advices for an issuer that is away by plan wait: the switch's own
on hold, those of others unanswered, so that their sender repeats them. A completion or a part reversal follows the
0220 of the approval that it is about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atm_sim.network.ladder import Ladder
from atm_sim.network.lines import Lines, LineSettings
from atm_sim.network.relay import ADVICES, NO_ROUTE, REQUESTS, Instead, Passage, Relay
from atm_sim.network.stand_in import Crypto, StandIn, StandInSettings
from atm_sim.sansio.effects import (
    Clocked,
    Effect,
    Event,
    ListsCame,
    Received,
    Send,
    SetTimer,
    TimerFired,
)
from atm_sim.sansio.matching import Counts
from atm_sim.sansio.rows import row
from atm_sim.sansio.saf import Saf, SafSettings
from bank_host.iso8583 import build
from bank_host.iso8583.composite import parse_replacement
from bank_host.iso8583.identity import quoted_original_key
from bank_host.iso8583.message import Message
from bank_host.iso8583.mti import is_advice, is_network, is_reversal
from bank_host.iso8583.network import Keys
from bank_host.rules.reasons import APPROVED

SIGN_OFF, SIGN_ON = "sign_off", "sign_on"
"""Hours that a switch may be clocked for, each with the issuer that they are about."""

_WINDOW = "stand_in/window/"


@dataclass(frozen=True, slots=True)
class SwitchConfig:
    """Who may send, and which card prefix belongs to which issuer node; the longest prefix wins."""

    acquirers: frozenset[str]
    routes: Mapping[str, str]
    name: str = "switch"
    timer_us: int = Ladder().switch_us
    saf: SafSettings = field(default_factory=SafSettings)
    lines: LineSettings = field(default_factory=LineSettings)
    stand_in: Mapping[str, StandInSettings] = field(default_factory=dict)  # by issuer node
    crypto: Crypto | None = None  # needed to stand in


class Switch:
    """A sans-IO machine: see `atm_sim.sansio.effects`."""

    __slots__ = ("_held", "_issuers", "_prefix_lengths", "_relay", "_stand_in", "_windows", "config")

    def __init__(
        self,
        config: SwitchConfig,
        disk: Mapping[str, Any] | None = None,
        keys: Callable[[str], Keys] | None = None,
    ) -> None:
        """`disk` is what an earlier run of this node kept on its disk, `keys` makes the key module of a line."""
        self.config = config
        self._issuers = frozenset(config.routes.values())
        lines = Lines(sorted(self._issuers), config.lines, keys)
        self._stand_in = StandIn(config.stand_in, config.crypto, disk)
        self._relay = Relay(config.timer_us, Saf(config.saf, disk), lines, self._instead, self._approved)
        self._held: set[str] = set()  # the issuers whose advices are on hold
        self._windows: set[str] = set()  # those whose planned window has a timer for its end
        self._prefix_lengths = sorted({len(prefix) for prefix in config.routes}, reverse=True)

    @property
    def saf(self) -> Saf:
        """The queues of this switch's own reversals, one for each issuer."""
        return self._relay.saf

    def counts(self, issuer: str) -> Counts:
        """What came from `issuer`, by verdict."""
        return self._relay.counts(issuer)

    def route(self, pan: str) -> str:
        """The issuer node for a card number; '' if no prefix fits."""
        for length in self._prefix_lengths:
            issuer = self.config.routes.get(pan[:length])
            if issuer is not None:
                return issuer
        return ""

    def handle(self, event: Event, now_us: int) -> list[Effect]:
        if not self._stand_in.issuers:
            return self._handled(event, now_us)
        if isinstance(event, TimerFired) and event.key.startswith(_WINDOW):
            self._windows.discard(event.key.removeprefix(_WINDOW))
            return self._mind_the_absent(now_us)
        first = self._mind_the_absent(now_us)
        return [*first, *self._handled(event, now_us)]

    def _handled(self, event: Event, now_us: int) -> list[Effect]:
        match event:
            case Clocked(what) if what.startswith((SIGN_OFF, SIGN_ON)):
                return self._planned(what, now_us)
            case ListsCame(issuer, lists):
                return self._stand_in.lists_came(issuer, lists, now_us)
            case Received(_, message) if is_network(message.mti):
                return self._relay.happened(event, now_us)
            case Received(sender, message) if sender in self._issuers:
                return self._relay.came_back(sender, message, now_us)
            case Received(sender, message) if sender in self.config.acquirers:
                return self._from_acquirer(sender, message, now_us)
            case Received(_, message):
                return [row("refused", message, reason="unknown_sender")]
            case _:
                return self._relay.happened(event, now_us)

    def _planned(self, what: str, now_us: int) -> list[Effect]:
        """The hours at which an issuer is signed off and on again, as agreed with it."""
        todo, _, issuer = what.partition(" ")
        lines = self._relay.lines
        of_line = lines.sign_off(issuer, now_us) if todo == SIGN_OFF else lines.sign_on(issuer, now_us)
        return [*of_line, *self._mind_the_absent(now_us)]

    def _from_acquirer(self, acquirer: str, message: Message, now_us: int) -> list[Effect]:
        if message.mti not in REQUESTS and message.mti not in ADVICES:
            return [row("refused", message, reason="message_type")]
        passage = Passage(acquirer, self.route(message.get(2)), message, message, now_us)
        if not self._relay.lines.has_signed_on(acquirer):
            return self._relay.not_signed_on(passage)
        if not passage.to:
            return self._relay.refuse(passage, NO_ROUTE, "no_route")
        why = self._away(passage.to, now_us)
        if is_advice(message.mti):
            if why == "planned":
                return [row("unreachable", message)]  # unanswered, so its sender keeps it and repeats
            if self._follows_what_waits(passage.to, message):
                return [row("held", message, reason="advice_first")]
            return self._relay.pass_on(passage, "routed", now_us)
        known = self._stand_in.answered(message)
        if known is not None:
            extra = {38: known.approval_code} if known.approval_code else {}
            return [row("duplicate_request", message), _answer(passage, known.code, extra)]
        if why and not self._relay.knows(passage, now_us):
            instead = self._instead(passage, why, now_us)
            if instead is not None:
                return (
                    instead.effects
                )  # no byte has left for the issuer, so there is nothing to reverse (RS8)
        return self._relay.pass_on(passage, "routed", now_us)

    # ---------------- while an issuer is away

    def _away(self, issuer: str, now_us: int) -> str:
        """Why an issuer is not asked now; '' if it is there."""
        settings = self._stand_in.issuers.get(issuer)
        if settings is not None and settings.is_planned(now_us):
            return "planned"
        return "" if self._relay.lines.is_open(issuer) else "sign_off"

    def _mind_the_absent(self, now_us: int) -> list[Effect]:
        """Hold the advices for an issuer that is away by plan, and release those for one that is back."""
        effects: list[Effect] = []
        for issuer in sorted(self._issuers):
            planned = self._away(issuer, now_us) == "planned"
            if planned and issuer not in self._windows:
                self._windows.add(issuer)
                left_us = self._stand_in.issuers[issuer].window_left_us(now_us)
                effects.append(SetTimer(_WINDOW + issuer, left_us))
            away = planned or self._relay.lines.is_signed_off(issuer)
            if away and issuer not in self._held:
                self._held.add(issuer)
                self.saf.hold(issuer)
            elif issuer in self._held and not away:
                self._held.remove(issuer)
                effects += self.saf.release(issuer, now_us)
        return effects

    def _instead(self, passage: Passage, why: str, now_us: int) -> Instead | None:
        """Answer in the issuer's place; an approval is advised, quoting the original, and never reversed from here."""
        request, issuer = passage.sent, passage.to
        why = self._away(issuer, now_us) or why
        decided = self._stand_in.decide(issuer, request, why, now_us)
        if decided is None:
            return None
        verdict, effects = decided
        if verdict.code != APPROVED:
            refused = row("stand_in_declined", request, code=verdict.code, reason=verdict.reason.lower())
            return Instead(False, [refused, *effects, _answer(passage, verdict.code)])
        reason = f"stand_in_{why}"
        advice = build.stand_in_advice(request, reason, approval_code=verdict.approval_code, now_us=now_us)
        stood_in = row("stood_in", request, code=APPROVED, reason=reason, latency_us=verdict.list_age_us)
        queued = self.saf.queue(issuer, advice, now_us, reason)
        answer = _answer(passage, APPROVED, {38: verdict.approval_code})
        return Instead(True, [stood_in, *effects, *queued, answer])

    def _approved(self, passage: Passage, now_us: int) -> list[Effect]:
        return self._stand_in.approved_by_issuer(passage.to, passage.sent)

    def _follows_what_waits(self, issuer: str, advice: Message) -> bool:
        """Whether this says what stands of an approval that the issuer has not been told of yet. A full reversal does
        not: it passes, so that what is about to be taken back takes nobody over a limit."""
        if is_reversal(advice.mti) and not (95 in advice and parse_replacement(advice[95]).amount_jpy):
            return False
        quoted = quoted_original_key(advice)
        waiting = (entry.message for entry in self.saf.waiting if entry.destination == issuer)
        return any(each.mti == "0220" and quoted_original_key(each) == quoted for each in waiting)


def _answer(passage: Passage, code: str, extra: Mapping[int, str] | None = None) -> Send:
    return Send(passage.origin, build.answer(passage.received, code, extra))
