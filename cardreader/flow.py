"""Reading a card step by step, as far as the level allows: as an ATM does (EMV Book 1, 12; Book 3, 10).

One function for each step. A card is a stranger: what it says wrongly ends the step with a word in the result, and the
first unexpected status ends the reading of that application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, Literal, NamedTuple

from cardreader import apdu
from cardreader.aids import KnownAid
from cardreader.apdu import Command, Response
from cardreader.card import Card
from cardreader.emv import tlv
from cardreader.emv.dol import DolError, fill, read_dol
from cardreader.emv.processing_options import Options, OptionsError, read_options, records_of
from cardreader.emv.tlv import Tlv, TlvError
from cardreader.guard import COUNTERS, MY_NUMBER_CARD, PPSE, PSE, Level
from cardreader.redact import safe_text

_MOST_APPLICATIONS: Final = 16
_MOST_DIRECTORY_RECORDS: Final = 16
_AAC: Final = 0x00
_NO_DIRECTORY: Final = frozenset({apdu.NOT_FOUND, apdu.DEACTIVATED, 0x6D00, 0x6E00, 0x6A86, 0x6A80, 0x6700})

Outcome = Literal["read", "blocked", "my_number_card", "not_a_bank_card"]
FoundBy = Literal["directory", "list", "nothing"]


class ReadRecord(NamedTuple):
    """One record and where it stood."""

    sfi: int
    number: int
    elements: tuple[Tlv, ...]


class ReadApplication(NamedTuple):
    """One application as far as it was read; `problem` says why no further."""

    aid: bytes
    label: str = ""  # as it may be shown
    priority: int = 0
    control: tuple[Tlv, ...] = ()
    counters: tuple[Tlv, ...] = ()
    options: Options | None = None
    records: tuple[ReadRecord, ...] = ()
    cryptogram: tuple[Tlv, ...] = ()
    problem: str = ""

    def elements(self) -> tuple[Tlv, ...]:
        """All that its records hold, templates opened."""
        return tuple(element for record in self.records for element in tlv.walk(record.elements))


class Reading(NamedTuple):
    """A card as far as it was read."""

    atr: bytes
    interface: Literal["contact", "contactless"]
    protocol: str
    outcome: Outcome
    found_by: FoundBy = "nothing"
    applications: tuple[ReadApplication, ...] = ()
    uid: bytes = b""
    problem: str = ""


def terminal_values(day: date, unpredictable: bytes) -> dict[str, bytes]:
    """What an ATM in Japan says of itself and of a balance enquiry, by tag."""
    return {
        "9F02": bytes(6),
        "9F03": bytes(6),
        "9F1A": b"\x03\x92",
        "5F2A": b"\x03\x92",
        "95": bytes.fromhex("8000000000"),  # offline data authentication was not performed
        "9A": bytes.fromhex(f"{day:%y%m%d}"),
        "9C": b"\x31",
        "9F15": b"\x60\x11",
        "9F33": bytes.fromhex("6040C0"),
        "9F35": b"\x14",
        "9F37": unpredictable,
        "9F40": bytes.fromhex("8000000000"),
    }


def read_card(card: Card, known: Sequence[KnownAid], terminal: Mapping[str, bytes]) -> Reading:
    """Everything the card's level allows. ReaderError if the card is gone or silent."""
    reading = Reading(
        card.atr, "contactless" if card.contactless else "contact", card.protocol, outcome="not_a_bank_card"
    )
    if card.contactless:
        # No contactless kernel: number and directory only, whatever the level.
        reading = reading._replace(uid=_identifier(card))
    found, status, problem = find_by_directory(card)
    if status == apdu.NOT_SUPPORTED:
        return reading._replace(outcome="blocked")
    found_by: FoundBy = "directory"
    if not found:
        found_by = "list"
        found = find_by_list(card, [one.aid for one in known if one.bank])
    if not found:
        strange = any(card.send(apdu.select(one.aid)).ok for one in known if not one.bank)
        return reading._replace(outcome="my_number_card" if strange else "not_a_bank_card", problem=problem)
    if any(_not_ours(application.aid) for application in found):
        return reading._replace(outcome="my_number_card", found_by=found_by, applications=found)
    applications = found
    if not card.contactless:
        applications = tuple(read_application(card, application, terminal) for application in found)
    return reading._replace(outcome="read", found_by=found_by, applications=applications, problem=problem)


def _not_ours(aid: bytes) -> bool:
    return aid.startswith(MY_NUMBER_CARD) or MY_NUMBER_CARD.startswith(aid)


def _identifier(card: Card) -> bytes:
    """UID, PUPI or IDm; empty if the reader does not tell it."""
    told = card.send(apdu.get_uid())
    return told.data if told.ok else b""


# ---------------------------------------------------------------- which applications there are


def find_by_directory(card: Card) -> tuple[tuple[ReadApplication, ...], int, str]:
    """The applications in the card's directory by priority, its status, and what was wrong with it."""
    opened = card.send(apdu.select(PPSE if card.contactless else PSE))
    if not opened.ok:
        problem = "" if opened.status in _NO_DIRECTORY else f"directory: {told(opened)}"
        return (), opened.status, problem
    try:
        control = tlv.read(opened.data, forgiving=True)
        entries = _entries(control) if card.contactless else _directory_records(card, control)
    except TlvError as error:
        return (), opened.status, f"directory: {error}"
    found: dict[bytes, ReadApplication] = {}
    for entry in entries:
        found.setdefault(entry.aid, entry)
    by_priority = sorted(found.values(), key=lambda one: one.priority or 16)
    return tuple(by_priority[:_MOST_APPLICATIONS]), opened.status, ""


def _directory_records(card: Card, control: Iterable[Tlv]) -> list[ReadApplication]:
    number = tlv.first(control, "88") or b""
    if len(number) != 1 or not 1 <= number[0] <= 10:
        return []
    entries: list[ReadApplication] = []
    for at in range(1, _MOST_DIRECTORY_RECORDS + 1):
        record = card.send(apdu.read_record(number[0], at))
        if not record.ok:
            break
        entries += _entries(tlv.read(record.data, forgiving=True))
    return entries


def _entries(elements: Iterable[Tlv]) -> list[ReadApplication]:
    """The templates 61, each an application; one without an identifier is a directory below, and left alone."""
    entries = []
    for element in tlv.walk(elements):
        aid = tlv.first(element.parts, "4F") if element.tag == "61" else None
        if aid and _is_name(aid):
            entries.append(ReadApplication(aid, _label(element.parts), _priority(element.parts)))
    return entries


def find_by_list(card: Card, aids: Iterable[bytes]) -> tuple[ReadApplication, ...]:
    """The applications of a list that the card knows, by whole or partial name."""
    found: dict[bytes, ReadApplication] = {}
    for aid in aids:
        answer = card.send(apdu.select(aid))
        while (answer.ok or answer.status == apdu.DEACTIVATED) and len(found) < _MOST_APPLICATIONS:
            application = _selected(aid, answer)
            if application.aid in found:
                break
            found[application.aid] = application
            if application.aid == aid or not application.aid.startswith(aid):
                break  # the whole name was asked for: there is no other one
            answer = card.send(apdu.select(aid, following=True))
        if answer.status in (0x6D00, 0x6E00):
            break  # a card that does not know SELECT knows no application
    return tuple(sorted(found.values(), key=lambda one: one.priority or 16))


def _selected(aid: bytes, answer: Response) -> ReadApplication:
    try:
        control = tlv.read(answer.data, forgiving=True)
    except TlvError as error:
        return ReadApplication(aid, problem=f"selecting: {error}")
    name = tlv.first(control, "84") or b""
    return ReadApplication(name if _is_name(name) else aid, _label(control), _priority(control))


def _is_name(aid: bytes) -> bool:
    return 5 <= len(aid) <= 16


def _label(elements: Iterable[Tlv]) -> str:
    """As it may be shown: a card may write anything there."""
    return safe_text(tlv.first(elements, "50") or b"")


def _priority(elements: Iterable[Tlv]) -> int:
    """Low half of the byte; 0 is none."""
    value = tlv.first(elements, "87") or b"\0"
    return value[0] & 0x0F if len(value) == 1 else 0


# ---------------------------------------------------------------- one application


class _Unfinished(Exception):
    """Reading this application ends here: what is known of it, and why."""

    def __init__(self, application: ReadApplication, why: str) -> None:
        super().__init__(why)
        self.application = application
        self.why = why


def read_application(
    card: Card, application: ReadApplication, terminal: Mapping[str, bytes]
) -> ReadApplication:
    """Selects the application and reads it as far as the level allows."""
    try:
        application = _select(card, application)
        application = application._replace(counters=_counters(card))
        if card.level >= Level.READ:
            application = _open(card, application, terminal)
            application = _read_records(card, application)
        if card.level >= Level.CRYPTOGRAM:
            application = _decline(card, application, terminal)
    except _Unfinished as unfinished:
        return unfinished.application._replace(problem=unfinished.why)
    return application


def _select(card: Card, application: ReadApplication) -> ReadApplication:
    answer = card.send(apdu.select(application.aid))
    if answer.status == apdu.DEACTIVATED:
        raise _Unfinished(application, "selecting: the application is blocked")
    if not answer.ok:
        raise _Unfinished(application, f"selecting: {told(answer)}")
    try:
        control = tlv.read(answer.data, forgiving=True)
    except TlvError as error:
        raise _Unfinished(application, f"selecting: {error}") from None
    return application._replace(
        control=control,
        label=application.label or _label(control),
        priority=application.priority or _priority(control),
    )


def _counters(card: Card) -> tuple[Tlv, ...]:
    """The counters that the card gives away; most cards keep some for themselves."""
    found = []
    for tag in COUNTERS:
        answer = card.send(apdu.get_data(tag))
        if not answer.ok:
            continue
        try:
            value = tlv.first(tlv.read(answer.data, forgiving=True), tag)
        except TlvError:
            continue
        if value is not None:
            found.append(Tlv(tag, value))
    return tuple(found)


def _open(card: Card, application: ReadApplication, terminal: Mapping[str, bytes]) -> ReadApplication:
    """GET PROCESSING OPTIONS with what the card wants to know, in the order in which it wants it."""
    wanted = tlv.first(application.control, "9F38") or b""
    try:
        filled = fill(read_dol(wanted), terminal)
        if len(filled) > apdu.MOST_DATA_BYTES - 2:
            raise _Unfinished(application, "opening: the card wants to know more than a command can carry")
        answer = card.send(apdu.get_processing_options(filled))
        if not answer.ok:
            raise _Unfinished(application, f"opening: {told(answer)}")
        return application._replace(options=read_options(answer.data))
    except (DolError, OptionsError, TlvError) as error:
        raise _Unfinished(application, f"opening: {error}") from None


def _read_records(card: Card, application: ReadApplication) -> ReadApplication:
    """The records that the file locator names, and no other."""
    assert application.options is not None
    seen: set[str] = set()
    for sfi, number in records_of(application.options.files):
        where = f"record {number} of file {sfi}"
        answer = card.send(apdu.read_record(sfi, number))
        if not answer.ok:
            raise _Unfinished(application, f"{where}: {told(answer)}")
        try:
            elements = tlv.read(answer.data, forgiving=True)
        except TlvError as error:
            raise _Unfinished(application, f"{where}: {error}") from None
        application = application._replace(records=(*application.records, ReadRecord(sfi, number, elements)))
        tags = [one.tag for one in tlv.walk(elements) if not tlv.is_template(one.tag)]
        if twice := sorted(seen.intersection(tags)):
            raise _Unfinished(application, f"{where}: {', '.join(twice)} is in an earlier record already")
        seen.update(tags)
    return application


def _decline(card: Card, application: ReadApplication, terminal: Mapping[str, bytes]) -> ReadApplication:
    """The cryptogram of a declined transaction: nothing is left open on the card."""
    wanted = tlv.first(application.elements(), "8C")
    if wanted is None:
        raise _Unfinished(application, "cryptogram: the card does not say what it is computed over (8C)")
    try:
        answer = card.send(apdu.generate_ac(_AAC, fill(read_dol(wanted), terminal)))
        if not answer.ok:
            raise _Unfinished(application, f"cryptogram: {told(answer)}")
        return application._replace(cryptogram=_cryptogram(answer.data))
    except (DolError, TlvError) as error:
        raise _Unfinished(application, f"cryptogram: {error}") from None


def _cryptogram(data: bytes) -> tuple[Tlv, ...]:
    """The parts of the answer in either format; packed are kind, counter, cryptogram and issuer's data."""
    elements = tlv.read(data, forgiving=True)
    if elements and elements[0].tag == "80":
        value = elements[0].value
        parts = {"9F27": value[:1], "9F36": value[1:3], "9F26": value[3:11], "9F10": value[11:]}
        return tuple(Tlv(tag, part) for tag, part in parts.items())
    return tuple(element for element in tlv.walk(elements) if not tlv.is_template(element.tag))


def told(answer: Response) -> str:
    """A status word in words."""
    return f"the card answers {answer.status:04X} ({answer.words})"


def what_is_sent(level: Level, known: Sequence[KnownAid]) -> list[tuple[str, Command | None]]:
    """What `read_card` sends at a level, in words, with the bytes where they are known beforehand."""
    steps: list[tuple[str, Command | None]] = [
        ("on a contactless reader: ask the reader for the card's number", apdu.get_uid()),
        ("select the directory", apdu.select(PSE)),
        ("read the directory's records", None),
        *((f"without a directory: select {one.name}", apdu.select(one.aid)) for one in known),
        ("select each application", None),
        *((f"read a counter: {tag}", apdu.get_data(tag)) for tag in COUNTERS),
    ]
    if level >= Level.READ:
        steps.append(("open each application; its transaction counter goes up by one", None))
        steps.append(("read the records that the card names", None))
    if level >= Level.CRYPTOGRAM:
        steps.append(("ask for the cryptogram of a declined transaction", None))
    return steps
