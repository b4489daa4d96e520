"""A measure of a part of a fleet run (a service, a site, some hours), taken from its event file column by column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from atm_sim.checks.measures import Ask
from bank_host.rules.reasons import APPROVED

COLUMNS = (
    "time_us",
    "kind",
    "site",
    "service",
    "amount_jpy",
    "code",
    "reason",
    "wait_us",
    "service_us",
    "atm",
    "actor",
    "mti",
)
_AWAY = {"customers.diverted": "diverted", "customers.postponed": "postponed", "customers.lost": "lost"}


def measure_of(folder: Path, replication: int, name: str, ask: Ask) -> float | None:
    """None where there is nothing to measure, or no fleet has such a measure."""
    files = sorted((folder / "events").glob(f"r{replication:03}*.parquet"))
    tables = [kept for file in files for kept in [_kept(pq.read_table(file, columns=list(COLUMNS)), ask)]]
    rows = {column: np.concatenate([table[column].to_numpy() for table in tables]) for column in COLUMNS}
    return _measure(name, rows, ask)


def _kept(table: Any, ask: Ask) -> Any:
    keep = pc.is_valid(table["kind"])
    for column, wanted in (("service", ask.of), ("site", ask.at), ("reason", ask.reason)):
        if wanted:
            keep = pc.and_(keep, pc.equal(table[column], wanted))
    if ask.during_us is not None:
        first, last = ask.during_us
        keep = pc.and_(keep, pc.greater_equal(table["time_us"], first))
        keep = pc.and_(keep, pc.less(table["time_us"], last))
    return table.filter(keep)


def _measure(name: str, rows: dict[str, Any], ask: Ask) -> float | None:
    session = rows["kind"] == "session"
    approved = session & (rows["code"] == APPROVED)
    withdrawn, paid_in = approved & (rows["service"] == "withdraw"), approved & (rows["service"] == "deposit")
    waits = rows["wait_us"][session]
    visits = int(session.sum())
    if name in _AWAY:
        people = rows["mti"] == ""  # a message can be lost too
        return int(((rows["kind"] == _AWAY[name]) & people).sum())
    match name:
        case "withdrawals" | "deposits":
            return int((withdrawn if name == "withdrawals" else paid_in).sum())
        case "dispensed" | "deposited":
            return int(rows["amount_jpy"][withdrawn if name == "dispensed" else paid_in].sum())
        case "declines":
            return int((session & ~approved).sum())
        case "reversals":
            return int((rows["kind"] == "reversal_queued").sum())
        case "cards_used":
            return len(np.unique(rows["actor"][session].astype(str)))
        case "machines_used":
            return len(np.unique(rows["atm"][session].astype(str)))
    if not visits:
        return None
    match name:
        case "approval_rate":
            return float(approved.sum() / visits)
        case "wait.mean":
            return float(waits.mean())
        case "wait.max":
            return int(waits.max())
        case "wait.p50" | "wait.p95":
            share = 0.5 if name == "wait.p50" else 0.95
            return int(np.quantile(waits, share, method="inverted_cdf"))
        case "wait.share":
            return float((waits > ask.over_us).mean())
        case "service.mean":
            return float(rows["service_us"][session].mean())
    return None
