"""What the port needs of a dialect, and the default one: bytes to messages and back, framing, MAC field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from bank_host.iso8583 import codec
from bank_host.iso8583.codec import elements_of_bitmap
from bank_host.iso8583.errors import FormatError
from bank_host.iso8583.frame import Deframer, frame
from bank_host.iso8583.message import Message

Mac = Callable[[bytes], str]
"""The MAC of these bytes, 16 hexadecimal digits."""

_MTI_END, _BITMAP_DIGITS, _MAC_DIGITS = 4, 16, 16
_MAC_FIELDS = (64, 128)


class Frame(NamedTuple):
    """One message as it came; an empty payload is a keep-alive."""

    payload: bytes
    tpdu: bytes = b""


class FrameError(Exception):
    """The stream cannot be read on; `before` are the frames that the same bytes completed before the fault."""

    def __init__(self, reason: str, before: tuple[Frame, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.before = before


class FrameReader(Protocol):
    @property
    def pending_bytes(self) -> int: ...

    def feed(self, data: bytes) -> list[Frame]: ...


class Framing(Protocol):
    def reader(self) -> FrameReader: ...

    def wrap(self, payload: bytes, reply_to: Frame | None = None) -> bytes: ...


class Dialect(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def framing(self) -> Framing: ...

    @property
    def garbage(self) -> Literal["answer", "drop"]: ...

    @property
    def mac_mandatory(self) -> bool: ...

    @property
    def echo_s(self) -> int: ...

    def decode(self, data: bytes) -> Message: ...

    def read_elements(self, data: bytes) -> Message: ...

    def encode(self, message: Message, mac: Mac | None = None) -> bytes: ...

    def mac_input(self, data: bytes) -> tuple[bytes, str] | None: ...


class _Len2Reader:
    def __init__(self) -> None:
        self._deframer = Deframer()

    @property
    def pending_bytes(self) -> int:
        return self._deframer.pending_bytes

    def feed(self, data: bytes) -> list[Frame]:
        frames = [Frame(payload) for payload in self._deframer.feed(data)]
        if self._deframer.error is not None:
            raise FrameError(self._deframer.error.reason, tuple(frames))
        return frames


class _Len2:
    def reader(self) -> FrameReader:
        return _Len2Reader()

    def wrap(self, payload: bytes, reply_to: Frame | None = None) -> bytes:
        return frame(payload)


class DefaultDialect(NamedTuple):
    """Two bytes of length, ASCII data, hexadecimal bitmap."""

    name: str = "default"
    framing: Framing = _Len2()
    garbage: Literal["answer", "drop"] = "answer"
    mac_mandatory: bool = False
    echo_s: int = 60

    def decode(self, data: bytes) -> Message:
        return codec.decode(data)

    def read_elements(self, data: bytes) -> Message:
        return codec.read_elements(data)

    def encode(self, message: Message, mac: Mac | None = None) -> bytes:
        if mac is None:
            return codec.encode(message)
        field = 128 if max(message.fields) > 64 else 64
        data = codec.encode(message.but({field: "0" * _MAC_DIGITS}))[:-_MAC_DIGITS]
        return data + mac(data).encode("ascii")

    def mac_input(self, data: bytes) -> tuple[bytes, str] | None:
        """What the MAC covers, and the MAC; None where the bitmap announces none."""
        try:
            elements = elements_of_bitmap(data[_MTI_END : _MTI_END + _BITMAP_DIGITS].decode("ascii"))
            if 1 in elements:
                second = data[_MTI_END + _BITMAP_DIGITS : _MTI_END + 2 * _BITMAP_DIGITS]
                elements += elements_of_bitmap(second.decode("ascii"), 65)
        except ValueError:
            return None
        if not elements or elements[-1] not in _MAC_FIELDS:
            return None
        return data[:-_MAC_DIGITS], data[-_MAC_DIGITS:].decode("latin-1")


def load_dialect(name: str) -> Dialect:
    """The dialect of this name; ValueError if there is none."""
    if name != "default":
        raise ValueError(f"there is no dialect {name!r}; there is: default")
    return DefaultDialect()


__all__ = ["Dialect", "FormatError", "Frame", "FrameError", "Mac", "load_dialect"]
