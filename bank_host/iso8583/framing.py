"""Messages on a byte stream: how a length stands before each message, read within bounds (sans-IO).

A framing is data; the dialect names one of `FRAMINGS`. A length that cannot be raises at once, because nobody knows
where the next message would begin: the connection has to be closed. Nothing is reserved for a length that was only
announced.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from bank_host.iso8583.bounds import MAX_BYTES, MIN_BYTES
from bank_host.named import of_parts

TPDU_BYTES: Final = 5
OWN_TPDU: Final = bytes.fromhex("6000000000")
"""The transport header of a message that answers nothing: protocol 60, then destination and source address."""

LengthForm = Literal["binary", "ascii", "bcd", "hex"]
Reason = Literal["not_a_length", "too_short", "too_long"]

WORDS: Final[dict[Reason, str]] = {
    "not_a_length": "what stands where a length belongs is none; the peer speaks another framing or protocol",
    "too_short": f"the length is less than the {MIN_BYTES} bytes that a message has; does the peer frame alike?",
    "too_long": f"the length is more than {MAX_BYTES:,} bytes; the peer speaks another framing or protocol",
}

_HEX: Final = re.compile(rb"[0-9A-Fa-f]+")


class Frame(NamedTuple):
    """One message as it came. An empty payload is a keep-alive: it is echoed with `wrap(b"")`."""

    payload: bytes
    tpdu: bytes = b""

    def __repr__(self) -> str:
        """Without the message: it holds a card number."""
        return f"Frame({len(self.payload)} bytes)"


_frame: Callable[[tuple[bytes, bytes]], Frame] = of_parts(Frame)


class FrameError(Exception):
    """The stream cannot be read on. `before` are the frames that the same bytes completed before the fault."""

    def __init__(self, reason: Reason, before: tuple[Frame, ...] = ()) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.before = before

    def __str__(self) -> str:
        return f"frame error: {WORDS[self.reason]}"


class Framing(NamedTuple):
    """How messages are cut out of a stream."""

    name: str
    form: LengthForm
    length_bytes: int
    tpdu: bool = False  # five bytes of transport header between length and message
    counts_tpdu: bool = True  # whether the length counts that header
    counts_itself: bool = False  # whether the length counts its own bytes
    keep_alive: bool = False  # a length of 0 is a sign of life; otherwise it is an error
    own_tpdu: bytes = OWN_TPDU

    @property
    def overhead(self) -> int:
        """What a length counts beside the message."""
        tpdu = TPDU_BYTES if self.tpdu and self.counts_tpdu else 0
        return tpdu + (self.length_bytes if self.counts_itself else 0)

    def reader(self) -> FrameReader:
        """A reader for one connection."""
        return FrameReader(self)

    def wrap(self, payload: bytes, reply_to: Frame | None = None) -> bytes:
        """The message as it goes out; an answer carries its request's TPDU with the two addresses swapped."""
        if not payload and self.keep_alive:
            return self._length(0)
        _check_bounds(len(payload))
        tpdu = self._tpdu(reply_to) if self.tpdu else b""
        return self._length(len(payload) + self.overhead) + tpdu + payload

    def _tpdu(self, reply_to: Frame | None) -> bytes:
        if reply_to is None or not reply_to.tpdu:
            return self.own_tpdu
        return reply_to.tpdu[:1] + reply_to.tpdu[3:5] + reply_to.tpdu[1:3]

    def _length(self, length: int) -> bytes:
        if self.form == "binary":
            return length.to_bytes(self.length_bytes, "big")
        if self.form == "bcd":
            return bytes.fromhex(f"{length:0{2 * self.length_bytes}d}")
        digits = "X" if self.form == "hex" else "d"
        return f"{length:0{self.length_bytes}{digits}}".encode("ascii")

    def message_length(self, prefix: bytes) -> int:
        """The bytes of message that this length announces (0: a keep-alive); FrameError if that cannot be."""
        length = int.from_bytes(prefix) if self.form == "binary" else self._read(prefix)
        if length == 0 and self.keep_alive:
            return 0
        length -= self.overhead
        _check_bounds(length)
        return length

    def _read(self, prefix: bytes) -> int:
        if self.form == "hex":
            if _HEX.fullmatch(prefix) is None:
                raise FrameError("not_a_length")
            return int(prefix, 16)
        digits = prefix if self.form == "ascii" else prefix.hex().encode("ascii")
        if not digits.isdigit():  # of bytes: ASCII digits and nothing else
            raise FrameError("not_a_length")
        return int(digits)


class FrameReader:
    """Cuts one connection's stream back into messages, however it was split or joined on its way."""

    __slots__ = ("_framing", "_rest")

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._rest = b""

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that has not wholly arrived; not 0 at the end of a stream means it was cut short."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete, oldest first; FrameError as soon as a length cannot be."""
        framing = self._framing
        if self._rest:
            data = self._rest + data
        frames: list[Frame] = []
        prefix, tpdu_bytes = framing.length_bytes, TPDU_BYTES if framing.tpdu else 0
        position, size = 0, len(data)
        while size - position >= prefix:
            begin = position + prefix
            try:
                length = framing.message_length(data[position:begin])
            except FrameError as error:
                self._rest = b""
                raise FrameError(error.reason, tuple(frames)) from None
            payload = begin + tpdu_bytes if length else begin
            end = payload + length
            if end > size:
                break
            frames.append(_frame((data[payload:end], data[begin:payload])))
            position = end
        self._rest = data[position:]
        return frames


def _check_bounds(length: int) -> None:
    if length < MIN_BYTES:
        raise FrameError("too_short")
    if length > MAX_BYTES:
        raise FrameError("too_long")


FRAMINGS: Final[dict[str, Framing]] = {
    framing.name: framing
    for framing in (
        Framing("len2", "binary", 2),
        Framing("len2_tpdu", "binary", 2, tpdu=True),
        Framing("len2_incl", "binary", 2, counts_itself=True),
        Framing("len4", "binary", 4),
        Framing("ascii4", "ascii", 4, keep_alive=True),
        Framing("bcd2", "bcd", 2),
        Framing("hex4", "hex", 4),
    )
}
