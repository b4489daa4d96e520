"""What was heard between two ends, before anybody knows how to read it."""

from __future__ import annotations

from typing import Literal, NamedTuple

Way = Literal["sent", "received", ""]
"""Whose bytes they are: ours, the peer's, or nobody said."""


class Stream(NamedTuple):
    """Bytes in one direction, as the pieces in which they came: segments, or the lines of a file.

    `whole` pieces are a frame or a bare message each; otherwise a message may begin in one and end in another.
    `numbers` are what whole pieces are called in their file.
    """

    way: Way
    pieces: tuple[bytes, ...]
    whole: bool = False
    numbers: tuple[int, ...] = ()

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


class Said(NamedTuple):
    """A message that came as values, not as bytes: from the log of a program. `hidden` are elements it masks."""

    way: Way
    mti: str
    values: dict[int, str]
    hidden: frozenset[int] = frozenset()


class Capture(NamedTuple):
    """A conversation. Messages count by stream, and within a stream in the order of the bytes."""

    streams: tuple[Stream, ...] = ()
    said: tuple[Said, ...] = ()
    notes: tuple[str, ...] = ()


class CaptureError(ValueError):
    """A file that holds no conversation; the text says why and what to do."""
