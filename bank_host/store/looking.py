"""What staff may look at: customers, cards, accounts, audit rows, exception items; nothing is locked or written.

A card number leaves this file masked, or as a `Pan` that no text shows; what PINs and passwords are checked by never.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, Select, func, or_, select

from bank_host.ledger.posting import customer
from bank_host.secrets import Pan, mask_pan
from bank_host.store import schema
from bank_host.store.contract import AuditRow, ExceptionRow, JournalRow, OutboxRow
from bank_host.store.engine import reading
from bank_host.store.sealing import StoreKeys, unseal
from bank_host.store.sql_statements import columns

_A, _C, _H, _N = schema.account, schema.card, schema.customer, schema.card_number
_T, _LOG, _I = schema.token, schema.audit, schema.exception_item


class CustomerSeen(NamedTuple):
    account_id: str
    name: str
    address: str
    phone: str
    emails: tuple[str, ...]
    birthday: date | None
    password_lapsed: bool
    login_fails: int
    last_login_us: int
    transfer_limit_jpy: int
    tokens_ordered: int


class AccountSeen(NamedTuple):
    account_id: str
    holder: str
    kind: str
    authenticator: str
    opened: date
    posted_jpy: int
    held_jpy: int
    standing_jpy: int
    otp_fails: int
    otp_locked: bool
    closed: bool


class CardSeen(NamedTuple):
    card_id: str
    alias: str
    number: str  # masked; '' where the bank does not keep it
    account_id: str
    holder: str
    expires: str  # YYMM
    hot: str
    locked: bool
    pin_fails: int


class TokenSeen(NamedTuple):
    serial: str
    device: str
    state: str
    locked: bool
    release_on: date | None
    expires: date


class MovementSeen(NamedTuple):
    at_us: int
    kind: str
    amount_jpy: int  # what the balance gained
    forced: bool
    key: str


class SqlLook:
    """Reads of a database, each the picture of one moment."""

    def __init__(self, engine: Engine, keys: StoreKeys) -> None:
        self._engine = engine
        self._keys = keys

    def _rows(self, statement: Select[Any]) -> list[Any]:
        with reading(self._engine) as connection:
            return list(connection.execute(statement).all())

    def customers(
        self, *, find: str = "", account_id: str = "", limit: int | None = None
    ) -> list[CustomerSeen]:
        statement = columns(_H, CustomerSeen).order_by(_H.c.account_id).limit(limit)
        statement = statement.where(*_found(find, (_H.c.account_id, _H.c.name, _H.c.emails)))
        if account_id:
            statement = statement.where(_H.c.account_id == account_id)
        return [
            CustomerSeen._make(row)._replace(emails=tuple(row.emails.splitlines()))
            for row in self._rows(statement)
        ]

    def accounts(
        self, *, find: str = "", account_id: str = "", limit: int | None = None
    ) -> list[AccountSeen]:
        statement = (
            select(
                *(
                    _H.c.name.label("holder") if name == "holder" else _A.c[name]
                    for name in AccountSeen._fields
                )
            )
            .outerjoin(_H, _H.c.account_id == _A.c.account_id)
            .where(*_found(find, (_A.c.account_id, _H.c.name)))
            .order_by(_A.c.account_id)
            .limit(limit)
        )
        if account_id:
            statement = statement.where(_A.c.account_id == account_id)
        return [AccountSeen._make(row)._replace(holder=row.holder or "") for row in self._rows(statement)]

    def cards(
        self, *, find: str = "", ends: str = "", account_id: str = "", limit: int | None = None
    ) -> list[CardSeen]:
        """`ends`: the last digits of the number, which the database holds sealed: so every number is opened."""
        statement = (
            select(*(_C.c[name] for name in CardSeen._fields if name in _C.c), _H.c.name, _N.c.pan_sealed)
            .outerjoin(_N, _N.c.card_id == _C.c.card_id)
            .outerjoin(_H, _H.c.account_id == _C.c.account_id)
            .where(*_found(find, (_C.c.alias, _C.c.account_id, _H.c.name)))
            .order_by(_C.c.account_id, _C.c.alias, _C.c.card_id)
            .limit(None if ends else limit)
        )
        if account_id:
            statement = statement.where(_C.c.account_id == account_id)
        return [card for row in self._rows(statement) if (card := self._card(row)).number.endswith(ends)][
            :limit
        ]

    def cards_named(self, name: str) -> list[CardSeen]:
        """Cards whose alias is `name`, or whose id begins with it."""
        by_name = or_(_C.c.alias == name, _C.c.card_id.startswith(name, autoescape=True))
        ids = {row.account_id for row in self._rows(select(_C.c.account_id).where(by_name).limit(10))}
        cards = [card for account_id in sorted(ids) for card in self.cards(account_id=account_id)]
        return [card for card in cards if card.alias == name or card.card_id.startswith(name)]

    def _card(self, row: Any) -> CardSeen:
        values = row._asdict()
        sealed, holder = values.pop("pan_sealed"), values.pop("name")
        number = "" if sealed is None else mask_pan(unseal(self._keys, row.card_id, sealed))
        return CardSeen(number=number, holder=holder or "", **values)

    def number(self, card_id: str) -> Pan | None:
        """A card's number, for the PIN module; None where the bank does not keep it."""
        rows = self._rows(select(_N.c.pan_sealed).where(_N.c.card_id == card_id))
        return Pan(unseal(self._keys, card_id, rows[0].pan_sealed)) if rows else None

    def tokens(self, account_id: str) -> list[TokenSeen]:
        statement = columns(_T, TokenSeen).where(_T.c.account_id == account_id).order_by(_T.c.serial)
        return [TokenSeen._make(row) for row in self._rows(statement)]

    def movements(self, account_id: str, limit: int) -> list[MovementSeen]:
        """The latest postings that touched a balance, oldest first."""
        journal, leg = schema.journal, schema.leg
        statement = (
            select(*((leg if name == "amount_jpy" else journal).c[name] for name in MovementSeen._fields))
            .join(leg, leg.c.journal_seq == journal.c.seq)
            .where(leg.c.book == customer(account_id), schema.OF_CUSTOMER)
            .order_by(journal.c.seq.desc())
            .limit(limit)
        )
        return [MovementSeen._make(row) for row in reversed(self._rows(statement))]

    def audit(
        self,
        *,
        account_id: str = "",
        actor: str = "",
        what: str = "",
        since_us: int = 0,
        limit: int | None = None,
    ) -> list[AuditRow]:
        """The latest rows, oldest first; `actor` is a name of the staff, or a kind such as operator."""
        statement = columns(_LOG, AuditRow).where(_LOG.c.at_us >= since_us)
        if account_id:
            statement = statement.where(_LOG.c.account_id == account_id)
        if actor:
            statement = statement.where(
                or_(
                    _LOG.c.actor == actor,
                    _LOG.c.actor.startswith(f"{actor}:", autoescape=True),
                    _LOG.c.actor.endswith(f":{actor}", autoescape=True),
                )
            )
        if what:
            statement = statement.where(_LOG.c.what == what)
        rows = self._rows(statement.order_by(_LOG.c.seq.desc()).limit(limit))
        return [AuditRow._make(row) for row in reversed(rows)]

    def ends(self) -> tuple[int, int]:
        """The last rows of journal and outbox."""
        journal, outbox = schema.journal.c.seq, schema.outbox.c.seq
        (row,) = self._rows(
            select(select(func.max(journal)).scalar_subquery(), select(func.max(outbox)).scalar_subquery())
        )
        return row[0] or 0, row[1] or 0

    def since(self, journal_seq: int, outbox_seq: int) -> tuple[list[JournalRow], list[OutboxRow]]:
        """What was posted, and told customers, after these rows."""
        journal, leg, outbox = schema.journal, schema.leg, schema.outbox
        legs: dict[int, list[tuple[str, int]]] = {}
        for row in self._rows(
            select(leg.c.journal_seq, leg.c.book, leg.c.amount_jpy).where(leg.c.journal_seq > journal_seq)
        ):
            legs.setdefault(row.journal_seq, []).append((row.book, row.amount_jpy))
        names = [name for name in JournalRow._fields if name != "legs"]
        rows = self._rows(
            select(*(journal.c[name] for name in names))
            .where(journal.c.seq > journal_seq)
            .order_by(journal.c.seq)
        )
        postings = [JournalRow(**row._asdict(), legs=tuple(legs.get(row.seq, ()))) for row in rows]
        told = self._rows(columns(outbox, OutboxRow).where(outbox.c.seq > outbox_seq).order_by(outbox.c.seq))
        return postings, [OutboxRow._make(row) for row in told]

    def exceptions(
        self, *, state: str = "", kind: str = "", account_id: str = "", seq: int = 0, limit: int | None = None
    ) -> list[ExceptionRow]:
        statement = columns(_I, ExceptionRow).order_by(_I.c.seq).limit(limit)
        wanted: dict[str, str | int] = {"state": state, "kind": kind, "account_id": account_id, "seq": seq}
        statement = statement.where(*(_I.c[name] == value for name, value in wanted.items() if value))
        return [ExceptionRow._make(row) for row in self._rows(statement)]


def _found(text: str, where: Iterable[ColumnElement[str]]) -> list[ColumnElement[bool]]:
    """The text stands somewhere in one of the columns; no text, no condition."""
    return [or_(*(column.icontains(text, autoescape=True) for column in where))] if text else []
