"""Keys as they are loaded: what each is for, in which cipher and length, and which values everybody knows.

One key, one purpose. What a usage allows is the table `CIPHERS`; the check value (KCV) tells two sides that they hold
the same key, and nothing about it.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

from bank_host.hsm.aes import Aes
from bank_host.hsm.errors import HsmError
from bank_host.secrets import Secret
from cardreader.emv.des import Des3, odd_parity

Usage = Literal[
    "terminal_pin",
    "zone_pin",
    "terminal_mac",
    "zone_mac",
    "zone_master",
    "pin_verification",
    "pin_offset",
    "card_verification",
    "card_cryptogram",
    "card_id",
    "seal",
]
Cipher = Literal["TDES", "AES", "HMAC"]
Algorithm = Literal["TDES-2", "TDES-3", "AES-128", "AES-256", "HMAC-128", "HMAC-256"]

PURPOSE: Final[Mapping[Usage, str]] = {
    "terminal_pin": "TPK: PIN blocks between a terminal and the bank",
    "zone_pin": "ZPK: PIN blocks between two hosts",
    "terminal_mac": "TAK: message authentication between a terminal and the bank",
    "zone_mac": "ZAK: message authentication between two hosts",
    "zone_master": "ZMK: working keys on their way between two hosts",
    "pin_verification": "PVK: PIN verification values (PVV)",
    "pin_offset": "PVK: IBM 3624 offsets",
    "card_verification": "CVK: card verification values (CVV, CVV2, iCVV)",
    "card_cryptogram": "IMK-AC: cryptograms of chip cards (ARQC, ARPC)",
    "card_id": "keyed names of cards, in place of their PANs",
    "seal": "rows that are kept enciphered",
}

# The first one is what a key of that usage is when nobody says otherwise.
ALGORITHMS: Final[Mapping[Usage, tuple[Algorithm, ...]]] = {
    "terminal_pin": ("TDES-2", "TDES-3", "AES-128", "AES-256"),
    "zone_pin": ("TDES-2", "TDES-3", "AES-128", "AES-256"),
    "terminal_mac": ("TDES-2", "AES-128", "AES-256"),
    "zone_mac": ("TDES-2", "AES-128", "AES-256"),
    "zone_master": ("TDES-2", "TDES-3", "AES-128", "AES-256"),
    "pin_verification": ("TDES-2",),
    "pin_offset": ("TDES-2", "TDES-3"),
    "card_verification": ("TDES-2",),
    "card_cryptogram": ("TDES-2",),
    "card_id": ("HMAC-256", "HMAC-128"),
    "seal": ("AES-256",),
}

_BYTES: Final[Mapping[Algorithm, int]] = {
    "TDES-2": 16,
    "TDES-3": 24,
    "AES-128": 16,
    "AES-256": 32,
    "HMAC-128": 16,
    "HMAC-256": 32,
}

_HEX: Final = re.compile("(?:[0-9A-F]{2})+", re.ASCII)


class Key(NamedTuple):
    """A key as it is loaded: what it is for, its value as hexadecimal, its cipher (by default the usage's first)."""

    usage: Usage
    value: Secret
    cipher: Cipher | None = None


class Loaded(NamedTuple):
    """A key inside the module. `engine` is what its cipher does; a keyed hash has none."""

    usage: Usage
    algorithm: Algorithm
    engine: Des3 | Aes | None
    secret: bytes

    def __repr__(self) -> str:
        return f"Loaded({self.usage}, {self.algorithm})"

    def check_value(self) -> str:
        if self.engine is not None:
            return self.engine.check_value()
        return hmac.digest(self.secret, b"", "sha256")[:3].hex().upper()

    def published(self) -> bool:
        """Whether everybody knows this key; the parity bits of TDES keys make no other key."""
        return odd_parity(self.secret) in _PUBLISHED


def load(handle: str, key: Key) -> Loaded:
    """The key, ready for use; HsmError when its form or length is none that its usage allows."""
    text = key.value.reveal()
    if key.usage not in ALGORITHMS:
        raise HsmError(f"key {handle!r} has an unknown usage")
    if _HEX.fullmatch(text) is None:
        raise HsmError(f"key {handle!r} is not pairs of upper-case hexadecimal digits")
    return loaded(handle, key.usage, key.cipher, bytes.fromhex(text))


def loaded(handle: str, usage: Usage, cipher: Cipher | None, secret: bytes) -> Loaded:
    """The same for a value that is bytes already."""
    cipher = cipher or cipher_of(ALGORITHMS[usage][0])
    for algorithm in ALGORITHMS[usage]:
        if cipher_of(algorithm) == cipher and _BYTES[algorithm] == len(secret):
            return Loaded(usage, algorithm, _ENGINES[cipher](secret), secret)
    allowed = ", ".join(f"{each} ({2 * _BYTES[each]} digits)" for each in ALGORITHMS[usage])
    raise HsmError(f"key {handle!r} has a length that {usage} does not allow in {cipher}; allowed: {allowed}")


def cipher_of(algorithm: Algorithm) -> Cipher:
    return "TDES" if algorithm[0] == "T" else "AES" if algorithm[0] == "A" else "HMAC"


def fresh_key(handle: str, usage: Usage, cipher: Cipher | None, fresh: Callable[[int], bytes]) -> Loaded:
    """A key of the usage's first algorithm in that cipher; nobody can foresee it, if nobody can foresee `fresh`."""
    for algorithm in ALGORITHMS[usage]:
        if cipher in (None, cipher_of(algorithm)):
            return loaded(handle, usage, cipher_of(algorithm), fresh(_BYTES[algorithm]))
    raise HsmError(f"{usage} does not allow {cipher}")


def unloaded(key: Loaded) -> Key:
    """The key as a key file keeps it."""
    return Key(key.usage, Secret(key.secret.hex().upper()), cipher_of(key.algorithm))


_ENGINES: Final[Mapping[Cipher, Callable[[bytes], Des3 | Aes | None]]] = {
    "TDES": Des3,
    "AES": Aes,
    "HMAC": lambda secret: None,
}


# ---------------------------------------------------------------- keys that everybody knows

TPK, ZPK, TAK, ZAK, ZMK = "tpk", "zpk", "tak", "zak", "zmk"
PVK, PVK_OFFSET, CVK, IMK_AC, CARD_ID, SEAL = "pvk", "pvk-offset", "cvk", "imk-ac", "card-id", "seal"

SIMULATION_KEYS: Final[Mapping[str, Key]] = {
    TPK: Key("terminal_pin", Secret("0123456789ABCDEFFEDCBA9876543210")),
    ZPK: Key("zone_pin", Secret("FEDCBA9876543210F1E0D3C2B5A49786")),
    TAK: Key("terminal_mac", Secret("2233445566778899AABBCCDDEEFF0011")),
    ZAK: Key("zone_mac", Secret("33445566778899AABBCCDDEEFF001122")),
    ZMK: Key("zone_master", Secret("89ABCDEF0123456776543210FEDCBA98")),
    PVK: Key("pin_verification", Secret("FEDCBA98765432100123456789ABCDEF")),
    PVK_OFFSET: Key("pin_offset", Secret("445566778899AABBCCDDEEFF00112233")),
    CVK: Key("card_verification", Secret("12345678123456781234567812345678")),
    IMK_AC: Key("card_cryptogram", Secret("5566778899AABBCCDDEEFF0011223344")),
    CARD_ID: Key("card_id", Secret("00112233445566778899AABBCCDDEEFF"), "HMAC"),
    SEAL: Key("seal", Secret("66778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF001122334455")),
}
"""The simulation's keys, each for one purpose; known to everyone."""

_SIMULATION_KEYS_BY_AES: Final[Mapping[str, Key]] = {
    ZAK: Key("zone_mac", Secret("778899AABBCCDDEEFF00112233445566"), "AES"),
    ZMK: Key("zone_master", Secret("8899AABBCCDDEEFF0011223344556677"), "AES"),
}


def simulation_keys(mac_cipher: Cipher | None = None) -> Mapping[str, Key]:
    """Those, or with AES in the place of the zone's keys for MACs and for key blocks; the PIN's are TDES in both."""
    return {**SIMULATION_KEYS, **_SIMULATION_KEYS_BY_AES} if mac_cipher == "AES" else SIMULATION_KEYS


_ELSEWHERE: Final = (
    "00" * 16,
    "00" * 24,
    "00" * 32,
    "11" * 16,
    "11" * 8 + "22" * 8,
    "FF" * 16,
    "0123456789ABCDEF" * 2,
    "0123456789ABCDEFFEDCBA98765432100123456789ABCDEF",  # the usual test key, in triple length
    "0123456789ABCDEFFEDCBA987654321089ABCDEF01234567",
    "FEDCBA9876543210" * 2,
    "2B7E151628AED2A6ABF7158809CF4F3C",  # RFC 4493, FIPS 197
    "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4",  # NIST SP 800-38B
    "000102030405060708090A0B0C0D0E0F",  # FIPS 197
    "000102030405060708090A0B0C0D0E0F1011121314151617",
    "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
    "29B33180E567CE38EA4CBC9D753B0E61",  # pyemv's tests
)
"""Keys from standards, tutorials and the tests of other projects."""


_PUBLISHED: Final = frozenset(
    odd_parity(bytes.fromhex(text))
    for text in (
        *(key.value.reveal() for keys in (SIMULATION_KEYS, _SIMULATION_KEYS_BY_AES) for key in keys.values()),
        *_ELSEWHERE,
    )
)
