"""The keys of one link in the bank's key module: exchange under the zone master key, MAC, the PIN block's way home."""

from __future__ import annotations

from contextlib import suppress

from bank_host.hsm import HsmError
from bank_host.hsm.keys import TPK, ZAK, ZMK
from bank_host.hsm.link_keys import LinkKeys
from bank_host.hsm.module import Hsm
from bank_host.iso8583 import composite
from bank_host.iso8583.message import Message


class HsmSecurity(LinkKeys):
    """What was exchanged on the link; before that, MACs are under the bank's standing zone key, if it has one."""

    __slots__ = ()

    def __init__(self, hsm: Hsm, place: int) -> None:
        """`place` is the link's own among those that are open: its keys' handles are taken over from the last one."""
        super().__init__(hsm, ZMK, f"link-{place}")

    def accept(self, block: str) -> bool:
        """False, and nothing changes, for whatever the module does not take."""
        with suppress(HsmError):
            return ZMK in self._hsm and super().accept(block)
        return False

    @property
    def _mac_key(self) -> str:
        return self.mac or (ZAK if ZAK in self._hsm else "")

    @property
    def in_force(self) -> bool:
        return bool(self._mac_key)

    def mac_of(self, data: bytes) -> str:
        return self._hsm.mac(self._mac_key, data)

    def verify(self, data: bytes, mac: str) -> bool:
        return self._hsm.verify_mac(self._mac_key, data, mac)

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
