"""Login passwords: Argon2id, one hash at a time for each core, and the same time for customers that do not exist.

OWASP's figures: 19 MiB, two passes, one lane. Salt is chance, so it comes from outside; simulations use a cheap
profile whose salts are drawn from a seed.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from itertools import count
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bank_host.secrets import Secret

_MEMORY_KIB, _PASSES, _LANES = 19 * 1024, 2, 1
_SALT_BYTES = 16


class Passwords:
    """Hashes and compares passwords."""

    __slots__ = ("_dummy", "_hasher", "_room", "_salt")

    def __init__(
        self,
        salt: Callable[[int], bytes] = os.urandom,
        *,
        memory_kib: int = _MEMORY_KIB,
        passes: int = _PASSES,
        at_once: int | None = None,
    ) -> None:
        self._salt = salt
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=_LANES)
        self._room = BoundedSemaphore(at_once or os.cpu_count() or 1)  # fifty logins must not take gigabytes
        self._dummy = ""

    @classmethod
    def fast(cls, seed: bytes) -> Passwords:
        """For simulations and tests only: next to no work, and the same hashes in every run of a seed."""
        numbers = count()

        def salt(size: int) -> bytes:
            return hashlib.blake2b(seed + next(numbers).to_bytes(8, "big"), digest_size=size).digest()

        return cls(salt, memory_kib=8, passes=1)

    def hash(self, password: Secret) -> str:
        with self._room:
            return self._hasher.hash(password.reveal(), salt=self._salt(_SALT_BYTES))

    def verify(self, stored: str, password: Secret | None) -> bool:
        """Whether it is the password; where there is none to compare with, the same work is done for nothing."""
        known = bool(stored)
        try:
            with self._room:
                right = self._hasher.verify(
                    stored or self._stand_in(), "" if password is None else password.reveal()
                )
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False
        return right and known and password is not None

    def outdated(self, stored: str) -> bool:
        """Was the hash made with other figures than today's? It is renewed at the next successful login."""
        return self._hasher.check_needs_rehash(stored)

    def _stand_in(self) -> str:
        if not self._dummy:
            self._dummy = self._hasher.hash("nobody's password", salt=bytes(_SALT_BYTES))
        return self._dummy
