"""Readers and cards through the machine's PC/SC, over either of two bindings; its status codes in words.

The bindings (`pyscard`, `libpcsclite`) only call; what a code means and what a lost service leads to is here, once.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from cardreader.problems import Problem, ReaderError
from cardreader.transport import MOST_ATR_BYTES, CardProtocol, ReaderState

T0, T1 = 1, 2
LEAVE, RESET = 0, 1
_PROTOCOLS: Final[Mapping[int, CardProtocol]] = {T0: "T=0", T1: "T=1"}

CHANGED: Final = 0x0002
_UNAVAILABLE, _PRESENT, _EXCLUSIVE, _IN_USE, _MUTE = 0x0008, 0x0020, 0x0080, 0x0100, 0x0200
PLUGGED: Final = "\\\\?PnP?\\Notification"
"""The reader that is none: it changes when readers come and go."""

_LOOK_AGAIN_S: Final = 0.5  # where the system does not tell when a first reader comes
_NEXT_LOOK_MS: Final = 1_000  # pcscd looks at a reader without interrupts every 400 ms

_TIME_OVER: Final = 0x8010000A
_NO_READERS: Final = 0x8010002E
_UNKNOWN_READER: Final = 0x80100009
_PROTOCOL_MISMATCH: Final = 0x8010000F
_NOT_TRANSACTED: Final = 0x80100016
_UNRESPONSIVE: Final = 0x80100066
_SERVICE_LOST: Final = frozenset({0x80100003, 0x80100013, 0x80100014, 0x8010001D, 0x8010001E, 0x80100004})

PROBLEMS: Final[Mapping[int, Problem]] = {
    **dict.fromkeys(_SERVICE_LOST, "no_service"),
    0x80100009: "reader_gone",
    0x80100017: "reader_gone",
    _NO_READERS: "no_reader",
    0x8010000B: "reader_in_use",
    0x8010000C: "no_card",
    _NOT_TRANSACTED: "silent",
    0x8010002F: "silent",
    0x80100065: "mute",
    _UNRESPONSIVE: "mute",
    0x80100067: "mute",
    0x80100068: "removed",
    0x80100069: "removed",
    0x8010006A: "denied",
}


class PcscError(Exception):
    """A PC/SC function did not succeed: its status, unsigned."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status & 0xFFFFFFFF


class Api(Protocol):
    """The PC/SC functions that are needed, each raising PcscError."""

    name: str

    def establish(self) -> int: ...
    def release(self, context: int) -> None: ...
    def list_readers(self, context: int) -> tuple[str, ...]: ...
    def status_change(
        self, context: int, wait_ms: int, known: Sequence[tuple[str, int]]
    ) -> Sequence[tuple[str, int, bytes]]: ...
    def connect(self, context: int, reader: str, protocols: int) -> tuple[int, int]: ...
    def atr(self, card: int) -> bytes: ...
    def begin(self, card: int) -> None: ...
    def transmit(self, card: int, protocol: int, command: bytes) -> bytes: ...
    def disconnect(self, card: int, disposition: int) -> None:
        """Ends the transaction, and leaves or resets the card."""


def reader_error(error: PcscError) -> ReaderError:
    """A PC/SC status in words."""
    problem = PROBLEMS.get(error.status)
    return ReaderError(problem) if problem else ReaderError("other", f"status 0x{error.status:08X}")


class PcscTransport:
    """The machine's readers. Holds one context, which a lost service costs and the next call makes anew."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._context: int | None = None
        self._tells_plugging = True
        self.name = api.name

    def states(
        self, known: Sequence[ReaderState] | None = None, wait_s: float = 0
    ) -> tuple[ReaderState, ...]:
        try:
            return self._states(known, wait_s)
        except PcscError as error:
            if error.status in _SERVICE_LOST:
                self.close()
            raise reader_error(error) from None

    def connect(self, reader: str) -> PcscLink:
        return PcscLink(self._api, reader)

    def close(self) -> None:
        if self._context is not None:
            with contextlib.suppress(PcscError):
                self._api.release(self._context)
            self._context = None

    def _states(self, known: Sequence[ReaderState] | None, wait_s: float) -> tuple[ReaderState, ...]:
        if self._context is None:
            self._context = self._api.establish()
        names = self._names(self._context)
        if known is None or names != tuple(state.reader for state in known):
            return self._ask(self._context, 0, [(name, 0) for name in names]) or ()
        asked = [(state.reader, state.raw & ~CHANGED) for state in known]
        if self._tells_plugging:
            asked.append((PLUGGED, len(names) << 16))
        told = self._ask(self._context, round(wait_s * 1_000), asked)
        return tuple(known) if told is None else told

    def _names(self, context: int) -> tuple[str, ...]:
        try:
            return self._api.list_readers(context)
        except PcscError as error:
            if error.status == _NO_READERS:
                return ()
            raise

    def _ask(
        self, context: int, wait_ms: int, asked: Sequence[tuple[str, int]]
    ) -> tuple[ReaderState, ...] | None:
        """The states once they are others than those asked with; None if the time is over, or a reader went."""
        if not asked:
            time.sleep(min(wait_ms / 1_000, _LOOK_AGAIN_S))
            return None
        try:
            told = self._api.status_change(context, wait_ms, asked)
        except PcscError as error:
            if error.status == _UNKNOWN_READER and set(self._names(context)).issuperset(
                name for name, _ in asked if name != PLUGGED
            ):
                # No reader went, so it is the question itself that this system does not know.
                self._tells_plugging = False
                return None
            if error.status in (_TIME_OVER, _UNKNOWN_READER, _NO_READERS):
                return None
            raise
        return tuple(_state(*one) for one in told if one[0] != PLUGGED)


def _state(reader: str, raw: int, atr: bytes) -> ReaderState:
    present = bool(raw & _PRESENT) and not raw & _UNAVAILABLE
    return ReaderState(
        reader,
        present=present,
        mute=present and bool(raw & _MUTE),
        in_use=bool(raw & _EXCLUSIVE),
        atr=bytes(atr)[:MOST_ATR_BYTES] if present else b"",
        changes=raw >> 16,
        raw=raw,
    )


class PcscLink:
    """A card in one of the machine's readers, in one transaction, with a context of its own.

    Of its own, because PC/SC serves one call of a context at a time: a card that never answers would stop the watcher.
    """

    made_here = False

    def __init__(self, api: Api, reader: str) -> None:
        self._api = api
        self._reader = reader
        self._context: int | None = None
        self._card: int | None = None
        self._answers = False
        try:
            self._context = api.establish()
            self._card, self._protocol = self._powered(reader)
            api.begin(self._card)
            self.atr = api.atr(self._card)
        except PcscError as error:
            self.close()
            raise reader_error(error) from None
        self.protocol: CardProtocol = _PROTOCOLS.get(self._protocol, "T=1")

    def transmit(self, command: bytes) -> bytes:
        if self._card is None:
            raise ReaderError("removed")
        try:
            answer = self._api.transmit(self._card, self._protocol, command)
        except PcscError as error:
            self._answers = False
            if error.status == _NOT_TRANSACTED and self._is_gone():
                raise ReaderError("removed") from None
            raise reader_error(error) from None
        self._answers = bool(answer)
        if not answer and self._is_gone():  # some drivers call that a success
            raise ReaderError("removed")
        return answer

    def _is_gone(self) -> bool:
        """A pulled card and a dead one give the same status; the reader knows better, at its next look."""
        assert self._context is not None
        try:
            told = self._api.status_change(self._context, _NEXT_LOOK_MS, [(self._reader, _PRESENT | _IN_USE)])
        except PcscError:
            return False
        return not any(raw & _PRESENT for _, raw, _ in told)

    def close(self) -> None:
        with contextlib.suppress(PcscError):
            if self._card is not None:
                # pcscd loses count of its cards if one is reset that is not there any more.
                self._api.disconnect(self._card, RESET if self._answers else LEAVE)
        with contextlib.suppress(PcscError):
            if self._context is not None:
                self._api.release(self._context)
        self._card = self._context = None

    def _powered(self, reader: str) -> tuple[int, int]:
        """Connects; once more by each protocol alone if they do not match, and if the card was mute at first."""
        assert self._context is not None
        try:
            return self._api.connect(self._context, reader, T0 | T1)
        except PcscError as error:
            if error.status == _UNRESPONSIVE:
                return self._api.connect(self._context, reader, T0 | T1)
            if error.status != _PROTOCOL_MISMATCH:
                raise
        try:
            return self._api.connect(self._context, reader, T0)
        except PcscError:
            return self._api.connect(self._context, reader, T1)
