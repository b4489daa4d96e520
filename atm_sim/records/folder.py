"""The run folder: what a run leaves on disk, and how to read it back.

    manifest.json            what was run
    events/r001.parquet      the flat event record, one file a replication
    messages/r001.parquet    masked messages, by request id
    checks.csv               expectations and invariants, one row each
    summary.csv              measures over all replications
    sites.csv                of a fleet run: where its machines stand
    fleet.json               of a fleet run: its counts by hour, operator and reason, and the hashes of its files
    ledger/r001.parquet      of a fleet run: every posting, its legs in columns
    reconciliation.csv       differences between ATM, network and bank, if there are any
    junit.xml, report.html   the same for CI and for people (written by atm_sim.report from the files above)

docs/reference/run-folder.md describes every file and column. Identical input gives identical bytes: no wall
time, no host name, no unsorted keys.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from atm_sim.exits import Mistake
from atm_sim.records.check import Check
from atm_sim.records.difference import Difference
from atm_sim.records.event import EventRecord
from atm_sim.records.log import MessageRow
from atm_sim.records.manifest import Manifest, manifest_from_json
from atm_sim.records.masking import masked
from atm_sim.records.sites import SiteRow
from atm_sim.records.tally import FleetRun, Tally


class SummaryRow(NamedTuple):
    """One measure over all replications; `low` to `high`: 95 % interval, empty with one replication."""

    measure: str
    filters: str  # "of withdraw, at shibuya-01", empty = everything
    unit: str
    replications: int
    mean: str
    low: str
    high: str


def _schema(record: Any) -> pa.Schema:
    """The Parquet schema of a NamedTuple of `int` and `str` columns."""
    types = {int: pa.int64(), str: pa.string()}
    return pa.schema([(name, types[kind]) for name, kind in get_type_hints(record).items()])


EVENT_SCHEMA = _schema(EventRecord)
MESSAGE_SCHEMA = _schema(MessageRow)


_LEFT_BY_A_RUN = (
    "manifest.json",
    "fleet.json",
    "sites.csv",
    "checks.csv",
    "summary.csv",
    "reconciliation.csv",
    "junit.xml",
    "report.html",
    "events/r*.parquet",
    "messages/r*.parquet",
    "ledger/r*.parquet",
    "bank-*.sqlite*",
)


def clear(path: Path) -> None:
    """Remove what earlier runs left in `path` and in its rows, and nothing else: files of two runs must not mix."""
    for folder in (path, *sorted(path.glob("row-*"))):
        for pattern in _LEFT_BY_A_RUN:
            for old in sorted(folder.glob(pattern)):
                old.unlink()
        for emptied in (folder / "events", folder / "messages", folder / "ledger", folder):
            if emptied != path and emptied.is_dir() and not any(emptied.iterdir()):
                emptied.rmdir()


class RunFolderError(Mistake):
    """A folder that cannot be read as a run; the text says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A run folder by its path. Writers replace what stands there; readers need only what was written."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """An empty run folder; event and message files of an earlier run in it are removed."""
        for part in ("events", "messages"):
            (path / part).mkdir(parents=True, exist_ok=True)
            for old in sorted((path / part).glob("r*.parquet")):
                old.unlink()
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of a finished run, or RunFolderError."""
        if not (path / "manifest.json").is_file():
            raise RunFolderError(
                f"{path}: no manifest.json here; name the folder that `atm-sim run --out` wrote"
            )
        return cls(path)

    # ---- writing

    def write_manifest(self, manifest: Manifest) -> None:
        self._write_text("manifest.json", manifest.to_json())

    def write_events(self, replication: int, rows: Sequence[EventRecord]) -> None:
        _write_parquet(self.path / "events" / f"r{replication:03}.parquet", EVENT_SCHEMA, rows)

    def write_messages(self, replication: int, rows: Sequence[MessageRow]) -> None:
        _write_parquet(self.path / "messages" / f"r{replication:03}.parquet", MESSAGE_SCHEMA, rows)

    def write_checks(self, checks: Iterable[Check]) -> None:
        self._write_text("checks.csv", _csv_text(Check._fields, checks))

    def write_summary(self, rows: Iterable[SummaryRow]) -> None:
        self._write_text("summary.csv", _csv_text(SummaryRow._fields, rows))

    def write_differences(self, rows: Sequence[Difference]) -> None:
        """reconciliation.csv, where there is any difference to list."""
        (self.path / "reconciliation.csv").unlink(missing_ok=True)
        if rows:
            self._write_text("reconciliation.csv", _csv_text(Difference._fields, rows))

    def write_fleet(self, runs: Mapping[int, FleetRun]) -> None:
        data = {
            str(number): {
                "tally": run.tally.to_data(),
                "events_sha256": run.events_sha256,
                "ledger_sha256": run.ledger_sha256,
            }
            for number, run in runs.items()
        }
        self._write_text("fleet.json", json.dumps(data, indent=1, sort_keys=True) + "\n")

    def write_sites(self, sites: Sequence[SiteRow]) -> None:
        self._write_text("sites.csv", _csv_text(SiteRow._fields, sites))

    def write_report(self, html: str) -> Path:
        return self._write_text("report.html", html)

    def write_junit(self, xml: str) -> Path:
        return self._write_text("junit.xml", xml)

    def _write_text(self, name: str, text: str) -> Path:
        file = self.path / name
        file.write_text(text, encoding="utf-8", newline="\n")
        return file

    # ---- reading

    def read_manifest(self) -> Manifest:
        return manifest_from_json((self.path / "manifest.json").read_text(encoding="utf-8"))

    def read_checks(self) -> list[Check]:
        return [
            Check(
                **{
                    **row,
                    "passed": row["passed"] == "true",
                    "line": int(row["line"]),
                    "column": int(row["column"]),
                }
            )
            for row in self._read_csv("checks.csv")
        ]

    def read_summary(self) -> list[SummaryRow]:
        return [
            SummaryRow(**{**row, "replications": int(row["replications"])})
            for row in self._read_csv("summary.csv")
        ]

    def read_differences(self) -> list[Difference]:
        numbers = [name for name, kind in get_type_hints(Difference).items() if kind is int]
        return [
            Difference(**{**row, **{name: int(row[name]) for name in numbers}})
            for row in self._read_csv("reconciliation.csv")
        ]

    def read_fleet(self) -> dict[int, FleetRun]:
        """By replication; empty where no fleet ran."""
        file = self.path / "fleet.json"
        data = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return {
            int(number): FleetRun(**{**run, "tally": Tally.from_data(run["tally"])})
            for number, run in data.items()
        }

    def read_sites(self) -> list[SiteRow]:
        """Where the machines of a fleet stand; empty where no fleet ran."""
        return [
            SiteRow(
                row["site"], row["prefecture"], float(row["lat"]), float(row["lon"]), int(row["machines"]),
                int(row["stock_jpy"]),
            )
            for row in self._read_csv("sites.csv")
        ]  # fmt: skip

    def read_columns(self, columns: Sequence[str], replication: int = 1) -> pa.Table:
        """Of the event record of one replication; for runs whose rows are too many to hold."""
        return read_columns(self.path / "events", columns, replication)

    def read_event_rows(self) -> list[EventRecord]:
        return [EventRecord(*values) for values in _rows(read_events(self.path))]

    def read_message_rows(self) -> list[MessageRow]:
        return [MessageRow(*values) for values in _rows(read_messages(self.path))]

    def _read_csv(self, name: str) -> list[dict[str, Any]]:
        file = self.path / name
        if not file.is_file():
            return []
        with file.open(encoding="utf-8", newline="") as lines:
            return list(csv.DictReader(lines))


def read_events(path: Path) -> pa.Table:
    """All events of a run as one table, replications in order; `.to_pandas()` makes it a DataFrame."""
    return _read_parquet(path / "events", EVENT_SCHEMA)


def read_columns(events: Path, columns: Sequence[str], replication: int) -> pa.Table:
    """Some columns of one replication's event files, all its parts; no rows where its files were not kept."""
    files = sorted(events.glob(f"r{replication:03}*.parquet"))
    schema = pa.schema([EVENT_SCHEMA.field(name) for name in columns])
    words = [name for name in columns if pa.types.is_string(schema.field(name).type)]
    # words repeat by the million: each is held once
    tables = [pq.read_table(file, columns=list(columns), read_dictionary=words) for file in files]
    return pa.concat_tables(tables).unify_dictionaries() if tables else schema.empty_table()


def read_messages(path: Path) -> pa.Table:
    """All messages of a run as one table, replications in order."""
    return _read_parquet(path / "messages", MESSAGE_SCHEMA)


def event_bytes(rows: Sequence[EventRecord]) -> bytes:
    """The rows as the bytes of an event file."""
    data = io.BytesIO()
    _write_parquet(data, EVENT_SCHEMA, rows)
    return data.getvalue()


def _write_parquet(file: Path | io.BytesIO, schema: pa.Schema, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = zip(*rows, strict=True) if rows else [() for _ in schema]
    arrays = [pa.array(values, type=field.type) for values, field in zip(columns, schema, strict=True)]
    pq.write_table(pa.table(arrays, schema=schema), file, compression="zstd")


def _read_parquet(folder: Path, schema: pa.Schema) -> pa.Table:
    # replications can pass r999: order by number, not by text; r001-02 is a fleet's second partition
    files = sorted(folder.glob("r*.parquet"), key=lambda file: [int(n) for n in file.stem[1:].split("-")])
    return (
        pa.concat_tables([pq.read_table(file, schema=schema) for file in files])
        if files
        else schema.empty_table()
    )


def _rows(table: pa.Table) -> Iterable[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _csv_text(header: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return masked(str(value))
