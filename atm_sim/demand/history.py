"""The user's own withdrawals from a CSV: one line a day and machine, or one line a withdrawal; faults with file:line.

Columns, in any order, others ignored: `day` with `withdrawals` (a count; empty = not known), or `time` (one withdrawal
a line); `atm` tells machines apart, `amount_jpy` is one withdrawal's amount and goes with `time`.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atm_sim.demand.draw import Floats
from bank_host.jst import HOUR_US
from bank_host.written.problems import Position, Problems, Source, WrittenError, nearest
from bank_host.written.values import civil_date, time_of_day_us

COLUMNS = ("atm", "day", "withdrawals", "time", "amount_jpy")
MOST_LINES = 20_000_000
MOST_DAYS = 366 * 30
MOST_COUNT = 1e9
_NUMBER = re.compile(r"[0-9]{1,10}(\.[0-9]{1,20})?")


class HistoryError(WrittenError):
    """A CSV cannot be used; `problems` holds what is wrong with its lines."""


class History(NamedTuple):
    """What the CSV says, day by day."""

    atms: tuple[str, ...]
    days: tuple[date, ...]
    counts: Floats  # a row for each day, a column for each machine, nan = not known
    hours: tuple[float, ...] | None  # withdrawals in each hour, where times are known
    amounts: tuple[tuple[int, float], ...]  # (amount_jpy, how often), where amounts are known

    @property
    def known_days(self) -> int:
        """Days of which something is known of some machine."""
        return int((~np.isnan(self.counts)).any(axis=1).sum())


class _Line(NamedTuple):
    atm: str
    day: date
    withdrawals: float | None
    at_us: int | None
    amount_jpy: int | None


def read_history(path: Path) -> History:
    """All lines of the file; HistoryError with every line that cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        problems = Problems(HistoryError)
        problems.add(Position(Source(str(path), ""), 1, 1), "this is not UTF-8 text; save the file as UTF-8")
        raise HistoryError(problems.ordered()) from None
    return history_of(text, str(path))


def history_of(text: str, file: str) -> History:
    problems = Problems(HistoryError)
    lines = list(_lines(text, Source(file, ""), problems))
    problems.stop_if_any()
    if not lines:
        problems.add(Position(Source(file, ""), 1, 1), "no line of data below the names of the columns")
        problems.stop_if_any()
    return _gathered(lines, file)


def _lines(text: str, source: Source, problems: Problems) -> Iterator[_Line]:
    reader = csv.reader(StringIO(text))
    names = [name.strip() for name in next(reader, [])]
    if not _columns_fit(names, source, problems):
        return
    place = {name: names.index(name) for name in COLUMNS if name in names}
    seen: dict[tuple[str, date], int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        at = Position(source, reader.line_num, 1)
        if len(cells) != len(names):
            problems.add(at, f"{len(cells)} cells in a line of {len(names)} columns")
            continue
        try:
            line = _read({name: cells[number].strip() for name, number in place.items()})
        except ValueError as error:
            problems.add(at, str(error))
            continue
        if line.withdrawals is not None or "withdrawals" in place:
            first = seen.setdefault((line.atm, line.day), reader.line_num)
            if first != reader.line_num:
                problems.add(at, f"{line.day} of this machine stands in line {first} already")
                continue
        yield line


def _columns_fit(names: list[str], source: Source, problems: Problems) -> bool:
    at = Position(source, 1, 1)
    if ("time" in names) == ("day" in names and "withdrawals" in names):
        meant = next((near for name in names if name not in COLUMNS and (near := nearest(name, COLUMNS))), "")
        problems.add(
            at, "expected the columns day and withdrawals (one line a day), or time (one a withdrawal)", meant
        )
    elif len(set(names)) != len(names):
        problems.add(at, "a column's name stands twice")
    return not problems.found


def _read(cells: dict[str, str]) -> _Line:
    atm = cells.get("atm", "")
    if "time" in cells:
        day_text, _, time_text = cells["time"].replace("T", " ").partition(" ")
        if not time_text:
            raise ValueError("expected a day and time such as 2014-01-15 12:05")
        amount = cells.get("amount_jpy", "")
        if amount and not re.fullmatch(r"[1-9][0-9]{0,11}", amount):
            raise ValueError("amount_jpy is whole yen such as 30000")
        jpy = int(amount) if amount else None
        return _Line(atm, civil_date(day_text), None, time_of_day_us(time_text), jpy)
    count = cells["withdrawals"]
    if count and not _NUMBER.fullmatch(count):
        raise ValueError("withdrawals is a number such as 83, or empty where it is not known")
    return _Line(atm, _day(cells["day"]), float(count) if count else None, None, None)


def _day(text: str) -> date:
    """Also before 2000, where the scenarios' calendar begins."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"19[5-9][0-9]-[0-9-]{5}", text) else civil_date(text)
    except ValueError:
        raise ValueError("expected a date such as 2014-01-15") from None


def _gathered(lines: list[_Line], file: str) -> History:
    first, last = min(line.day for line in lines), max(line.day for line in lines)
    length = (last - first).days + 1
    if length > MOST_DAYS:
        problems = Problems(HistoryError)
        problems.add(Position(Source(file, ""), 1, 1), f"{first} to {last} are more than 30 years")
        problems.stop_if_any()
    atms = tuple(sorted({line.atm for line in lines}))
    column = {atm: number for number, atm in enumerate(atms)}
    timed = lines[0].at_us is not None
    counts = np.full((length, len(atms)), 0.0 if timed else np.nan)
    hours, amounts = [0.0] * 24, Counter[int]()
    for line in lines:
        place = (line.day - first).days, column[line.atm]
        if line.at_us is None:
            counts[place] = np.nan if line.withdrawals is None else line.withdrawals
            continue
        counts[place] += 1
        hours[min(23, line.at_us // HOUR_US)] += 1
        if line.amount_jpy is not None:
            amounts[line.amount_jpy] += 1
    return History(
        atms,
        tuple(first + timedelta(days=number) for number in range(length)),
        counts,
        tuple(hours) if timed else None,
        tuple((jpy, float(often)) for jpy, often in amounts.most_common(20)),
    )
