"""The one error of the key module; its text never holds a PIN, a PAN, a key or a block."""

from __future__ import annotations


class HsmError(Exception):
    """The module refused: unknown handle, wrong usage, or data that is not well formed."""


class MalformedPinBlock(HsmError):
    """The block holds no PIN of this PAN: wrong key, wrong PAN or damage, which cannot be told apart."""

    def __init__(self) -> None:
        super().__init__("the PIN block is not well formed")
