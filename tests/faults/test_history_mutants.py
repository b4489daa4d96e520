"""A bank on SQLite whose history somebody changed: the keyed chain gives it away at the end of the run (I6)."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from atm_sim.checks.auditor import Auditor
from bank_host.host import Bank
from bank_host.jst import midnight_us
from bank_host.store.sql import SqlStore
from tests.faults.workload import DAY, POLICY, Day, FakeHsm, Parts

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"

_IN_THE_MIDDLE = "(SELECT max(seq) / 2 + 1 FROM {})"
TAMPERINGS = {
    "journal row updated": (
        f"UPDATE journal SET day = '2013-12-31' WHERE seq = {_IN_THE_MIDDLE.format('journal')}",
    ),
    "leg updated": (
        f"UPDATE leg SET amount_jpy = 2 * amount_jpy WHERE journal_seq = {_IN_THE_MIDDLE.format('journal')}",
    ),
    "audit row deleted": (f"DELETE FROM audit WHERE seq = {_IN_THE_MIDDLE.format('audit')}",),
    "tail cut": (
        "DELETE FROM leg WHERE journal_seq = (SELECT max(seq) FROM journal)",
        "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
        "DELETE FROM chain_link WHERE n = (SELECT max(n) FROM chain_link)",
    ),
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of one random day."""
    file = tmp_path_factory.mktemp("history") / "bank.sqlite"
    store = SqlStore.create(f"sqlite:///{file}", durable=False)
    try:
        assert () == Day(1, Parts(store=lambda: store)).play().found.broken()
    finally:
        store.close()
    return file


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_changed_history_is_noticed(tampering: str, played: Path, tmp_path: Path) -> None:
    """Whoever can write to the file can drop its triggers, but holds no key of the chain."""
    file = tmp_path / "bank.sqlite"
    shutil.copy(played, file)
    with sqlite3.connect(file) as connection:
        for (trigger,) in connection.execute(TRIGGERS).fetchall():
            connection.execute(f"DROP TRIGGER {trigger}")
        for statement in TAMPERINGS[tampering]:
            assert connection.execute(statement).rowcount > 0
    connection.close()
    store = SqlStore.create(f"sqlite:///{file}", durable=False)
    try:
        bank = Bank("our-bank", store, POLICY, FakeHsm())  # type: ignore[arg-type]
        auditor = Auditor()
        auditor.opened(bank)
        auditor.finish(midnight_us(DAY), [bank])
        assert "I6" in auditor.found.broken()
    finally:
        store.close()
