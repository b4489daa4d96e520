"""The study folder: what a study leaves on disk, and how to read it back.

    manifest.json               what was studied, seeds, the hash of every file and every replication
    values.parquet, .csv        every measure of every replication
    intervals.parquet, .csv     every measure of every arm, with its 95 % interval
    differences.parquet, .csv   variants compared pair by pair
    sites.parquet, .csv         the sites of the scenario as it stands
    checks.csv, junit.xml       expectations and what always has to hold
    events/ARM/r001.parquet     event files that were kept
    report.html                 the same for people, made from the files above

docs/reference/study-folder.md describes every column. Identical input gives identical bytes, whatever ran the study.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from atm_sim.records.check import Check
from atm_sim.records.folder import RunFolder, RunFolderError, read_columns
from atm_sim.records.masking import masked
from atm_sim.records.sites import SiteRow

KIND = "study"
"""What the manifest of a study says it is; that of a run says nothing."""


class ValueRow(NamedTuple):
    """One measure of one replication; no row where there was nothing to measure."""

    arm: str
    replication: int
    measure: str
    unit: str
    value: float


class IntervalRow(NamedTuple):
    """One measure of one arm over its replications, with its 95 % interval."""

    arm: str
    kind: str
    path: str
    at: str  # of a sweep: the value as written
    x: float | None  # and as a number
    measure: str
    unit: str
    replications: int
    mean: float
    low: float
    high: float


class DifferenceRow(NamedTuple):
    """A variant less another, replication by replication; `verdict`: lower, higher, same or unclear."""

    arm: str
    against: str
    measure: str
    unit: str
    replications: int
    mean: float
    low: float
    high: float
    verdict: str


Row = TypeVar("Row", ValueRow, IntervalRow, DifferenceRow, SiteRow)
TABLES: dict[str, Any] = {
    "values": ValueRow,
    "intervals": IntervalRow,
    "differences": DifferenceRow,
    "sites": SiteRow,
}
_TYPES = {int: pa.int64(), str: pa.string(), float: pa.float64(), float | None: pa.float64()}
_LEFT_BY_A_STUDY = ("manifest.json", "*.parquet", "*.csv", "junit.xml", "report.html", "events/*/r*.parquet")


def is_study(path: Path) -> bool:
    """Whether a folder is that of a study."""
    try:
        return bool(json.loads((path / "manifest.json").read_text("utf-8")).get("kind") == KIND)
    except (OSError, ValueError):
        return False


class StudyFolder:
    """A study folder by its path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path) -> StudyFolder:
        """An empty study folder; what an earlier study left in it is removed."""
        if (path / "manifest.json").exists() and not is_study(path):
            raise RunFolderError(f"{path} holds something else than a study; name another folder with --out")
        if is_study(path):
            for pattern in _LEFT_BY_A_STUDY:
                for old in sorted(path.glob(pattern)):
                    old.unlink()
        path.mkdir(parents=True, exist_ok=True)
        return cls(path)

    # ---- writing

    def write_events(self, arm: str, name: str, data: bytes) -> None:
        """An event file under its name, such as r001 (or r001-002, the second part of a partitioned fleet)."""
        file = self._events(arm) / f"{name}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def write_table(self, name: str, rows: Sequence[Row]) -> None:
        """The same rows for programs (Parquet) and for spreadsheets (CSV)."""
        kind = TABLES[name]
        hints = get_type_hints(kind)
        columns = zip(*rows, strict=True) if rows else [() for _ in hints]
        arrays = [
            pa.array(column, type=_TYPES[each]) for column, each in zip(columns, hints.values(), strict=True)
        ]
        pq.write_table(pa.table(arrays, names=list(hints)), self.path / f"{name}.parquet", compression="zstd")
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(hints)
        writer.writerows([_cell(value) for value in row] for row in rows)
        (self.path / f"{name}.csv").write_text(text.getvalue(), encoding="utf-8", newline="\n")

    def write_checks(self, checks: Iterable[Check]) -> None:
        RunFolder(self.path).write_checks(checks)

    def write_manifest(self, facts: dict[str, Any]) -> None:
        """The one manifest: the facts, and the hash of every file that stands here by now."""
        files = sorted(
            file
            for file in self.path.rglob("*")
            if file.is_file() and file.name not in ("manifest.json", "report.html", "junit.xml")
        )
        hashes = {
            file.relative_to(self.path).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in files
        }
        whole = {**facts, "kind": KIND, "files": hashes}
        text = json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
        (self.path / "manifest.json").write_text(text, encoding="utf-8", newline="\n")

    # ---- reading

    def read_manifest(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((self.path / "manifest.json").read_text("utf-8"))
        return facts

    def read_table(self, name: str) -> list[Any]:
        table = pq.read_table(self.path / f"{name}.parquet")
        return [TABLES[name](*values) for values in zip(*(c.to_pylist() for c in table.columns), strict=True)]

    def read_checks(self) -> list[Check]:
        return RunFolder(self.path).read_checks()

    def read_events(self, arm: str, columns: Sequence[str], replication: int = 1) -> pa.Table:
        """Some columns of the events of a replication, all its parts; no rows where its files were not kept."""
        return read_columns(self._events(arm), columns, replication)

    def _events(self, arm: str) -> Path:
        return self.path / "events" / file_name(arm)


def file_name(arm: str) -> str:
    """An arm's name as a folder is called: `places.hall.machines=2`, and nothing a file system minds."""
    plain = re.sub(r"[^A-Za-z0-9._=-]+", "_", arm)
    return plain if plain == arm else f"{plain}-{hashlib.sha256(arm.encode()).hexdigest()[:8]}"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return masked(str(value)) if isinstance(value, str) else str(value)
