"""The journal of a host that is not ours, as a CSV file: which column is what stands in a small TOML file.

Without a map the columns are called as here. A last line that is cut off is no fault: the file ends before it.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from atm_sim.exits import Mistake
from atm_sim.load.settle import Done, Entry, EntryKind
from bank_host.jst import JST, SECOND_US
from bank_host.written.problems import nearest

_KINDS_TOLD: Final = 6


class JournalError(Mistake):
    """A file cannot be read as a journal; the text says where and why."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Columns(_Section):
    """The names of the columns."""

    terminal: str = "terminal"  # DE41
    rrn: str = "rrn"  # DE37
    kind: str = "kind"
    amount: str = "amount"  # yen; a sign is left out of account
    day: str = "day"  # the day it is booked on
    time: str = "time"  # when, JST


class Kinds(_Section):
    """What the host calls them; rows of other kinds are left out."""

    posting: tuple[str, ...] = ("posting",)
    reversal: tuple[str, ...] = ("reversal",)


class Formats(_Section):
    """How dates are written, as strptime has it."""

    day: str = "%Y-%m-%d"
    time: str = "%Y-%m-%d %H:%M:%S"


class JournalMap(_Section):
    """A column map."""

    columns: Columns = Columns()
    kinds: Kinds = Kinds()
    formats: Formats = Formats()


def read_map(file: Path | None) -> JournalMap:
    """The map of a TOML file; ours without one."""
    if file is None:
        return JournalMap()
    try:
        return JournalMap.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise JournalError(f"{file}: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise JournalError(f"{file}: {where}: {_told(where, first['type'])}") from None


_KEYS: Final = [
    f"{name}.{key}"
    for name, part in (("columns", Columns), ("kinds", Kinds), ("formats", Formats))
    for key in part.model_fields
]


def _told(where: str, kind: str) -> str:
    if kind != "extra_forbidden":
        return "this value does not fit here"
    meant = nearest(where, _KEYS)
    return "unknown key" + (f"; did you mean '{meant}'?" if meant else f"; known are {', '.join(_KEYS)}")


def read_journal(file: Path, told: JournalMap) -> Iterator[Entry]:
    """The entries of a CSV file; JournalError for what is none."""
    kinds: dict[str, EntryKind] = dict.fromkeys(told.kinds.posting, "posting")
    kinds |= dict.fromkeys(told.kinds.reversal, "reversal")
    with file.open(encoding="utf-8-sig", newline="") as lines, _as_text(file):
        rows = csv.DictReader(lines)
        missing = [name for name in told.columns.model_dump().values() if name not in (rows.fieldnames or ())]
        if missing:
            raise JournalError(f"{file}: there is no column '{missing[0]}'; name yours in a map (--columns)")
        held: tuple[int, Mapping[str, Any]] | None = None  # one row back: only the last may be cut off
        seen: set[str] = set()
        for row in rows:
            if held is not None:
                yield from _entry(file, *held, told, kinds)
            held = rows.line_num, row
            if len(seen) < _KINDS_TOLD:
                seen.add(row[told.columns.kind] or "")
        if held is not None and not _is_cut(held[1], file):
            yield from _entry(file, *held, told, kinds)
    if seen and not seen & kinds.keys() and len(seen) < _KINDS_TOLD:
        known, found = (", ".join(sorted(f"'{each[:20]}'" for each in words)) for words in (kinds, seen))
        raise JournalError(
            f"{file}: no row is of kind {known}, but {found}; name yours under [kinds] (--columns)"
        )


@contextmanager
def _as_text(file: Path) -> Iterator[None]:
    try:
        yield
    except (UnicodeDecodeError, csv.Error):
        raise JournalError(
            f"{file} is no CSV in UTF-8; convert it (iconv -f SHIFT_JIS -t UTF-8), "
            "or name a database of our host by --database"
        ) from None


def _is_cut(row: Mapping[str, Any], file: Path) -> bool:
    """A last line that lacks columns or its end of line."""
    with file.open("rb") as data:
        data.seek(0, 2)
        data.seek(max(0, data.tell() - 1))
        ended = data.read() == b"\n"
    return None in row.values() or not ended


def _entry(
    file: Path, line: int, row: Mapping[str, Any], told: JournalMap, kinds: Mapping[str, EntryKind]
) -> Iterator[Entry]:
    columns = told.columns
    kind = kinds.get(row[columns.kind] or "")
    if kind is None:
        return
    try:
        moment = datetime.strptime(row[columns.time], told.formats.time).replace(tzinfo=JST)
        day = datetime.strptime(row[columns.day], told.formats.day).replace(tzinfo=JST).date()
        amount_jpy = abs(int(row[columns.amount].replace(",", "")))
    except (AttributeError, TypeError, ValueError):
        raise JournalError(
            f"{file}:{line}: amount, day or time is not written as the map says "
            f"(day {told.formats.day}, time {told.formats.time})"
        ) from None
    reference = f"{row[columns.terminal].strip()}/{row[columns.rrn].strip()}"
    yield Entry(reference, kind, amount_jpy, day, round(moment.timestamp()) * SECOND_US)


def read_sent(file: Path) -> Iterator[Done]:
    """What `sent.csv` of a run holds; JournalError if it is none."""
    if not file.is_file():
        raise JournalError(f"{file} is missing: the run was made without it (--no-sent-log)")
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines)
        if tuple(rows.fieldnames or ()) != Done._fields:
            raise JournalError(f"{file} is not the sent.csv of a load run")
        for row in rows:
            yield Done(
                row["reference"],
                row["identity"],
                row["service"],
                int(row["amount_jpy"]),
                row["state"],  # type: ignore[arg-type]  # as we wrote it
                row["code"],
                int(row["sent_us"]),
                int(row["ended_us"]),
            )
