"""Triple DES on whole blocks, with double-length keys, and the key check value."""

from __future__ import annotations

from threading import Lock

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes

BLOCK_BYTES = 8
KEY_BYTES = 16
_ZERO_BLOCK = bytes(BLOCK_BYTES)


class Des3:
    """One double-length TDES key, and what can be done with it."""

    __slots__ = ("_decryptor", "_encryptor", "_lock", "_single")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError("a TDES key here has 16 bytes")
        # Made once: a context costs ten times the block it enciphers, and keeps nothing between whole blocks.
        self._encryptor = _cipher(key).encryptor()
        self._decryptor = _cipher(key).decryptor()
        self._single = _cipher(key[:BLOCK_BYTES] * 2).encryptor()  # three times the same key is single DES
        self._lock = Lock()

    def encrypt(self, block: bytes) -> bytes:
        return self._through(self._encryptor, block)

    def decrypt(self, block: bytes) -> bytes:
        return self._through(self._decryptor, block)

    def encrypt_single(self, block: bytes) -> bytes:
        """Single DES under the left half, as the card verification value asks for in its first step."""
        return self._through(self._single, block)

    def _through(self, context: CipherContext, block: bytes) -> bytes:
        if len(block) % BLOCK_BYTES:
            raise ValueError("TDES works on whole blocks of 8 bytes")
        with self._lock:
            return context.update(block)

    def check_value(self) -> str:
        """KCV: the first three bytes of an enciphered block of zeros."""
        return self.encrypt(_ZERO_BLOCK)[:3].hex().upper()


def _cipher(key: bytes) -> Cipher[modes.ECB]:
    # Single blocks only, each a value of its own: there is nothing for another mode to chain.
    return Cipher(TripleDES(key + key[:BLOCK_BYTES]), modes.ECB())
