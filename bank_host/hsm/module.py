"""The key module: everything that is done with a key, each call naming its keys by handle.

PIN blocks and verification values (ISO 9564, PVV, IBM 3624, CVV), message authentication (ISO 9797-1, RFC 4493), keys
of links under a zone master key, sealing. No call returns a clear PIN or a clear key, none translates a PIN block to
another PAN, and a key does one job only. A software module protects nothing in production: this one is for
simulation and test.
"""

from __future__ import annotations

import hmac
import os
import re
from collections.abc import Callable, Collection, Mapping
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from bank_host.hsm.aes import Aes
from bank_host.hsm.errors import HsmError, MalformedPinBlock
from bank_host.hsm.key_block import unwrap, wrap
from bank_host.hsm.keys import (
    CARD_ID,
    Algorithm,
    Cipher,
    Key,
    Loaded,
    Usage,
    fresh_key,
    load,
    simulation_keys,
)
from bank_host.hsm.pin_block import Format, deciphered, enciphered
from bank_host.hsm.verification_values import cvv, offset, pvv
from cardreader.emv import cryptogram
from cardreader.emv.des import Des3, Padding

PIN_USAGES: Final[tuple[Usage, ...]] = ("terminal_pin", "zone_pin")
MAC_USAGES: Final[tuple[Usage, ...]] = ("terminal_mac", "zone_mac")
WORKING_USAGES: Final[tuple[Usage, ...]] = (*PIN_USAGES, *MAC_USAGES)
"""What is exchanged between two hosts under a zone master key; other keys enter as components or in the key file."""

IBM_TABLE: Final = "0123456789012345"

_MAX_GUESSES: Final = 16
_BLOCKS: Final = {Des3: re.compile("[0-9A-F]{16}", re.ASCII), Aes: re.compile("[0-9A-F]{32}", re.ASCII)}
_FORMATS: Final[Mapping[type, tuple[Format, ...]]] = {Des3: (0, 3), Aes: (4,)}
_MAC_BYTES: Final = 8
_NONCE_BYTES: Final = 12
_DERIVED_BYTES: Final = 32


class NewPin(NamedTuple):
    """The outcome of a PIN change: what to store, and whether the PIN is one that others would guess."""

    pvv: str
    guessable: bool


class KeyInfo(NamedTuple):
    """What may be told of a key."""

    handle: str
    usage: Usage
    algorithm: Algorithm
    check_value: str
    published: bool


class Hsm:
    """Holds the keys. A key used for another purpose than its own is refused."""

    __slots__ = ("_fresh", "_keys", "_table")

    def __init__(
        self,
        keys: Mapping[str, Key],
        *,
        fresh: Callable[[int], bytes] = os.urandom,
        decimalisation_table: str = IBM_TABLE,
    ) -> None:
        """`fresh(n)` gives n bytes that nobody can foresee; a simulation's come from its seed. No call takes a
        decimalisation table: whoever can choose it finds a PIN in some fifteen guesses."""
        if re.fullmatch("[0-9]{16}", decimalisation_table, re.ASCII) is None:
            raise HsmError("a decimalisation table has 16 digits")
        self._keys = {handle: load(handle, key) for handle, key in keys.items()}
        self._fresh = fresh
        self._table = decimalisation_table

    @classmethod
    def simulation(cls, mac_cipher: Cipher | None = None) -> Hsm:
        """The module with the published test keys, of which those for MACs between hosts may be asked for in AES."""
        return cls(simulation_keys(mac_cipher))

    def __repr__(self) -> str:
        return f"Hsm({', '.join(self._keys)})"

    # ---------------------------------------------------------------- PIN

    def encrypt_pin_block(self, pin_key: str, pin: str, pan: str, format_: Format = 0) -> str:
        """The PIN as the terminal's keypad sends it, enciphered under its key (DE52). AES keys make format 4 only."""
        engine = self._pin_engine(pin_key, format_)
        return enciphered(engine, pin, pan, format_, self._fresh).hex().upper()

    def translate_pin_block(
        self, from_key: str, pin_block: str, pan: str, to_key: str, format_: Format = 0, to_format: Format = 0
    ) -> str:
        """The same PIN of the same PAN for the next zone; MalformedPinBlock when the block holds no PIN of this PAN.

        The PAN has to be that of the card's record: a PAN of the sender's choice makes other PINs of a block.
        """
        to_engine = self._pin_engine(to_key, to_format)
        pin = self._pin(from_key, pin_block, pan, format_)
        return enciphered(to_engine, pin, pan, to_format, self._fresh).hex().upper()

    def verify_pin(
        self,
        pin_key: str,
        pin_block: str,
        pan: str,
        pvk: str,
        stored_pvv: str,
        pvk_index: int = 1,
        *,
        format_: Format = 0,
    ) -> bool:
        """Whether the PIN in the block is the card's; a malformed block is False too, and no different."""
        engine = self._des(pvk, "pin_verification")
        try:
            found = pvv(engine, pan, self._pin(pin_key, pin_block, pan, format_), pvk_index)
        except MalformedPinBlock:
            return False
        return _same(found, stored_pvv)

    def new_pvv(
        self,
        pin_key: str,
        pin_block: str,
        pan: str,
        pvk: str,
        *,
        pvk_index: int = 1,
        guesses: Collection[str] = (),
        format_: Format = 0,
    ) -> NewPin:
        """What to store for the PIN in the block, and whether it is among `guesses` (birthday, address ...).

        At most 16 guesses, so that the call cannot be used to search for a PIN.
        """
        if len(guesses) > _MAX_GUESSES:
            raise HsmError(f"at most {_MAX_GUESSES} guesses are compared")
        engine = self._des(pvk, "pin_verification")
        pin = self._pin(pin_key, pin_block, pan, format_)
        return NewPin(pvv(engine, pan, pin, pvk_index), pin in guesses)

    def verify_pin_offset(
        self, pin_key: str, pin_block: str, pan: str, pvk: str, stored_offset: str, *, format_: Format = 0
    ) -> bool:
        """The same by an IBM 3624 offset, whose length is that of the PIN."""
        engine = self._des(pvk, "pin_offset")
        try:
            found = offset(engine, pan, self._pin(pin_key, pin_block, pan, format_), self._table)
        except MalformedPinBlock:
            return False
        return _same(found, stored_offset)

    def new_pin_offset(self, pin_key: str, pin_block: str, pan: str, pvk: str, *, format_: Format = 0) -> str:
        """The offset to store for the PIN in the block."""
        engine = self._des(pvk, "pin_offset")
        return offset(engine, pan, self._pin(pin_key, pin_block, pan, format_), self._table)

    # ---------------------------------------------------------------- messages

    def mac(self, mac_key: str, data: bytes, padding: Padding = 1) -> str:
        """DE64 or DE128 over these bytes, 16 hexadecimal digits: the retail MAC of a TDES key, the first half of an
        AES-CMAC of an AES key (which needs no padding of its own)."""
        engine = self._engine(mac_key, MAC_USAGES)
        full = engine.cmac(data) if isinstance(engine, Aes) else engine.retail_mac(data, padding)
        return full[:_MAC_BYTES].hex().upper()

    def verify_mac(self, mac_key: str, data: bytes, mac: str, padding: Padding = 1) -> bool:
        """Whether the MAC is that of these bytes; the time tells nothing about the right one."""
        return _same(self.mac(mac_key, data, padding), mac)

    # ---------------------------------------------------------------- card

    def cvv(self, cvk: str, pan: str, expiry_yymm: str, service_code: str) -> str:
        """CVV; with CVV2_SERVICE_CODE or ICVV_SERVICE_CODE the value on the card's back or in its chip."""
        return cvv(self._des(cvk, "card_verification"), pan, expiry_yymm, service_code)

    def verify_cvv(self, cvk: str, value: str, pan: str, expiry_yymm: str, service_code: str) -> bool:
        return _same(self.cvv(cvk, pan, expiry_yymm, service_code), value)

    def verify_arqc(
        self, imk: str, pan: str, psn: str, atc: bytes, data: bytes, arqc: bytes, cvn: int
    ) -> bool:
        """Whether a chip card's cryptogram over `data` is its own, by the method of its cryptogram version."""
        key = self._transaction_key(imk, pan, psn, atc, cvn)
        found = cryptogram.cryptogram(key, data, cryptogram.METHODS[cvn].padding)
        return hmac.compare_digest(found, arqc)

    def arpc(
        self, imk: str, pan: str, psn: str, atc: bytes, arqc: bytes, cvn: int, code: bytes, status: bytes
    ) -> bytes:
        """The issuer's answer to a cryptogram as tag 91 has it, with the response code (method 1) or with a card status
        update (method 2) behind it."""
        key = self._transaction_key(imk, pan, psn, atc, cvn)
        try:
            if cryptogram.METHODS[cvn].arpc == 1:
                return cryptogram.arpc_1(key, arqc, code) + code
            return cryptogram.arpc_2(key, arqc, status) + status
        except ValueError as error:
            raise HsmError(f"{error}") from None

    def card_id(self, pan: str, handle: str = CARD_ID) -> str:
        """The card's name in stores and records: equal for equal PANs, and no way back without the key."""
        key = self._key(handle, "card_id")
        return hmac.digest(key.secret, _bytes(pan), "sha256").hex()[:32]

    # ---------------------------------------------------------------- keys

    def check_value(self, handle: str) -> str:
        """KCV: tells two sides that they hold the same key, and nothing about the key."""
        return self._named(handle).check_value()

    def inventory(self) -> tuple[KeyInfo, ...]:
        """What may be told of every key."""
        return tuple(
            KeyInfo(handle, key.usage, key.algorithm, key.check_value(), key.published())
            for handle, key in self._keys.items()
        )

    def __contains__(self, handle: str) -> bool:
        return handle in self._keys

    def published_keys(self) -> tuple[str, ...]:
        """The handles of keys that everybody knows; with one of them a host listens to itself only."""
        return tuple(handle for handle, key in self._keys.items() if key.published())

    def make_key(
        self, zmk: str, handle: str, usage: Usage, cipher: Cipher | None = None, *, bound: bool = False
    ) -> str:
        """A new working key under this handle, in place of the one before; the key block for the other side. A `bound`
        block is one after TR-31, which can be taken over for this usage only."""
        master = self._key(zmk, "zone_master")
        self._replaceable(handle, usage)
        new = fresh_key(handle, usage, cipher, self._fresh)
        block = wrap(master, new, self._fresh if bound else None)
        self._keys[handle] = new
        return block

    def accept_key(
        self, zmk: str, handle: str, usage: Usage, block: str, cipher: Cipher | None = None
    ) -> bool:
        """Take the working key of a block of either form over; False, and nothing changes, when it does not fit."""
        master = self._key(zmk, "zone_master")
        self._replaceable(handle, usage)
        new = unwrap(master, handle, usage, block, cipher)
        if new is not None:
            self._keys[handle] = new
        return new is not None

    # ---------------------------------------------------------------- rows that are kept

    def seal(self, handle: str, clear: bytes, owner: str) -> bytes:
        """AES-256-GCM, bound to its owner."""
        nonce = self._fresh(_NONCE_BYTES)
        return nonce + AESGCM(self._key(handle, "seal").secret).encrypt(nonce, clear, _bytes(owner))

    def unseal(self, handle: str, sealed: bytes, owner: str) -> bytes:
        key = self._key(handle, "seal")
        try:
            return AESGCM(key.secret).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bytes(owner))
        except (InvalidTag, ValueError):
            raise HsmError(
                "a sealed row does not open: another key, another owner, or it was changed"
            ) from None

    def derived(self, handle: str, purpose: str) -> bytes:
        """Another key for whoever seals rows without the module (HKDF-Expand, RFC 5869): 32 bytes of its own for each
        purpose, which tell nothing about the key that they come from. It leaves the module: the store seals by it."""
        secret = self._key(handle, "seal").secret
        return HKDFExpand(hashes.SHA256(), _DERIVED_BYTES, _bytes(purpose)).derive(secret)

    # ---------------------------------------------------------------- inside

    def _named(self, handle: str) -> Loaded:
        key = self._keys.get(handle)
        if key is None:
            raise HsmError(f"there is no key {handle!r}")
        return key

    def _key(self, handle: str, *usages: Usage) -> Loaded:
        key = self._named(handle)
        if key.usage not in usages:
            raise HsmError(f"key {handle!r} is for {key.usage}, not for {' or '.join(usages)}")
        return key

    def _engine(self, handle: str, usages: tuple[Usage, ...]) -> Des3 | Aes:
        key = self._keys.get(handle)
        if key is None or key.usage not in usages:
            key = self._key(handle, *usages)  # which tells what is wrong
        assert key.engine is not None, "only a card_id key has no cipher"
        return key.engine

    def _des(self, handle: str, usage: Usage) -> Des3:
        engine = self._engine(handle, (usage,))
        assert isinstance(engine, Des3), "the table of algorithms leaves these usages no other cipher"
        return engine

    def _transaction_key(self, imk: str, pan: str, psn: str, atc: bytes, cvn: int) -> Des3:
        if cvn not in cryptogram.METHODS:
            raise HsmError("a cryptogram version that is not known")
        try:
            return cryptogram.transaction_key(self._des(imk, "card_cryptogram"), pan, psn, atc, cvn)
        except ValueError as error:
            raise HsmError(f"{error}") from None

    def _pin_engine(self, handle: str, format_: Format) -> Des3 | Aes:
        engine = self._engine(handle, PIN_USAGES)
        if format_ not in _FORMATS[type(engine)]:
            raise HsmError(f"key {handle!r} cannot be used with PIN block format {format_}")
        return engine

    def _pin(self, handle: str, pin_block: str, pan: str, format_: Format) -> str:
        engine = self._pin_engine(handle, format_)
        if _BLOCKS[type(engine)].fullmatch(pin_block) is None:
            raise MalformedPinBlock
        return deciphered(engine, bytes.fromhex(pin_block), pan, format_)

    def _replaceable(self, handle: str, usage: Usage) -> None:
        if usage not in WORKING_USAGES:
            raise HsmError(f"a key for {usage} is not exchanged over a link")
        if handle in self._keys:
            self._key(handle, usage)


def _same(found: str, told: str) -> bool:
    """In constant time, whatever text was told."""
    return hmac.compare_digest(found.encode(), _bytes(told))


def _bytes(text: str) -> bytes:
    """Of any text: the error of a text that cannot be encoded would quote it."""
    return text.encode("utf-8", "surrogatepass")
