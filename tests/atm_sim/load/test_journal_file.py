"""The settlement of a run with another host's journal: CSV with a column map, and its planted faults."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atm_sim.cli import main
from atm_sim.load.journal_file import Columns, JournalError, JournalMap, read_journal, read_map
from atm_sim.load.settle import Done
from bank_host.jst import SECOND_US, civil

START_US = 1_760_000_000_000_000
RUN = 20_000
DROPPED, DOUBLED, WRONG_DAY = 6_666, 13_333, 1_000


def done(number: int) -> Done:
    state = "reversed" if number % 500 == 0 else "completed"
    at_us = START_US + number * SECOND_US
    return Done(
        f"L1/{number:012d}",
        f"key-{number}",
        "withdraw",
        10_000,
        state,
        "00",
        at_us,
        at_us + 1,  # type: ignore[arg-type]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 20,000 withdrawals."""
    folder = tmp_path_factory.mktemp("run")
    with (folder / "sent.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(Done._fields)
        rows.writerows(map(done, range(RUN)))
    return folder


def journal(path: Path, *, faults: bool, rows: int = RUN) -> Path:
    """A host that calls everything by names of its own; with faults, it drops, doubles and shifts a row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["TERM", "REF", "TYPE", "YEN", "BOOKED", "STAMP", "NOTE"])
        for number in range(rows):
            each = done(number)
            at = civil(each.sent_us)
            row = ["L1", f"{number:012d}", "WDL", "-10,000", f"{at:%Y%m%d}", f"{at:%d.%m.%Y %H:%M:%S}", ""]
            times = 1 if not faults else {DROPPED: 0, DOUBLED: 2}.get(number, 1)
            out.writerows([row] * times)
            if each.state == "reversed":
                booked = at + timedelta(days=3 if faults and number == WRONG_DAY else 0)
                out.writerow([*row[:2], "REV", row[3], f"{booked:%Y%m%d}", *row[5:]])
        out.writerow(["L1", "0", "FEE", "", "", "", "left out"])
    return path


def settled(tmp_path: Path, folder: Path, file: Path) -> Result:
    columns = tmp_path / "columns.toml"
    columns.write_text(
        '[columns]\nterminal = "TERM"\nrrn = "REF"\nkind = "TYPE"\namount = "YEN"\nday = "BOOKED"\n'
        'time = "STAMP"\n[kinds]\nposting = ["WDL"]\nreversal = ["REV"]\n'
        '[formats]\nday = "%Y%m%d"\ntime = "%d.%m.%Y %H:%M:%S"\n',
        encoding="utf-8",
    )
    arguments = ["settle", str(folder), "--journal", str(file), "--columns", str(columns)]
    return CliRunner().invoke(main, arguments)


def test_a_journal_that_is_right_settles(tmp_path, folder):
    result = settled(tmp_path, folder, journal(tmp_path / "journal.csv", faults=False))
    assert 0 == result.exit_code, result.output[:500]
    assert "20,000 compared, 19,960 completed, 40 reversed, 0 differences" in result.output


def test_exactly_the_planted_rrns_are_named(tmp_path, folder):
    result = settled(tmp_path, folder, journal(tmp_path / "journal.csv", faults=True))
    assert 1 == result.exit_code
    named = [line.partition(":")[0] for line in result.output.splitlines()[:-1]]
    assert sorted(f"L1/{number:012d}" for number in (DROPPED, DOUBLED, WRONG_DAY)) == sorted(named)


def test_a_file_that_was_cut_short_is_told_apart_from_losses(tmp_path, folder):
    file = journal(tmp_path / "journal.csv", faults=True)
    data = file.read_bytes()
    end = data.index(f"L1,{RUN - 10:012d}".encode()) + 20  # in the middle of a line
    file.write_bytes(data[:end])
    result = settled(tmp_path, folder, file)
    *named, last = result.output.splitlines()
    assert "3 differences, 10 beyond the journal's end" in last
    assert 10 == sum("may have been cut short" in line for line in named)


def test_what_is_no_journal_is_told_with_its_place(tmp_path):
    file = tmp_path / "journal.csv"
    file.write_text("terminal,rrn\nL1,1\n", encoding="utf-8")
    with pytest.raises(JournalError, match="there is no column 'kind'"):
        list(read_journal(file, JournalMap()))
    file.write_text("terminal,rrn,kind,amount,day,time\nL1,1,posting,x,2026-01-01,y\nL1,1,p,1,1,1\n", "utf-8")
    with pytest.raises(JournalError, match=r"journal\.csv:2: amount, day or time"):
        list(read_journal(file, JournalMap()))
    file.write_text(f"{','.join(Columns().model_dump().values())}\nL1,1,出金,1,1,1\n", "shift_jis")
    with pytest.raises(JournalError, match=r"journal\.csv is no CSV in UTF-8"):
        list(read_journal(file, JournalMap()))
    file.write_text(f"{','.join(Columns().model_dump().values())}\nL1,1,WDL,1,1,1\nL1,1,REV,1,1,1\n", "utf-8")
    with pytest.raises(JournalError, match="no row is of kind 'posting', 'reversal', but 'REV', 'WDL'"):
        list(read_journal(file, JournalMap()))
    columns = tmp_path / "columns.toml"
    columns.write_text('[columns]\nterminals = "T"\n', encoding="utf-8")
    with pytest.raises(JournalError, match=r"did you mean 'columns\.terminal'"):
        read_map(columns)
    columns.write_text("[columns\n", encoding="utf-8")
    with pytest.raises(JournalError, match=r"columns\.toml"):
        read_map(columns)


def test_the_map_on_the_page_is_the_one_that_holds_without_one(tmp_path):
    page = (Path(__file__).parents[3] / "docs/reference/load.md").read_text("utf-8")
    file = tmp_path / "columns.toml"
    file.write_text(page.split("```ini\n")[1].split("```")[0], encoding="utf-8")
    assert JournalMap() == read_map(file)
