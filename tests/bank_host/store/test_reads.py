"""Rows are found by an index from a list of keys of any length, whatever the database knows of its tables."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Select
from sqlalchemy.sql.visitors import iterate

from bank_host.store import sql_statements as sql
from bank_host.store.driver import Among, _sqlite_query
from bank_host.store.sql import SqlStore

GIVEN = {"keys": '["a key"]', "of_day": "2026-01-01", "of_month": "2026-01", "state_1_1": "", "state_1_2": ""}

LISTED = [
    name
    for name, statement in vars(sql).items()
    if isinstance(statement, Select) and any(isinstance(each, Among) for each in iterate(statement))
]


@pytest.fixture(scope="module")
def store() -> Iterator[SqlStore]:
    opened = SqlStore.create("sqlite://")
    yield opened
    opened.close()


def plan(store: SqlStore, text: str) -> list[str]:
    with store.engine.connect() as connection:
        rows = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {text}", GIVEN)
        return [row[3] for row in rows]


@pytest.mark.parametrize("name", LISTED)
def test_sqlite_begins_with_the_list_and_copies_it_nowhere(name: str, store: SqlStore) -> None:
    first, *others = plan(store, _sqlite_query(getattr(sql, name))[0])
    assert first.startswith("SCAN among VIRTUAL TABLE")
    assert [] == [step for step in others if not step.startswith(("SEARCH", "USE TEMP B-TREE FOR ORDER BY"))]


def test_a_subquery_would_be_told(store: SqlStore) -> None:
    """The planted fault: the same rows by IN, which SQLite first copies to a table of its own."""
    steps = plan(store, "SELECT pvv FROM card WHERE card_id IN (SELECT value FROM json_each(:keys))")
    assert any(step.startswith("LIST SUBQUERY") for step in steps)
