"""Key blocks that say what their key is for, and cannot be made to say something else (ASC X9 TR-31, now X9.143).

Version B protects with TDES, version D with AES. Both derive two keys from the zone master key, one to encipher and one
for a MAC over header and key together; the MAC also begins the chain of the cipher. Optional blocks of a header are
authenticated and otherwise passed over.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from bank_host.hsm.aes import Aes
from bank_host.hsm.keys import Cipher, Loaded, Usage, cipher_of
from cardreader.emv.des import Des3, xor

HEADER_CHARACTERS: Final = 16
_HEADER: Final = re.compile("([BD])([0-9]{4})([A-Z0-9]{2})([AT])([A-Z])..[A-Z]([0-9]{2})00", re.ASCII)
_BODY: Final = re.compile("(?:[0-9A-F]{2})+", re.ASCII)
_MOST_CHARACTERS: Final = 999  # what DE48 carries

_CODES: Final[Mapping[tuple[Usage, Cipher], str]] = {
    ("terminal_pin", "TDES"): "P0",
    ("terminal_pin", "AES"): "P0",
    ("zone_pin", "TDES"): "P0",
    ("zone_pin", "AES"): "P0",
    ("terminal_mac", "TDES"): "M3",
    ("terminal_mac", "AES"): "M6",
    ("zone_mac", "TDES"): "M3",
    ("zone_mac", "AES"): "M6",
    ("zone_master", "TDES"): "K0",
    ("zone_master", "AES"): "K0",
    ("pin_verification", "TDES"): "V2",
    ("pin_offset", "TDES"): "V1",
    ("card_verification", "TDES"): "C0",
    ("card_cryptogram", "TDES"): "E0",
}
"""Key usages as headers have them; other keys do not travel."""
_MODES: Final = {"P": "B", "M": "C", "K": "B", "V": "C", "C": "C", "E": "X"}
"""Mode of use by the usage's letter: both ways; making and verifying; derivation."""
_ALGORITHM_LETTERS: Final[Mapping[Cipher, str]] = {"TDES": "T", "AES": "A"}


class _Form(NamedTuple):
    """What the two versions differ in."""

    make: Callable[[bytes], Des3 | Aes]
    block_bytes: int
    algorithms: Mapping[int, int]  # key bytes → the number that derivation has for it


_FORMS: Final[Mapping[str, _Form]] = {
    "B": _Form(Des3, 8, {16: 0, 24: 1}),
    "D": _Form(Aes, 16, {16: 2, 32: 4}),
}


class Opened(NamedTuple):
    """What was in a block: a key, and what it is for in the codes of headers."""

    code: str
    letter: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Opened({self.code}{self.letter})"

    def is_for(self, usage: Usage, cipher: Cipher) -> bool:
        return (_CODES.get((usage, cipher)), _ALGORITHM_LETTERS.get(cipher)) == (self.code, self.letter)


def looks_like(block: str) -> bool:
    """Whether a text begins as such a block does: its own length stands in its header."""
    header = _HEADER.match(block)
    return header is not None and int(header[2]) == len(block)


def write(master: Loaded, key: Loaded, fresh: Callable[[int], bytes]) -> str:
    """The block of a key that may travel; `fresh` fills it up."""
    form, engines = _protection(master)
    cipher = cipher_of(key.algorithm)
    code = _CODES[key.usage, cipher]
    clear = (8 * len(key.secret)).to_bytes(2) + key.secret
    clear += fresh(-len(clear) % form.block_bytes)
    length = HEADER_CHARACTERS + 2 * (len(clear) + form.block_bytes)
    version = "D" if isinstance(master.engine, Aes) else "B"
    header = f"{version}{length:04d}{code}{_ALGORITHM_LETTERS[cipher]}{_MODES[code[0]]}00N0000"
    mac = engines.mac.cmac(header.encode() + clear)
    return header + (_chained(engines.cipher, mac, clear) + mac).hex().upper()


def read(master: Loaded, block: str) -> Opened | None:
    """What is in a block; None if it is none, of another zone key, or was changed."""
    form, engines = _protection(master)
    header = _HEADER.match(block)
    if header is None or int(header[2]) != len(block) or len(block) > _MOST_CHARACTERS:
        return None
    if _FORMS[header[1]] is not form:
        return None
    begins = _end_of_header(block, int(header[6]))
    if begins is None or _BODY.fullmatch(block, begins) is None:
        return None
    body = bytes.fromhex(block[begins:])
    enciphered, mac = body[: -form.block_bytes], body[-form.block_bytes :]
    if not enciphered or len(body) % form.block_bytes:
        return None
    clear = _unchained(engines.cipher, mac, enciphered)
    if not hmac.compare_digest(engines.mac.cmac(block[:begins].encode() + clear), mac):
        return None
    bits = int.from_bytes(clear[:2])
    if bits % 8 or not bits or bits // 8 > len(clear) - 2:
        return None
    return Opened(header[3], header[4], clear[2 : 2 + bits // 8])


# ---------------------------------------------------------------- inside


class _Engines(NamedTuple):
    cipher: Des3 | Aes
    mac: Des3 | Aes


def _protection(master: Loaded) -> tuple[_Form, _Engines]:
    """The two keys that a master key protects with."""
    assert master.engine is not None, "a zone master key has a cipher"
    form = _FORMS["D" if isinstance(master.engine, Aes) else "B"]
    size = len(master.secret)

    def derived(purpose: int) -> Des3 | Aes:
        """By a CMAC for each block of key: counter, purpose, algorithm, length in bits."""
        assert master.engine is not None
        parts = (
            bytes([counter, 0, purpose, 0, 0, form.algorithms[size]]) + (8 * size).to_bytes(2)
            for counter in range(1, size // form.block_bytes + 1)
        )
        return form.make(b"".join(map(master.engine.cmac, parts)))

    return form, _Engines(derived(0), derived(1))


def _end_of_header(block: str, optional_blocks: int) -> int | None:
    """Where the enciphered part begins; None for optional blocks that are not in order."""
    at = HEADER_CHARACTERS
    for _ in range(optional_blocks):
        length = block[at + 2 : at + 4]
        if _BODY.fullmatch(length) is None or int(length, 16) < 4:
            return None
        at += int(length, 16)
    return at if block.isascii() else None


def _chained(engine: Des3 | Aes, begin: bytes, clear: bytes) -> bytes:
    """CBC, block by block."""
    done = [begin]
    for at in range(0, len(clear), len(begin)):
        done.append(engine.encrypt(xor(clear[at : at + len(begin)], done[-1])))
    return b"".join(done[1:])


def _unchained(engine: Des3 | Aes, begin: bytes, enciphered: bytes) -> bytes:
    return xor(engine.decrypt(enciphered), (begin + enciphered)[: len(enciphered)])
