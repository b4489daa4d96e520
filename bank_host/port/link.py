"""One connection of the bank's port as a sans-IO machine: bytes and time in, effects out (ISO 8583, 0800, MAC).

Whoever is at the other end signs on before it sends business, may exchange a MAC key, and is sent an echo when it has
been quiet. The MAC is verified over the received bytes before the bank hears of a message. Nothing that comes raises
an error: it is answered, dropped or ends the link, and what was wrong is told without any message data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple, Protocol

from bank_host.iso8583 import build, composite, identity, mti, network
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.framing import Frame, FrameError
from bank_host.iso8583.message import Message
from bank_host.jst import MINUTE_US, SECOND_US

FORMAT_ERROR: Final = "30"
NOT_AVAILABLE: Final = "91"

_FIRST_REQUESTS: Final = ("0200", "0800")
_CALLER: Final = "peer"
_NEVER: Final = 1 << 62


class LinkSettings(NamedTuple):
    """The bounds of one link."""

    sign_on: bool = True
    sign_on_within_us: int = SECOND_US
    whole_frame_us: int = SECOND_US // 2  # from a frame's first byte to its last
    echo_after_us: int = 30 * SECOND_US  # of silence; 0: no echoes
    echo_wait_us: int = 10 * SECOND_US
    sign_off_wait_us: int = 2 * SECOND_US  # less than a stop has
    most_missing: int = 2  # so many answers missing in a row close the link
    most_format_errors: int = 5
    most_violations: int = 3  # MAC failures, messages in another's name
    most_waiting: int = 64  # messages that wait for the bank
    window_us: int = 10 * MINUTE_US  # how far DE7 of a first request may be from our clock; 0: anything
    mac_mandatory: bool = False  # of business; a MAC that is there is always verified
    answer_garbage: bool = True


class Speaker(NamedTuple):
    """In whose name a peer may speak, by its certificate; an empty set is no bound."""

    terminals: frozenset[str] = frozenset()  # DE41
    acquirers: frozenset[str] = frozenset()  # DE32

    def may_send(self, message: Message) -> bool:
        if not self.terminals and not self.acquirers:
            return True
        terminal, acquirer = message.get(41).rstrip(), message.get(32)
        business = not mti.is_network(message.mti)
        return _within(self.terminals, terminal, business) and _within(
            self.acquirers, plain_number(acquirer), business
        )


ANYBODY: Final = Speaker()


def _within(names: frozenset[str], name: str, needed: bool) -> bool:
    return not names or name in names or not (name or needed)


def plain_number(acquirer: str) -> str:
    """DE32 without the zeros that some write in front."""
    return acquirer.lstrip("0")


class LinkSecurity(network.Keys, Protocol):
    """The keys of one link (`bank_host.port.security`): their exchange, the MAC under the key in force, PIN blocks."""

    @property
    def in_force(self) -> bool: ...

    def mac_of(self, data: bytes) -> str: ...

    def verify(self, data: bytes, mac: str) -> bool: ...

    def at_home(self, message: Message) -> Message:
        """The message with its PIN block under the bank's own key."""
        ...


# ---------------- effects

Event = Literal[
    "signed_on",
    "signed_off",
    "key_exchanged",
    "key_refused",
    "cut_over",
    "echo_sent",
    "answer_missing",
    "sign_on_refused",
    "unmatched_answer",
    "frame_error",
    "format_error",
    "mac_failure",
    "mac_missing",
    "other_speaker",
    "outside_window",
    "not_signed_on",
    "queue_full",
    "stopping",
    "not_answered",
    "not_encodable",
]

End = Literal[
    "no_sign_on",
    "sign_on_refused",
    "slow_frame",
    "frame_error",
    "format_errors",
    "violations",
    "no_answer",
    "script",
    "peer_closed",
    "peer_does_not_read",
    "lost",
    "stopping",
    "stopped_at_once",
    "too_many_connections",
    "too_many_of_peer",
    "tls_failed",
    "certificate_names_nobody",
]
"""Why a connection ends."""

QUIET: Final[frozenset[Event]] = frozenset(
    {"signed_on", "signed_off", "key_exchanged", "cut_over", "echo_sent"}
)
"""What is no trouble."""

AUDITED: Final[frozenset[Event]] = frozenset(
    {"mac_failure", "mac_missing", "other_speaker", "key_exchanged", "key_refused"}
)
"""What gets an audit row: whatever is about keys or names."""


class Send(NamedTuple):
    """Bytes for the peer. Of an answer also its type, code and how long its request waited, for the figures."""

    data: bytes
    mti: str = ""
    code: str = ""
    waited_us: int = 0


class Ask(NamedTuple):
    """Hand this message to the bank; its answer comes back by `answered(ticket, ...)`."""

    ticket: int
    message: Message


class Told(NamedTuple):
    """Something to count and to log."""

    event: Event
    detail: str = ""


class Close(NamedTuple):
    """Close the connection when what was sent is out."""

    reason: End


Effect = Send | Ask | Told | Close


class _Waiting(NamedTuple):
    """A message the bank has been asked about."""

    message: Message
    frame: Frame  # its transport header, for the way back
    macs: bool
    since_us: int


class _Own(NamedTuple):
    """A 0800 of ours whose answer is due."""

    message: Message
    until_us: int


class Link:
    """One connection. `calls`: we have called the peer, so we sign on with it. `wall_clock` is what DE7 is held
    against, because the link's own time never jumps; without it that is `now_us`."""

    def __init__(
        self,
        dialect: Dialect,
        settings: LinkSettings,
        now_us: int,
        *,
        speaker: Speaker = ANYBODY,
        security: LinkSecurity | None = None,
        calls: bool = False,
        wall_clock: Callable[[], int] | None = None,
    ) -> None:
        self._dialect = dialect
        self._settings = settings
        self._speaker = speaker
        self._security = security
        self._calls = calls
        self._wall_clock = wall_clock
        self._reader = dialect.framing.reader()
        self._called = network.CalledSide()
        self._accepted = False  # our own sign-on was
        self._waiting: dict[int, _Waiting] = {}
        self._tickets = 0
        self._stan = 0
        self._own: _Own | None = None
        self._missing = 0
        self._format_errors = 0
        self._violations = 0
        self._stopping: End | None = None  # why, once it is
        self._frame_since_us: int | None = None
        self._heard_us = now_us
        self._sign_on_by_us = now_us + settings.sign_on_within_us
        self.closed: End | None = None  # why, once it is

    # ---------------- what the driver asks

    @property
    def is_open(self) -> bool:
        """Whether business may pass."""
        return not self._settings.sign_on or self._accepted or bool(self._called.signed_on)

    @property
    def waiting(self) -> int:
        """How many messages the bank still has."""
        return len(self._waiting)

    @property
    def due_us(self) -> int:
        """When `tick` has something to do."""
        return min(self._frame_due_us, self._sign_on_due_us, self._own_due_us, self._echo_due_us)

    @property
    def _frame_due_us(self) -> int:
        since_us = self._frame_since_us
        return _NEVER if since_us is None else since_us + self._settings.whole_frame_us

    @property
    def _sign_on_due_us(self) -> int:
        return _NEVER if self._calls or self.is_open else self._sign_on_by_us

    @property
    def _own_due_us(self) -> int:
        return _NEVER if self._own is None else self._own.until_us

    @property
    def _echo_due_us(self) -> int:
        every_us = self._settings.echo_after_us
        quiet = every_us and self._own is None and self.is_open
        return self._heard_us + every_us if quiet else _NEVER

    # ---------------- what happens

    def opened(self, now_us: int) -> list[Effect]:
        """The connection is there; whoever called signs on."""
        return self._ask_peer(network.SIGN_ON, now_us) if self._calls and self._settings.sign_on else []

    def received(self, data: bytes, now_us: int) -> list[Effect]:
        """Bytes of the peer, split or joined in any way."""
        if self.closed:
            return []
        fault: FrameError | None = None
        try:
            frames = self._reader.feed(data)
        except FrameError as error:
            frames, fault = list(error.before), error
        effects: list[Effect] = []
        for frame in frames:
            effects += self._frame(frame, now_us)
        if fault is not None:
            return [*effects, Told("frame_error", fault.reason), *self.close("frame_error")]
        if not self._reader.pending_bytes:
            self._frame_since_us = None
        elif frames or self._frame_since_us is None:
            self._frame_since_us = now_us
        return effects

    def answered(self, ticket: int, answer: Message | None, now_us: int, copies: int = 1) -> list[Effect]:
        """The bank's answer to a message, after its commit; None where it gives none."""
        waiting = self._waiting.pop(ticket, None)
        if waiting is None or self.closed:
            return []
        effects: list[Effect] = []
        if answer is None:
            effects.append(Told("not_answered", waiting.message.mti))
        else:
            effects += copies * self._answer(answer, waiting, now_us)
        return effects + self._stopped(now_us)

    def refused(self, ticket: int, now_us: int) -> list[Effect]:
        """The bank's queue is full."""
        waiting = self._waiting.pop(ticket)
        return self._not_now("queue_full", waiting, now_us) + self._stopped(now_us)

    def stop(self, now_us: int, reason: End = "stopping") -> list[Effect]:
        """Take no more business; close when what was accepted is answered, and whom we called is told."""
        self._stopping = reason
        return self._stopped(now_us)

    def close(self, reason: End) -> list[Effect]:
        """End the link now."""
        return [] if self.closed else self._close(reason)

    def tick(self, now_us: int) -> list[Effect]:
        """Time has passed: what is overdue ends the link or is asked again."""
        if self.closed or now_us < self.due_us:
            return []
        if now_us >= self._frame_due_us:
            return self._close("slow_frame")
        if now_us >= self._sign_on_due_us:
            return self._close("no_sign_on")
        if self._own is not None and now_us >= self._own.until_us:
            return self._answer_missing(self._own.message, now_us)
        return [Told("echo_sent"), *self._ask_peer(network.ECHO, now_us)]

    # ---------------- a message of the peer

    def _frame(self, frame: Frame, now_us: int) -> list[Effect]:
        if self.closed:
            return []
        self._heard_us = now_us
        if not frame.payload:
            return [Send(self._dialect.framing.wrap(b"", reply_to=frame))]
        try:
            message = self._dialect.decode(frame.payload)
        except FormatError as error:
            return self._malformed(frame, error, now_us)
        genuine = self._genuine(frame.payload)
        here = _Waiting(message, frame, self._macs(genuine), now_us)
        if genuine is False:
            return self._violation("mac_failure", here, now_us)
        if mti.is_response(message.mti):
            return self._own_answered(message)
        if not self._speaker.may_send(message):
            return self._violation("other_speaker", here, now_us)
        if self._settings.window_us and message.mti in _FIRST_REQUESTS:
            outside = self._outside_window(message.get(7), now_us)
            if outside:
                refused = self._answer(build.answer(message, FORMAT_ERROR), here, now_us)
                return [Told("outside_window", f"{message.mti} {outside}"), *refused]
        if mti.is_network(message.mti):
            return self._managed(here, now_us)
        if genuine is None and self._settings.mac_mandatory:
            return self._violation("mac_missing", here, now_us)
        return self._business(here, now_us)

    def _genuine(self, payload: bytes) -> bool | None:
        """Whether the MAC is right, over the bytes as they came; None where the message brings none."""
        covered = self._dialect.mac_input(payload)
        if covered is None:
            return None
        security = self._security
        return security is not None and security.in_force and security.verify(*covered)

    def _outside_window(self, transmitted: str, now_us: int) -> str:
        """How far DE7 is from our clock, if that is too far. Repeats and advices keep an old one, and are not asked."""
        if not transmitted:  # the dialect's network does not have the element
            return ""
        clock_us = now_us if self._wall_clock is None else self._wall_clock()
        ahead_s = composite.seconds_ahead(transmitted, clock_us // SECOND_US)
        if ahead_s is None:
            return "DE7 is no date and time"
        if abs(ahead_s) * SECOND_US <= self._settings.window_us:
            return ""
        return f"DE7 is {abs(ahead_s)} s {'ahead of' if ahead_s > 0 else 'behind'} our clock (UTC)"

    def _business(self, here: _Waiting, now_us: int) -> list[Effect]:
        if not self.is_open:
            return self._not_now("not_signed_on", here, now_us)
        if self._stopping:
            return self._not_now("stopping", here, now_us)
        if len(self._waiting) >= self._settings.most_waiting:
            return self._not_now("queue_full", here, now_us)
        self._tickets += 1
        self._waiting[self._tickets] = here
        security = self._security
        return [Ask(self._tickets, here.message if security is None else security.at_home(here.message))]

    def _managed(self, here: _Waiting, now_us: int) -> list[Effect]:
        """A 0800: sign-on, sign-off, keys, cut-over, echo."""
        answer = self._called.received(_CALLER, here.message, self._security)
        told = self._told_of(here.message.get(70), answer.get(39) == network.APPROVED)
        if told == "signed_off":
            self._accepted = False
            self._sign_on_by_us = now_us + self._settings.sign_on_within_us
        effects: list[Effect] = [Told(told, here.message.get(70))] if told else []
        return effects + self._answer(answer, here, now_us)

    def _told_of(self, code: str, approved: bool) -> Event | None:
        match code:
            case network.SIGN_ON:
                return "signed_on"
            case network.SIGN_OFF:
                return "signed_off"
            case network.CUT_OVER_BEGINS | network.CUT_OVER_ENDS:
                return "cut_over"
            case network.KEY_EXCHANGE | network.KEY_EXCHANGE_ELSEWHERE | network.KEY_VERIFICATION:
                return "key_exchanged" if approved else "key_refused"
        return None

    # ---------------- what is not taken

    def _malformed(self, frame: Frame, error: FormatError, now_us: int) -> list[Effect]:
        """Not a message of the dialect: answered 30 where enough can be read, and counted."""
        self._format_errors += 1
        where = "" if error.de is None else f" DE{error.de}"
        effects: list[Effect] = [Told("format_error", error.reason + where)]
        if self._settings.answer_garbage:
            message = self._dialect.salvage(frame.payload)
            if message is not None and not mti.is_response(message.mti):
                here = _Waiting(message, frame, self._macs(None), now_us)
                effects += self._answer(build.answer(message, FORMAT_ERROR), here, now_us)
        if self._format_errors >= self._settings.most_format_errors:
            effects += self._close("format_errors")
        return effects

    def _violation(self, event: Event, here: _Waiting, now_us: int) -> list[Effect]:
        """63, and no word of it to the bank; a peer that goes on is cut off."""
        self._violations += 1
        effects: list[Effect] = [Told(event, f"{here.message.mti} {here.message.get(41)}".rstrip())]
        if not mti.is_response(here.message.mti):
            effects += self._answer(build.answer(here.message, network.SECURITY_VIOLATION), here, now_us)
        if self._violations >= self._settings.most_violations:
            effects += self._close("violations")
        return effects

    def _not_now(self, event: Event, here: _Waiting, now_us: int) -> list[Effect]:
        """91; an advice may not be declined, so it gets no answer and comes again."""
        effects: list[Effect] = [Told(event, here.message.mti)]
        if not mti.is_advice(here.message.mti):
            effects += self._answer(build.answer(here.message, NOT_AVAILABLE), here, now_us)
        return effects

    # ---------------- our own 0800

    def _ask_peer(self, code: str, now_us: int) -> list[Effect]:
        self._stan += 1
        message = build.network_request(code, stan=self._stan, now_us=now_us)
        settings = self._settings
        wait_us = settings.sign_off_wait_us if code == network.SIGN_OFF else settings.echo_wait_us
        self._own = _Own(message, now_us + wait_us)
        return [Send(self._wrapped(message, None, self._macs(None)))]

    def _answer_missing(self, asked: Message, now_us: int) -> list[Effect]:
        self._missing += 1
        told = Told("answer_missing", asked[70])
        if asked[70] == network.SIGN_OFF:
            return [told, *self._close("stopping")]
        if self._missing >= self._settings.most_missing:
            return [told, *self._close("no_answer")]
        return [told, *self._ask_peer(asked[70], now_us)]

    def _own_answered(self, answer: Message) -> list[Effect]:
        """An answer: to the 0800 of ours that waits, or to nothing we know of."""
        wanted = self._dialect.match_key(answer)
        waiting = [] if self._own is None else [self._dialect.match_key(self._own.message)]
        if self._own is None or wanted not in waiting:
            return [Told("unmatched_answer", identity.explain_mismatch(wanted, waiting))]
        code, self._own, self._missing = self._own.message[70], None, 0
        if code == network.SIGN_OFF:
            return [Told("signed_off", code), *self._close("stopping")]
        if code != network.SIGN_ON:
            return []
        if answer.get(39) != network.APPROVED:
            return [Told("sign_on_refused", answer.get(39)), *self._close("sign_on_refused")]
        self._accepted = True
        return [Told("signed_on", code)]

    # ---------------- the way out

    def _macs(self, genuine: bool | None) -> bool:
        """Whether an answer carries a MAC: as its request did, or because this link has to."""
        return genuine is not None or self._settings.mac_mandatory

    def _answer(self, answer: Message, here: _Waiting, now_us: int) -> list[Effect]:
        try:
            data = self._wrapped(answer, here.frame, here.macs)
        except FormatError as error:
            return [Told("not_encodable", f"{answer.mti} {error.reason}")]
        return [Send(data, answer.mti, answer.get(39), now_us - here.since_us)]

    def _wrapped(self, message: Message, reply_to: Frame | None, macs: bool) -> bytes:
        security = self._security
        mac = security.mac_of if macs and security is not None and security.in_force else None
        return self._dialect.framing.wrap(self._dialect.encode(message, mac=mac), reply_to=reply_to)

    def _stopped(self, now_us: int) -> list[Effect]:
        """What is to be done once nothing waits: sign off where we have signed on, wait for the answer, close."""
        reason = self._stopping
        if reason is None or self._waiting or self.closed:
            return []
        if reason == "stopping" and self._accepted:
            self._accepted = False
            return self._ask_peer(network.SIGN_OFF, now_us)
        if reason == "stopping" and self._own is not None and self._own.message[70] == network.SIGN_OFF:
            return []
        return self._close(reason)

    def _close(self, reason: End) -> list[Effect]:
        self.closed = reason
        self._waiting.clear()
        return [Close(reason)]
