"""Keys on their way: as a block under a zone master key, or in components that nobody sees together.

A plain block is the key enciphered block by block, with six digits of its check value behind it (0800/161). What it is
for is not part of what is enciphered: who takes it over says so. A block after TR-31 has it in its header.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bank_host.hsm import tr31
from bank_host.hsm.aes import Aes
from bank_host.hsm.errors import HsmError
from bank_host.hsm.keys import ALGORITHMS, Cipher, Key, Loaded, Usage, cipher_of, loaded
from bank_host.secrets import Secret
from cardreader.emv.des import Des3, xor

_BLOCK: Final = re.compile("((?:[0-9A-F]{2}){16,32})([0-9A-F]{6})", re.ASCII)
_CHECK_VALUE: Final = re.compile("[0-9A-F]{4,6}", re.ASCII)
_HEX: Final = re.compile("(?:[0-9A-F]{2})+", re.ASCII)


def wrap(master: Loaded, key: Loaded, fresh: Callable[[int], bytes] | None = None) -> str:
    """The block of a key: a plain one, or, with `fresh`, one after TR-31."""
    engine = _engine(master)
    if not _as_strong(engine, cipher_of(key.algorithm)):
        raise HsmError("an AES key travels under an AES zone master key only")
    if fresh is not None:
        return tr31.write(master, key, fresh)
    return engine.encrypt(key.secret).hex().upper() + key.check_value()


def unwrap(
    master: Loaded, handle: str, usage: Usage, block: str, cipher: Cipher | None = None
) -> Loaded | None:
    """The key in a block of either form; None when it is no block, of another zone key, or for another usage."""
    cipher = cipher or cipher_of(ALGORITHMS[usage][0])
    if not _as_strong(_engine(master), cipher):
        return None
    try:
        if tr31.looks_like(block):
            opened = tr31.read(master, block)
            fits = opened is not None and opened.is_for(usage, cipher)
            return loaded(handle, usage, cipher, opened.secret) if opened is not None and fits else None
        return _unwrap_plain(master, handle, usage, block, cipher)
    except (HsmError, ValueError):  # a length that the usage does not allow, or no whole blocks
        return None


def _unwrap_plain(master: Loaded, handle: str, usage: Usage, block: str, cipher: Cipher) -> Loaded | None:
    match = _BLOCK.fullmatch(block)
    if match is None:
        return None
    key = loaded(handle, usage, cipher, _engine(master).decrypt(bytes.fromhex(match[1])))
    return key if hmac.compare_digest(key.check_value(), match[2]) else None


def _engine(master: Loaded) -> Des3 | Aes:
    assert master.engine is not None, "a zone master key has a cipher"
    return master.engine


def _as_strong(engine: Des3 | Aes, protected: Cipher) -> bool:
    """Whether a key may travel under this one."""
    return isinstance(engine, Aes) or protected != "AES"


# ---------------------------------------------------------------- components


class Component(NamedTuple):
    """One person's part of a key, and its check value."""

    value: Secret
    check_value: str


def combine(handle: str, usage: Usage, cipher: Cipher | None, parts: Sequence[Component]) -> Key:
    """The key that two or three components make together (xor); each has to fit its own check value."""
    if not 2 <= len(parts) <= 3:
        raise HsmError("a key is made of two or three components")
    cipher = cipher or cipher_of(ALGORITHMS[usage][0])
    whole = b""
    for number, part in enumerate(parts, 1):
        text = part.value.reveal()
        if _HEX.fullmatch(text) is None:
            raise HsmError(f"component {number} is not pairs of upper-case hexadecimal digits")
        secret = bytes.fromhex(text)
        if whole and len(secret) != len(whole):
            raise HsmError(f"component {number} is not as long as the first")
        found = loaded(handle, usage, cipher, secret).check_value()
        if _CHECK_VALUE.fullmatch(part.check_value) is None or not found.startswith(part.check_value):
            raise HsmError(f"component {number} does not fit its check value; was a digit mistyped?")
        whole = xor(whole, secret) if whole else secret
    if not any(whole) or (cipher == "TDES" and _is_single(whole)):
        raise HsmError("the components cancel each other: the key that they make is none")
    return Key(usage, Secret(whole.hex().upper()), cipher)


def _is_single(secret: bytes) -> bool:
    """Whether a TDES key is no more than single DES."""
    return secret[:8] == secret[8:16] or (len(secret) == 24 and secret[8:16] == secret[16:])
