"""The migrated schema is the schema of the code, on both engines; history is append-only; constraints hold."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from bank_host.store.engine import open_engine
from bank_host.store.migrate import upgrade
from bank_host.store.schema import metadata
from bank_host.store.sql import SqlStore


@pytest.fixture
def engine(database):
    engine = open_engine(database)
    yield engine
    engine.dispose()


def test_migrations_give_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert [] == compare_metadata(context, metadata)


def test_migrations_give_the_constraints_of_the_code():
    """Alembic's comparison leaves CHECK constraints out."""
    migrated, made = create_engine("sqlite://"), create_engine("sqlite://")
    upgrade(migrated)
    metadata.create_all(made)
    tables = sorted(metadata.tables)
    of_migrated, of_code = inspect(migrated), inspect(made)
    for table in tables:
        expected = {row["name"]: row["sqltext"] for row in of_code.get_check_constraints(table)}
        assert expected == {row["name"]: row["sqltext"] for row in of_migrated.get_check_constraints(table)}


def test_upgrading_again_changes_nothing(engine):
    before = MetaData()
    before.reflect(engine)
    upgrade(engine)
    after = MetaData()
    after.reflect(engine)
    assert sorted(before.tables) == sorted(after.tables)


def test_notices_written_before_they_could_be_handed_out_still_wait():
    engine = create_engine("sqlite://")
    upgrade(engine, "0001")
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO outbox VALUES (5, 'k', 1, '0010000001', 'atm_deposit', 9, 'waiting')")
        )
    upgrade(engine)
    with engine.connect() as connection:
        (row,) = connection.execute(text("SELECT seq, key, state, address FROM outbox")).all()
    assert (5, "k", "waiting", "") == tuple(row)


def test_the_legs_of_a_customer_are_found_by_their_index(engine):
    """It has no entry for the bank's own books, so the condition has to be said in its words."""
    asked: list[tuple[str, Any]] = []
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    event.listen(
        engine, "before_cursor_execute", lambda _c, _k, statement, given, *_: asked.append((statement, given))
    )
    store = SqlStore(engine)
    assert ([], []) == (list(store.movements("0010000001")), store.look.movements("0010000001", 9))
    of_legs = [(statement, given) for statement, given in asked if "substr" in statement]
    assert 3 == len(of_legs)
    with engine.connect() as connection:
        for statement, given in of_legs:
            plan = connection.exec_driver_sql(explain + statement, given).all()
            assert any("ix_leg_book" in str(row) for row in plan), (statement, plan)


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (
            "journal",
            "(seq, key, kind, day, at_us, refers, forced) VALUES (1, 'k', 'x', '2026-04-01', 1, '', false)",
        ),
        ("audit", "VALUES (1, 1, 'host', '', 'a', 'w', '', '', '')"),
        ("chain_link", "VALUES ('host', 1, '1', '', 'digest')"),
    ],
)
@pytest.mark.parametrize("act", ["UPDATE {} SET {}", "DELETE FROM {}"])
def test_history_can_be_neither_changed_nor_deleted(engine, table, row, act):
    """I6."""
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO {table} {row}"))
    setting = {"journal": "kind = 'y'", "audit": "reason = 'y'", "chain_link": "digest = 'y'"}[table]
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text(act.format(table, setting)))
    with engine.connect() as connection:
        assert 1 == connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()


def test_the_legs_of_a_posting_cannot_be_changed(engine):
    """I6."""
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO journal VALUES (1, 'k', 'x', '2026-04-01', 1, '', false)"))
        connection.execute(text("INSERT INTO leg VALUES (1, 0, 'fees', 5)"))
    with pytest.raises(DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(text("UPDATE leg SET amount_jpy = 6"))


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO limit_use VALUES ('a', '2026-04-01', 'chip', -1)",
        "INSERT INTO card VALUES ('c', 'x', 'a', '3012', '1234', 'burnt', false, 0)",
        "INSERT INTO card VALUES ('c', 'x', 'nobody', '3012', '1234', '', false, 0)",
        "INSERT INTO atm_raise VALUES ('a', '2026-04-01', 0, 1, false)",
        "INSERT INTO ledger_balance VALUES ('customer:a', 5)",
        "UPDATE account SET posted_jpy = -1",
        "UPDATE account SET held_jpy = 1",
        "UPDATE account SET standing_jpy = -1",
        "UPDATE account SET otp_fails = -1",
    ],
)
def test_constraints_are_the_last_net(engine, statement):
    account = "('a', 'individual', 'token', '2026-04-01', 0, 0, 0, false, 0, 0, false, false)"
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO account VALUES {account}"))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text(statement))


def test_a_forced_posting_explains_a_balance_below_zero(engine):
    """I4."""
    account = "('a', 'individual', 'token', '2026-04-01', 0, -5, 0, false, 0, 0, false, true)"
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO account VALUES {account}"))


def test_sqlite_keeps_the_rules_of_the_house(sqlite_databases):
    url = sqlite_databases()
    for durable, synchronous in ((True, 2), (False, 1)):
        engine = open_engine(url, durable=durable)
        with engine.connect() as connection:
            found = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")
            ]
        assert ["wal", 1, synchronous, 30_000] == found
        engine.dispose()


def test_another_kind_of_database_is_refused_by_name():
    with pytest.raises(ValueError, match="no store for 'mysql'"):
        open_engine("mysql://host/bank")
