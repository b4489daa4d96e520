"""The bank host as a page of arithmetic, written from the requirements and sharing nothing with the bank.

One customer, one card, amounts of ¥30,000 and more (which cost no fee). It says for each message which code the host
must answer, and what balance and room are left.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

TRIES: Final = 3
NOTE_JPY: Final = 1_000

OPEN: Final = ("approved", "settled")


@dataclass
class Request:
    """What became of one 0200: early (its reversal came first), declined, approved, completed, reversed, manual."""

    amount_jpy: int
    service: str = "withdraw"
    state: str = ""
    day: int = 0
    back_jpy: int = 0


@dataclass
class Model:
    """The facts that decide; days are counted from 0."""

    balance_jpy: int
    limit_jpy: int
    day: int = 0
    tries: int = 0
    locked: bool = False
    used_jpy: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    answers: dict[int, str] = field(default_factory=dict)  # by identity: the first answer is final
    requests: dict[int, Request] = field(default_factory=dict)

    @property
    def room_jpy(self) -> int:
        return max(0, self.limit_jpy - self.used_jpy[self.day])

    # ---------------------------------------------------------------- messages

    def request(self, number: int, service: str, amount_jpy: int, right_pin: bool) -> str:
        """0200, or the 0201 that repeats it."""
        if number not in self.answers:
            code = self._decided(number, service, amount_jpy, right_pin)
            self.answers[number] = code
            if number not in self.requests:
                state = "approved" if code == "00" else "declined"
                self.requests[number] = Request(amount_jpy, service, state, self.day)
        return self.answers[number]

    def _decided(self, number: int, service: str, amount_jpy: int, right_pin: bool) -> str:
        if number in self.requests:  # overtaken by its reversal, or paid in stand-in
            return "94"
        if self.locked:
            return "62"
        if self.tries >= TRIES:
            return "75"
        if not right_pin:
            self.tries += 1
            return "75" if self.tries >= TRIES else "55"
        self.tries = 0
        if service == "deposit":
            self.balance_jpy += amount_jpy
            return "00"
        if not self.limit_jpy:
            return "57"
        if amount_jpy % NOTE_JPY:
            return "13"
        if self.used_jpy[self.day] + amount_jpy > self.limit_jpy:
            return "61"
        if amount_jpy > self.balance_jpy:
            return "51"
        self._move(self.day, amount_jpy)
        return "00"

    def _move(self, day: int, amount_jpy: int) -> None:
        self.balance_jpy -= amount_jpy
        self.used_jpy[day] += amount_jpy

    def reverse(self, number: int, stands_jpy: int = 0) -> str:
        """0420, with what DE95 leaves standing. It is accepted whatever it does."""
        request = self.requests.get(number)
        if request is None:
            self.requests[number] = Request(0, state="early")
            return "00"
        if request.state == "approved":
            back_jpy = request.amount_jpy - stands_jpy
            if back_jpy and 0 <= back_jpy <= request.amount_jpy and not stands_jpy % NOTE_JPY:
                if request.service == "deposit":
                    self.balance_jpy -= back_jpy
                else:
                    self._move(request.day, -back_jpy)
                request.state, request.back_jpy = "reversed", back_jpy
        return "00"

    def complete(self, number: int) -> str:
        """0220: the cash was taken. Whatever else it says of, people look at it."""
        request = self.requests.get(number)
        if request is not None and request.state == "approved":
            request.state = "completed"
        return "00"

    def stand_in(self, number: int, amount_jpy: int) -> str:
        """0220 of a switch that paid by itself: booked whatever limit and balance say, once."""
        request = self.requests.get(number)
        if request is None:
            self._move(self.day, amount_jpy)
            self.requests[number] = Request(amount_jpy, state="approved", day=self.day)
        elif request.state == "declined" and request.service == "withdraw":
            self._move(self.day, request.amount_jpy)
            request.state = "manual"
        return "00"
