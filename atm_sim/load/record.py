"""What happened in a load run: each transaction as an object while it is open, and folded into counts when it is over.

So what is held depends on how many are open and how many windows there are, never on how many there have been. Times
are microseconds after the start. Whoever needs the transactions themselves (sent.csv does) is handed each at its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Final, Literal, NamedTuple

from atm_sim.load.plan import Deed
from atm_sim.load.times import Times
from bank_host.jst import SECOND_US

NOT: Final = -1
"""No such moment."""

NO_ANSWER: Final = ""
"""What stands for a response code where none came; the time is then when the wait was given up."""

MOST_WINDOWS: Final = 600

State = Literal[
    "dropped",  # planned, and not sent: no link was open, or too many were waiting
    "waiting",
    "declined",
    "approved",  # and needs no completion
    "completing",
    "completed",
    "reversing",
    "reversed",
    "unresolved",  # its completion or reversal was never acknowledged
]
_OVER: Final = frozenset({"dropped", "declined", "approved", "completed", "reversed", "unresolved"})


class Stamp(NamedTuple):
    """What the clock of an ATM puts into a request: the same for all of a second."""

    transmitted: str = ""  # DE7
    time: str = ""  # DE12
    day: str = ""  # DE13
    reference: str = ""  # DE37 without its trace number


_NO_STAMP: Final = Stamp()


class Window:
    """A stretch of the run, by the planned moment; answers by when they came."""

    __slots__ = ("answered", "open", "p50_us", "p99_us", "planned", "sent", "times")

    def __init__(self) -> None:
        self.planned = self.sent = self.answered = self.open = 0
        self.p50_us = self.p99_us = 0
        self.times: Times | None = Times()

    def close(self) -> None:
        """Nobody of this window waits any more, and nobody comes: its two percentiles are enough."""
        if self.times is not None:
            self.p50_us, self.p99_us = (self.times.nearest_rank(percent) for percent in (50, 99))
            self.times = None


class Transaction:
    """One transaction, from its planned moment on."""

    __slots__ = (
        "answered_us",
        "code",
        "deed",
        "intended_us",
        "made_us",
        "number",
        "sent_us",
        "stamp",
        "stan",
        "state",
        "window",
    )

    def __init__(self, number: int, intended_us: int, deed: Deed, window: Window) -> None:
        self.number = number  # in the plan
        self.intended_us = intended_us
        self.deed = deed
        self.window = window  # of the planned moment
        self.state: State = "dropped"  # until it is sent
        self.code = NO_ANSWER
        self.sent_us = self.answered_us = NOT  # answered, or given up
        self.stan = self.made_us = 0  # of the request; wall clock
        self.stamp = _NO_STAMP


class Record:
    """The run so far. `over` gets each transaction when nothing can happen to it any more."""

    def __init__(
        self, for_us: int = 0, over: Callable[[Transaction], None] = lambda transaction: None
    ) -> None:
        """`for_us` is how long people come: a window is a second, and longer where there would be too many."""
        self.window_us = max(1, -(-for_us // (MOST_WINDOWS * SECOND_US))) * SECOND_US
        self.windows: list[Window] = []
        self.open: dict[int, Transaction] = {}
        self.number = 0  # planned so far
        self.latency: defaultdict[tuple[str, str], Times] = defaultdict(Times)  # by service and response code
        self.send_lag = Times()
        self.states: Counter[State] = Counter()  # of transactions that are over
        self.counts: Counter[str] = Counter()  # what is no transaction: reversals sent, odd messages by kind
        self.odd_details: list[str] = []  # the first unmatched answers, in words
        self._over = over
        self._first_open = self._latest = (
            0  # all windows before the first are closed; people come in the latest
        )

    def planned(self, intended_us: int, deed: Deed) -> Transaction:
        """Somebody comes. It counts as dropped unless it is sent."""
        window = self._window(intended_us)
        window.planned += 1
        window.open += 1
        number = self.number
        self.number += 1
        transaction = self.open[number] = Transaction(number, intended_us, deed, window)
        if window is not self.windows[self._latest]:
            self._go_on_to(intended_us // self.window_us)
        return transaction

    def sent(self, transactions: Iterable[Transaction], sent_us: int) -> None:
        """They have been handed over together."""
        window, add_lag = self._window(sent_us), self.send_lag.add
        for transaction in transactions:
            transaction.sent_us = sent_us
            transaction.state = "waiting"
            add_lag(sent_us - transaction.intended_us)
            window.sent += 1

    def answered(self, transaction: Transaction, answered_us: int, code: str) -> None:
        """Or given up, with NO_ANSWER."""
        transaction.answered_us, transaction.code = answered_us, code
        took_us = answered_us - transaction.intended_us
        self.latency[transaction.deed.service, code].add(took_us)
        if code != NO_ANSWER:
            self._window(answered_us).answered += 1
        window = transaction.window
        assert window.times is not None, "a window is open while somebody waits"
        window.times.add(took_us)
        window.open -= 1

    def set_state(self, transaction: Transaction, state: State) -> None:
        transaction.state = state
        if state in _OVER:
            del self.open[transaction.number]
            if state == "dropped":
                transaction.window.open -= 1
            self.states[state] += 1
            self._over(transaction)

    def close(self) -> None:
        """The run is over: what is still open stays so for ever."""
        for transaction in list(self.open.values()):
            self.set_state(transaction, "unresolved")
        for window in self.windows:
            window.close()

    def _window(self, at_us: int) -> Window:
        number = at_us // self.window_us if at_us > 0 else 0
        while number >= len(self.windows):
            self.windows.append(Window())
        return self.windows[number]

    def _go_on_to(self, latest: int) -> None:
        """People come in the order of the plan: earlier windows are closed as soon as nobody waits there."""
        self._latest = latest
        while self._first_open < latest and not self.windows[self._first_open].open:
            self.windows[self._first_open].close()
            self._first_open += 1
