"""What a virtual card is: applications with records and a key, and how it presents itself; all data are synthetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import reduce
from operator import xor
from typing import Final, Literal, NamedTuple

from cardreader.emv import tlv
from cardreader.emv.des import Des3
from cardreader.emv.processing_options import AflEntry
from cardreader.emv.tlv import Tlv
from cardreader.transport import CardProtocol

TEST_AID: Final = bytes.fromhex("F041544D53494D0001")
"""A proprietary name, registered to nobody: F0, "ATMSIM", and which application."""

PURCHASE_VALUES: Final = "9F02069F03069F1A0295055F2A029A039C019F3704"
"""What the cryptogram is computed over, as a data object list."""
JAPAN: Final = b"\x03\x92"
_CARD_RISK_METHODS: Final = bytes.fromhex("0000000000000000020102041F00")
"""Cardholder verification: online PIN for cash at a machine or a desk, nothing otherwise."""
_USAGE: Final = bytes.fromhex("FFC0")  # valid everywhere, at ATMs too
_ACTIONS: Final = {"9F0D": "F040000000", "9F0E": "0000000000", "9F0F": "F040000000"}

Interface = Literal["contact", "contactless"]


class Record(NamedTuple):
    """One record of an application's files: the elements inside its template."""

    sfi: int
    number: int
    elements: tuple[Tlv, ...]

    def __bytes__(self) -> bytes:
        return tlv.write([Tlv("70", parts=self.elements)])


class Application(NamedTuple):
    """One application of a card, with its own key (of the card, not of the issuer)."""

    aid: bytes
    label: str
    records: tuple[Record, ...]
    key: Des3
    cvn: int
    priority: int = 1
    pdol: str = "9F1A029F3501"
    interchange: bytes = bytes.fromhex(
        "1C00"
    )  # cardholder verification, risk management, issuer authentication
    key_index: int = 1
    template_77: bool = True  # how it answers GET PROCESSING OPTIONS: in template 77, or packed in 80

    def files(self) -> tuple[AflEntry, ...]:
        """The file locator: each file's records as one run."""
        by_file: dict[int, list[int]] = {}
        for record in self.records:
            by_file.setdefault(record.sfi, []).append(record.number)
        return tuple(AflEntry(sfi, min(numbers), max(numbers)) for sfi, numbers in by_file.items())


class Profile(NamedTuple):
    """A whole card."""

    applications: tuple[Application, ...]
    interface: Interface = "contact"
    protocol: CardProtocol = "T=1"
    directory: bool = True
    uid: bytes = bytes.fromhex("0892F00D")
    history: bytes = b"ATM01"
    tries_left: int = 3
    transactions: int = 0  # so far

    @property
    def atr(self) -> bytes:
        count = len(self.history)
        if self.interface == "contactless":
            return _checked(bytes((0x80 | count, 0x80, 0x01)) + self.history)
        if self.protocol == "T=1":
            return _checked(bytes((0xE0 | count, 0x00, 0x00, 0x81, 0x31, 0xFE, 0x45)) + self.history)
        return bytes((0x3B, 0x60 | count, 0x00, 0x00)) + self.history


def _checked(body: bytes) -> bytes:
    """An ATR with its check byte, which every protocol but T=0 asks for."""
    return bytes([0x3B]) + body + bytes([reduce(xor, body)])


def payment_application(
    pan: str,
    key: Des3,
    *,
    expires: date,
    effective: date,
    sequence: str = "00",
    name: str = "TEST/CARD",
    aid: bytes = TEST_AID,
    label: str = "ATM-SIM TEST",
    cvn: int = 18,
    priority: int = 1,
    country: bytes = JAPAN,
) -> Application:
    """An online-only cash card for this number."""
    track = f"{pan}D{expires:%y%m}201" + "0" * 8
    identity = _elements(
        {
            "57": bytes.fromhex(track + "F" * (len(track) % 2)),
            "5F20": name.encode("ascii"),
        }
    )
    account = _elements(
        {
            "5A": bytes.fromhex(pan + "F" * (len(pan) % 2)),
            "5F24": bytes.fromhex(f"{expires:%y%m%d}"),
            "5F25": bytes.fromhex(f"{effective:%y%m%d}"),
            "5F34": bytes.fromhex(sequence),
            "5F28": country,
            "9F07": _USAGE,
            "8E": _CARD_RISK_METHODS,
        }
        | {tag: bytes.fromhex(value) for tag, value in _ACTIONS.items()}
    )
    lists = _elements(
        {
            "8C": bytes.fromhex(PURCHASE_VALUES),
            "8D": bytes.fromhex("8A02" + PURCHASE_VALUES),
            "9F08": b"\x00\x01",
        }
    )
    records = (Record(1, 1, identity), Record(1, 2, account), Record(2, 1, lists))
    return Application(aid, label, records, key, cvn, priority)


def _elements(values: dict[str, bytes]) -> tuple[Tlv, ...]:
    return tuple(Tlv(tag, value) for tag, value in values.items())


# ---------------------------------------------------------------- what a card says of itself


def directory_entries(applications: Iterable[Application]) -> tuple[Tlv, ...]:
    """One template 61 for each application."""
    return tuple(
        Tlv(
            "61",
            parts=(
                Tlv("4F", application.aid),
                Tlv("50", application.label.encode("ascii")),
                Tlv("87", bytes([application.priority])),
            ),
        )
        for application in applications
    )


def file_control(name: bytes, parts: Sequence[Tlv]) -> bytes:
    """File control information: the name, and what belongs to it."""
    return tlv.write([Tlv("6F", parts=(Tlv("84", name), Tlv("A5", parts=tuple(parts))))])
