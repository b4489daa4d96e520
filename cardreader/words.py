"""A card in words: a tree of lines for a person, the same as JSON for a program; both masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from cardreader.aids import KnownAid, name_of
from cardreader.emv.tags import tag_named
from cardreader.emv.tlv import Tlv, is_template
from cardreader.flow import Outcome, ReadApplication, Reading
from cardreader.redact import shown

OUTCOMES: Final[dict[Outcome, str]] = {
    "read": "a bank card",
    "blocked": "the card is blocked",
    "my_number_card": "a My Number card, not a bank's: nothing of it was read",
    "not_a_bank_card": "not a bank card that is known here",
}
_STORAGE_CARD: Final = bytes.fromhex("A000000306")
_NUMBERS_OF_CHIPS: Final = {
    **dict.fromkeys((0x01, 0x02, 0x03), "UID (ISO 14443 A)"),
    **dict.fromkeys((0x05, 0x06, 0x07), "PUPI (ISO 14443 B)"),
    0x11: "IDm (FeliCa)",
}
_KINDS_OF_CRYPTOGRAM: Final = {0x00: "AAC, declined", 0x40: "TC, approved", 0x80: "ARQC, to be asked online"}
_CONDITIONS: Final = {
    0x00: "always",
    0x01: "for cash at a machine",
    0x02: "if neither cash nor with cashback",
    0x03: "if the terminal can do it",
    0x04: "for cash at a desk",
    0x05: "for purchases with cashback",
}
_METHODS: Final = {
    0x00: "fail",
    0x01: "PIN in clear to the card",
    0x02: "PIN enciphered, online",
    0x03: "PIN in clear to the card, and signature",
    0x04: "PIN enciphered to the card",
    0x05: "PIN enciphered to the card, and signature",
    0x1E: "signature",
    0x1F: "nothing",
}


def as_data(reading: Reading, known: Sequence[KnownAid], alias: str | None) -> dict[str, Any]:
    """The reading for a program."""
    data: dict[str, Any] = {
        "outcome": reading.outcome,
        "interface": reading.interface,
        "protocol": reading.protocol,
        "atr": reading.atr.hex().upper(),
        "found_by": reading.found_by,
        "applications": [_application(one, known) for one in reading.applications],
    }
    if reading.uid:
        data["chip"] = kind_of_chip(reading.atr)
        data["uid"] = reading.uid.hex().upper()
    if alias:
        data["alias"] = alias
    if reading.problem:
        data["problem"] = reading.problem
    return data


def kind_of_chip(atr: bytes) -> str:
    """What the number of a contactless chip is, by the standard that its reader names (PC/SC part 3, supplement)."""
    at = atr.find(_STORAGE_CARD)
    standard = atr[at + len(_STORAGE_CARD)] if 0 <= at < len(atr) - len(_STORAGE_CARD) else 0
    return _NUMBERS_OF_CHIPS.get(standard, "number of the chip")


def _application(application: ReadApplication, known: Sequence[KnownAid]) -> dict[str, Any]:
    data: dict[str, Any] = {
        "aid": application.aid.hex().upper(),
        "name": name_of(application.aid, known),
        "label": application.label,
        "priority": application.priority or None,
        "control": _elements(application.control),
        "counters": _elements(application.counters),
    }
    if application.options is not None:
        data["profile"] = application.options.profile.hex().upper()
        data["files"] = [
            {"sfi": entry.sfi, "first": entry.first, "last": entry.last, "signed": entry.signed}
            for entry in application.options.files
        ]
        data["records"] = [
            {"sfi": record.sfi, "number": record.number, "elements": _elements(record.elements)}
            for record in application.records
        ]
    if application.cryptogram:
        data["cryptogram"] = _elements(application.cryptogram)
    if application.problem:
        data["problem"] = application.problem
    return data


def _elements(elements: Iterable[Tlv]) -> list[dict[str, Any]]:
    return [
        {"tag": one.tag, "name": tag_named(one.tag).name}
        | ({"parts": _elements(one.parts)} if is_template(one.tag) else {"value": _value(one)})
        for one in elements
    ]


def _value(element: Tlv) -> str:
    if element.tag == "9F27" and len(element.value) == 1:
        return _KINDS_OF_CRYPTOGRAM.get(element.value[0] & 0xC0, "reserved")
    if element.tag == "8E" and len(element.value) >= 8 and len(element.value) % 2 == 0:
        rules = (element.value[at : at + 2] for at in range(8, len(element.value), 2))
        return "; ".join(
            f"{_METHODS.get(rule[0] & 0x3F, 'another way')} {_CONDITIONS.get(rule[1], 'in another case')}"
            for rule in rules
        )
    return shown(element)


# ---------------------------------------------------------------- lines


def as_lines(data: dict[str, Any]) -> Iterator[str]:
    """The reading for a person, from its data."""
    yield f"{OUTCOMES[data['outcome']]}"
    yield f"  {data['interface']}, {data['protocol']}, ATR {data['atr']}"
    if "uid" in data:
        yield f"  {data['chip']}: {data['uid']}"
    if "alias" in data:
        yield f"  known on this machine as {data['alias']}"
    if "problem" in data:
        yield f"  {data['problem']}"
    for number, application in enumerate(data["applications"], 1):
        label = f"{application['label']}: " if application["label"] else ""
        yield f"  {number}. {label}{application['name']}, AID {application['aid']}"
        yield from (f"     {line}" for line in _application_lines(application))


def _application_lines(application: dict[str, Any]) -> Iterator[str]:
    yield from _element_lines(application["control"])
    yield from _element_lines(application["counters"])
    for record in application.get("records", ()):
        yield f"record {record['number']} of file {record['sfi']}"
        yield from _element_lines(record["elements"], "  ")
    if "cryptogram" in application:
        yield "cryptogram"
        yield from _element_lines(application["cryptogram"], "  ")
    if "problem" in application:
        yield f"not read on: {application['problem']}"


def _element_lines(elements: Iterable[dict[str, Any]], indent: str = "") -> Iterator[str]:
    for one in elements:
        if "parts" in one:
            # Templates are how a card packs its data; a person reads what is in them.
            yield from _element_lines(one["parts"], indent)
        else:
            yield f"{indent}{one['name']} ({one['tag']}): {one['value']}"
