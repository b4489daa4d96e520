"""A unit of work writes all that it changes, or nothing: a row that is not as it was seen is a conflict."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import URL, Engine, select

from bank_host.store import schema
from bank_host.store.contract import Conflict
from bank_host.store.driver import Insert, Update, open_session
from bank_host.store.engine import open_engine

NEW_BOOK = Insert(schema.ledger_balance, ("book", "balance_jpy"))
MOVE_BOOK = Update(schema.ledger_balance, ("balance_jpy",), ("book", "balance_jpy"))
BOOKS = select(schema.ledger_balance.c.book, schema.ledger_balance.c.balance_jpy).order_by("book")


@pytest.fixture
def engine(database: URL) -> Iterator[Engine]:
    """A ledger of two books, by way of a unit of work that only writes."""
    opened = open_engine(database)
    session = open_session(opened)
    session.commit([(NEW_BOOK, [("a", 1), ("b", 2)])])
    session.close()
    yield opened
    opened.dispose()


def books(engine: Engine) -> list[tuple[str, int]]:
    session = open_session(engine)
    (rows,) = session.fetch((BOOKS, {}))
    session.close()
    return [(book, jpy) for book, jpy in rows]


def test_rows_that_are_as_they_were_seen_are_written(engine: Engine) -> None:
    session = open_session(engine)
    session.fetch((BOOKS, {}))
    session.commit([(NEW_BOOK, [("c", 3)]), (MOVE_BOOK, [(10, "a", 1), (20, "b", 2)])])
    session.close()
    assert [("a", 10), ("b", 20), ("c", 3)] == books(engine)


def test_one_row_that_has_moved_takes_all_others_with_it(engine: Engine) -> None:
    session = open_session(engine)
    session.fetch((BOOKS, {}))
    with pytest.raises(Conflict):
        session.commit([(NEW_BOOK, [("c", 3)]), (MOVE_BOOK, [(10, "a", 1), (20, "b", 7)])])
    session.close()
    assert [("a", 1), ("b", 2)] == books(engine)


def test_a_key_that_is_taken_takes_all_others_with_it(engine: Engine) -> None:
    session = open_session(engine)
    with pytest.raises(Conflict):
        session.commit([(NEW_BOOK, [("c", 3), ("a", 4)])])
    session.close()
    assert [("a", 1), ("b", 2)] == books(engine)
