"""Where notices stand on their way to their addresses, in memory and in SQL (requirement R103).

See `bank_host.store.contract.Delivery` for what each method promises. Claims are guarded updates on both engines
and not `SKIP LOCKED`: skipping a locked row would show the second notice of an address as its first, and break
the order in which a customer is told things.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, bindparam, insert, select, update
from sqlalchemy.exc import DBAPIError

from bank_host.store import schema
from bank_host.store.contract import MailRow, OutboxRow
from bank_host.store.engine import as_ours, reading
from bank_host.store.memory_unit import Tables
from bank_host.store.sql_statements import columns

_OWN = (
    "seq",
    "address",
    "state",
    "attempts",
    "next_at_us",
    "problem",
)  # what a mail row does not take from its notice

_M, _O = schema.mail, schema.outbox

_UNADDRESSED = columns(_O, OutboxRow).where(_O.c.state == "waiting").order_by(_O.c.seq)
ALL_MAIL = (
    select(*(_M.c[name] if name in _OWN else _O.c[name] for name in MailRow._fields))
    .join(_O, _M.c.seq == _O.c.seq)
    .order_by(_M.c.seq, _M.c.address)
)
_MAIL = ALL_MAIL.where(_M.c.state == bindparam("of_state"))
_EMAILS = select(schema.customer.c.emails).where(schema.customer.c.account_id == bindparam("id"))
_ADDRESS = update(_O).where(_O.c.seq == bindparam("id"), _O.c.state == "waiting").values(state="addressed")
_MOVE = (
    update(_M)
    .where(
        _M.c.seq == bindparam("id"),
        _M.c.address == bindparam("to"),
        _M.c.state == bindparam("seen_state"),
        _M.c.attempts == bindparam("seen_attempts"),
        _M.c.next_at_us == bindparam("seen_next_at_us"),
    )
    .values(
        state=bindparam("new_state"),
        attempts=bindparam("new_attempts"),
        next_at_us=bindparam("new_next_at_us"),
        problem=bindparam("new_problem"),
    )
)


class SqlDelivery:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unaddressed(self) -> Iterator[OutboxRow]:
        with reading(self._engine) as connection:
            return map(OutboxRow._make, connection.execute(_UNADDRESSED).all())

    def emails(self, account_id: str) -> tuple[str, ...]:
        with reading(self._engine) as connection:
            lines = connection.execute(_EMAILS, {"id": account_id}).scalar()
        return tuple((lines or "").splitlines())

    def mail(self, state: str) -> Iterator[MailRow]:
        with reading(self._engine) as connection:
            return map(MailRow._make, connection.execute(_MAIL, {"of_state": state}).all())

    def address(self, seq: int, mail: Iterable[MailRow]) -> bool:
        rows = [{name: getattr(row, name) for name in _OWN} for row in mail]
        with self._commit() as connection:
            if connection.execute(_ADDRESS, {"id": seq}).rowcount != 1:
                return False
            connection.execute(insert(_M), rows)
        return True

    def move(self, before: MailRow, after: MailRow) -> bool:
        values = {
            "id": before.seq,
            "to": before.address,
            "seen_state": before.state,
            "seen_attempts": before.attempts,
            "seen_next_at_us": before.next_at_us,
            "new_state": after.state,
            "new_attempts": after.attempts,
            "new_next_at_us": after.next_at_us,
            "new_problem": after.problem,
        }
        with self._commit() as connection:
            return connection.execute(_MOVE, values).rowcount == 1

    @contextmanager
    def _commit(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise as_ours(error) from error


class MemoryDelivery:
    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def unaddressed(self) -> Iterator[OutboxRow]:
        with self._tables.lock:
            return iter([row for row in self._tables.outbox if row.state == "waiting"])

    def emails(self, account_id: str) -> tuple[str, ...]:
        with self._tables.lock:
            holder = self._tables.customers.get(account_id)
        return () if holder is None else holder.emails

    def mail(self, state: str) -> Iterator[MailRow]:
        with self._tables.lock:
            rows = sorted(self._tables.mail.items())
        return (row for _, row in rows if row.state == state)

    def address(self, seq: int, mail: Iterable[MailRow]) -> bool:
        tables = self._tables
        with tables.lock:
            notice = tables.outbox[seq - 1]
            if notice.state != "waiting":
                return False
            tables.outbox[seq - 1] = notice._replace(state="addressed")
            tables.mail.update({(row.seq, row.address): row for row in mail})
        return True

    def move(self, before: MailRow, after: MailRow) -> bool:
        rows, key = self._tables.mail, (before.seq, before.address)
        with self._tables.lock:
            found = rows.get(key)
            if found is None or _seen(found) != _seen(before):
                return False
            rows[key] = after
        return True


def _seen(row: MailRow) -> tuple[str, int, int]:
    return row.state, row.attempts, row.next_at_us
