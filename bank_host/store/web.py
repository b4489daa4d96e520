"""What the web bank keeps between two requests: sessions, sources seen before, the pace of login attempts.

Session ids and sources are kept as hashes only. Each call is a commit of its own; where two could get in each other's
way, the condition stands in the statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from sqlalchemy import Engine, create_engine, delete, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import QueuePool

from bank_host.store import schema
from bank_host.store.engine import as_ours

_S, _D, _P = schema.web_session, schema.login_source, schema.login_pace


class SessionRow(NamedTuple):
    id_hash: str
    account_id: str
    channel: str
    began_us: int
    seen_us: int
    ends_us: int
    stamp: str  # of what the customer proved himself by
    locked: str  # serial numbers that were locked then, one a line


class WebTables:
    """The three tables, on the bank's database or on one of their own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def in_memory(cls) -> WebTables:
        """For a bank in memory: gone with the process. One connection, so everybody takes turns."""
        engine = create_engine(
            "sqlite://",
            poolclass=QueuePool,
            pool_size=1,
            max_overflow=0,
            connect_args={"check_same_thread": False},
        )
        schema.metadata.create_all(engine, tables=[_S, _D, _P])
        return cls(engine)

    # ---------------------------------------------------------------- sessions

    def open_session(self, row: SessionRow) -> None:
        self._run(insert(_S).values(row._asdict()))

    def session(self, id_hash: str) -> SessionRow | None:
        found = self._run(select(*(_S.c[name] for name in SessionRow._fields)).where(_S.c.id_hash == id_hash))
        return SessionRow._make(found.rows[0]) if found.rows else None

    def see_session(self, id_hash: str, seen_us: int, locked: str) -> None:
        self._run(update(_S).where(_S.c.id_hash == id_hash).values(seen_us=seen_us, locked=locked))

    def end_session(self, id_hash: str, ends_us: int) -> None:
        """It ends at this time, unless it ends earlier."""
        self._run(update(_S).where(_S.c.id_hash == id_hash, _S.c.ends_us > ends_us).values(ends_us=ends_us))

    def forget_sessions(self, before_us: int, seen_before_us: int) -> None:
        """Drop those that have ended, or that nobody has used since."""
        self._run(delete(_S).where((_S.c.ends_us <= before_us) | (_S.c.seen_us <= seen_before_us)))

    # ---------------------------------------------------------------- sources seen before

    def knows_source(self, account_id: str, source_hash: str) -> bool:
        here = select(_D.c.seen_us).where(_D.c.account_id == account_id, _D.c.source_hash == source_hash)
        return bool(self._run(here).rows)

    def gave_source(self, source_hash: str) -> bool:
        """Whether it is a source of any account."""
        return bool(self._run(select(_D.c.seen_us).where(_D.c.source_hash == source_hash).limit(1)).rows)

    def see_source(self, account_id: str, source_hash: str, seen_us: int) -> None:
        where = _D.c.account_id == account_id, _D.c.source_hash == source_hash
        if self._run(update(_D).where(*where).values(seen_us=seen_us)).changed:
            return
        self._insert_once(insert(_D).values(account_id=account_id, source_hash=source_hash, seen_us=seen_us))

    # ---------------------------------------------------------------- the pace of attempts

    def charge(self, key: str, now_us: int, waits_us: Sequence[int], forget_after_us: int) -> int:
        """Count one attempt under a key: 0, or how long the next one has to wait. The n-th attempt is followed by the
        n-th wait, the last one again and again; counting starts anew after a long silence."""
        self._insert_once(insert(_P).values(key=key, attempts=0, next_us=0, seen_us=now_us))
        self._run(
            update(_P)
            .where(_P.c.key == key, _P.c.seen_us <= now_us - forget_after_us)
            .values(attempts=0, next_us=0, seen_us=now_us)
        )
        while True:
            ((attempts, next_us),) = self._run(
                select(_P.c.attempts, _P.c.next_us).where(_P.c.key == key)
            ).rows
            if next_us > now_us:
                return int(next_us - now_us)
            wait_us = waits_us[min(attempts, len(waits_us) - 1)]
            step = update(_P).where(_P.c.key == key, _P.c.attempts == attempts, _P.c.next_us == next_us)
            if self._run(
                step.values(attempts=attempts + 1, next_us=now_us + wait_us, seen_us=now_us)
            ).changed:
                return 0

    def full_for(self, key: str, now_us: int, burst: int, every_us: int) -> int:
        """How long until there is room under a key for one more attempt; 0 when there is now. Of `burst` at once
        one comes back each `every_us`; what is kept is when all of them will be back."""
        all_back_us = max(self._next_us(key) or 0, now_us)
        return max(0, all_back_us + every_us - now_us - burst * every_us)

    def take(self, key: str, now_us: int, burst: int, every_us: int) -> int:
        """One attempt under a key: 0, or how long it has to wait."""
        while True:
            kept_us = self._next_us(key)
            if kept_us is None:
                self._insert_once(insert(_P).values(key=key, attempts=0, next_us=0, seen_us=now_us))
                continue
            all_back_us = max(kept_us, now_us) + every_us
            if all_back_us > now_us + burst * every_us:
                return all_back_us - now_us - burst * every_us
            step = update(_P).where(_P.c.key == key, _P.c.next_us == kept_us)
            if self._run(step.values(next_us=all_back_us, seen_us=now_us)).changed:
                return 0

    def give_back(self, key: str, every_us: int) -> None:
        """An attempt that does not count after all."""
        self._run(update(_P).where(_P.c.key == key).values(next_us=_P.c.next_us - every_us))

    def _next_us(self, key: str) -> int | None:
        rows = self._run(select(_P.c.next_us).where(_P.c.key == key)).rows
        return int(rows[0][0]) if rows else None

    def forget_attempts(self, paced_before_us: int, known_before_us: int) -> None:
        """Drop attempts that no longer slow anybody down, and sources that have not come back."""
        self._run(delete(_P).where(_P.c.seen_us <= paced_before_us))
        self._run(delete(_D).where(_D.c.seen_us <= known_before_us))

    def forgive(self, key: str) -> None:
        self._run(update(_P).where(_P.c.key == key).values(attempts=0, next_us=0))

    # ---------------------------------------------------------------- statements

    def _insert_once(self, statement: object) -> None:
        with suppress(IntegrityError):
            self._run(statement)

    def _run(self, statement: object) -> _Done:
        try:
            with self._engine.begin() as connection:
                result = connection.execute(statement)  # type: ignore[call-overload]
                return _Done(result.all() if result.returns_rows else [], result.rowcount)
        except IntegrityError:
            raise
        except DBAPIError as error:
            raise as_ours(error) from error


class _Done(NamedTuple):
    rows: Sequence[Any]
    changed: int
