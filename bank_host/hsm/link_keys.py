"""The working keys of a link, and their exchange under a zone key that both ends hold (0800/161, 162).

A key travels enciphered under the zone key with its check value; no call returns it in the clear. A block may begin
with three characters that say what the key is for, in the codes of key blocks elsewhere (ANSI X9.143); without them
it is a TDES key for MACs.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, NamedTuple

from bank_host.hsm.keys import SIMULATION_KEYS, ZMK, Cipher, Usage
from bank_host.hsm.module import Hsm


class Kind(NamedTuple):
    """What a working key is for, and in which cipher."""

    usage: Usage
    cipher: Cipher
    name: str  # behind the link's name: the handle


KINDS: Final = {
    "P0T": Kind("zone_pin", "TDES", "pin"),
    "P0A": Kind("zone_pin", "AES", "pin"),
    "M3T": Kind("zone_mac", "TDES", "mac"),
    "M6A": Kind("zone_mac", "AES", "mac"),
}
"""Key usage and algorithm as X9.143 has them: PIN encryption, MAC by ISO 9797-1 algorithm 3, MAC by CMAC."""

_UNSAID: Final = "M3T"


class LinkKeys:
    """One end of a link: the module that holds its zone key, and the working keys that were made or accepted.

    They are in the module under `link/pin` and `link/mac`; `pin` and `mac` are these handles, '' until there is a key.
    """

    __slots__ = ("_hsm", "_last", "_link", "_zmk", "mac", "pin")

    def __init__(self, hsm: Hsm, zmk: str, link: str) -> None:
        self._hsm = hsm
        self._zmk = zmk
        self._link = link
        self._last = ""
        self.pin = self.mac = ""

    @classmethod
    def simulation(cls, fresh: Callable[[int], bytes]) -> LinkKeys:
        """An end with a module of its own, whose zone key is the published one."""
        return cls(Hsm({ZMK: SIMULATION_KEYS[ZMK]}, fresh=fresh), ZMK, "link")

    def make(self, code: str = "") -> str:
        """A new working key as a key block: hexadecimal digits under the zone key, and 6 of its check value."""
        kind = KINDS[code or _UNSAID]
        handle = f"{self._link}/{kind.name}"
        block = self._hsm.make_key(self._zmk, handle, kind.usage, kind.cipher)
        self._now_holds(kind, handle)
        return code + block

    def accept(self, block: str) -> bool:
        """Take the key of a block over; False, and nothing changes, when its check value is another key's."""
        said = block[:3] if block[:3] in KINDS else ""
        kind = KINDS[said or _UNSAID]
        handle = f"{self._link}/{kind.name}"
        if not self._hsm.accept_key(self._zmk, handle, kind.usage, block.removeprefix(said), kind.cipher):
            return False
        self._now_holds(kind, handle)
        return True

    def check_value(self) -> str:
        """Tells two ends that they hold the same key, and nothing about it: that of the last exchange, '' before."""
        return self._hsm.check_value(self._last) if self._last else ""

    def same(self, check_value: str) -> bool:
        """Whether the other end's check value is that of our key."""
        return bool(check_value) and hmac.compare_digest(check_value.encode(), self.check_value().encode())

    def _now_holds(self, kind: Kind, handle: str) -> None:
        self._last = handle
        if kind.name == "pin":
            self.pin = handle
        else:
            self.mac = handle
