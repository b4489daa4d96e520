"""The bench of the store measures what it says, on both engines; what it measures is nobody's test."""

from __future__ import annotations

from pathlib import Path

import pytest

from bank_host.rules import RULES
from bank_host.rules.changes import Decision
from bank_host.store.sql import SqlStore
from bench import store
from tests.bench.runs import told_by

pytestmark = pytest.mark.xdist_group("bench")


def test_every_batch_on_both_engines() -> None:
    lines = told_by("store")
    assert 2 == sum(line.startswith(("SQLite,", "PostgreSQL,")) for line in lines)
    assert [1, 8, 32, 128] * 2 == [
        int(line.split()[2]) for line in lines if line.strip().startswith("batch of ")
    ]


def test_a_refused_withdrawal_stops_the_bench(tmp_path: Path) -> None:
    """Else a bank that refuses everything would look fast."""
    till = store.Till(SqlStore.create(f"sqlite:///{tmp_path}/bank.sqlite", durable=False), 8)
    till.bank.rules = RULES._replace(precheck=lambda *_: Decision("91", "MALFUNCTION"))
    with pytest.raises(SystemExit, match="91"):
        till.waits(1, 0.01)
    till.close()
