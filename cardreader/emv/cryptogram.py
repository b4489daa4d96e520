"""Keys and cryptograms of a chip card, which card and issuer compute alike (EMV 4.4 Book 2, annex A; Visa CVN 10, 18).

An issuer master key (IMK) makes the key of each card, that one the key of a transaction. The card's cryptogram (ARQC)
is a MAC over what the terminal and the card say about the transaction; the issuer's answer to it (ARPC) tells the card
that its own bank has spoken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from cardreader.emv.des import BLOCK_BYTES, Des3, Padding, odd_parity, xor
from cardreader.emv.dol import DolEntry, fill_exactly

Option = Literal["A", "B"]

CRYPTOGRAM_BYTES: Final = 8
CODE_BYTES: Final = 2  # DE39 as two characters
STATUS_BYTES: Final = 4  # card status update (CSU)
_MOST_PROPRIETARY_BYTES: Final = 8
_INVERT: Final = b"\xff" * BLOCK_BYTES


class Method(NamedTuple):
    """How the cards of a cryptogram version compute."""

    session_key: bool  # a key for each transaction, or the card's own
    padding: Padding
    whole_issuer_data: bool  # all of 9F10 is authenticated, or only the card verification results in it
    arpc: Literal[1, 2]


METHODS: Final[Mapping[int, Method]] = {
    10: Method(session_key=False, padding=1, whole_issuer_data=False, arpc=1),
    18: Method(session_key=True, padding=2, whole_issuer_data=True, arpc=2),
}
"""By cryptogram version number (CVN), which 9F10 holds in its third byte."""

_AUTHENTICATED: Final = (
    DolEntry("9F02", 6),  # amount
    DolEntry("9F03", 6),  # other amount
    DolEntry("9F1A", 2),  # country of the terminal
    DolEntry("95", 5),  # terminal verification results
    DolEntry("5F2A", 2),  # currency
    DolEntry("9A", 3),  # date
    DolEntry("9C", 1),  # type of transaction
    DolEntry("9F37", 4),  # unpredictable number
    DolEntry("82", 2),  # application interchange profile
    DolEntry("9F36", 2),  # transaction counter (ATC)
)


def version_of(issuer_data: bytes) -> int | None:
    """The cryptogram version number in 9F10 (length, key index, version, ...); None if there is none."""
    return issuer_data[2] if len(issuer_data) >= 4 and issuer_data[0] + 1 <= len(issuer_data) else None


def authenticated_data(values: Mapping[str, bytes], version: int) -> bytes | None:
    """What the cryptogram of this version is computed over; None if a value is missing or has another length."""
    fixed = fill_exactly(_AUTHENTICATED, values)
    issuer_data = values.get("9F10", b"")
    if fixed is None or version_of(issuer_data) != version:
        return None
    if METHODS[version].whole_issuer_data:
        return fixed + issuer_data
    results = issuer_data[3 : 4 + issuer_data[3]]  # with its length in front
    return fixed + results if len(results) == 1 + issuer_data[3] else None


# ---------------------------------------------------------------- keys


def master_key(imk: Des3, pan: str, sequence: str = "00", option: Option | None = None) -> bytes:
    """The key of one card, with odd parity. Option B is for PANs of more than 16 digits, and the default there."""
    if not (pan.isascii() and pan.isdecimal() and len(pan) <= 19):
        raise ValueError("a card's key is made of a PAN of at most 19 digits")
    if not (sequence.isascii() and sequence.isdecimal() and len(sequence) == 2):
        raise ValueError("a card sequence number has two digits")
    digits = pan + sequence
    if (option or "B") == "B" and len(pan) > 16:
        digits = _decimalised(hashlib.sha1(bytes.fromhex("0" * (len(digits) % 2) + digits)).hexdigest())
    block = bytes.fromhex(digits[-16:].zfill(16))
    return odd_parity(imk.encrypt(block + xor(block, _INVERT)))


def session_key(master: Des3, atc: bytes) -> bytes:
    """The key of one transaction by the common derivation, with odd parity."""
    if len(atc) != 2:
        raise ValueError("a transaction counter has two bytes")
    return odd_parity(master.encrypt(atc + b"\xf0" + bytes(5) + atc + b"\x0f" + bytes(5)))


def transaction_key(imk: Des3, pan: str, sequence: str, atc: bytes, version: int) -> Des3:
    """The key that a cryptogram of this version, and the answer to it, are computed with."""
    master = Des3(master_key(imk, pan, sequence))
    return Des3(session_key(master, atc)) if METHODS[version].session_key else master


def _decimalised(digest: str) -> str:
    """Sixteen digits: those of the digest in order, then its letters as 0 to 5."""
    digits = [char for char in digest if char.isdecimal()]
    letters = [str("abcdef".index(char)) for char in digest if not char.isdecimal()]
    return "".join((digits + letters)[:16])


# ---------------------------------------------------------------- cryptograms


def cryptogram(key: Des3, data: bytes, padding: Padding) -> bytes:
    """The card's cryptogram (ARQC, TC or AAC) over its data."""
    return key.retail_mac(data, padding)


def arpc_1(key: Des3, arqc: bytes, code: bytes) -> bytes:
    """Method 1: the issuer's answer with its response code. Tag 91 is this and the code."""
    if len(arqc) != CRYPTOGRAM_BYTES or len(code) != CODE_BYTES:
        raise ValueError("ARPC method 1 takes a cryptogram of 8 bytes and a code of 2")
    return key.encrypt(xor(arqc, code + bytes(6)))


def arpc_2(key: Des3, arqc: bytes, status: bytes, proprietary: bytes = b"") -> bytes:
    """Method 2: four bytes for a card status update. Tag 91 is these, the update, and proprietary data."""
    if len(arqc) != CRYPTOGRAM_BYTES or len(status) != STATUS_BYTES:
        raise ValueError("ARPC method 2 takes a cryptogram of 8 bytes and a status update of 4")
    if len(proprietary) > _MOST_PROPRIETARY_BYTES:
        raise ValueError("ARPC method 2 takes at most 8 bytes of proprietary data")
    return key.retail_mac(arqc + status + proprietary, 2)[:4]
