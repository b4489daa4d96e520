"""What the ATMs of a load run send, and do with the answers: sans-IO (RS1-RS3, RS9; requirement X5).

An approved transaction that moves cash is completed by a 0220; one without a usable answer is reversed by a 0420. Both
are repeated (0221, 0421) until they are acknowledged or the repeats are used up. The caller carries messages and time.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Final, Literal, NamedTuple

from atm_sim.load.people import Carrier
from atm_sim.load.plan import Deed
from atm_sim.load.record import NO_ANSWER, Record
from atm_sim.scenario.loading import Load
from atm_sim.wire.keys import WireKeys
from bank_host.iso8583 import build
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.message import Message
from bank_host.jst import SECOND_US

Part = Literal["request", "completion", "reversal"]
MOVES_CASH: Final = ("withdraw", "deposit")
_NEVER_KEPT: Final = (35, 48, 52)


class Sent(NamedTuple):
    """What a message was about; its link gives this back with the answer."""

    row: int  # of the record
    part: Part
    message: Message  # without track and PIN block
    tries: int = 1


class Fleet:
    """All ATMs. Each has its trace numbers, as a real one does."""

    def __init__(
        self, load: Load, terminals: Sequence[build.Acceptor], people: Sequence[Carrier], record: Record
    ) -> None:
        self._load = load
        self._terminals = terminals
        self._people = people
        self.record = record
        self._stans = [0] * len(terminals)
        self._forms: dict[tuple[int, str], dict[int, str]] = {}
        self._stamp = (-1, "", "", "", "")
        self._due: list[tuple[int, int, Sent]] = []  # advices to send, by when; the number keeps the order
        self._numbers = count()

    @property
    def unsettled(self) -> int:
        """How many advices have yet to be sent or sent again."""
        return len(self._due)

    # ---------------- requests

    def request(self, row: int, deed: Deed, now_us: int, keys: WireKeys | None) -> tuple[Message, Sent]:
        """The 0200 of a deed: the PIN block and the clock's elements are made now."""
        carrier = self._people[deed.customer]
        pan = carrier.pan.reveal()
        stan = self._next_stan(deed.terminal)
        transmitted, clock, day, reference = self._stamped(now_us)
        stan_text = f"{stan:06d}"
        form = self._form(deed.terminal, deed.service, now_us)
        fields = {
            **form,
            2: pan,
            4: f"{deed.amount_jpy:012d}",
            7: transmitted,
            11: stan_text,
            12: clock,
            13: day,
            14: carrier.expires,
            35: carrier.track2.reveal(),
            37: reference + stan_text,
        }
        kept = {de: value for de, value in fields.items() if de not in _NEVER_KEPT}
        if keys is not None:
            fields[52] = keys.pin_block(carrier.pin.reveal(), pan)
        else:
            del fields[52]
            del fields[26]
            kept.pop(26, None)
        return (
            Message.of_ascending("0200", fields),
            Sent(row, "request", Message.of_ascending("0200", kept)),
        )

    def _form(self, terminal: int, service: str, now_us: int) -> dict[int, str]:
        """All elements of a request in ascending order, those that never change at an ATM filled in."""
        form = self._forms.get((terminal, service))
        if form is None:
            made = build.financial_request(
                service,
                pan="0" * 16,
                amount_jpy=0,
                stan=1,
                now_us=now_us,
                acceptor=self._terminals[terminal],
                expiry_yymm="0001",
                track2="0=0",
                pin_block="0" * 16,
            )
            form = self._forms[terminal, service] = dict(made.fields)
        return form

    def _stamped(self, now_us: int) -> tuple[str, str, str, str]:
        """DE7, DE12, DE13 and the head of DE37: made once a second."""
        second = now_us // SECOND_US
        if second != self._stamp[0]:
            made = build.network_request("301", stan=1, now_us=now_us)
            reference = build.retrieval_reference(now_us, 1)[:-6]
            self._stamp = (second, made[7], made[12], made[13], reference)
        return self._stamp[1:]

    def _next_stan(self, terminal: int) -> int:
        stan = self._stans[terminal] % 999_999 + 1
        self._stans[terminal] = stan
        return stan

    # ---------------- what comes of them

    def answered(self, sent: Sent, answer: Message, since_start_us: int, now_us: int) -> None:
        """An answer that fits."""
        code = answer.get(39)
        if sent.part != "request":
            self._acknowledged(sent, code, now_us)
            return
        record = self.record
        record.answered(sent.row, since_start_us, code)
        meaning = response_code(code)
        if meaning.reverse:
            self._reverse(sent, "no_confirmation", now_us)
        elif meaning.action != "pay":
            record.set_state(sent.row, "declined")
        elif self._load.completions and record.service_of(sent.row) in MOVES_CASH:
            self._complete(sent, answer.get(38), now_us)
        else:
            record.set_state(sent.row, "approved")

    def not_answered(self, sent: Sent, lost: bool, since_start_us: int, now_us: int) -> None:
        """The time of a request or advice is up, or its link has gone (`lost`)."""
        if sent.part == "request":
            self.record.answered(sent.row, since_start_us, NO_ANSWER)
            self.record.counts["lost" if lost else "timed_out"] += 1
            self._reverse(sent, "timeout", now_us)
        else:
            self._again(sent, now_us if lost else now_us + self._load.repeat_after_us)

    def due(self, now_us: int) -> Sent | None:
        """The next advice that is due, taken off the queue."""
        if self._due and self._due[0][0] <= now_us:
            return heappop(self._due)[2]
        return None

    def put_back(self, sent: Sent, now_us: int) -> None:
        """There is no link to send it on."""
        self._queue(sent, now_us + self._load.repeat_after_us)

    def give_up(self) -> None:
        """The run ends: what is still to be sent stays unresolved."""
        for _, _, sent in self._due:
            self.record.set_state(sent.row, "unresolved")
        self._due.clear()

    def _acknowledged(self, sent: Sent, code: str, now_us: int) -> None:
        if response_code(code).acknowledges:
            self.record.set_state(sent.row, "completed" if sent.part == "completion" else "reversed")
        else:
            self._again(sent, now_us + self._load.repeat_after_us)

    def _complete(self, sent: Sent, approval_code: str, now_us: int) -> None:
        self.record.set_state(sent.row, "completing")
        advice = build.completion_advice(
            sent.message, stan=self._advice_stan(sent), now_us=now_us, approval_code=approval_code
        )
        self.record.counts["completions"] += 1
        self._queue(Sent(sent.row, "completion", advice), now_us)

    def _reverse(self, sent: Sent, reason: str, now_us: int) -> None:
        self.record.set_state(sent.row, "reversing")
        advice = build.reversal_advice(sent.message, reason, stan=self._advice_stan(sent), now_us=now_us)
        self.record.counts["reversals"] += 1
        self._queue(Sent(sent.row, "reversal", advice), now_us)

    def _advice_stan(self, sent: Sent) -> int:
        return self._next_stan(self.record.terminal[sent.row])

    def _again(self, sent: Sent, at_us: int) -> None:
        if sent.tries > self._load.repeats:
            self.record.set_state(sent.row, "unresolved")
            return
        self.record.counts["repeats"] += 1
        self._queue(sent._replace(message=build.as_repeat(sent.message), tries=sent.tries + 1), at_us)

    def _queue(self, sent: Sent, at_us: int) -> None:
        heappush(self._due, (at_us, next(self._numbers), sent))
