"""The chip of a card as the terminal uses it: what goes to the bank in DE55, and what the bank tells the card.

The chip itself is handed in with the card: the terminal knows no reader. The bank knows its card by the cryptogram, and
the card its bank by the answer to it (EMV Book 3, 9.3; Book 4, 12.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

from bank_host.iso8583.composite import processing_code
from bank_host.iso8583.message import Message
from bank_host.jst import jst_date
from cardreader.emv import tlv
from cardreader.emv.terminal import terminal_values
from cardreader.emv.tlv import Tlv

_TOLD_TO_BANK: Final = (
    *("9F26", "9F27", "9F10", "9F37", "9F36", "95", "9A", "9C", "9F02", "5F2A", "82"),
    *("9F1A", "9F03", "9F33", "9F34", "9F35", "84", "5F34"),
)
"""What DE55 of a request holds, in this order; never number, track, name or date of expiry of the card."""
_ANSWER_TO_CARD: Final = "91"


class Chip(Protocol):
    """A chip in the reader, one transaction after the other."""

    def sign(self, terminal: Mapping[str, bytes]) -> Mapping[str, bytes] | None:
        """Begin a transaction: the card's data and its cryptogram by tag; None if there is nothing for the bank."""
        ...

    def conclude(self, code: str, answer: bytes, *, approved: bool) -> bool:
        """End it with DE39 ('' = no answer) and the bank's answer to the card; whether the card lets it be approved."""
        ...


class Signed(NamedTuple):
    """What the chip says for one request, in the form of its elements."""

    pan: str  # DE2
    expires: str  # DE14
    track2: str  # DE35
    sequence: str  # DE23
    icc_data: str  # DE55


def signed(chip: Chip, unpredictable: bytes, service: str, amount_jpy: int, now_us: int) -> Signed | None:
    """Ask the chip to sign this request; None if it cannot be read, or will not."""
    kind = processing_code(service)[:2]
    terminal = terminal_values(
        jst_date(now_us), unpredictable, amount_jpy=amount_jpy, kind=kind, pin_entered=True
    )
    said = chip.sign(terminal)
    if said is None or not {"57", "5A", "5F24"} <= said.keys():
        return None
    values = {**terminal, **said}
    sequence = said.get("5F34", b"\0").hex()
    return Signed(
        pan=said["5A"].hex().rstrip("f"),
        expires=said["5F24"].hex()[:4],
        track2=said["57"].hex().rstrip("f").replace("d", "="),
        sequence=sequence.rjust(3, "0"),
        icc_data=tlv.write([Tlv(tag, values[tag]) for tag in _TOLD_TO_BANK if tag in values]).hex().upper(),
    )


def concluded(chip: Chip, answer: Message | None, *, approved: bool) -> bool:
    """Tell the chip how its request ended (None: no usable answer); whether it agrees that it is approved."""
    if answer is None:
        return chip.conclude("", b"", approved=False)
    return chip.conclude(answer.get(39), _for_card(answer), approved=approved)


def _for_card(answer: Message) -> bytes:
    if 55 not in answer:
        return b""
    try:
        return tlv.first(tlv.read_hex(answer[55]), _ANSWER_TO_CARD) or b""
    except tlv.TlvError:
        return b""
