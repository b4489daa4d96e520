"""The lines of a node: signing on and off, echoes, keys and cut-over, toward those it calls and those who call it.

A node calls some of its neighbours (an acquirer the switch, the switch the issuers) and is called by others. Business
may go to a neighbour once it has accepted the sign-on, and comes only from one that has signed on. A line on which two
echoes in a row stay unanswered counts as closed, whatever the transport says, and is signed on again when something
answers. All of this waits in the background: a run in which nothing else is left to happen is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from atm_sim.sansio.effects import CancelTimer, Effect, Record, Send, SetTimer
from bank_host.iso8583 import build, network
from bank_host.iso8583.message import Message

SECOND_US = 1_000_000

_TIMER = "line/"


class LineSettings(NamedTuple):
    """How lines are kept. Without `sign_on` a line carries business whenever it is connected."""

    sign_on: bool = False
    answer_wait_us: int = 10 * SECOND_US
    retry_us: int = 60 * SECOND_US  # from a vain sign-on to the next
    echo_every_us: int = 0  # 0: no echoes
    most_missing: int = 2  # so many unanswered echoes close a line


class _Line:
    """A line to a neighbour that this node calls."""

    __slots__ = ("connected", "cut_over", "given_up", "missing", "open", "waits_for", "wanted")

    def __init__(self, is_open: bool) -> None:
        self.connected = is_open
        self.open = is_open
        self.wanted = True  # False after a planned sign-off
        self.waits_for = ""  # DE70 and DE11 of the 0800 whose answer is due
        self.given_up = ""  # the one before: its answer still counts, or a slow line would never be signed on
        self.missing = 0
        self.cut_over = ""  # the step of a cut-over that the neighbour has not confirmed yet


class Lines:
    """All lines of one node."""

    __slots__ = ("_called", "_keys", "_lines", "_make_keys", "_settings", "_stan")

    def __init__(
        self,
        calls: Iterable[str],
        settings: LineSettings | None = None,
        keys: Callable[[str], network.Keys] | None = None,
    ) -> None:
        """`calls` are the neighbours that this node calls; `keys(neighbour)` is the key module of one line."""
        self._settings = settings = settings or LineSettings()
        self._make_keys = keys
        self._keys: dict[str, network.Keys] = {}
        self._lines = {neighbour: _Line(not settings.sign_on) for neighbour in calls}
        self._called = network.CalledSide()
        self._stan = 0

    # ---------------- what the owner asks

    def is_open(self, neighbour: str) -> bool:
        """Whether business may go to a neighbour; the ways back to callers are always open."""
        line = self._lines.get(neighbour)
        return line is None or line.open

    def is_signed_off(self, neighbour: str) -> bool:
        """Whether a planned end of business holds."""
        return neighbour in self._lines and not self._lines[neighbour].wanted

    def has_signed_on(self, caller: str) -> bool:
        """Whether business of a caller may pass."""
        return not self._settings.sign_on or caller in self._called.signed_on

    # ---------------- what happens

    def connected(self, neighbour: str, now_us: int) -> list[Effect]:
        line = self._lines.get(neighbour)
        if line is None:
            return []
        line.connected = True
        return self._sign_on(neighbour, line, now_us)

    def disconnected(self, neighbour: str) -> list[Effect]:
        self._called.line_closed(neighbour)
        line = self._lines.get(neighbour)
        if line is None:
            return []
        line.connected, line.waits_for, line.given_up = False, "", ""
        return self._close(neighbour, line, "disconnected")

    def sign_off(self, neighbour: str, now_us: int) -> list[Effect]:
        """A planned end of business; the line stays connected and is signed on again on demand only."""
        line = self._lines[neighbour]
        line.wanted = False
        closed = self._close(neighbour, line, "signed_off")
        return [*closed, *self._ask(neighbour, line, network.SIGN_OFF, now_us)] if closed else []

    def sign_on(self, neighbour: str, now_us: int) -> list[Effect]:
        """The planned beginning of business."""
        line = self._lines[neighbour]
        line.wanted = True
        return self._sign_on(neighbour, line, now_us)

    def exchange_keys(self, now_us: int) -> list[Effect]:
        """A new working key for every open line."""
        effects: list[Effect] = []
        for neighbour, line in self._lines.items():
            keys = self._keys_of(neighbour)
            if line.open and keys is not None:
                effects += self._ask(neighbour, line, network.KEY_EXCHANGE, now_us, key_data=keys.make())
        return effects

    def cut_over(self, now_us: int) -> list[Effect]:
        """A new business date, told to every neighbour that is called until it has confirmed beginning and end."""
        effects: list[Effect] = []
        for neighbour, line in self._lines.items():
            line.cut_over = network.CUT_OVER_BEGINS
            if line.open:
                effects += self._ask(neighbour, line, line.cut_over, now_us)
        return effects

    def received(self, sender: str, message: Message, now_us: int) -> list[Effect]:
        """An 0800 or 0810 from a neighbour."""
        if message.mti in ("0800", "0801"):
            answer = self._called.received(sender, message, self._keys_of(sender))
            kind = {network.SIGN_ON: "signed_on", network.SIGN_OFF: "signed_off"}.get(message.get(70), "")
            rows: list[Effect] = [_row(kind, sender, answer)] if kind else []
            return [*rows, Send(sender, answer)]
        line = self._lines.get(sender)
        if line is None or _waited(message) not in (line.waits_for, line.given_up):
            return []
        return self._answered(sender, line, message, now_us)

    def timer_fired(self, key: str, now_us: int) -> list[Effect] | None:
        """None if the timer is not one of these lines'."""
        if not key.startswith(_TIMER):
            return None
        neighbour = key.removeprefix(_TIMER)
        line = self._lines[neighbour]
        if not line.connected or not line.wanted:
            return []
        effects: list[Effect] = []
        if line.waits_for:
            line.waits_for, line.given_up = "", line.waits_for
            line.missing += 1
            effects.append(_row("network_unanswered", neighbour))
            if line.open and line.missing >= self._settings.most_missing:
                effects += self._close(neighbour, line, "echo_missing")
            if not line.open:
                return [*effects, self._timer(neighbour, self._settings.retry_us)]
        if not line.open:
            return effects + self._sign_on(neighbour, line, now_us)
        return effects + self._ask(neighbour, line, line.cut_over or network.ECHO, now_us)

    # ---------------- inside

    def _sign_on(self, neighbour: str, line: _Line, now_us: int) -> list[Effect]:
        if line.open or not line.wanted or not line.connected:
            return []
        if not self._settings.sign_on:
            line.open = True
            return []
        return self._ask(neighbour, line, network.SIGN_ON, now_us)

    def _keys_of(self, neighbour: str) -> network.Keys | None:
        if self._make_keys is not None and neighbour not in self._keys:
            self._keys[neighbour] = self._make_keys(neighbour)
        return self._keys.get(neighbour)

    def _ask(self, neighbour: str, line: _Line, code: str, now_us: int, key_data: str = "") -> list[Effect]:
        self._stan += 1
        request = build.network_request(code, stan=self._stan, now_us=now_us, key_block=key_data)
        line.waits_for = _waited(request)
        return [Send(neighbour, request), self._timer(neighbour, self._settings.answer_wait_us)]

    def _answered(self, neighbour: str, line: _Line, answer: Message, now_us: int) -> list[Effect]:
        line.waits_for, line.given_up, line.missing = "", "", 0
        code, accepted = answer.get(70), answer.get(39) == network.APPROVED
        effects: list[Effect] = []
        if code == network.SIGN_ON and accepted:
            line.open = True
            effects.append(_row("signed_on", neighbour, answer))
            if line.cut_over:  # it was away when the date changed
                return effects + self._ask(neighbour, line, line.cut_over, now_us)
        elif code == network.KEY_EXCHANGE and accepted:
            keys = self._keys_of(neighbour)
            assert keys is not None, "only a line with keys asks for an exchange"
            keys.taken_over()
            return self._ask(neighbour, line, network.KEY_VERIFICATION, now_us, key_data=keys.check_value())
        elif code in (network.KEY_EXCHANGE, network.KEY_VERIFICATION):
            effects.append(_row("key_changed" if accepted else "key_refused", neighbour, answer))
        elif code == network.CUT_OVER_BEGINS and accepted:
            line.cut_over = network.CUT_OVER_ENDS
            return self._ask(neighbour, line, line.cut_over, now_us)
        elif code == network.CUT_OVER_ENDS and accepted:
            line.cut_over = ""
            effects.append(_row("cut_over", neighbour, answer))
        wait_us = self._settings.echo_every_us if line.open else self._settings.retry_us
        next_word = (
            self._timer(neighbour, wait_us) if wait_us and line.wanted else CancelTimer(_TIMER + neighbour)
        )
        return [*effects, next_word]

    def _close(self, neighbour: str, line: _Line, why: str) -> list[Effect]:
        was_open, line.open, line.missing = line.open, False, 0
        return [_row("line_closed", neighbour, reason=why)] if was_open else []

    @staticmethod
    def _timer(neighbour: str, after_us: int) -> SetTimer:
        return SetTimer(_TIMER + neighbour, after_us, background=True)


def _waited(message: Message) -> str:
    return f"{message.get(70)}/{message.get(11)}/{message.get(7)}"


def _row(kind: str, neighbour: str, message: Message | None = None, reason: str = "") -> Record:
    mti, code = ("", "") if message is None else (message.mti, message.get(39))
    return Record(kind, mti=mti, code=code, reason=f"{neighbour}: {reason}" if reason else neighbour)
