"""The tables of docs/reference/messages.md say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bank_host.iso8583.codes import ADVICE_REASONS, NETWORK_CODES, RESPONSE_CODES, ResponseCode
from bank_host.iso8583.composite import SERVICES
from bank_host.iso8583.fields import FIELDS, Field
from bank_host.iso8583.message_types import MESSAGE_TYPES

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "messages.md"

_SHOWN = {"": "yes", "mask": "masked", "hide": "never"}
_LENGTH = {0: "fixed", 2: "LL", 3: "LLL"}
_ACTIONS = {
    "pay": "carries the service out",
    "decline": "declines, returns the card",
    "ask_pin": "asks for the PIN again",
    "retain_card": "keeps the card",
}
_OFFERS = {
    "": [],
    "balance": ["offers the balance"],
    "smaller_amount": ["offers less"],
    "other_amount": ["asks for another amount"],
    "unlock": ["its holder can unlock it"],
    "later": ["later"],
}


def row(*cells: object) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def elements(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def field_row(field: Field) -> str:
    names = (field.de, field.name_en, field.name_ja, field.format)
    return row(*names, _LENGTH[field.prefix], _SHOWN[field.secrecy], field.note)


def response_row(code: ResponseCode) -> str:
    then = _OFFERS[code.offer].copy()
    then += ["reverses"] if code.reverse else []
    then += ["alarm"] if code.alarm else []
    then += ["acknowledges"] if code.acknowledges else []
    return row(code.code, code.name_en, code.name_ja, _ACTIONS[code.action], ", ".join(then))


TABLES = {
    "message types": [
        row(m.mti, m.name_en, m.name_ja, elements(m.mandatory), elements(m.optional)) for m in MESSAGE_TYPES
    ],
    "data elements": [field_row(field) for field in FIELDS],
    "services": [row(f"`{s.name}`", s.processing_code, s.name_en, s.name_ja) for s in SERVICES],
    "reasons": [row(f"`{reason.value}`", reason.name_en, reason.name_ja) for reason in ADVICE_REASONS],
    "network codes": [row(code.value, code.name_en, code.name_ja) for code in NETWORK_CODES],
    "response codes": [response_row(code) for code in RESPONSE_CODES],
}


@pytest.mark.parametrize("table", TABLES)
def test_the_page_shows_the_table_of_the_code(table: str) -> None:
    block = re.search(f"<!-- {table} -->\n(.*?)<!-- end -->", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block, f"{PAGE.name} has no table {table!r}"
    header_lines = 2
    assert TABLES[table] == block[1].splitlines()[header_lines:]
