"""Triple DES on whole blocks, with double-length keys, and the key check value."""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

BLOCK_BYTES = 8
KEY_BYTES = 16
_ZERO_BLOCK = bytes(BLOCK_BYTES)


class Des3:
    """One double-length TDES key, and what can be done with it."""

    __slots__ = ("_cipher", "_single")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a TDES key here has 16 bytes")
        self._cipher = _cipher(key)
        self._single = _cipher(key[:BLOCK_BYTES] * 2)  # three times the same key is single DES

    def encrypt(self, block: bytes) -> bytes:
        return self._cipher.encryptor().update(block)

    def decrypt(self, block: bytes) -> bytes:
        return self._cipher.decryptor().update(block)

    def encrypt_single(self, block: bytes) -> bytes:
        """Single DES under the left half, as the card verification value asks for in its first step."""
        return self._single.encryptor().update(block)

    def check_value(self) -> str:
        """KCV: the first three bytes of an enciphered block of zeros."""
        return self.encrypt(_ZERO_BLOCK)[:3].hex().upper()


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    # Single blocks only, each a value of its own: there is nothing for another mode to chain.
    return Cipher(TripleDES(key + key[:BLOCK_BYTES]), modes.ECB())
