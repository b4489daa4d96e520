"""A card in a reader, behind the allow-list: the one place of the project that transmits.

`Card.send` lets a command through only if `guard` allows it, fetches the whole answer (61xx, 6Cxx), gives up on a
silent card, and keeps a trace without any data.
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, NamedTuple, Self

from cardreader.apdu import GET_RESPONSE, Command, Response, read_response
from cardreader.guard import Level, State, after, allowed
from cardreader.problems import ReaderError
from cardreader.transport import CardProtocol, Link, Transport
from cardreader.watchdog import TookTooLong, Watchdog

PATIENCE_S: Final = 10.0
"""Longer than any card computes."""
_MOST_ROUNDS: Final = 8
"""How often a card may say that there is more, or that it wants another length, in one answer."""
_MORE, _OTHER_LENGTH = 0x61, 0x6C


class Exchange(NamedTuple):
    """One command and its answer, as a log may have it: lengths, no data."""

    command: str
    sent_bytes: int
    received_bytes: int
    status: int

    def __str__(self) -> str:
        return f"{self.command}: {self.sent_bytes} bytes, answer {self.status:04X} with {self.received_bytes} bytes"


class Card:
    """The card in a reader, until `close`. Opening it resets the card; so does closing."""

    def __init__(
        self,
        transport: Transport,
        reader: str,
        level: Level = Level.IDENTIFY,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.trace: list[Exchange] = []
        self.patience_s = patience_s
        self._watchdog = Watchdog()
        opened: list[Link] = []
        try:
            self._watchdog.call(lambda: opened.append(transport.connect(reader)), patience_s=patience_s)
        except TookTooLong:
            # It may still open, later: then nobody would give the card back.
            self._watchdog.end(lambda: opened[0].close() if opened else None)
            raise ReaderError("reader_in_use", "or its card does not answer") from None
        except BaseException:
            self._watchdog.end()
            raise
        (self._link,) = opened
        self.atr: bytes = self._link.atr
        self.protocol: CardProtocol = self._link.protocol
        self.contactless = is_contactless(self.atr)
        self._state = State(level, contactless=self.contactless, made_here=self._link.made_here)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def level(self) -> Level:
        return self._state.level

    def send(self, command: Command) -> Response:
        """The card's whole answer; ReaderError if the command is not allowed, or the card is gone or silent."""
        asked, data = command, b""
        for _ in range(_MOST_ROUNDS):
            response = self._transmit(asked)
            data += response.data
            more, length = response.status >> 8, response.status & 0xFF
            if more == _MORE:
                self._state = self._state._replace(waiting=True)
                asked = Command(0x00, GET_RESPONSE, expects=length or 256)
            elif more == _OTHER_LENGTH and not asked.data:
                # Only what carries nothing is sent again: a transaction must not be begun twice.
                asked = asked._replace(expects=length or 256)
            else:
                whole = Response(data, response.status)
                self._state = after(self._state, command, whole)
                return whole
        raise ReaderError("broken", f"{command.name} has no end")

    def close(self) -> None:
        try:
            self._watchdog.call(self._link.close, patience_s=self.patience_s)
        except TookTooLong:
            self._watchdog.end(self._link.close)  # when the silent card is pulled
        else:
            self._watchdog.end()

    def _transmit(self, command: Command) -> Response:
        if not allowed(self._state, command):
            raise ReaderError("refused", repr(command))
        # T=0 carries data one way in a command: what is expected stays out if there are data (ISO 7816-3).
        sent = bytes(command._replace(expects=None) if self.protocol == "T=0" and command.data else command)
        try:
            answer = self._watchdog.call(self._link.transmit, sent, patience_s=self.patience_s)
            response = read_response(answer)
        except TookTooLong:
            raise ReaderError("silent", f"at {command.name}") from None
        except ValueError:
            raise ReaderError("broken", f"at {command.name}") from None
        self.trace.append(Exchange(command.name, len(command.data), len(response.data), response.status))
        return response


def is_contactless(atr: bytes) -> bool:
    """Whether a reader made this ATR for a card without contacts (PC/SC part 3: 3B 8n 80 01)."""
    return len(atr) >= 4 and atr[0] == 0x3B and atr[1] >> 4 == 0x8 and atr[2:4] == b"\x80\x01"
