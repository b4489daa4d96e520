"""Readers that live in this process, for tests, for `cardreader read --virtual`, and for the simulation."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Condition
from typing import Protocol

from cardreader.problems import ReaderError
from cardreader.transport import CardProtocol, ReaderState
from cardreader.virtual.card import Pulled


class Answering(Protocol):
    """Anything that is a card: a `VirtualCard`, or what a test makes."""

    atr: bytes
    protocol: CardProtocol

    def reset(self) -> None: ...
    def answer(self, command: bytes) -> bytes | None: ...


class InProcess:
    """A set of readers. Plugging, inserting and pulling may happen in any thread."""

    name = "in-process"

    def __init__(self, *readers: str, made_here: bool = True) -> None:
        self.made_here = made_here  # else its cards are treated as a person's own, which a test of that needs
        self._changed = Condition()
        self._cards: dict[str, Answering | None] = dict.fromkeys(readers)
        self._changes = dict.fromkeys(readers, 0)
        self._service = True

    # ---------------------------------------------------------------- the world's side

    def plug(self, reader: str) -> None:
        with self._changed:
            self._cards.setdefault(reader, None)
            self._changes.setdefault(reader, 0)
            self._changed.notify_all()

    def unplug(self, reader: str) -> None:
        with self._changed:
            del self._cards[reader], self._changes[reader]
            self._changed.notify_all()

    def insert(self, reader: str, card: Answering) -> None:
        self._put(reader, card)

    def remove(self, reader: str) -> None:
        self._put(reader, None)

    def serve(self, running: bool) -> None:
        """Stops or starts the service, as the system's may be."""
        with self._changed:
            self._service = running
            self._changed.notify_all()

    def _put(self, reader: str, card: Answering | None) -> None:
        with self._changed:
            self._cards[reader] = card
            self._changes[reader] += 1
            self._changed.notify_all()

    # ---------------------------------------------------------------- the program's side

    def states(
        self, known: Sequence[ReaderState] | None = None, wait_s: float = 0
    ) -> tuple[ReaderState, ...]:
        with self._changed:
            if known is not None:
                self._changed.wait_for(lambda: not self._service or self._now() != tuple(known), wait_s)
            if not self._service:
                raise ReaderError("no_service")
            return self._now()

    def connect(self, reader: str) -> InProcessLink:
        with self._changed:
            if not self._service:
                raise ReaderError("no_service")
            if reader not in self._cards:
                raise ReaderError("reader_gone")
            card = self._cards[reader]
        if card is None:
            raise ReaderError("no_card")
        if not card.atr:
            raise ReaderError("mute")
        return InProcessLink(self, reader, card)

    def close(self) -> None:
        pass

    def holds(self, reader: str, card: Answering) -> bool:
        return self._cards.get(reader) is card

    def wait_until_gone(self, reader: str, card: Answering) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self.holds(reader, card))

    def _now(self) -> tuple[ReaderState, ...]:
        return tuple(
            ReaderState(
                reader,
                present=card is not None,
                mute=card is not None and not card.atr,
                atr=card.atr if card is not None else b"",
                changes=self._changes[reader] & 0xFFFF,
            )
            for reader, card in self._cards.items()
        )


class InProcessLink:
    """A card in this process. Silent cards block, as they do behind PC/SC, until they are pulled."""

    def __init__(self, readers: InProcess, reader: str, card: Answering) -> None:
        self._readers, self._reader, self._card = readers, reader, card
        self.made_here = readers.made_here
        self.atr = card.atr
        self.protocol: CardProtocol = card.protocol
        card.reset()

    def transmit(self, command: bytes) -> bytes:
        if not self._readers.holds(self._reader, self._card):
            raise ReaderError("removed")
        try:
            answer = self._card.answer(command)
        except Pulled:
            self._readers.remove(self._reader)
            raise ReaderError("removed") from None
        if answer is None:
            self._readers.wait_until_gone(self._reader, self._card)
            raise ReaderError("removed")
        return answer

    def close(self) -> None:
        self._card.reset()
