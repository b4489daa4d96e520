"""The ID card: a printed table of codes that takes a token's place (requirements R4, R66-R70, R122, X13).

The bank names positions of the table, the holder types the codes printed there. The same positions are asked until
they are answered rightly, so that nobody can wait for positions that he has seen; each answer counts once.
"""

from __future__ import annotations

import hashlib
import hmac

COLUMNS = "ABCDEFGHIJ"
ROWS = "12345"
POSITIONS = tuple(column + row for row in ROWS for column in COLUMNS)
CODE_DIGITS = 3


def challenge(secret: str, number: int, digits: int) -> tuple[str, ...]:
    """The positions asked for the card's challenge of this number: as many as give `digits` digits, all different."""
    wanted = -(-digits // CODE_DIGITS)
    ranked = sorted(POSITIONS, key=lambda position: _mac(secret, f"challenge:{number}:{position}"))
    return tuple(ranked[:wanted])


def answer(secret: str, positions: tuple[str, ...], digits: int) -> str:
    """What the holder types: the codes at these positions, one after the other."""
    return "".join(code_at(secret, position) for position in positions)[:digits]


def code_at(secret: str, position: str) -> str:
    """The code printed at one position."""
    if position not in POSITIONS:
        raise ValueError(f"an ID card has no position {position!r}: they go from A1 to J5")
    number = int.from_bytes(_mac(secret, f"code:{position}")[:8], "big")
    return f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def _mac(secret: str, text: str) -> bytes:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256)


class IdCard:
    """The card in its holder's hand: a table, and no more than that."""

    __slots__ = ("_codes",)

    def __init__(self, secret: str) -> None:
        self._codes = {position: code_at(secret, position) for position in POSITIONS}

    def read(self, positions: tuple[str, ...], digits: int = 6) -> str:
        """The codes at these positions, as they are typed."""
        return "".join(self._codes[position] for position in positions)[:digits]
