"""What a fleet run writes while it runs: event rows and postings as Parquet, one row group an hour, nothing kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from atm_sim.fleet.arrivals import SERVICES
from atm_sim.fleet.books import POSTING, POSTING_KINDS
from atm_sim.fleet.ground import Site
from atm_sim.fleet.kernel import KINDS
from atm_sim.fleet.rows import Columns
from atm_sim.records.event import EventRecord
from atm_sim.records.folder import EVENT_SCHEMA
from bank_host.issuing import ACCOUNT_DIGITS, BRANCH

LEDGER_SCHEMA = pa.schema(
    [
        ("replication", pa.int64()),
        ("time_us", pa.int64()),
        ("kind", pa.string()),
        ("account", pa.string()),
        ("atm", pa.string()),
        ("number", pa.int64()),  # of the request, at its ATM and day
        ("customer_jpy", pa.int64()),
        ("suspense_jpy", pa.int64()),
        ("atm_jpy", pa.int64()),
        ("fees_jpy", pa.int64()),
    ]
)


def account_numbers(numbers: NDArray[np.int64]) -> pa.Array:
    """`account_number` of each."""
    digits = pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), ACCOUNT_DIGITS, "0")
    return pc.binary_join_element_wise(BRANCH, digits, "")


class Writer:
    """The two files of one partition of one replication."""

    def __init__(
        self,
        folder: Path,
        name: str,
        run: str,
        replication: int,
        sites: Sequence[Site],
        start_us: int,
        first: int,
    ) -> None:
        self._run, self._replication, self._start_us, self._first = run, replication, start_us, first
        self._sites = pa.array([site.name for site in sites])
        machines = [
            site.machine_name(site.first_machine + number)
            for site in sites
            for number in range(site.machines)
        ]
        self._machines = pa.array([*machines, ""])  # -1: at no machine
        self.events_file = folder / "events" / f"{name}.parquet"
        self.ledger_file = folder / "ledger" / f"{name}.parquet"
        for file in (self.events_file, self.ledger_file):
            file.parent.mkdir(parents=True, exist_ok=True)
        self._events: pq.ParquetWriter | None = None
        self._ledger: pq.ParquetWriter | None = None

    def events(self, rows: Columns, words: Sequence[str]) -> None:
        """One row group of the flat event record."""
        count = len(rows["time_us"])
        if not count:
            return
        nothing, zeros = _same("", count), np.zeros(count, dtype=np.int64)
        accounts = _words(rows["account"], self._accounts(rows["account"]))
        known = pa.array(words)
        lower = pa.array([word.lower() for word in words])
        found = {
            "run": _same(self._run, count),
            "replication": np.full(count, self._replication),
            "time_us": rows["time_us"] - self._start_us,
            "kind": _words(rows["kind"], pa.array(KINDS)),
            "site": _words(rows["site"], self._sites),
            "atm": _words(rows["machine"], self._machines),
            "actor": accounts,
            "channel": _same("atm", count),
            "card_alias": accounts,
            "amount_jpy": rows["amount_jpy"],
            "code": _words(rows["code"], known),
            "reason": _words(rows["reason"], lower),
            "wait_us": rows["wait_us"],
            "service_us": rows["service_us"],
            "phase": _same("measured", count),
            "service": _words(rows["service"], pa.array(SERVICES)),
        }
        table = pa.table(
            {f.name: found.get(f.name, zeros if f.type == pa.int64() else nothing) for f in EVENT_SCHEMA}
        )
        self._events = _write(self._events, self.events_file, table)

    def records(self, rows: Sequence[EventRecord]) -> None:
        """The rows of visits in full detail, as their conductor wrote them."""
        if not rows:
            return
        found = {}
        for field, values in zip(EVENT_SCHEMA, zip(*rows, strict=True), strict=True):
            if field.name == "run":
                found[field.name] = _same(self._run, len(rows))
            elif field.type == pa.int64():
                found[field.name] = pa.array(values, type=pa.int64())
            else:
                found[field.name] = pa.array(values, type=pa.string()).dictionary_encode()
        self._events = _write(self._events, self.events_file, pa.table(found))

    def ledger(self, rows: Columns) -> None:
        count = len(rows["time_us"])
        if not count:
            return
        table = pa.table(
            {
                "replication": np.full(count, self._replication),
                "time_us": rows["time_us"] - self._start_us,
                "kind": _words(rows["kind"], pa.array(POSTING_KINDS)),
                "account": _words(rows["account"], self._accounts(rows["account"])),
                "atm": _words(rows["machine"], self._machines),
                **{name: rows[name] for name in ("number", *POSTING[1:])},
            }
        )
        self._ledger = _write(self._ledger, self.ledger_file, table)

    def close(self) -> tuple[str, str]:
        """The SHA-256 of both files."""
        self._events = self._events or pq.ParquetWriter(self.events_file, EVENT_SCHEMA)
        self._ledger = self._ledger or pq.ParquetWriter(self.ledger_file, LEDGER_SCHEMA)
        self._events.close()
        self._ledger.close()
        return sha256(self.events_file), sha256(self.ledger_file)

    def _accounts(self, numbers: NDArray[np.int64]) -> pa.Array:
        """Account numbers, made once for each account of the window; `numbers` becomes places among them."""
        found, numbers[:] = np.unique(numbers, return_inverse=True)
        return account_numbers(self._first + found)


def sha256(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _words(places: NDArray[np.int64], words: Any) -> Any:
    last = len(words) - 1
    return pa.DictionaryArray.from_arrays(np.where(places < 0, last, places).astype(np.int32), words)


def _same(word: str, count: int) -> Any:
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int32), pa.array([word]))


def _write(writer: pq.ParquetWriter | None, file: Path, table: Any) -> pq.ParquetWriter:
    if writer is None:
        words = [field.name for field in table.schema if field.type != pa.int64()]
        numbers = [field.name for field in table.schema if field.type == pa.int64()]
        # whole numbers seldom repeat: a dictionary of them would be made and thrown away; nobody looks for words by
        # the first and last of a row group, and finding these two costs as much as all the rest
        writer = pq.ParquetWriter(
            file,
            table.schema,
            compression="zstd",
            store_schema=False,
            use_dictionary=words,
            write_statistics=numbers,
        )
    writer.write_table(table)
    return writer
