"""The keys of the asking end of a link: PIN blocks and MACs under what both ends hold, or under what was exchanged."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from bank_host.hsm import TPK
from bank_host.hsm.keys import ZAK, ZMK, Cipher
from bank_host.hsm.link_keys import MAC_CIPHERS, MAC_KINDS, LinkKeys
from bank_host.hsm.module import Hsm
from bank_host.iso8583.dialect import Dialect

Purpose = Literal["pin", "mac"]
BOTH: Final[tuple[Purpose, ...]] = ("pin", "mac")


def mac_cipher(dialect: Dialect) -> Cipher | None:
    """What a key for its MACs has to be; None: either."""
    return MAC_CIPHERS[dialect.settings.mac.algorithm]


def kinds(purposes: Iterable[Purpose], dialect: Dialect) -> tuple[str, ...]:
    """The kinds of working key that are exchanged, as X9.143 calls them: PIN blocks are TDES, for DE52 holds eight
    bytes; MACs are what the dialect says."""
    mac = MAC_KINDS[mac_cipher(dialect)]
    return tuple("P0T" if purpose == "pin" else mac for purpose in purposes)


def published(dialect: Dialect) -> Hsm:
    """A module with the test keys that everybody knows, as MACs of this dialect need them."""
    return Hsm.simulation(mac_cipher(dialect))


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

    def verify_offered(self, data: bytes, mac: str) -> bool:
        """The same under the MAC key that was made last: who takes it over says so under it already."""
        if self._last is None or self._last[0].name != "mac":
            return False
        return self._hsm.verify_mac(self._last[1], data, mac)
