"""Statements sent to PostgreSQL together, with one wait for all of their answers (libpq's pipeline mode).

By `psycopg.pq`, which is libpq itself: psycopg's cursors take a dozen turns of a generator for each statement, and cost
the host more than all else that it does for a lone request (docs/performance.md).
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from itertools import count
from typing import Any

from psycopg import Connection, DataError, OperationalError
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus
from psycopg.pq.abc import PGresult

Sent = tuple[str, Sequence[str | None]]
"""A statement with its parameters, all as text."""

_MOST_PREPARED = 100
"""Units of work that write the same columns of the same tables share a statement; what else there was may go."""

_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)


class Pipeline:
    """One connection's. A statement is prepared when it comes for the first time, and again when it was forgotten."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._libpq = connection.pgconn
        self._encoding = connection.info.encoding
        self._names: dict[str, bytes] = {}  # of what is prepared
        self._numbers = count(1)
        self._socket = select.poll()
        self._socket.register(self._libpq.socket, select.POLLIN)

    def run(self, statements: Sequence[Sent]) -> list[Sequence[bytes | None]]:
        """The first row of each answer; the first error, if any: what came after it was not looked at."""
        libpq, encoding = self._libpq, self._encoding
        given = [[_encoded(value, encoding) for value in values] for _, values in statements]
        libpq.enter_pipeline_mode()
        fresh: dict[str, bytes] = {}
        for (text, _), values in zip(statements, given, strict=True):
            name = self._names.get(text) or fresh.get(text)
            if name is None:
                name = fresh[text] = b"unit_%d" % next(self._numbers)
                libpq.send_prepare(name, text.encode(encoding))
            libpq.send_query_prepared(name, values)
        while len(self._names) > _MOST_PREPARED:
            oldest = self._names.pop(next(iter(self._names)))
            libpq.send_query_params(b"DEALLOCATE " + oldest, None)
        libpq.pipeline_sync()
        results = self._results()
        libpq.exit_pipeline_mode()
        for result in results:
            if result.status in _FAILED:
                raise error_from_result(result, encoding)
        self._names |= fresh
        return [_first_row(result) for result in results if result.status == ExecStatus.TUPLES_OK]

    def _results(self) -> list[PGresult]:
        """All up to the end of the pipeline."""
        libpq = self._libpq
        found: list[PGresult] = []
        while True:
            if libpq.is_busy():
                self._wait()
                libpq.consume_input()
                continue
            result = libpq.get_result()
            if result is None:
                if libpq.status == ConnStatus.BAD:
                    raise OperationalError("the connection to the server is lost")
            elif result.status == ExecStatus.PIPELINE_SYNC:
                return found
            else:
                found.append(result)

    def _wait(self) -> None:
        """Until something came; what the socket did not take yet goes out meanwhile."""
        unsent = select.POLLOUT if self._libpq.flush() else 0
        self._socket.modify(self._libpq.socket, select.POLLIN | unsent)
        self._socket.poll()


def _encoded(value: str | None, encoding: str) -> bytes | None:
    """A NUL would end the value for libpq: another key than the one asked for would be looked for."""
    if value is None:
        return None
    if "\0" in value:
        raise DataError("PostgreSQL text cannot contain NUL (0x00) bytes")
    return value.encode(encoding)


def _first_row(result: PGresult) -> Sequence[bytes | None]:
    return [result.get_value(0, n) for n in range(result.nfields)]
