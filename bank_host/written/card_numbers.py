"""Card numbers in files that people write: test numbers only, comments included."""

from __future__ import annotations

import re
from typing import Final

from bank_host.written.problems import Position, Problems, Source

TEST_BIN_PREFIX: Final = "4999"
_LONG_DIGITS = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


def refuse_card_numbers(source: Source, problems: Problems) -> None:
    """A real card number must not stand anywhere in a file."""
    for number, line in enumerate(source.lines, 1):
        for hit in _LONG_DIGITS.finditer(line):
            digits = re.sub(r"[ -]", "", hit[0])
            if not digits.startswith(TEST_BIN_PREFIX) and _luhn(digits):
                place = Position(source, number, hit.start() + 1)
                problems.add(
                    place,
                    f"a card number outside the test range ({TEST_BIN_PREFIX}…); take it out of the file",
                )


def _luhn(digits: str) -> bool:
    doubled = [int(digit) * (1 + index % 2) for index, digit in enumerate(reversed(digits))]
    return sum(value // 10 + value % 10 for value in doubled) % 10 == 0
