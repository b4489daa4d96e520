"""Messages on a byte stream: two bytes of length (big-endian), then the message, within bounds."""

from __future__ import annotations

from bank_host.iso8583.codec import MAX_BYTES, MIN_BYTES
from bank_host.iso8583.errors import FormatError

_LENGTH_BYTES = 2


def frame(data: bytes) -> bytes:
    """The message with its length in front; FormatError outside 12 to 2,048 bytes."""
    _check_length(len(data))
    return len(data).to_bytes(_LENGTH_BYTES, "big") + data


class Deframer:
    """Cuts a stream back into messages, however the stream was split or joined on its way.

    A length out of bounds cannot be skipped, since nobody knows where the next message begins: the messages
    before it are still returned, `error` says what was wrong, and the connection has to be closed.
    Feeding on raises that error.
    """

    __slots__ = ("_buffer", "error")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.error: FormatError | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes of a message that has not wholly arrived; never more than one message with its length."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that these bytes complete, oldest first."""
        if self.error is not None:
            raise self.error
        messages: list[bytes] = []
        self._buffer += data
        position = 0
        while len(self._buffer) - position >= _LENGTH_BYTES:
            begin = position + _LENGTH_BYTES
            length = int.from_bytes(self._buffer[position:begin], "big")
            try:
                _check_length(length)
            except FormatError as error:
                self.error = error
                position = len(self._buffer)
                break
            if len(self._buffer) < begin + length:
                break
            messages.append(bytes(self._buffer[begin : begin + length]))
            position = begin + length
        del self._buffer[:position]
        return messages


def _check_length(length: int) -> None:
    if length < MIN_BYTES:
        raise FormatError("too_short")
    if length > MAX_BYTES:
        raise FormatError("too_long")
