"""The keys of one link in the bank's key module: exchange under the zone master key, MAC, the PIN block's way home."""

from __future__ import annotations

from contextlib import suppress

from bank_host.hsm import HsmError
from bank_host.hsm.keys import TPK, ZAK, ZMK, cipher_of
from bank_host.hsm.link_keys import MAC_CIPHERS, LinkKeys
from bank_host.hsm.module import Hsm
from bank_host.iso8583 import composite
from bank_host.iso8583.message import Message


def unfit_mac_key(hsm: Hsm, algorithm: str, mandatory: bool) -> str:
    """Why the bank's keys are not those that MACs of a dialect need, and what to do; '' if they are."""
    cipher = MAC_CIPHERS[algorithm]
    held = {info.handle: info.algorithm for info in hsm.inventory()}
    if ZAK in held and cipher not in (None, cipher_of(held[ZAK])):
        return (
            f"the dialect's MACs are {algorithm}, which needs a key {ZAK!r} of {cipher}, and it is {held[ZAK]}: "
            f"`bank-host keys import FILE {ZAK} zone_mac --cipher {cipher} --replace` puts another in its place"
        )
    if mandatory and not {ZAK, ZMK} & held.keys():
        return (
            f"business needs a MAC, and there is neither a key {ZAK!r} nor a {ZMK!r} to exchange one under: "
            f"`bank-host keys import FILE {ZAK} zone_mac` adds one"
        )
    return ""


class HsmSecurity(LinkKeys):
    """What was exchanged on the link; before that, MACs are under the bank's standing zone key, if it has one."""

    __slots__ = ()

    def __init__(self, hsm: Hsm, place: int, algorithm: str = "by_key") -> None:
        """`place` is the link's own among those that are open: its keys' handles are taken over from the last one.
        `algorithm` is the dialect's setting of that name."""
        super().__init__(hsm, ZMK, f"link-{place}", MAC_CIPHERS[algorithm])
        self.mac = ZAK if ZAK in hsm else ""

    def accept(self, block: str) -> bool:
        """False, and nothing changes, for whatever the module does not take."""
        with suppress(HsmError):
            return ZMK in self._hsm and super().accept(block)
        return False

    @property
    def in_force(self) -> bool:
        return bool(self.mac)

    def mac_of(self, data: bytes) -> str:
        return self._hsm.mac(self.mac, data)

    def verify(self, data: bytes, mac: str) -> bool:
        return self._hsm.verify_mac(self.mac, data, mac)

    def at_home(self, message: Message) -> Message:
        """The message with its PIN block under the bank's own key; one that holds no PIN stays as it is, and fails."""
        if not self.pin or 52 not in message:
            return message
        elements = (52, 48) if composite.service_of(message[3]) == "change_pin" else (52,)
        with suppress(HsmError):
            return message.but(
                {
                    de: self._hsm.translate_pin_block(self.pin, message[de], message[2], TPK)
                    for de in elements
                    if de in message
                }
            )
        return message
