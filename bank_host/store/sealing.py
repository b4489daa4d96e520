"""Keys of the SQL store and the sealing of token secrets (I22: no secret readable in a database file).

One store key is handed in; a key for each purpose is derived from it. The simulation's store key is a
published constant: it keeps secrets out of plain sight in a run folder and protects nothing against somebody
who reads this.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SIMULATION_KEY = hashlib.sha256(b"atm-sim: published store key, for simulations only").digest()

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
