"""Stored messages in words: who said what to whom, element by element, for people."""

from __future__ import annotations

from typing import NamedTuple

from atm_sim.records.log import MessageRow, fields_of


class MessageInWords(NamedTuple):
    """One message for people: its sentence, and a line for each data element."""

    time_us: int
    title: str  # "0200 withdrawal request, atm -> acquirer"
    elements: tuple[str, ...]  # "DE4 amount: ¥30,000"

    def lines(self) -> list[str]:
        return [self.title, *(f"  {element}" for element in self.elements)]


def in_words(row: MessageRow) -> MessageInWords:
    return MessageInWords(
        time_us=row.time_us,
        title=f"{row.mti} {row.sender} -> {row.receiver}",
        elements=tuple(f"DE{de}: {value}" for de, value in fields_of(row).items()),
    )
