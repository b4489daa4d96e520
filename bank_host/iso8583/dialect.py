"""One frozen object for the way a network speaks ISO 8583: framing, wire forms, codes and layouts.

`decode` gives every message in our terms, whatever the network calls things; `encode` writes it in the network's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bank_host.iso8583 import codec
from bank_host.iso8583.framing import FRAMINGS, Framing
from bank_host.iso8583.message import Message

_MAC_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one network speaks. Two threads may share it: it has no state."""

    name: str
    framing: Framing = field(default=FRAMINGS["len2"])

    def decode(self, data: bytes) -> Message:
        """The message these bytes are, in our terms; FormatError, and nothing else, if they are not one."""
        return codec.decode(data)

    def encode(self, message: Message, mac: Callable[[bytes], str] | None = None) -> bytes:
        """The message on the wire; `mac` gets the bytes that the MAC covers and gives it in hexadecimal."""
        if mac is None:
            return codec.encode(message)
        data = codec.encode(message.but({self._mac_element(message): "0" * _MAC_DIGITS}))
        covered = data[:-_MAC_DIGITS]
        return covered + mac(covered).encode("ascii")

    def mac_input(self, data: bytes) -> tuple[bytes, str] | None:
        """Of a message that `decode` accepts: the bytes that its MAC covers, and the MAC; None without one."""
        element = 128 if data[4:5] in b"89ABCDEF" else 64
        bitmap = data[20:36] if element == 128 else data[4:20]
        if not int(bitmap, 16) & 1:
            return None
        return data[:-_MAC_DIGITS], data[-_MAC_DIGITS:].decode("ascii")

    @staticmethod
    def _mac_element(message: Message) -> int:
        return 128 if any(de > 64 for de in message.fields) else 64


def load_dialect(name_or_path: str) -> Dialect:
    """The shipped dialect of that name, or the one that a TOML file describes."""
    if name_or_path != "atm-sim":
        raise ValueError(f"unknown dialect {name_or_path!r}")
    return Dialect("atm-sim")


DEFAULT: Final = load_dialect("atm-sim")
