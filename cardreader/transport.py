"""The way to readers and cards, whatever is behind it: the machine's PC/SC, or cards that live in this process.

Two protocols. A `Transport` knows readers and which of them have a card; its `connect` gives a `Link`, the bare line to
one card. A link's `transmit` is called in one place only, `cardreader.card`, behind the allow-list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

CardProtocol = Literal["T=0", "T=1"]

MOST_ATR_BYTES: Final = 33


class ReaderState(NamedTuple):
    """One reader at one moment, as the system tells it."""

    reader: str
    present: bool = False
    mute: bool = False  # a card that does not answer to power
    in_use: bool = False  # held by another program for itself
    atr: bytes = b""
    changes: int = 0  # insertions and removals as the system counts them, modulo 2 to the 16th
    raw: int = 0  # the system's own word, handed back in the next wait


class Link(Protocol):
    """The bare line to one card. Each call may block for ever: PC/SC has no time-out."""

    atr: bytes
    protocol: CardProtocol
    made_here: bool
    """Whether the card is one of this program's own, which no command can harm."""

    def transmit(self, command: bytes) -> bytes:
        """Command bytes to the card, answer bytes back; ReaderError if that does not work."""

    def close(self) -> None:
        """Give the card back, reset. Never raises."""


class Transport(Protocol):
    """Readers, and the way to their cards. Every method may raise ReaderError."""

    name: str

    def states(
        self, known: Sequence[ReaderState] | None = None, wait_s: float = 0
    ) -> tuple[ReaderState, ...]:
        """The readers with their cards; with `known`, waits until they differ from it, at most this long."""

    def connect(self, reader: str) -> Link:
        """A line to the card in this reader, shared with other programs but not interleaved with them."""

    def close(self) -> None:
        """Let go of the system. Never raises."""
