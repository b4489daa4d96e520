"""What a card answers to GET PROCESSING OPTIONS: its profile and which records to read (EMV Book 3, 6.5.8 and 10.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from cardreader.emv import tlv

MOST_RECORDS: Final = 64
"""More than any payment card has: who asks for more is broken, or wants to be read for ever."""
_ENTRY_BYTES: Final = 4

Reason = Literal["no_template", "bad_length", "bad_file", "bad_records", "asks_too_much"]
WORDS: Final[dict[Reason, str]] = {
    "no_template": "neither template 80 nor template 77 with 82 and 94",
    "bad_length": f"not whole entries of {_ENTRY_BYTES} bytes",
    "bad_file": "a file number that is none",
    "bad_records": "record numbers that are none",
    "asks_too_much": f"more than {MOST_RECORDS} records",
}


class OptionsError(ValueError):
    """Not an acceptable answer: why, and at which byte of the file locator."""

    def __init__(self, reason: Reason, offset: int = 0) -> None:
        super().__init__(reason, offset)
        self.reason: Reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"processing options: {WORDS[self.reason]} (byte {self.offset})"


class AflEntry(NamedTuple):
    """Records of one file; the first `signed` of them belong to offline authentication."""

    sfi: int
    first: int
    last: int
    signed: int = 0

    def __bytes__(self) -> bytes:
        return bytes((self.sfi << 3, self.first, self.last, self.signed))


class Options(NamedTuple):
    """The application interchange profile (AIP) and the application file locator (AFL)."""

    profile: bytes
    files: tuple[AflEntry, ...]


def read_options(data: bytes) -> Options:
    """The card's answer in either format; OptionsError or TlvError if it is not acceptable."""
    elements = tlv.read(data, forgiving=True)
    if not elements:
        raise OptionsError("no_template")
    if elements[0].tag == "80" and len(elements[0].value) >= 2:
        value = elements[0].value
        return Options(value[:2], read_afl(value[2:]))
    profile, files = tlv.first(elements, "82"), tlv.first(elements, "94")
    if elements[0].tag != "77" or profile is None or len(profile) != 2:
        raise OptionsError("no_template")
    # Without a file locator there is nothing to read, which contactless cards may say.
    return Options(profile, read_afl(files or b""))


def read_afl(data: bytes) -> tuple[AflEntry, ...]:
    """The entries of an application file locator; OptionsError if it is not acceptable."""
    if len(data) % _ENTRY_BYTES:
        raise OptionsError("bad_length", len(data) - len(data) % _ENTRY_BYTES)
    entries: list[AflEntry] = []
    records = 0
    for at in range(0, len(data), _ENTRY_BYTES):
        sfi, first, last, signed = data[at : at + _ENTRY_BYTES]
        if sfi & 0x07 or not 1 <= sfi >> 3 <= 30:
            raise OptionsError("bad_file", at)
        if not 1 <= first <= last <= 254 or signed > last - first + 1:
            raise OptionsError("bad_records", at + 1)
        records += last - first + 1
        if records > MOST_RECORDS:
            raise OptionsError("asks_too_much", at + 2)
        entries.append(AflEntry(sfi >> 3, first, last, signed))
    return tuple(entries)


def records_of(files: Iterable[AflEntry]) -> Iterator[tuple[int, int]]:
    """File and record number of each record, in the order of reading."""
    for entry in files:
        for number in range(entry.first, entry.last + 1):
            yield entry.sfi, number
