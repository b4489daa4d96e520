"""A unit of work takes over the rows of the one before only while nobody else has written, and what it has to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import URL

from bank_host.host import Bank
from bank_host.rules.changes import SetAccount, SetCard
from bank_host.store import sql_statements as sql
from bank_host.store.contract import Wanted
from bank_host.store.driver import Query, Row, SqliteSession
from bank_host.store.engine import open_engine
from bank_host.store.sql import SqlStore
from bank_host.store.verify import verify
from tests.bank_host.test_poison import HSM, NOW_US, PANS, bank_of, withdrawals

OVER_THE_LIMIT = "61"


@pytest.fixture
def bank(sql_store: SqlStore) -> Bank:
    return bank_of(sql_store)


@pytest.fixture
def elsewhere(bank: Bank, database: URL) -> Iterator[SqlStore]:
    """The same database in another process."""
    store = SqlStore(open_engine(database), chain_name="elsewhere")
    yield store
    store.close()


def lower_the_limit(store: SqlStore) -> None:
    account = next(store.accounts())
    with store.begin() as unit:
        unit.apply([SetAccount(account.account_id, "standing_jpy", 5_000)], NOW_US)


def code_after(bank: Bank, store: SqlStore) -> str:
    """How a withdrawal is decided whose limit was lowered after its try was charged."""
    step = bank.step([(1, withdrawals()[0])], (), NOW_US)
    lower_the_limit(store)
    ((_, answer),) = bank.step([], step.on_the_way, NOW_US).answers
    assert answer is not None
    return answer[39]


def test_what_another_process_has_written_is_seen(bank: Bank, elsewhere: SqlStore) -> None:
    assert OVER_THE_LIMIT == code_after(bank, elsewhere)
    assert [] == verify(bank.store)


def test_what_another_connection_of_the_process_has_written_is_seen(bank: Bank, sql_store: SqlStore) -> None:
    """Here the unit in between takes the connection, and its rows are left."""
    assert OVER_THE_LIMIT == code_after(bank, sql_store)


def test_a_database_that_does_not_tell_of_others_would_be_found_out(
    bank: Bank, elsewhere: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted fault: SQLite's own count of foreign commits stands still."""
    if bank.store.engine.dialect.name != "sqlite":  # type: ignore[attr-defined]
        return
    monkeypatch.setattr(SqliteSession, "version", lambda self: 1)
    assert "00" == code_after(bank, elsewhere)


def test_a_decision_on_sqlite_reads_nothing_that_its_charge_has_read(
    database: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    fetch = SqliteSession._fetch

    def noted(self: SqliteSession, queries: Sequence[Query]) -> list[Sequence[Row]]:
        asked.extend(statement for statement, _ in queries)
        return fetch(self, queries)

    store = SqlStore(open_engine(database))
    bank = bank_of(store)
    monkeypatch.setattr(SqliteSession, "_fetch", noted)
    assert "00" == bank.answer(withdrawals()[0], NOW_US)[39]  # type: ignore[index]
    times = 1 if store.engine.dialect.name == "sqlite" else 0  # PostgreSQL has a session of its own
    assert [times, times] == [asked.count(each) for each in (sql.CARDS_WITH_ACCOUNTS, sql.EXCHANGES)]
    store.close()


def test_a_unit_that_has_failed_leaves_nothing(bank: Bank, sql_store: SqlStore) -> None:
    figures, card_id = bank.policy.on(next(sql_store.accounts()).opened), HSM.card_id(PANS[0])
    wanted = [Wanted(card_id, "a key", "an original key")]

    def facts_of(unit: Any) -> Any:
        unit.prefetch(wanted, figures.day, figures.month)
        return unit.card_facts(card_id, figures.day, figures.month, "withdraw", "stripe")

    def fail() -> None:
        with sql_store.begin() as unit:
            facts_of(unit)
            unit.apply([SetCard(card_id, "locked", True)], NOW_US)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with sql_store.begin() as unit:
        assert not facts_of(unit).card.locked


def test_whoever_disposes_of_the_engine_closes_the_connection_too(bank: Bank, sql_store: SqlStore) -> None:
    """So that the file of a database can be replaced."""
    bank.answer(withdrawals()[0], NOW_US)
    (left,) = sql_store._left
    driver = left.session._driver
    driver.execute("SELECT 1")
    sql_store.engine.dispose()
    with pytest.raises(sql_store.engine.dialect.loaded_dbapi.Error):
        driver.execute("SELECT 1")
    assert [] == sql_store._left
