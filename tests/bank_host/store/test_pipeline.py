"""Statements sent to PostgreSQL together: what comes back, and what a failure leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import URL

from bank_host.store.pipeline import Pipeline

BIG = "x" * 20_000_000
"""More than the sockets between two processes hold."""


@pytest.fixture
def connection(postgresql_databases: Callable[[], URL]) -> Iterator[psycopg.Connection]:
    address = postgresql_databases().set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as opened:
        yield opened


@pytest.fixture
def pipeline(connection: psycopg.Connection) -> Pipeline:
    return Pipeline(connection)


def test_answers_come_in_order_and_one_transaction_takes_several_runs(pipeline: Pipeline) -> None:
    asked = [("BEGIN", ()), ("SELECT $1::int + 1, $2", ("1", None)), ("SELECT 'é' || $1", ("€",))]
    assert [[b"2", None], ["é€".encode()]] == pipeline.run(asked)
    assert [[b"t"]] == pipeline.run([("SELECT now() < clock_timestamp()", ())])
    assert [] == pipeline.run([("COMMIT", ())])


def test_the_first_error_is_the_one_and_nothing_after_it_is_done(
    pipeline: Pipeline, connection: psycopg.Connection
) -> None:
    failing = [
        ("BEGIN", ()),
        ("CREATE TABLE gone (n int)", ()),
        ("SELECT 1 / $1::int", ("0",)),
        ("SELECT nonsense", ()),
        ("COMMIT", ()),
    ]
    with pytest.raises(psycopg.errors.DivisionByZero):
        pipeline.run(failing)
    connection.rollback()
    assert (None,) == connection.execute("SELECT to_regclass('gone')").fetchone()


def test_a_value_with_a_nul_is_refused_and_not_cut_short(pipeline: Pipeline) -> None:
    with pytest.raises(psycopg.DataError, match="NUL"):
        pipeline.run([("SELECT $1", ("known\0unknown",))])
    assert [[b"known"]] == pipeline.run([("SELECT $1", ("known",))])


def test_what_came_first_in_a_run_that_failed_can_be_sent_again(
    pipeline: Pipeline, connection: psycopg.Connection
) -> None:
    """Prepared or not: the statement before the error was, the one after it was not."""
    before, failing, after = ("SELECT 1", ()), ("SELECT 1 / $1::int", ("0",)), ("SELECT 2", ())
    with pytest.raises(psycopg.errors.DivisionByZero):
        pipeline.run([before, failing, after])
    connection.rollback()
    assert [[b"1"], [b"2"]] == pipeline.run([before, after])


def test_what_is_prepared_is_bounded_and_comes_back_when_it_is_asked_again(
    pipeline: Pipeline, connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bank_host.store.pipeline._MOST_PREPARED", 2)
    for number in [*range(9), 0]:
        assert [[b"%d" % number]] == pipeline.run([(f"SELECT {number}", ())])
    assert (3,) == connection.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()


def test_more_than_the_sockets_hold_goes_both_ways(pipeline: Pipeline) -> None:
    asked = [("SELECT $1::text", (BIG,)), ("SELECT $1::text || '!'", (BIG,))]
    assert [[BIG.encode()], [f"{BIG}!".encode()]] == pipeline.run(asked)


def test_a_connection_that_is_cut_is_told_as_lost(pipeline: Pipeline, connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.OperationalError):
        pipeline.run([("SELECT pg_terminate_backend(pg_backend_pid())", ()), ("SELECT 1", ())])
    with pytest.raises(psycopg.OperationalError):
        pipeline.run([("SELECT 1", ())])
    assert connection.broken
