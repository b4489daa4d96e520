"""PC/SC by Linux's libpcsclite itself, for machines without a compiler or pyscard."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import POINTER, byref, c_char_p, c_long, c_ubyte, c_ulong, c_void_p
from functools import cache
from typing import Any, Final

from cardreader.pcsc import LEAVE, PcscError
from cardreader.transport import MOST_ATR_BYTES

_LIBRARY: Final = "libpcsclite.so.1"
_SCOPE_USER, _SHARED = 0, 2
_MOST_ANSWER_BYTES: Final = 65_544
_MOST_NAMES_BYTES: Final = 16 * 129


class _State(ctypes.Structure):
    """SCARD_READERSTATE as Linux lays it out; macOS and Windows pack it differently."""

    _fields_ = (
        ("reader", c_char_p),
        ("user_data", c_void_p),
        ("current", c_ulong),
        ("event", c_ulong),
        ("atr_bytes", c_ulong),
        ("atr", c_ubyte * MOST_ATR_BYTES),
    )


class _Header(ctypes.Structure):
    """SCARD_IO_REQUEST."""

    _fields_ = (("protocol", c_ulong), ("size", c_ulong))


_SIGNATURES: Final[dict[str, tuple[Any, ...]]] = {
    "SCardEstablishContext": (c_ulong, c_void_p, c_void_p, POINTER(c_long)),
    "SCardReleaseContext": (c_long,),
    "SCardListReaders": (c_long, c_char_p, c_char_p, POINTER(c_ulong)),
    "SCardGetStatusChange": (c_long, c_ulong, POINTER(_State), c_ulong),
    "SCardConnect": (c_long, c_char_p, c_ulong, c_ulong, POINTER(c_long), POINTER(c_ulong)),
    "SCardStatus": (
        c_long,
        c_char_p,
        POINTER(c_ulong),
        POINTER(c_ulong),
        POINTER(c_ulong),
        POINTER(c_ubyte * MOST_ATR_BYTES),
        POINTER(c_ulong),
    ),
    "SCardBeginTransaction": (c_long,),
    "SCardEndTransaction": (c_long, c_ulong),
    "SCardTransmit": (
        c_long,
        POINTER(_Header),
        c_char_p,
        c_ulong,
        POINTER(_Header),
        c_char_p,
        POINTER(c_ulong),
    ),
    "SCardDisconnect": (c_long, c_ulong),
}


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(_LIBRARY)
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_long
    return library


def loads() -> bool:
    """Whether the library is on this machine."""
    try:
        _library()
    except OSError:
        return False
    return True


def _call(name: str, *arguments: Any) -> None:
    status = getattr(_library(), name)(*arguments)
    if status:
        raise PcscError(status)


class Libpcsclite:
    name = "libpcsclite"

    def establish(self) -> int:
        context = c_long()
        _call("SCardEstablishContext", _SCOPE_USER, None, None, byref(context))
        return context.value

    def release(self, context: int) -> None:
        _call("SCardReleaseContext", context)

    def list_readers(self, context: int) -> tuple[str, ...]:
        names, size = ctypes.create_string_buffer(_MOST_NAMES_BYTES), c_ulong(_MOST_NAMES_BYTES)
        _call("SCardListReaders", context, None, names, byref(size))
        return tuple(name.decode("utf-8", "replace") for name in names.raw[: size.value].split(b"\0") if name)

    def status_change(
        self, context: int, wait_ms: int, known: Sequence[tuple[str, int]]
    ) -> list[tuple[str, int, bytes]]:
        states = (_State * len(known))(*(_State(reader=name.encode(), current=raw) for name, raw in known))
        _call("SCardGetStatusChange", context, wait_ms, states, len(known))
        return [
            (name, state.event, bytes(state.atr[: state.atr_bytes]))
            for (name, _), state in zip(known, states, strict=True)
        ]

    def connect(self, context: int, reader: str, protocols: int) -> tuple[int, int]:
        card, protocol = c_long(), c_ulong()
        _call("SCardConnect", context, reader.encode(), _SHARED, protocols, byref(card), byref(protocol))
        return card.value, protocol.value

    def atr(self, card: int) -> bytes:
        name_bytes, state, protocol = c_ulong(0), c_ulong(), c_ulong()
        atr, size = (c_ubyte * MOST_ATR_BYTES)(), c_ulong(MOST_ATR_BYTES)
        _call(
            "SCardStatus",
            card,
            None,
            byref(name_bytes),
            byref(state),
            byref(protocol),
            byref(atr),
            byref(size),
        )
        return bytes(atr[: size.value])

    def begin(self, card: int) -> None:
        _call("SCardBeginTransaction", card)

    def transmit(self, card: int, protocol: int, command: bytes) -> bytes:
        answer, size = ctypes.create_string_buffer(_MOST_ANSWER_BYTES), c_ulong(_MOST_ANSWER_BYTES)
        header = _Header(protocol, ctypes.sizeof(_Header))
        _call("SCardTransmit", card, byref(header), command, len(command), None, answer, byref(size))
        return answer.raw[: size.value]

    def disconnect(self, card: int, disposition: int) -> None:
        _library().SCardEndTransaction(card, LEAVE)
        _call("SCardDisconnect", card, disposition)
