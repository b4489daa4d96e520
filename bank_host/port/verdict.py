"""A word before the bank's: what a script makes of a message and of its answer (the scripted issuer)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bank_host.iso8583.message import Message


def as_it_is(answer: Message) -> Message:
    return answer


class Verdict(NamedTuple):
    """What becomes of a message. Without any of it the bank answers, at once and once."""

    answer: Message | None = None  # in place of the bank's, which then never hears of the message
    silent: bool = False  # no answer; the bank never hears of the message
    close: bool = False  # the connection is cut; the bank never hears of the message
    delay_us: int = 0  # from the answer to its leaving
    copies: int = 1  # 0: the answer gets lost on its way
    treat: Callable[[Message], Message] = as_it_is  # what the peer gets to see of the answer

    @property
    def asks_the_bank(self) -> bool:
        return self.answer is None and not self.silent and not self.close


AS_THE_BANK = Verdict()

Judge = Callable[[Message, int], Verdict]
"""(message, now) -> verdict."""


def no_judge(message: Message, now_us: int) -> Verdict:
    return AS_THE_BANK
