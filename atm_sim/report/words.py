"""Stored messages in words: who said what to whom, element by element, in English or Japanese."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from atm_sim.records.log import MessageRow, fields_of
from bank_host.iso8583.describe import Lang, describe, title
from bank_host.iso8583.message import Message

_PAN, _STAN = 2, 11


class Element(NamedTuple):
    de: int
    name: str
    words: str


class MessageInWords(NamedTuple):
    """One message for people: its name, its way, and a line for each data element."""

    time_us: int
    mti: str
    title: str  # "0200 Financial request"
    way: str  # "atm → acquirer"
    elements: tuple[Element, ...]

    def lines(self) -> list[str]:
        """The message as plain text, its elements indented."""
        return [
            f"{self.title}, {self.way}",
            *(f"  DE{element.de:<3} {element.name}: {element.words}" for element in self.elements),
        ]


def in_words(row: MessageRow, lang: Lang = "en") -> MessageInWords:
    """A stored message described; its PAN is already masked and is shown as stored."""
    stored = fields_of(row)
    described = describe(Message(row.mti, stored), lang)
    elements = (Element(de, name, stored[de] if de == _PAN else words) for de, name, words in described)
    return MessageInWords(
        row.time_us, row.mti, title(row.mti, lang), f"{row.sender} → {row.receiver}", tuple(elements)
    )


def once_each(rows: Iterable[MessageRow]) -> list[MessageRow]:
    """A chain of messages without the hops: each message once, where it was first sent.

    Type and trace number tell messages of one chain apart; a stage may add elements of its own on the way.
    """
    first_hops: dict[tuple[str, str], MessageRow] = {}
    for row in rows:
        first_hops.setdefault((row.mti, fields_of(row).get(_STAN, "")), row)
    return list(first_hops.values())
