"""AES on whole blocks, AES-CMAC, and the key check value in its CMAC form (FIPS 197, RFC 4493)."""

from __future__ import annotations

from threading import Lock
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK_BYTES: Final = 16
KEY_BYTES: Final = (16, 32)


class Aes:
    """One AES key, and what can be done with it."""

    __slots__ = ("_decryptor", "_empty_mac", "_encryptor", "_lock")

    def __init__(self, key: bytes) -> None:
        if len(key) not in KEY_BYTES:
            raise ValueError("an AES key here has 16 or 32 bytes")
        # Made once, as in cardreader.emv.des; PIN block format 4 and key blocks chain nothing.
        cipher = Cipher(AES(key), modes.ECB())
        self._encryptor, self._decryptor = cipher.encryptor(), cipher.decryptor()
        self._empty_mac = CMAC(AES(key))
        self._lock = Lock()

    def encrypt(self, blocks: bytes) -> bytes:
        _whole(blocks)
        with self._lock:
            return self._encryptor.update(blocks)

    def decrypt(self, blocks: bytes) -> bytes:
        _whole(blocks)
        with self._lock:
            return self._decryptor.update(blocks)

    def cmac(self, data: bytes) -> bytes:
        mac = self._empty_mac.copy()
        mac.update(data)
        return mac.finalize()

    def check_value(self) -> str:
        """KCV: the first three bytes of the CMAC of a block of zeros."""
        return self.cmac(bytes(BLOCK_BYTES))[:3].hex().upper()


def _whole(blocks: bytes) -> None:
    if len(blocks) % BLOCK_BYTES:
        raise ValueError("AES works on whole blocks of 16 bytes")
