"""The working keys of a link, and their exchange under a zone key that both ends hold (0800/161, 162).

A key travels enciphered under the zone key; no call returns it in the clear. What it is for stands in the header of a
block after TR-31, or in three characters before a plain block, in the same codes; without them a plain block is a key
for MACs, TDES unless the link's MACs are made by AES.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from bank_host.hsm import tr31
from bank_host.hsm.keys import SIMULATION_KEYS, ZMK, Cipher, Usage
from bank_host.hsm.module import Hsm


class Kind(NamedTuple):
    """What a working key is for, and in which cipher."""

    usage: Usage
    cipher: Cipher
    name: Literal["pin", "mac"]


KINDS: Final = {
    "P0T": Kind("zone_pin", "TDES", "pin"),
    "P0A": Kind("zone_pin", "AES", "pin"),
    "M3T": Kind("zone_mac", "TDES", "mac"),
    "M6A": Kind("zone_mac", "AES", "mac"),
}
"""Key usage and algorithm as X9.143 has them: PIN encryption, MAC by ISO 9797-1 algorithm 3, MAC by CMAC."""

MAC_CIPHERS: Final[dict[str, Cipher | None]] = {"by_key": None, "retail": "TDES", "aes-cmac": "AES"}
"""The cipher that a MAC key has to have, by the dialect's `mac.algorithm`."""

MAC_KINDS: Final[dict[Cipher | None, str]] = {None: "M3T", "TDES": "M3T", "AES": "M6A"}
"""What a MAC key is by that cipher, and what a plain block is for that does not say it."""


class LinkKeys:
    """One end of a link: the module that holds its zone key, and the working keys that were made or accepted.

    `pin` and `mac` are the handles of the keys in use, '' until there is one. Each has two places in the module, so
    that a key that is made leaves the one in use alone until the other end has taken it over.
    """

    __slots__ = ("_hsm", "_last", "_link", "_mac_cipher", "_unsaid", "_zmk", "mac", "pin")

    def __init__(self, hsm: Hsm, zmk: str, link: str, mac_cipher: Cipher | None = None) -> None:
        """With a `mac_cipher` no MAC key of another cipher is accepted."""
        self._mac_cipher = mac_cipher
        self._unsaid = MAC_KINDS[mac_cipher]
        self._hsm = hsm
        self._zmk = zmk
        self._link = link
        self._last: tuple[Kind, str] | None = None  # what was made or accepted last, and its handle
        self.pin = self.mac = ""

    @classmethod
    def simulation(cls, fresh: Callable[[int], bytes]) -> LinkKeys:
        """An end with a module of its own, whose zone key is the published one."""
        return cls(Hsm({ZMK: SIMULATION_KEYS[ZMK]}, fresh=fresh), ZMK, "link")

    def make(self, code: str = "", *, bound: bool = False) -> str:
        """A new working key as a plain key block (hexadecimal digits under the zone key, and 6 of its check value), or
        as a `bound` one after TR-31. It is in use once it is `taken_over`."""
        kind = KINDS[code or self._unsaid]
        handle = self._spare(kind)
        block = self._hsm.make_key(self._zmk, handle, kind.usage, kind.cipher, bound=bound)
        self._last = kind, handle
        return block if bound else code + block

    def taken_over(self) -> None:
        """The other end has accepted the key that was made: it is in use from now on."""
        if self._last is not None:
            kind, handle = self._last
            setattr(self, kind.name, handle)

    def accept(self, block: str) -> bool:
        """Take the key of a block over; False, and nothing changes, when it does not fit."""
        if tr31.looks_like(block):
            said, bare = block[5:8], block
        else:
            said = block[:3] if block[:3] in KINDS else ""
            bare = block.removeprefix(said)
        kind = KINDS.get(said or self._unsaid)
        if kind is None or (kind.name == "mac" and self._mac_cipher not in (None, kind.cipher)):
            return False
        handle = self._spare(kind)
        if not self._hsm.accept_key(self._zmk, handle, kind.usage, bare, kind.cipher):
            return False
        self._last = kind, handle
        self.taken_over()
        return True

    def check_value(self) -> str:
        """Tells two ends that they hold the same key, and nothing about it: that of the last exchange, '' before."""
        return self._hsm.check_value(self._last[1]) if self._last is not None else ""

    def same(self, check_value: str) -> bool:
        """Whether the other end's check value is that of our key."""
        return bool(check_value) and hmac.compare_digest(check_value.encode(), self.check_value().encode())

    def _spare(self, kind: Kind) -> str:
        """Of the two places for such a key the one that is not in use."""
        first, second = (f"{self._link}/{kind.name}/{place}" for place in (1, 2))
        return second if getattr(self, kind.name) == first else first
