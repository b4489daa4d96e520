"""A lab's card file: CSV with one test card a line, and the rule by which the roles of a scenario get them.

Nothing of a card but its alias, the masked number and the name of a column is ever part of a text.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from typing import Final, Literal, NamedTuple

from bank_host.secrets import Pan, Pin, Secret
from bank_host.written.card_numbers import TEST_BIN_PREFIX
from bank_host.written.problems import Position, Problems, Source, nearest

CardPolicy = Literal["unique", "sequential", "random"]
COLUMNS: Final = ("alias", "who", "pan", "expiry", "pin", "service_code", "track2", "sequence")
_NEEDED: Final = ("pan", "expiry", "pin")
_FORMS: Final = {
    "pan": ("[0-9]{13,19}", "a card number of 13 to 19 digits"),
    "expiry": ("[0-9]{2}(0[1-9]|1[0-2])", "year and month, four digits such as 3012"),
    "pin": ("[0-9]{4}", "four digits"),
    "service_code": ("[0-9]{3}|", "three digits such as 201"),
    "track2": (r"[0-9]{13,19}=[0-9]{7,}|", "number=expiry, service code and discretionary data"),
    "sequence": ("[0-9]{1,3}|", "up to three digits"),
    "alias": ("[a-z][a-z0-9_-]{0,31}|", "1 to 32 of a-z, 0-9, - and _"),
    "who": ("[a-z][a-z0-9_-]{0,31}(/[1-9][0-9]*)?|", "a name of a scenario's cast, such as hanako"),
}


class LabCard(NamedTuple):
    """A card at the target, with its PIN."""

    alias: str
    who: str  # the role it is for; '' = any
    pan: Pan
    expires: str  # YYMM
    pin: Pin
    service_code: str
    track2: Secret  # '' = the request has none
    sequence: str


def read_cards(file: Path, allow_bins: Sequence[str], problems: Problems) -> tuple[LabCard, ...]:
    """Every card of the file; faults go to `problems`, with no digit of the line that they quote."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else error.strerror
        problems.add(Position(Source.of(f"{file}", ""), 1, 1), f"the card file cannot be read: {reason}")
        return ()
    source = Source.of(f"{file}", re.sub("[0-9]", "•", text))
    lines = text.splitlines()
    header = [name.strip() for name in next(csv.reader(lines[:1]), [])]
    if not _header_fits(header, source, problems):
        return ()
    cards: list[LabCard] = []
    aliases, numbers = set[str](), set[str]()
    filled = [(n, line) for n, line in enumerate(lines[1:], 2) if line.strip() and not line.startswith("#")]
    if not filled:
        problems.add(Position(source, 1, 1), "the card file has no card: add one, or leave `cards` out")
    for number, line in filled:
        cells = [cell.strip() for cell in next(csv.reader([line]))]
        row = dict(zip(header, cells, strict=False))
        at = Position(source, number, 1)
        if len(cells) != len(header):
            problems.add(at, f"{len(cells)} cells, but the header has {len(header)} columns")
        elif (fault := _fault(row, allow_bins)) is not None:
            column = 1 + sum(len(cell) + 1 for cell in line.split(",")[: header.index(fault[0])])
            problems.add(Position(source, number, column), fault[1])
        else:
            card = _card(row, len(cards) + 1)
            if card.alias in aliases or card.pan.reveal() in numbers:
                problems.add(at, "this card stands twice, by its alias or its number")
            aliases.add(card.alias)
            numbers.add(card.pan.reveal())
            cards.append(card)
    return tuple(cards)


def _header_fits(header: Sequence[str], source: Source, problems: Problems) -> bool:
    at = Position(source, 1, 1)
    for name in header:
        if name not in COLUMNS:
            problems.add(
                at, f"unknown column '{name[:20]}'; known are {', '.join(COLUMNS)}", nearest(name, COLUMNS)
            )
            return False
    if missing := [name for name in _NEEDED if name not in header]:
        problems.add(
            at, f"no column {' and '.join(missing)}; the first line names the columns: {','.join(COLUMNS)}"
        )
        return False
    return True


def _fault(row: dict[str, str], allow_bins: Sequence[str]) -> tuple[str, str] | None:
    for column, (pattern, words) in _FORMS.items():
        if column in row and re.fullmatch(pattern, row[column], re.ASCII) is None:
            return column, f"{column}: expected {words}"
    if not row["pan"].startswith((TEST_BIN_PREFIX, *allow_bins)):
        return (
            "pan",
            f"pan: outside the test range ({TEST_BIN_PREFIX}…); name its BIN in the profile's allow_bins",
        )
    if row.get("track2") and not row["track2"].startswith(f"{row['pan']}={row['expiry']}"):
        return "track2", "track2: number and expiry are not those of the card"
    return None


def _card(row: dict[str, str], number: int) -> LabCard:
    return LabCard(
        row.get("alias") or f"card-{number}",
        row.get("who", ""),
        Pan(row["pan"]),
        row["expiry"],
        Pin(row["pin"]),
        row.get("service_code") or "201",
        Secret(row.get("track2", "")),
        row.get("sequence", ""),
    )


class CardBox:
    """Hands cards out. A role that rows of the file are for gets one of these, any other one that is for nobody.

    unique: a card that nobody had before; sequential: the next in turn; random: drawn. A card that is out is not handed
    out again before it is back, unless cards may be shared.
    """

    def __init__(self, cards: Iterable[LabCard], policy: CardPolicy, random: Random, *, share: bool) -> None:
        self._policy = policy
        self._random = random
        self._share = share
        self._free: dict[str, list[tuple[int, int, LabCard]]] = {}  # by role: last turn, line, card; a heap
        for line, card in enumerate(cards):
            self._free.setdefault(card.who, []).append((0, line, card))
        self._out: dict[str, tuple[int, int, LabCard]] = {}
        self._turn = 0

    def take(self, who: str = "") -> LabCard | None:
        """A card for a role, None when there is none left for it."""
        role = who.partition("/")[0]
        wanted = who if who in self._free else role if role in self._free else ""
        free = self._free.get(wanted)
        if not free:
            return None
        if self._policy == "random":
            drawn = self._random.randrange(len(free))
            free[drawn], free[-1] = free[-1], free[drawn]
            _, line, card = free.pop()
        else:
            _, line, card = heappop(free)  # ties in the order of the file
        self._turn += 1
        self._out[card.alias] = (self._turn, line, card)
        if self._share:
            self.give_back(card)
        return card

    def give_back(self, card: LabCard) -> None:
        """Its transaction is over."""
        entry = self._out.pop(card.alias, None)
        if entry is None or self._policy == "unique":
            return
        if self._policy == "random":
            self._free[card.who].append(entry)
        else:
            heappush(self._free[card.who], entry)
