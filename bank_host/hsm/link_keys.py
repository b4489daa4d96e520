"""The working key of a link, and its exchange under a zone key that both ends hold (0800/161, 162).

A key travels enciphered under the zone key with its check value; no call returns it in the clear.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable

from bank_host.hsm.des import KEY_BYTES, Des3

_BLOCK = re.compile("[0-9A-F]{38}", re.ASCII)  # 16 bytes enciphered, 3 bytes check value

SIMULATION_ZONE_KEY = bytes.fromhex("89ABCDEF0123456776543210FEDCBA98")
"""A published test key, known to everyone."""


class LinkKeys:
    """One end of a link: its zone key, and the working key that was last made or accepted."""

    __slots__ = ("_fresh", "_working", "_zone")

    def __init__(self, zone_key: bytes, fresh: Callable[[int], bytes]) -> None:
        """`fresh(n)` gives n bytes that nobody can foresee; a simulation's come from its seed."""
        self._zone = Des3(zone_key)
        self._fresh = fresh
        self._working: Des3 | None = None

    def make(self) -> str:
        """A new working key as a key block: 32 hexadecimal digits under the zone key, and 6 of its check value."""
        key = self._fresh(KEY_BYTES)
        self._working = Des3(key)
        return self._zone.encrypt(key).hex().upper() + self._working.check_value()

    def accept(self, block: str) -> bool:
        """Take the key of a block over; False, and nothing changes, when its check value is another key's."""
        if _BLOCK.fullmatch(block) is None:
            return False
        key = Des3(self._zone.decrypt(bytes.fromhex(block[: 2 * KEY_BYTES])))
        if not hmac.compare_digest(key.check_value(), block[2 * KEY_BYTES :]):
            return False
        self._working = key
        return True

    def check_value(self) -> str:
        """Tells two ends that they hold the same key, and nothing about it; '' before the first exchange."""
        return "" if self._working is None else self._working.check_value()

    def same(self, check_value: str) -> bool:
        """Whether the other end's check value is that of our key."""
        return bool(check_value) and hmac.compare_digest(check_value, self.check_value())
