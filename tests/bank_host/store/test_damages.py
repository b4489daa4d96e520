"""Whoever writes to the database behind the bank's back is found out: each damage below is named by `verify`.

The bank has lived through a day of everything before. Damages are plain SQL with triggers and constraints switched
off, as an administrator of the database can.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner
from sqlalchemy import URL

from bank_host.cli import main
from bank_host.hsm import TPK
from bank_host.iso8583 import build
from bank_host.iso8583.message import Message
from bank_host.notices.relay import Relay
from bank_host.policy import load_policy
from bank_host.rules.facts import Payee
from bank_host.store.contract import Store
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.conftest import _on_server
from tests.bank_host.online_bank import HANAKO, PANS, PINS, SHOP, TARO, OnlineBank, open_bank

ATM = build.Acceptor("T0000001", "SHIBUYA", "00000000034")


def request(
    online: OnlineBank, holder: str = HANAKO, service: str = "withdraw", yen: int = 10_000
) -> Message:
    online.asked += 1
    return build.financial_request(
        service,
        pan=PANS[holder],
        amount_jpy=yen,
        stan=online.asked,
        now_us=online.now_us,
        acceptor=ATM,
        expiry_yymm="1801",
        pin_block=online.bank.hsm.encrypt_pin_block(TPK, PINS[holder], PANS[holder]),
    )


def answered(online: OnlineBank, message: Message) -> str:
    answer = online.bank.answer(message, online.now_us)
    assert answer is not None
    return answer[39]


def a_day(store: SqlStore) -> None:
    """Every ending of an approval, a forced posting, acts of customers, notices on their way."""
    online = open_bank(store)
    bank, now_us = online.bank, online.now_us
    left_open, completed, reversed_, part, stood_in, early = (request(online) for _ in range(6))
    for asked in (left_open, completed, reversed_, part):
        assert "00" == answered(online, asked)
    assert "00" == answered(online, request(online, service="deposit"))
    assert "61" == answered(online, request(online, yen=200_000))
    assert "00" == answered(online, build.completion_advice(completed, stan=901, now_us=now_us))
    assert "00" == answered(online, build.reversal_advice(reversed_, "timeout", stan=902, now_us=now_us))
    gave_back = build.reversal_advice(part, "timeout", stan=905, now_us=now_us, dispensed_jpy=4_000)
    assert "00" == answered(online, gave_back)
    assert "00" == answered(online, build.reversal_advice(early, "timeout", stan=903, now_us=now_us))
    assert "00" == answered(
        online, build.stand_in_advice(stood_in, "issuer_unavailable", approval_code="000001", now_us=now_us)
    )
    assert "done" == online.act("set_limit", amount_jpy=60_000)[0]
    assert "done" == online.act("lock_card", TARO, card_id=bank.hsm.card_id(PANS[TARO]))[0]
    assert "done" == online.act("close_account", SHOP, "operator")[0]
    bank.policy = bank.policy.with_overrides({"otp_required": ["raise"]})
    for name, payee in (("t1", Payee("", TARO)), ("t2", Payee("smbc", "0019999999", "Ann"))):
        online.later(hours=4)  # the second one after closing time, so that it is reserved
        assert "done" == online.act("enter_transfer", key=name, payee=payee, amount_jpy=5_000)[0]
        assert "done" == online.act("confirm_transfer", transfer=name)[0]
    Relay(store, lambda letter: None, lambda: now_us, bank.policy).run()
    assert [] == verify(store, load_policy())


MINE = f"account_id = '{HANAKO}'"
FIRST = "(SELECT min(seq) FROM journal WHERE kind = 'withdrawal')"
OPEN = (
    "(SELECT min(original_key) FROM authorisation"
    " WHERE state = 'open' AND service = 'withdraw' AND NOT forced)"
)

DAMAGES = {
    # money
    "a leg gone": ("I1", f"DELETE FROM leg WHERE journal_seq = {FIRST} AND n = 1"),
    "a leg of another amount": (
        "I1",
        f"UPDATE leg SET amount_jpy = amount_jpy + 1 WHERE journal_seq = {FIRST} AND n = 0",
    ),
    "money given to an account": ("I3", f"UPDATE account SET posted_jpy = posted_jpy + 1 WHERE {MINE}"),
    "a cached balance of the bank's own": (
        "I3",
        "UPDATE ledger_balance SET balance_jpy = 7 WHERE book = 'fees'",
    ),
    "a hold let go": ("I3", f"UPDATE account SET held_jpy = 0 WHERE {MINE}"),
    "more taken than is there": (
        "I4",
        f"UPDATE account SET held_jpy = 900000, forced_low = true WHERE account_id = '{SHOP}'",
    ),
    "an opening made larger": (
        "I5",
        f"UPDATE leg SET amount_jpy = amount_jpy * 2"
        f" WHERE book = 'customer:{HANAKO}' AND amount_jpy > 200000",
    ),
    # history
    "a posting gone": ("I6", f"DELETE FROM journal WHERE seq = {FIRST}"),
    "a posting of another day": ("I6", f"UPDATE journal SET day = '2014-01-14' WHERE seq = {FIRST}"),
    "an audit row gone": ("I6", "DELETE FROM audit WHERE what = 'lock_card'"),
    "an audit row rewritten": ("I6", "UPDATE audit SET actor = 'nobody' WHERE what = 'set_limit'"),
    "an audit row added": (
        "I6",
        "INSERT INTO audit SELECT max(seq) + 1, 0, 'a', 'b', 'c', 'd', 'e', 'f', '' FROM audit",
    ),
    "the end of the chain cut": ("I6", "DELETE FROM chain_link WHERE n = (SELECT max(n) FROM chain_link)"),
    "the tail mark moved": ("I6", "UPDATE chain_tail SET n = n - 1"),
    # life cycle
    "suspense cleared by hand": (
        "I8",
        f"UPDATE authorisation SET state = 'settled' WHERE original_key = {OPEN}",
    ),
    "given back and not posted": (
        "I10",
        f"UPDATE authorisation SET state = 'reversed', reversed_jpy = amount_jpy WHERE original_key = {OPEN}",
    ),
    "given back and forgotten": (
        "I10",
        "UPDATE authorisation SET state = 'completed', reversed_jpy = 0 WHERE state = 'reversed'",
    ),
    "a transfer to somebody else": (
        "I10",
        "UPDATE transfer SET payee_account = '0010000009' WHERE state = 'reserved' OR payee_bank = ''",
    ),
    "completed without a posting": (
        "I12",
        f"UPDATE authorisation SET state = 'completed' WHERE original_key = {OPEN}",
    ),
    "open for a month": (
        "I12",
        f"UPDATE authorisation SET at_us = at_us - 2678400000000 WHERE original_key = {OPEN}",
    ),
    "handed to nobody": ("I12", f"UPDATE authorisation SET state = 'manual' WHERE original_key = {OPEN}"),
    "an answer forgotten": (
        "I13",
        "DELETE FROM exchange WHERE key = (SELECT key FROM authorisation WHERE state = 'declined')",
    ),
    "a refusal made an approval": ("I13", "UPDATE authorisation SET code = '00' WHERE state = 'declined'"),
    "an exception item gone": ("I14", "DELETE FROM exception_item WHERE kind = 'STAND_IN'"),
    # limits and tries
    "a used limit given back": ("I15", f"UPDATE limit_use SET used_jpy = 0 WHERE {MINE}"),
    "a limit's row gone": ("I15", f"DELETE FROM limit_use WHERE {MINE}"),
    "tries beyond their number": ("I18", "UPDATE card SET pin_fails = 4"),
    "OTP tries beyond their number": ("I18", f"UPDATE account SET otp_fails = 99 WHERE {MINE}"),
    # notices and audit
    "a notice gone": ("I20", "DELETE FROM outbox WHERE kind = 'atm_withdrawal'"),
    "a notice never sent": ("I20", "DELETE FROM mail"),
    "a limit raised": ("I21", f"UPDATE account SET standing_jpy = 500000 WHERE {MINE}"),
    "a closed account opened": ("I21", f"UPDATE account SET closed = false WHERE account_id = '{SHOP}'"),
    "a lock let go": ("I21", f"UPDATE card SET locked = false WHERE account_id = '{TARO}'"),
}


@pytest.fixture(scope="module")
def good_sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("good") / "bank.sqlite"
    shutil.copy(sqlite_template, file)
    store = SqlStore(open_engine(f"sqlite:///{file}"))
    a_day(store)
    store.close()
    return file


@pytest.fixture(scope="module")
def good_postgresql(postgres_server: URL) -> Iterator[URL]:
    url = postgres_server.set(database=f"good_{uuid4().hex}")
    _on_server(postgres_server, f"CREATE DATABASE {url.database}")
    store = SqlStore.create(url)
    a_day(store)
    store.close()
    yield url
    _on_server(postgres_server, f"DROP DATABASE {url.database} WITH (FORCE)")


def _damaged_sqlite(good: Path, folder: Path, statement: str) -> URL:
    file = folder / "bank.sqlite"
    shutil.copy(good, file)
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA ignore_check_constraints = ON")
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")
    assert connection.execute(statement).rowcount, "a damage that changes nothing proves nothing"
    connection.close()
    return URL.create("sqlite", database=str(file))


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_to_a_sqlite_file_is_named(good_sqlite: Path, tmp_path: Path, damage: str):
    invariant, statement = DAMAGES[damage]
    store = SqlStore(open_engine(_damaged_sqlite(good_sqlite, tmp_path, statement)))
    assert invariant in {finding.invariant for finding in verify(store, load_policy())}
    store.close()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damage_to_a_postgresql_database_is_named(good_postgresql: URL, postgres_server: URL, damage: str):
    invariant, statement = DAMAGES[damage]
    url = postgres_server.set(database=f"damaged_{uuid4().hex}")
    _on_server(postgres_server, f"CREATE DATABASE {url.database} TEMPLATE {good_postgresql.database}")
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        assert connection.execute(statement).rowcount  # type: ignore[arg-type]
    store = SqlStore(open_engine(url))
    assert invariant in {finding.invariant for finding in verify(store, load_policy())}
    store.close()
    _on_server(postgres_server, f"DROP DATABASE {url.database} WITH (FORCE)")


def test_the_command_ends_with_1(good_sqlite: Path, tmp_path: Path):
    _, statement = DAMAGES["money given to an account"]
    file = _damaged_sqlite(good_sqlite, tmp_path, statement).database
    result = CliRunner().invoke(main, ["verify", str(file)])
    assert 1 == result.exit_code
    assert f"I3 customer:{HANAKO}" in result.output


def test_a_store_is_verified_while_hosts_go_on_writing(database: URL):
    """All sweeps see one moment, so nothing that is half written looks like a finding."""
    store = SqlStore(open_engine(database))
    online, done = open_bank(store), Event()

    def write() -> int:
        requests = 0
        while not done.is_set():
            answered(online, request(online, yen=1_000))
            requests += 1
        return requests

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            while not any(row.kind == "withdrawal" for row in store.journal()):
                pass
            found = [verify(store, load_policy()) for _ in range(10)]
        finally:
            done.set()
        assert writing.result() > 1
    assert [[]] * 10 == found
    store.close()


def test_a_snapshot_stays_as_it_was(store: Store):
    online = open_bank(store)
    with store.snapshot() as moment:
        before = list(moment.accounts())
        assert "00" == answered(online, request(online))
        assert before == list(moment.accounts())
    assert before != list(store.accounts())
