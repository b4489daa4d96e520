"""What a chip card says in DE55: whether its cryptogram is its own (ARQC), and the bank's answer to it (ARPC).

Only a request is asked: an advice or a reversal tells of what happened, and may quote another cryptogram of the card.
Chip data without a cryptogram prove nothing and are let pass, as a request without a track is. A counter (ATC) that
comes again is no fault by itself: repeats are told by the identity of the message.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bank_host.hsm import IMK_AC, Hsm, HsmError
from bank_host.iso8583 import mti
from bank_host.iso8583.message import Message
from bank_host.rules.reasons import APPROVED
from cardreader.emv import tlv
from cardreader.emv.cryptogram import CRYPTOGRAM_BYTES, METHODS, authenticated_data, version_of

CRYPTOGRAM, CRYPTOGRAM_KIND, ISSUER_DATA, ATC = "9F26", "9F27", "9F10", "9F36"
AMOUNT, SEQUENCE, ANSWER_TO_CARD = "9F02", "5F34", "91"

_ARQC: Final = b"\x80"  # 9F27: the card asks for an answer
_ISSUER_APPROVES: Final = bytes.fromhex("00800000")
_ISSUER_DECLINES: Final = bytes(4)
"""Card status update (EMV Book 3, annex C): in its second byte whether the issuer approves."""


class _Asked(NamedTuple):
    """A cryptogram with all that is needed to verify it."""

    sequence: str
    atc: bytes
    data: bytes
    cryptogram: bytes
    version: int


def genuine(hsm: Hsm, message: Message) -> bool:
    """Whether the cryptogram of a request is the card's own, and over the amount that is asked for."""
    values = _values(hsm, message)
    if values is None:
        return True
    asked = _asked(message, values)
    if asked is None:
        return False
    try:
        return hsm.verify_arqc(
            IMK_AC, message[2], asked.sequence, asked.atc, asked.data, asked.cryptogram, asked.version
        )
    except HsmError:  # a PAN of another form
        return False


def told(hsm: Hsm, message: Message, was_genuine: bool, code: str) -> dict[int, str]:
    """DE55 of the answer: what the card needs to know that its bank has spoken. Nothing for a forged card."""
    values = _values(hsm, message) if was_genuine else None
    asked = None if values is None else _asked(message, values)
    if asked is None:
        return {}
    status = _ISSUER_APPROVES if code == APPROVED else _ISSUER_DECLINES
    answer = hsm.arpc(
        IMK_AC,
        message[2],
        asked.sequence,
        asked.atc,
        asked.cryptogram,
        asked.version,
        code.encode("ascii"),
        status,
    )
    return {55: tlv.write([tlv.Tlv(ANSWER_TO_CARD, answer)]).hex().upper()}


def _values(hsm: Hsm, message: Message) -> dict[str, bytes] | None:
    """The chip data of a request that carries a cryptogram, if this bank can verify one."""
    if 55 not in message or mti.is_advice(message.mti) or IMK_AC not in hsm:
        return None
    values = {element.tag: element.value for element in tlv.read_hex(message[55])}
    return values if CRYPTOGRAM in values else None


def _asked(message: Message, values: dict[str, bytes]) -> _Asked | None:
    """None if something is missing, is no request for an answer, or speaks of another amount or card."""
    version = version_of(values.get(ISSUER_DATA, b""))
    if version not in METHODS or version is None:
        return None
    data = authenticated_data(values, version)
    if data is None or values.get(CRYPTOGRAM_KIND) != _ARQC or len(values[CRYPTOGRAM]) != CRYPTOGRAM_BYTES:
        return None
    if values[AMOUNT].hex() != message[4]:
        return None
    sequence = values[SEQUENCE].hex() if SEQUENCE in values else message.get(23, "000")[1:]
    if len(sequence) != 2 or not sequence.isdecimal():
        return None
    return _Asked(sequence, values[ATC], data, values[CRYPTOGRAM], version)
