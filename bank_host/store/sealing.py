"""Keys of the SQL store and the sealing of token secrets (I22: no secret readable in a database file).

One store key is handed in, which the bank's key module has derived; a key for each purpose is derived from it. The
simulation's store key is a published constant: it keeps secrets out of plain sight in a run folder and protects
nothing against somebody who reads this.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PURPOSE = "bank_host/store"
"""What a bank's `seal` key is asked for: `hsm.derived(SEAL, PURPOSE)` is its store key."""

SIMULATION_KEY = bytes.fromhex("B87D460A2933FE202DE026BE7CE3795485CE034E6704EB806D1158434B767CD4")
"""The store key that comes of the published `seal` key (a test derives it)."""

_NONCE_BYTES = 12


class StoreKeys(NamedTuple):
    seal: bytes
    nonce: bytes
    chain: bytes

    def __repr__(self) -> str:
        return "StoreKeys(hidden)"


def derive(store_key: bytes) -> StoreKeys:
    if len(store_key) != 32:
        raise ValueError("the store key must be 32 bytes long")

    def key_for(purpose: bytes) -> bytes:
        return hmac.digest(store_key, b"bank_host/store/" + purpose, "sha256")

    return StoreKeys(key_for(b"seal"), key_for(b"nonce"), key_for(b"chain"))


def seal(keys: StoreKeys, owner: str, secret: str) -> bytes:
    """AES-256-GCM, bound to its owner. The nonce is a keyed hash of what it seals, so it is never reused."""
    nonce = hmac.digest(keys.nonce, f"{owner}\0{secret}".encode(), "sha256")[:_NONCE_BYTES]
    return nonce + AESGCM(keys.seal).encrypt(nonce, secret.encode(), owner.encode())


def unseal(keys: StoreKeys, owner: str, sealed: bytes) -> str:
    try:
        clear = AESGCM(keys.seal).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], owner.encode())
    except InvalidTag:
        raise ValueError(
            "a sealed secret does not open: the store was written under another store key, or was changed"
        ) from None
    return clear.decode()
