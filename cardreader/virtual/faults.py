"""What can be wrong with a virtual card, by name: for tests, and for `cardreader virtual --fault`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from cardreader import apdu
from cardreader.apdu import Command, Response
from cardreader.emv import tlv
from cardreader.emv.processing_options import AflEntry
from cardreader.emv.tlv import Tlv
from cardreader.guard import PPSE, PSE
from cardreader.virtual.card import Fault, Pulled


def mute(at: int) -> Fault:
    """Falls silent at the n-th command."""
    return lambda number, command, right: None if number >= at else right


def pulled(at: int) -> Fault:
    """Is pulled at the n-th command."""

    def fault(number: int, command: Command, right: Response) -> Response:
        if number >= at:
            raise Pulled
        return right

    return fault


def slow(wait_s: float) -> Fault:
    """Takes its time."""

    def fault(number: int, command: Command, right: Response) -> Response:
        time.sleep(wait_s)
        return right

    return fault


def refusing(instruction: int, status: int, *, but_directories: bool = False) -> Fault:
    """Answers one instruction with a status."""

    def fault(number: int, command: Command, right: Response) -> Response:
        spared = but_directories and command.data in (PSE, PPSE)
        return Response(b"", status) if command.ins == instruction and not spared else right

    return fault


def _records_cut_short(number: int, command: Command, right: Response) -> Response:
    return right._replace(data=right.data[:-1]) if command.ins == apdu.READ_RECORD else right


def _records_over_long(number: int, command: Command, right: Response) -> Response:
    return right._replace(data=b"\x70\x83\xff\xff\xff") if command.ins == apdu.READ_RECORD else right


def _wrong_files(number: int, command: Command, right: Response) -> Response:
    if command.ins != apdu.GET_PROCESSING_OPTIONS or not right.ok:
        return right
    files = b"".join(bytes(entry) for entry in (AflEntry(1, 1, 2), AflEntry(9, 1, 3)))
    parts = (Tlv("82", b"\x1c\x00"), Tlv("94", files))
    return right._replace(data=tlv.write([Tlv("77", parts=parts)]))


def _declining(number: int, command: Command, right: Response) -> Response:
    if command.ins != apdu.GENERATE_AC or not right.ok:
        return right
    parts = tuple(
        Tlv("9F27", b"\0") if element.tag == "9F27" else element for element in tlv.read(right.data)[0].parts
    )
    return right._replace(data=tlv.write([Tlv("77", parts=parts)]))


FAULTS: Final[Mapping[str, Fault]] = {
    "mute": mute(at=1),
    "mute_later": mute(at=4),
    "pulled": pulled(at=4),
    "slow": slow(0.2),
    "blocked": refusing(apdu.SELECT, apdu.NOT_SUPPORTED),
    "application_blocked": refusing(apdu.SELECT, apdu.DEACTIVATED, but_directories=True),
    "not_a_bank_card": refusing(apdu.SELECT, 0x6D00),
    "refused_options": refusing(apdu.GET_PROCESSING_OPTIONS, apdu.NOT_SATISFIED),
    "bad_tlv": _records_cut_short,
    "over_long_tlv": _records_over_long,
    "wrong_files": _wrong_files,
    "declining": _declining,
}
