"""What the ATMs of a load run send, and do with the answers: sans-IO (RS1-RS3, RS9; requirement X5).

An approved transaction that moves cash is completed by a 0220; one without a usable answer is reversed by a 0420. Both
are repeated (0221, 0421) until they are acknowledged or the repeats are used up. The caller carries messages and time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from itertools import count
from typing import Final, Literal, NamedTuple

from atm_sim.load.people import Carrier
from atm_sim.load.record import NO_ANSWER, Record, Transaction, Window
from atm_sim.load.requests import Requests
from atm_sim.scenario.loading import Load
from atm_sim.wire.link import WireLink, Written
from bank_host.iso8583 import build
from bank_host.iso8583.codes import response_code
from bank_host.iso8583.message import Message
from bank_host.named import of_parts

Part = Literal["request", "completion", "reversal"]
MOVES_CASH: Final = ("withdraw", "deposit")
STANS: Final = range(1, 1_000_000)
_NO_APPROVAL_CODE: Final = "000000"


class Sent(NamedTuple):
    """What a message was about; its link gives this back with the answer. PIN and track are not in it."""

    transaction: Transaction
    part: Part
    advice: Message | None = None
    tries: int = 1


_sent: Callable[[tuple[Transaction, Part, None, int]], Sent] = of_parts(Sent)


class Fleet:
    """All ATMs. Each has its trace numbers, as a real one does."""

    def __init__(
        self,
        load: Load,
        terminals: Sequence[build.Acceptor],
        people: Sequence[Carrier],
        record: Record,
        stans: range = STANS,
        last_stan: int = 0,
    ) -> None:
        """`stans`: the trace numbers that these ATMs may use, where other processes speak for them too; `last_stan`:
        one of them, after which they begin."""
        self._load = load
        self._requests = Requests(terminals, people)
        self.record = record
        self._first_stan, self._last_stan = stans[0], stans[-1]
        self._stans = [last_stan or stans[-1]] * len(terminals)  # the last one used
        self._due: list[tuple[int, int, Sent]] = []  # advices to send, by when; the number keeps the order
        self._numbers = count()

    @property
    def unsettled(self) -> int:
        """How many advices have yet to be sent or sent again."""
        return len(self._due)

    # ---------------- requests

    def rehearse(self, link: WireLink[Sent], now_us: int) -> None:
        """One message of each kind is written for nobody, and its approval too: what the first of a kind costs, a codec
        made for its shape, would be the lag of those who come first."""
        for deed in self._requests.one_of_each(service for service, _ in self._load.services):
            transaction = Transaction(0, 0, deed, Window())
            transaction.stan, transaction.stamp = self._first_stan, self._requests.stamped(now_us)
            self._requests.request(transaction, link)
            original = self._requests.original(transaction)
            link.rehearse(build.answer(original, "00", {38: _NO_APPROVAL_CODE}))
            if self._load.completions and deed.service in MOVES_CASH:
                advice = build.completion_advice(
                    original, stan=self._first_stan, now_us=now_us, approval_code=_NO_APPROVAL_CODE
                )
                link.rehearse(advice)
                link.rehearse(build.answer(advice, "00"))

    def request(
        self, transaction: Transaction, now_us: int, link: WireLink[Sent]
    ) -> tuple[Written | Message, Sent]:
        """The 0200 of a transaction for this link: the PIN block and the clock's elements are made now."""
        transaction.stan = self._next_stan(transaction.deed.terminal)
        transaction.made_us, transaction.stamp = now_us, self._requests.stamped(now_us)
        return self._requests.request(transaction, link), _sent((transaction, "request", None, 1))

    def _next_stan(self, terminal: int) -> int:
        stan = self._stans[terminal]
        stan = self._first_stan if stan == self._last_stan else stan + 1
        self._stans[terminal] = stan
        return stan

    # ---------------- what comes of them

    def answered(self, sent: Sent, answer: Message, since_start_us: int, now_us: int) -> None:
        """An answer that fits."""
        code = answer.get(39)
        if sent.part != "request":
            self._acknowledged(sent, code, now_us)
            return
        record, transaction = self.record, sent.transaction
        record.answered(transaction, since_start_us, code)
        meaning = response_code(code)
        if meaning.reverse:
            self._reverse(sent, "no_confirmation", now_us)
        elif meaning.action != "pay":
            record.set_state(transaction, "declined")
        elif self._load.completions and transaction.deed.service in MOVES_CASH:
            self._complete(sent, answer.get(38), now_us)
        else:
            record.set_state(transaction, "approved")

    def not_answered(self, sent: Sent, lost: bool, since_start_us: int, now_us: int) -> None:
        """The time of a request or advice is up, or its link has gone (`lost`)."""
        if sent.part == "request":
            self.record.answered(sent.transaction, since_start_us, NO_ANSWER)
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
            self.record.set_state(sent.transaction, "unresolved")
        self._due.clear()

    def _acknowledged(self, sent: Sent, code: str, now_us: int) -> None:
        if response_code(code).acknowledges:
            self.record.set_state(sent.transaction, "completed" if sent.part == "completion" else "reversed")
        else:
            self._again(sent, now_us + self._load.repeat_after_us)

    def _complete(self, sent: Sent, approval_code: str, now_us: int) -> None:
        self.record.set_state(sent.transaction, "completing")
        self.record.counts["completions"] += 1
        stan = self._next_stan(sent.transaction.deed.terminal)
        advice = build.completion_advice(
            self._requests.original(sent.transaction), stan=stan, now_us=now_us, approval_code=approval_code
        )
        self._queue(sent._replace(part="completion", advice=advice), now_us)

    def _reverse(self, sent: Sent, reason: str, now_us: int) -> None:
        self.record.set_state(sent.transaction, "reversing")
        self.record.counts["reversals"] += 1
        stan = self._next_stan(sent.transaction.deed.terminal)
        advice = build.reversal_advice(
            self._requests.original(sent.transaction), reason, stan=stan, now_us=now_us
        )
        self._queue(sent._replace(part="reversal", advice=advice), now_us)

    def _again(self, sent: Sent, at_us: int) -> None:
        assert sent.advice is not None, "requests are not repeated"
        if sent.tries > self._load.repeats:
            self.record.set_state(sent.transaction, "unresolved")
            return
        self.record.counts["repeats"] += 1
        repeat = build.as_repeat(sent.advice)
        self._queue(sent._replace(advice=repeat, tries=sent.tries + 1), at_us)

    def _queue(self, sent: Sent, at_us: int) -> None:
        heappush(self._due, (at_us, next(self._numbers), sent))
