"""An online transaction with a card that this program made (EMV Book 3, 9.3; EMV Book 4, 12.2.1).

The card's cryptogram goes to its bank (ARQC), the bank's answer comes back (ARPC), and the card has the last word. The
allow-list lets none of this reach another card.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from cardreader import apdu
from cardreader.card import Card
from cardreader.emv import tlv
from cardreader.flow import (
    ReadApplication,
    find_by_directory,
    find_by_list,
    open_application,
    with_cryptogram,
)

AAC: Final = 0x00
TC: Final = 0x40
ARQC: Final = 0x80
_ISSUER_AUTHENTICATION: Final = 0x04
"""In the first byte of the application interchange profile: the card takes EXTERNAL AUTHENTICATE."""
NO_ANSWER: Final = b"Z3"
"""Authorisation response code of a terminal that could not go online, and declines."""


def ask_for_bank(
    card: Card, aids: Iterable[bytes], terminal: Mapping[str, bytes]
) -> tuple[ReadApplication | None, str]:
    """The first application, read and with a cryptogram for its bank; else None, and what was wrong."""
    found, _, problem = find_by_directory(card)
    found = found or find_by_list(card, aids)
    if not found:
        return None, problem or "no application"
    application = open_application(card, found[0], terminal)
    if not application.problem:
        application = with_cryptogram(card, application, terminal, ARQC, "8C")
    if application.problem:
        return None, application.problem
    if kind_of(application) != ARQC:
        return None, "the card declines without asking its bank"
    return application, ""


def last_word(
    card: Card,
    application: ReadApplication,
    terminal: Mapping[str, bytes],
    code: bytes,
    answer: bytes,
    *,
    approved: bool,
) -> bool:
    """Brings the bank's answer (tag 91, empty if there was none) and its code (8A); whether the card lets it be."""
    assert application.options is not None
    if answer and application.options.profile[0] & _ISSUER_AUTHENTICATION:
        # A card that refuses the answer says so again in its second cryptogram, which decides.
        card.send(apdu.external_authenticate(answer))
    ending = with_cryptogram(
        card, application, {**terminal, "8A": code, "91": answer}, TC if approved else AAC, "8D"
    )
    return approved and not ending.problem and kind_of(ending) == TC


def kind_of(application: ReadApplication) -> int:
    """What the card's latest cryptogram is: AAC, TC or ARQC."""
    told = tlv.first(application.cryptogram, "9F27") or b"\0"
    return told[0] & 0xC0
