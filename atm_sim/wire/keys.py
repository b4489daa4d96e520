"""The keys of the asking end of a link: PIN blocks and MACs under what both ends hold, or under what was exchanged."""

from __future__ import annotations

from bank_host.hsm import TPK
from bank_host.hsm.keys import ZAK, ZMK
from bank_host.hsm.link_keys import LinkKeys
from bank_host.hsm.module import Hsm

PIN_KEY, MAC_KEY = "P0T", "M3T"
"""The kinds of working key that are exchanged, as X9.143 calls them."""


class WireKeys(LinkKeys):
    """One connection's. Before an exchange PIN blocks are under the terminal key, MACs under the standing zone key."""

    __slots__ = ()

    def __init__(self, hsm: Hsm, place: int) -> None:
        super().__init__(hsm, ZMK, f"link-{place}")

    def pin_block(self, pin: str, pan: str) -> str:
        """DE52."""
        return self._hsm.encrypt_pin_block(self.pin or TPK, pin, pan)

    def mac_of(self, data: bytes) -> str:
        return self._hsm.mac(self.mac or ZAK, data)

    def verify(self, data: bytes, mac: str) -> bool:
        return self._hsm.verify_mac(self.mac or ZAK, data, mac)
