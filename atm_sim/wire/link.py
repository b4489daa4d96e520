"""One connection to a host as a sans-IO machine: bytes and time in, effects out (ISO 8583, 0800, MAC).

The side that asks: it signs on, exchanges keys if it is to, keeps the line alive by echoes, and joins each answer to
its request by the dialect's match key. What fits no request is told apart and counted apart (`sansio.matching`); an
answer whose MAC is wrong is none. It may as well be the side that was called: who signs on is then a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final, Generic, Literal, NamedTuple, TypeAlias, TypeVar

from atm_sim.sansio.matching import Counts, Pending
from atm_sim.wire.keys import WireKeys
from bank_host.iso8583 import build, mti, network
from bank_host.iso8583.dialect import Dialect
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.framing import Frame, FrameError
from bank_host.iso8583.identity import MatchKey
from bank_host.iso8583.message import Message
from bank_host.iso8583.shapes import Template
from bank_host.jst import SECOND_US
from bank_host.named import of_parts

Context = TypeVar("Context")

_PEER: Final = "peer"


class LinkSettings(NamedTuple):
    """How one link is kept."""

    sign_on: bool = True
    exchange: tuple[str, ...] = ()  # kinds of key asked for after the sign-on: `keys.kinds`
    macs: bool = False  # of all that we send; answers then need one too
    acquirer_id: str = ""  # DE32 of our 0800s
    answer_within_us: int = 10 * SECOND_US  # of business, which is given up then
    keep_us: int = 60 * SECOND_US  # so long an answer is still known as late or duplicate
    managing_within_us: int = 5 * SECOND_US  # of our 0800s
    echo_after_us: int = 30 * SECOND_US  # of silence; 0: no echoes
    most_missing: int = 2  # so many 0810s missing in a row end the link


class Written(NamedTuple):
    """A request as it goes out, up to its MAC where there is one; and the key by which its answer is known."""

    data: bytes
    key: MatchKey


class Odd(NamedTuple):
    """A message that is no answer to anything that waits."""

    kind: Literal[
        "late", "duplicate", "unmatched", "unsolicited", "mac_failure", "mac_missing", "format_error"
    ]
    detail: str = ""  # of an unmatched one: the key looked for, the nearest waiting key, what differs


@dataclass(slots=True)
class LinkCounts:
    """What came over the link and was no answer; each its own counter, never added up."""

    answers: Counts = field(default_factory=Counts)
    mac_failure: int = 0
    mac_missing: int = 0
    format_error: int = 0
    echoes: int = 0  # asked and answered, either way
    key_exchanges: int = 0

    def as_dict(self) -> dict[str, int]:
        rest = asdict(self)
        return {**rest.pop("answers"), **rest}

    def clear(self) -> None:
        """Begin to count anew: the owner has taken the figures over."""
        for counts in (self.answers, self):
            for name in asdict(counts):
                if name != "answers":
                    setattr(counts, name, 0)


# ---------------- effects


class Write(NamedTuple):
    """Bytes for the peer."""

    data: bytes


class Opened(NamedTuple):
    """Business may pass from now on."""


class Answered(NamedTuple, Generic[Context]):
    """The answer to a request."""

    context: Context
    answer: Message


_answered: Callable[[tuple[Context, Message]], Answered[Context]] = of_parts(Answered)


class NotAnswered(NamedTuple, Generic[Context]):
    """A request whose time is up, or whose link has ended."""

    context: Context
    near_miss: str  # the answer that came nearest to it and did not fit
    lost: bool = False  # with the link


End = Literal["sign_on_refused", "key_refused", "no_answer", "frame_error", "lost", "stopped"]


class Close(NamedTuple):
    """End the connection."""

    reason: End
    detail: str = ""


Effect: TypeAlias = Write | Opened | Answered[Context] | NotAnswered[Context] | Odd | Close


class WireLink(Generic[Context]):
    """One connection. Its owner gets back the context that it handed in with a request."""

    def __init__(self, dialect: Dialect, settings: LinkSettings, keys: WireKeys | None, now_us: int) -> None:
        self._dialect = dialect
        self._settings = settings
        self._keys = keys
        self._mac = keys.mac_of if settings.macs and keys is not None else None
        self._reader = dialect.framing.reader()
        self._business: Pending[Context] = Pending(settings.keep_us, dialect.match_key)
        self._own: Pending[str] = Pending(settings.keep_us, dialect.match_key)  # our 0800s, by what they ask
        self._called = network.CalledSide()
        self._to_exchange = list(settings.exchange)
        self._stan = 0
        self._missing = 0
        self._heard_us = now_us
        self.counts = LinkCounts(answers=self._business.counts)
        self.is_open = False
        self.closed: End | None = None

    @property
    def waiting(self) -> int:
        """How many requests have no answer yet."""
        return len(self._business)

    @property
    def keys(self) -> WireKeys | None:
        return self._keys

    # ---------------- what the owner does

    def opened(self, now_us: int) -> list[Effect[Context]]:
        """The connection is there."""
        if self._settings.sign_on:
            return [self._ask(network.SIGN_ON, now_us)]
        return self._next_step(now_us)

    def send(self, message: Message | Written, context: Context, now_us: int) -> bytes:
        """The bytes of a request or advice, whose answer is waited for; FormatError for what is no message."""
        data, key = message if isinstance(message, Written) else self._written(message)
        if self._mac is not None:
            data = self._dialect.seal(data, self._mac)
        framed = self._dialect.framing.wrap(data)
        self._business.expect_key(key, context, now_us, self._settings.answer_within_us)
        return framed

    def template(self, message: Message, varying: tuple[int, ...]) -> Template | None:
        """For the `data` of requests like this one; None where each has to go through the codec."""
        return self._dialect.template(message, varying, macs=self._mac is not None)

    def rehearse(self, message: Message) -> None:
        """Write a message of ours or of the peer's and forget it: the codec of its shape is there from now on. What is
        no message in this dialect has none."""
        with suppress(FormatError):
            self._written(message)

    def match_key(self, message: Message) -> MatchKey:
        """What joins a request and its answer on this link."""
        return self._dialect.match_key(message)

    def stop(self, now_us: int) -> list[Effect[Context]]:
        """Sign off and end the link."""
        if self.closed:
            return []
        farewell: list[Effect[Context]] = []
        if self.is_open and self._settings.sign_on:
            farewell = [self._ask(network.SIGN_OFF, now_us)]
        return [*farewell, *self.close("stopped", now_us)]

    def close(self, reason: End, now_us: int, detail: str = "") -> list[Effect[Context]]:
        """The link has ended or ends now: whatever waits will get no answer."""
        if self.closed:
            return []
        self.closed, self.is_open = reason, False
        never = 1 << 62
        lost = [
            NotAnswered(each.context, each.near_miss, lost=True) for each in self._business.overdue(never)
        ]
        return [*lost, Close(reason, detail)]

    # ---------------- what happens

    def received(self, data: bytes, now_us: int) -> list[Effect[Context]]:
        """Bytes of the peer, split or joined in any way."""
        if self.closed:
            return []
        self._heard_us = now_us
        fault = ""
        try:
            frames = self._reader.feed(data)
        except FrameError as error:
            frames, fault = list(error.before), str(error)
        effects: list[Effect[Context]] = []
        for frame in frames:
            self._frame(frame, now_us, effects)
        if fault:
            effects += self.close("frame_error", now_us, fault)
        return effects

    def tick(self, now_us: int) -> list[Effect[Context]]:
        """Time has passed: give up what is overdue, ask for a sign of life. To be called every now and then."""
        if self.closed:
            return []
        effects: list[Effect[Context]] = [
            NotAnswered(each.context, each.near_miss) for each in self._business.overdue(now_us)
        ]
        for missing in self._own.overdue(now_us):
            self._missing += 1
            if self._missing >= self._settings.most_missing:
                return effects + self.close("no_answer", now_us, f"0800/{missing.context} was not answered")
            effects.append(self._ask(missing.context, now_us))
        quiet_us = self._settings.echo_after_us
        if quiet_us and self.is_open and not self._own and now_us >= self._heard_us + quiet_us:
            effects.append(self._ask(network.ECHO, now_us))
        return effects

    # ---------------- a message of the peer

    def _frame(self, frame: Frame, now_us: int, effects: list[Effect[Context]]) -> None:
        if not frame.payload:  # a keep-alive
            effects.append(Write(self._dialect.framing.wrap(b"", reply_to=frame)))
            return
        try:
            message = self._dialect.decode(frame.payload)
        except FormatError as error:
            self.counts.format_error += 1
            effects.append(Odd("format_error", f"{error}"))
            return
        if (fault := self._mac_fault(frame.payload, message)) is not None:
            effects.append(fault)
        elif not mti.is_response(message.mti):
            self._asked(frame, message, now_us, effects)
        elif mti.is_network(message.mti):
            self._own_answered(message, now_us, effects)
        else:
            waiting = self._business.take(message, now_us)
            if waiting is not None:
                effects.append(_answered((waiting.context, message)))
            else:
                kind, _, detail = self._business.misfit(message, now_us)
                effects.append(Odd("unmatched" if kind == "matched" else kind, detail))

    def _mac_fault(self, payload: bytes, message: Message) -> Odd | None:
        """A MAC that is there has to be right; one that is missing is a fault where we send them."""
        covered = self._dialect.mac_input(payload)
        if covered is None:
            if not self._settings.macs or mti.is_network(message.mti):
                return None
            self.counts.mac_missing += 1
            return Odd("mac_missing", f"{message.mti} without a MAC")
        keys = self._keys
        if keys is not None and (
            keys.verify(*covered) or (mti.is_network(message.mti) and keys.verify_offered(*covered))
        ):
            return None
        self.counts.mac_failure += 1
        return Odd("mac_failure", f"{message.mti} whose MAC is wrong")

    def _asked(self, frame: Frame, message: Message, now_us: int, effects: list[Effect[Context]]) -> None:
        """The peer asks: a 0800 is answered, its keys are taken over; business has no place here."""
        if not mti.is_network(message.mti):
            self._business.answer(message, now_us)  # counted there
            effects.append(Odd("unsolicited", message.mti))
            return
        answer = self._called.received(_PEER, message, self._keys)
        self._count_managing(message.get(70))
        effects.append(Write(self._dialect.framing.wrap(self._dialect.encode(answer), reply_to=frame)))

    def _own_answered(self, answer: Message, now_us: int, effects: list[Effect[Context]]) -> None:
        verdict = self._own.answer(answer, now_us)
        if verdict.context is None:
            effects.append(Odd(verdict.kind if verdict.kind != "matched" else "unmatched", verdict.detail))
            return
        self._missing = 0
        code, accepted = verdict.context, answer.get(39) == network.APPROVED
        self._count_managing(code)
        if code == network.SIGN_ON:
            effects += (
                self._next_step(now_us) if accepted else self._refused("sign_on_refused", answer, now_us)
            )
        elif code == network.KEY_EXCHANGE:
            if accepted and self._keys is not None:
                self._keys.taken_over()
                effects += self._next_step(now_us)
            else:
                effects += self._refused("key_refused", answer, now_us)

    def _refused(self, reason: End, answer: Message, now_us: int) -> list[Effect[Context]]:
        return self.close(reason, now_us, f"DE39 {answer.get(39)}")

    def _count_managing(self, code: str) -> None:
        self.counts.echoes += code == network.ECHO
        self.counts.key_exchanges += code == network.KEY_EXCHANGE

    # ---------------- our own 0800s, and the way out

    def _next_step(self, now_us: int) -> list[Effect[Context]]:
        """After the sign-on the keys, one after the other; then business."""
        if self._to_exchange and self._keys is not None:
            block = self._keys.make(self._to_exchange.pop(0))
            return [self._ask(network.KEY_EXCHANGE, now_us, block)]
        self.is_open = True
        return [Opened()]

    def _ask(self, code: str, now_us: int, key_block: str = "") -> Write:
        self._stan += 1
        message = build.network_request(
            code,
            stan=self._stan,
            now_us=now_us,
            acquirer_id=self._settings.acquirer_id,
            key_block=key_block,
        )
        self._own.expect(message, code, now_us, self._settings.managing_within_us)
        return Write(self._dialect.framing.wrap(self._dialect.encode(message)))

    def _written(self, message: Message) -> Written:
        dialect = self._dialect
        data = dialect.encode(message) if self._mac is None else dialect.unsealed(message)
        return Written(data, dialect.match_key(message))
