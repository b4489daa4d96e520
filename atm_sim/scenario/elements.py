"""Data elements in a step, by number or as DE39: what a tester sends otherwise, and what an answer has to say.

The track, the PIN block and keys stand in no file; that they are left out, or are not there, may be said.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from atm_sim.scenario.fields import scalar, wrong
from bank_host.iso8583.fields import MATCHERS
from bank_host.written.card_numbers import TEST_BIN_PREFIX

CARD_NUMBER: Final = 2
SECRET_ELEMENTS: Final = (35, 48, 52)  # the track, a key or new PIN, the PIN block: never written into a file
WRITABLE: Final = tuple(str(de) for de in MATCHERS if de not in SECRET_ELEMENTS)
EITHER_FORM: Final = (*WRITABLE, *(f"DE{de}" for de in WRITABLE))
CHECKED: Final = tuple(f"DE{de}" for de in MATCHERS)
ABSENT: Final = "absent"


def _read_element_number(raw: Any) -> int:
    text = scalar(raw, "the number of a data element such as 39")
    if text not in EITHER_FORM:
        secret = text.isdigit() and int(text) in SECRET_ELEMENTS
        why = "is a secret and stands in no file" if secret else "is no data element"
        raise wrong(f"{text[:5]} {why}; write the number of another, such as 39")
    return int(text.removeprefix("DE"))


def _read_any_element(raw: Any) -> int:
    text = scalar(raw, "a data element such as DE39")
    if text not in CHECKED:
        raise wrong(f"{text[:8]} is no data element; write for example DE39")
    return int(text.removeprefix("DE"))


def _read_element_value(raw: Any) -> str | None:
    text = scalar(raw, "a data element's value in quotes, or absent")
    if text in ("none", ABSENT) and not text.quoted:
        return None
    if not text.quoted or not re.fullmatch(r"[ -~]{1,999}", text):
        raise wrong(
            "a data element's value is text of printable ASCII in quotes; absent leaves the element out"
        )
    return str(text)


ElementNumber = Annotated[
    int, BeforeValidator(_read_element_number), WithJsonSchema({"enum": list(EITHER_FORM)})
]
AnyElement = Annotated[int, BeforeValidator(_read_any_element), WithJsonSchema({"enum": list(CHECKED)})]
ElementValue = Annotated[
    str | None,
    BeforeValidator(_read_element_value),
    WithJsonSchema({"type": "string", "pattern": "^[ -~]{1,999}$"}),
]


def fault_of(element: int, value: str | None) -> str:
    """What is wrong with a value of an element, '' when nothing is."""
    if value is None:
        return ""
    if element in SECRET_ELEMENTS:
        return f"DE{element} is a secret and stands in no file; only absent can be said of it"
    if not MATCHERS[element].fullmatch(value):
        return f"this is no value of data element {element}"
    if element == CARD_NUMBER and not value.startswith(TEST_BIN_PREFIX):
        return f"this card number is outside the test range; use one that begins with {TEST_BIN_PREFIX}"
    return ""
