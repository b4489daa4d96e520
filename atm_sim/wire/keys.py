"""The keys of the asking end of a link: PIN blocks and MACs under what both ends hold, or under what was exchanged."""

from __future__ import annotations

from bank_host.hsm import TPK
from bank_host.hsm.keys import ZAK, ZMK
from bank_host.hsm.link_keys import LinkKeys
from bank_host.hsm.module import Hsm

PIN_KEY, MAC_KEY = "P0T", "M3T"
"""The kinds of working key that are exchanged, as X9.143 calls them."""


class WireKeys(LinkKeys):
    """One connection's. Before an exchange PIN blocks and MACs are under the two standing keys that are named."""

    __slots__ = ("_standing_mac", "_standing_pin")

    def __init__(self, hsm: Hsm, place: int, pin_key: str = TPK, mac_key: str = ZAK) -> None:
        super().__init__(hsm, ZMK, f"link-{place}")
        self._standing_pin, self._standing_mac = pin_key, mac_key

    def pin_block(self, pin: str, pan: str) -> str:
        """DE52."""
        return self._hsm.encrypt_pin_block(self.pin or self._standing_pin, pin, pan)

    def translated(self, pin_block: str, pan: str, from_key: str) -> str:
        """A PIN block of another key of the module, under this link's."""
        return self._hsm.translate_pin_block(from_key, pin_block, pan, self.pin or self._standing_pin)

    def mac_of(self, data: bytes) -> str:
        return self._hsm.mac(self.mac or self._standing_mac, data)

    def verify(self, data: bytes, mac: str) -> bool:
        return self._hsm.verify_mac(self.mac or self._standing_mac, data, mac)
