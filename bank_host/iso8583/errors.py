"""The one error of all that reads or writes messages: why, which element, where; never message data."""

from __future__ import annotations

from typing import Literal

from bank_host.iso8583.fields import BY_DE

Reason = Literal[
    "too_short",
    "too_long",
    "unknown_mti",
    "bad_bitmap",
    "unknown_element",
    "bad_length",
    "trailing_data",
    "not_canonical",
    "bad_value",
    "missing_element",
    "forbidden_element",
    "not_hexadecimal",
]

WORDS: dict[Reason, str] = {
    "too_short": "the message is shorter than any message can be",
    "too_long": "the message is longer than 2,048 bytes",
    "unknown_mti": "the message type is not one that this system speaks",
    "bad_bitmap": "the bitmap is cut short, or not in upper-case hexadecimal digits",
    "unknown_element": "the bitmap announces an element that the dialect does not have",
    "bad_length": "the element is cut short or its length is not a length",
    "trailing_data": "there is data after the last element",
    "not_canonical": "the bytes are not the one correct encoding of their content",
    "bad_value": "the value does not have the element's form",
    "missing_element": "a mandatory element is missing",
    "forbidden_element": "this message type must not carry the element",
    "not_hexadecimal": "the text is neither a message nor its hexadecimal form",
}


class FormatError(Exception):
    """Not an acceptable message. `de` and `offset` (bytes into it) are None where they do not apply."""

    def __init__(self, reason: Reason, de: int | None = None, offset: int | None = None) -> None:
        super().__init__(reason, de, offset)
        self.reason: Reason = reason
        self.de = de
        self.offset = offset

    def __str__(self) -> str:
        where = []
        if self.de is not None:
            field = BY_DE.get(self.de)
            where.append(f"DE{self.de} {field.name_en}" if field else f"DE{self.de}")
        if self.offset is not None:
            where.append(f"byte {self.offset}")
        return f"format error: {WORDS[self.reason]}" + (f" ({', '.join(where)})" if where else "")
