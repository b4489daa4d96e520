"""What happened in a load run, transaction by transaction, in arrays: a few dozen bytes each, and no object.

Times are microseconds after the start. The row of a transaction is its number in the plan; figures and settlement read
the columns when the run is over.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Final, Literal

NOT: Final = -1
"""No such moment."""

NO_ANSWER: Final = ""
"""What stands for a response code where none came; the time is then when the wait was given up."""

State = Literal[
    "dropped",
    "waiting",
    "declined",
    "approved",
    "completing",
    "completed",
    "reversing",
    "reversed",
    "unresolved",
]
STATES: Final[tuple[State, ...]] = (
    "dropped",  # planned, and not sent: no link was open, or too many were waiting
    "waiting",
    "declined",
    "approved",  # and needs no completion
    "completing",
    "completed",
    "reversing",
    "reversed",
    "unresolved",  # its completion or reversal was never acknowledged
)
_NUMBER: Final = {state: number for number, state in enumerate(STATES)}


class Record:
    """The columns. `services` and `codes` are the texts that the small numbers stand for."""

    def __init__(self) -> None:
        self.intended_us = array("q")
        self.sent_us = array("q")
        self.answered_us = array("q")  # or given up
        self.service = array("B")
        self.code = array("B")
        self.state = array("B")
        self.terminal = array("I")
        self.stan = array("I")
        self.transmitted_s = array("I")  # DE7 as seconds since the epoch
        self.amount_jpy = array("q")
        self.services: list[str] = []
        self.codes: list[str] = [NO_ANSWER]
        self.counts: Counter[str] = Counter()  # what is no transaction: reversals sent, odd messages by kind
        self.odd_details: list[str] = []  # the first unmatched answers, in words

    def __len__(self) -> int:
        return len(self.intended_us)

    def planned(self, intended_us: int, service: str, amount_jpy: int, terminal: int) -> int:
        """A new row; it counts as dropped until it is sent."""
        self.intended_us.append(intended_us)
        self.sent_us.append(NOT)
        self.answered_us.append(NOT)
        self.service.append(_place(self.services, service))
        self.code.append(0)
        self.state.append(0)
        self.terminal.append(terminal)
        self.stan.append(0)
        self.transmitted_s.append(0)
        self.amount_jpy.append(amount_jpy)
        return len(self.intended_us) - 1

    def sent(self, row: int, sent_us: int, stan: int, transmitted_s: int) -> None:
        self.sent_us[row] = sent_us
        self.stan[row] = stan
        self.transmitted_s[row] = transmitted_s
        self.state[row] = _NUMBER["waiting"]

    def answered(self, row: int, answered_us: int, code: str) -> None:
        self.answered_us[row] = answered_us
        self.code[row] = _place(self.codes, code)

    def set_state(self, row: int, state: State) -> None:
        self.state[row] = _NUMBER[state]

    def state_of(self, row: int) -> State:
        return STATES[self.state[row]]

    def service_of(self, row: int) -> str:
        return self.services[self.service[row]]

    def code_of(self, row: int) -> str:
        return self.codes[self.code[row]]


def _place(texts: list[str], text: str) -> int:
    """The number that stands for a text."""
    try:
        return texts.index(text)
    except ValueError:
        texts.append(text)
        return len(texts) - 1
