"""Triple DES on whole blocks, the retail MAC, and the key check value: what cards and PIN standards are made of.

The one place of the project that knows this cipher (ISO/IEC 18033-3, ISO 9797-1). It is old, and card standards ask for
it; single-length keys are refused, double-length ones are expanded here.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final, Literal

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext, modes
from cryptography.hazmat.primitives.cmac import CMAC

BLOCK_BYTES: Final = 8
KEY_BYTES: Final = (16, 24)
_ZERO_BLOCK: Final = bytes(BLOCK_BYTES)
_ODD: Final = bytes((byte & 0xFE) | (~(byte >> 1).bit_count() & 1) for byte in range(256))

Padding = Literal[1, 2]
"""ISO 9797-1: 1 fills up with zeros, 2 adds a byte 80 and then fills up with zeros."""


class Des3:
    """One TDES key of double or triple length, and what can be done with it."""

    __slots__ = ("_contexts", "_key", "_last_chained", "_lock")

    def __init__(self, key: bytes) -> None:
        if len(key) not in KEY_BYTES:
            raise ValueError("a TDES key has 16 or 24 bytes")
        self._key = key
        # Made once: a context costs ten times the block it enciphers, and keeps nothing between whole blocks.
        self._contexts = _Contexts(key)
        self._last_chained = 0
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"Des3({len(self._key)} bytes)"

    def encrypt(self, blocks: bytes) -> bytes:
        return self._through(_encryptor, blocks)

    def decrypt(self, blocks: bytes) -> bytes:
        return self._through(_decryptor, blocks)

    def encrypt_single(self, blocks: bytes) -> bytes:
        """Single DES under the left part, as the card verification value asks for in its first step."""
        return self._through(_single, blocks)

    def retail_mac(self, data: bytes, padding: Padding) -> bytes:
        """ISO 9797-1 algorithm 3: a chain of single DES under the left half, its last block in triple DES."""
        if len(self._key) != 2 * BLOCK_BYTES:
            raise ValueError("the retail MAC needs a double-length key")
        padded = pad(data, padding)
        last = int.from_bytes(padded[-BLOCK_BYTES:])
        with self._lock:
            if len(padded) > BLOCK_BYTES:
                # The context goes on where the last MAC ended; xor with that block begins anew from zeros.
                begun = int.from_bytes(padded[:BLOCK_BYTES]) ^ self._last_chained
                head = begun.to_bytes(BLOCK_BYTES) + padded[BLOCK_BYTES:-BLOCK_BYTES]
                self._last_chained = int.from_bytes(self._contexts[_chain].update(head)[-BLOCK_BYTES:])
                last ^= self._last_chained
            return self._contexts[_encryptor].update(last.to_bytes(BLOCK_BYTES))

    def cmac(self, data: bytes) -> bytes:
        """CMAC (NIST SP 800-38B), from which key blocks derive their keys."""
        mac = CMAC(TripleDES(_three_parts(self._key)))
        mac.update(data)
        return mac.finalize()

    def check_value(self) -> str:
        """KCV: the first three bytes of an enciphered block of zeros."""
        return self.encrypt(_ZERO_BLOCK)[:3].hex().upper()

    def _through(self, kind: Callable[[bytes], CipherContext], blocks: bytes) -> bytes:
        if len(blocks) % BLOCK_BYTES:
            raise ValueError("TDES works on whole blocks of 8 bytes")
        with self._lock:
            return self._contexts[kind].update(blocks)


def pad(data: bytes, padding: Padding) -> bytes:
    """The data filled up to whole blocks, at least one."""
    padded = data + b"\x80" if padding == 2 else data
    return padded + bytes(-len(padded) % BLOCK_BYTES) or _ZERO_BLOCK


def xor(left: bytes, right: bytes) -> bytes:
    """Two byte strings of one length."""
    if len(left) != len(right):
        raise ValueError("xor takes two strings of one length")
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))


def odd_parity(key: bytes) -> bytes:
    """The key with the lowest bit of each byte set so that the byte has an odd number of ones."""
    return key.translate(_ODD)


# ---------------------------------------------------------------- contexts of the library


class _Contexts(dict[Callable[[bytes], CipherContext], CipherContext]):
    """The contexts of one key, each made when it is first asked for."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self._key = key

    def __missing__(self, kind: Callable[[bytes], CipherContext]) -> CipherContext:
        context = self[kind] = kind(self._key)
        return context


def _encryptor(key: bytes) -> CipherContext:
    # Single blocks only, each a value of its own: there is nothing for another mode to chain.
    return Cipher(TripleDES(_three_parts(key)), modes.ECB()).encryptor()


def _decryptor(key: bytes) -> CipherContext:
    return Cipher(TripleDES(_three_parts(key)), modes.ECB()).decryptor()


def _single(key: bytes) -> CipherContext:
    return Cipher(TripleDES(_left_only(key)), modes.ECB()).encryptor()


def _chain(key: bytes) -> CipherContext:
    return Cipher(TripleDES(_left_only(key)), modes.CBC(_ZERO_BLOCK)).encryptor()


def _three_parts(key: bytes) -> bytes:
    return (key + key)[: 3 * BLOCK_BYTES] if len(key) == 2 * BLOCK_BYTES else key


def _left_only(key: bytes) -> bytes:
    return key[:BLOCK_BYTES] * 3  # three times the same key is single DES
