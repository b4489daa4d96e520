"""Where the tables that number their rows end, and this writer's hash chain: asked of the database once, then known.

On SQLite a unit of work has the database to itself, so it counts on from the last number, which the unit before it has
left, unless anybody else has written. PostgreSQL's sequences make nobody wait; a number is taken once rows are locked
(Q5), so none is left to the next unit. The chain's end is known on both; the write that moves it looks again.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock

from bank_host.store import sql_statements as sql
from bank_host.store.chain import START
from bank_host.store.driver import Query, Row, Session

NO_LINK: Row = 0, START


class Chain:
    """The chain of one store, whose units of work may be in several threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tail: Row | None = None  # number and digest of the last link, once it is known
        self._moving = Lock()

    @contextmanager
    def moving(self) -> Iterator[None]:
        """From looking at the end to the commit that moves it: one unit of work after the other."""
        with self._moving:
            try:
                yield
            except BaseException:
                self.tail = None
                raise


class Ends:
    """One unit of work's."""

    def __init__(self, session: Session, chain: Chain, before: Ends | None = None) -> None:
        """`before` is what the last unit of work has left, if nobody else has written since, as far as can be known."""
        self._session = session
        self.chain = chain
        # PostgreSQL: numbers that were fetched and not given out yet
        self._free: defaultdict[str, deque[int]] = defaultdict(deque)
        self._last: dict[str, int] = {}  # SQLite: the latest number of a table
        if before is not None:
            self._last = before._last
        elif not session.sequences:  # this unit has the database to itself, and the chain
            chain.tail = None

    def numbers(self, table: str, count: int) -> list[int]:
        """The next `count` numbers of a table."""
        sequences = self._session.sequences
        if not (len(self._free[table]) >= count if sequences else table in self._last):
            self.look({table: count})
        if sequences:
            return [self._free[table].popleft() for _ in range(count)]
        first = self._last[table] + 1
        self._last[table] += count
        return list(range(first, first + count))

    def look(self, counts: Mapping[str, int], *, tail: bool = False) -> None:
        """Ask for so many numbers of each table, and for the chain's end, as far as they are not known, at once."""
        asked = self.queries(counts)
        more = [(sql.TAIL, {"id": self.chain.name})] if tail and self.chain.tail is None else []
        if asked or more:
            answers = self._session.fetch(*asked.values(), *more)
            self.add(asked, answers)
            if more:
                self.chain.tail = answers[-1][0] if answers[-1] else NO_LINK

    def queries(self, counts: Mapping[str, int]) -> dict[str, Query]:
        """What has to be asked for that, by table."""
        if not self._session.sequences:
            return {table: (sql.LAST_NUMBER[table], {}) for table in counts if table not in self._last}
        short = {table: count - len(self._free[table]) for table, count in counts.items()}
        return {
            table: (sql.NEXT_NUMBERS[table], {"count": count}) for table, count in short.items() if count > 0
        }

    def add(self, asked: Iterable[str], answers: Iterable[Sequence[Row]]) -> None:
        """The answers to that."""
        for table, rows in zip(asked, answers, strict=False):
            if self._session.sequences:
                self._free[table].extend([number for (number,) in rows])
            else:
                self._last[table] = rows[0][0] or 0
