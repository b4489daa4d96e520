"""Rows are found by an index from a list of keys of any length, whatever the database knows of its tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import URL, Select
from sqlalchemy.sql.visitors import iterate

from bank_host.store import sql_statements as sql
from bank_host.store.driver import Among, _postgresql_query, _sqlite_query
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


@pytest.fixture
def empty(postgresql_databases: Callable[[], URL]) -> Iterator[SqlStore]:
    opened = SqlStore.create(postgresql_databases())
    yield opened
    opened.close()


def generic_plan(store: SqlStore, text: str, *given: str) -> list[str]:
    """Of a prepared statement, as it is kept whatever the tables grow to."""
    with store.engine.connect() as connection:
        cursor = connection.connection.cursor()
        cursor.execute(f"PREPARE asked AS {text}")
        cursor.execute(f"EXPLAIN EXECUTE asked({', '.join(map(repr, given))})")
        rows = [row[0] for row in cursor.fetchall()]
        cursor.execute("DEALLOCATE asked")
        return rows


def reads_whole(plan: list[str]) -> bool:
    """Whether a table or an index is read from end to end, be it to be compared with another one's rows."""
    scans = [
        n for n, line in enumerate(plan) if re.search(r"(Index|Index Only) Scan (using|on)|Seq Scan", line)
    ]
    return any("Join Filter" in line for line in plan) or any("Index Cond" not in plan[n + 1] for n in scans)


def test_a_plan_that_postgresql_made_while_tables_were_empty_reads_by_index(empty: SqlStore) -> None:
    for name in LISTED:
        one = _postgresql_query((getattr(sql, name),))
        given = [str(GIVEN.get(each.name, each.always)) for each in one.parameters]
        plan = generic_plan(empty, one.text, *given)
        assert not reads_whole(plan), (name, plan)


def test_a_join_would_be_told(empty: SqlStore) -> None:
    """The planted fault: the same rows by a join with the cards, for which a whole index was read."""
    text = (
        "SELECT used_jpy FROM limit_use JOIN card ON card.account_id = limit_use.account_id"
        " WHERE card.card_id = ANY(ARRAY(SELECT jsonb_array_elements_text($1::jsonb))) AND day = $2::date"
    )
    assert reads_whole(generic_plan(empty, text, GIVEN["keys"], GIVEN["of_day"]))
