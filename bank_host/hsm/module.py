"""The PIN module: keys by handle and usage, PIN block and verification value calls (ISO 9564, PVV, CVV).

No call returns a clear PIN or a clear key, and a key does one job only. A software module protects nothing in
production: this one is for simulation and test, and its built-in keys are published test keys.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from typing import Literal, NamedTuple

from bank_host.hsm.des import Des3
from bank_host.hsm.errors import HsmError, MalformedPinBlock
from bank_host.hsm.pin_block import format_0, pin_of_format_0
from bank_host.hsm.verification_values import cvv, pvv
from bank_host.secrets import Secret

Usage = Literal[
    "terminal_pin",  # TPK: PIN blocks between a terminal and the bank
    "pin_verification",  # PVK
    "card_verification",  # CVK
    "card_id",  # keyed names of cards, in place of their PANs
]


class Key(NamedTuple):
    """A key as it is loaded: what it is for, and 16 bytes as hexadecimal."""

    usage: Usage
    value: Secret


class NewPin(NamedTuple):
    """The outcome of a PIN change: what to store, and whether the PIN is one that others would guess."""

    pvv: str
    guessable: bool


TPK, PVK, CVK, CARD_ID = "tpk", "pvk", "cvk", "card-id"

# Published test keys, known to everyone; each for one purpose.
_TEST_KEYS: Mapping[str, Key] = {
    TPK: Key("terminal_pin", Secret("0123456789ABCDEFFEDCBA9876543210")),
    PVK: Key("pin_verification", Secret("FEDCBA98765432100123456789ABCDEF")),
    CVK: Key("card_verification", Secret("12345678123456781234567812345678")),
    CARD_ID: Key("card_id", Secret("00112233445566778899AABBCCDDEEFF")),
}

_MAX_GUESSES = 16
_BLOCK = re.compile("[0-9A-F]{16}", re.ASCII)
_KEY = re.compile("[0-9A-F]{32}", re.ASCII)


class Hsm:
    """Holds the keys. Every call names its keys by handle; a key used for another purpose is refused."""

    __slots__ = ("_des", "_secrets", "_usages")

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._usages = {handle: key.usage for handle, key in keys.items()}
        self._secrets = {handle: _key_bytes(handle, key) for handle, key in keys.items()}
        self._des = {handle: Des3(value) for handle, value in self._secrets.items()}

    @classmethod
    def simulation(cls) -> Hsm:
        """The module with the published test keys under the handles TPK, PVK, CVK and CARD_ID."""
        return cls(_TEST_KEYS)

    def __repr__(self) -> str:
        return f"Hsm({', '.join(self._usages)})"

    # ---------------------------------------------------------------- PIN

    def encrypt_pin_block(self, tpk: str, pin: str, pan: str) -> str:
        """The PIN as the terminal's keypad sends it: format 0 under the terminal's key (DE52)."""
        return self._key(tpk, "terminal_pin").encrypt(format_0(pin, pan)).hex().upper()

    def verify_pin(
        self, tpk: str, pin_block: str, pan: str, pvk: str, stored_pvv: str, pvk_index: int = 1
    ) -> bool:
        """Whether the PIN in the block is the card's; a malformed block is False too, and no different."""
        try:
            found = pvv(self._key(pvk, "pin_verification"), pan, self._pin(tpk, pin_block, pan), pvk_index)
        except MalformedPinBlock:
            return False
        return hmac.compare_digest(found, stored_pvv)

    def new_pvv(
        self,
        tpk: str,
        pin_block: str,
        pan: str,
        pvk: str,
        *,
        pvk_index: int = 1,
        guesses: Collection[str] = (),
    ) -> NewPin:
        """What to store for the PIN in the block, and whether it is among `guesses` (birthday, address ...).

        At most 16 guesses, so that the call cannot be used to search for a PIN.
        """
        if len(guesses) > _MAX_GUESSES:
            raise HsmError(f"at most {_MAX_GUESSES} guesses are compared")
        pin = self._pin(tpk, pin_block, pan)
        return NewPin(pvv(self._key(pvk, "pin_verification"), pan, pin, pvk_index), pin in guesses)

    # ---------------------------------------------------------------- card

    def cvv(self, cvk: str, pan: str, expiry_yymm: str, service_code: str) -> str:
        return cvv(self._key(cvk, "card_verification"), pan, expiry_yymm, service_code)

    def verify_cvv(self, cvk: str, value: str, pan: str, expiry_yymm: str, service_code: str) -> bool:
        return hmac.compare_digest(self.cvv(cvk, pan, expiry_yymm, service_code), value)

    def card_id(self, pan: str, handle: str = CARD_ID) -> str:
        """The card's name in stores and records: equal for equal PANs, and no way back without the key."""
        self._key(handle, "card_id")
        return hmac.new(self._secrets[handle], pan.encode("ascii"), hashlib.sha256).hexdigest()[:32]

    # ---------------------------------------------------------------- keys

    def check_value(self, handle: str) -> str:
        """KCV: tells two sides that they hold the same key, and nothing about the key."""
        if handle not in self._des:
            raise HsmError(f"there is no key {handle!r}")
        return self._des[handle].check_value()

    def _key(self, handle: str, usage: Usage) -> Des3:
        actual = self._usages.get(handle)
        if actual is None:
            raise HsmError(f"there is no key {handle!r}")
        if actual != usage:
            raise HsmError(f"key {handle!r} is for {actual}, not for {usage}")
        return self._des[handle]

    def _pin(self, tpk: str, pin_block: str, pan: str) -> str:
        key = self._key(tpk, "terminal_pin")
        if _BLOCK.fullmatch(pin_block) is None:
            raise MalformedPinBlock
        return pin_of_format_0(key.decrypt(bytes.fromhex(pin_block)), pan)


def _key_bytes(handle: str, key: Key) -> bytes:
    text = key.value.reveal()
    if _KEY.fullmatch(text) is None:
        raise HsmError(f"key {handle!r} is not 32 hexadecimal digits")
    return bytes.fromhex(text)
