"""One unit of work in a database: loads that lock, guarded writes, one commit.

Lock order: account, customer, limit use, card, token, transfer, authorisation; the rows that every customer
shares (cached balances of the bank's own ledger accounts, the end of the hash chain) only at the commit,
sorted. On SQLite `FOR UPDATE` is not sent: there BEGIN IMMEDIATE gives the whole database to one unit of work
at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, Executable, Table, insert, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from bank_host.ledger.posting import Post
from bank_host.rules.changes import (
    AddToken,
    Audit,
    CancelRaise,
    Change,
    ChargeLogin,
    ChargeOtp,
    ChargePin,
    ConsumeStep,
    CountMonth,
    CountUse,
    MoveTransfer,
    Notify,
    Open,
    OpenTransfer,
    PutRaise,
    RaiseException,
    Resolve,
    SetAccount,
    SetCard,
    SetCustomer,
    SetToken,
)
from bank_host.rules.facts import (
    Account,
    ActFacts,
    Authorisation,
    Card,
    CardFacts,
    Customer,
    Exchange,
    Raise,
    Token,
    Transfer,
)
from bank_host.store import schema
from bank_host.store import sql_statements as sql
from bank_host.store.chain import START, link_digest, tail_mark
from bank_host.store.contract import ActResult, AuditRow, Conflict, JournalRow, Refused
from bank_host.store.engine import as_ours
from bank_host.store.sealing import StoreKeys, seal, unseal
from bank_host.store.writing import CUSTOMER, check_field, check_legs, check_opening


class SqlUnit:
    """See `bank_host.store.contract.UnitOfWork` for what each method promises."""

    def __init__(self, engine: Engine, keys: StoreKeys, chain_name: str) -> None:
        self._engine = engine
        self._keys = keys
        self._chain_name = chain_name
        self._upserts = sql.UPSERTS[engine.dialect.name]
        self._connection: Connection
        self._uses: dict[tuple[str, date], dict[str, int]] = {}  # limit use as this unit has seen and left it
        self._books: dict[str, int] = {}  # movements of the bank's own ledger accounts, written at the commit
        self._journal: list[JournalRow] = []
        self._audit: list[AuditRow] = []

    def __enter__(self) -> SqlUnit:
        try:
            self._connection = self._engine.connect()
        except PoolTimeout:
            raise Conflict("every connection to the database is taken") from None
        except DBAPIError as error:
            raise as_ours(error) from error
        try:
            self._connection.begin()
        except DBAPIError as error:
            self._connection.close()
            raise as_ours(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing the connection rolls back what has not been committed.
        with self._connection:
            if kind is None:
                self._write_shared_rows()
                try:
                    self._connection.commit()
                except DBAPIError as refused:
                    self._connection.invalidate()  # a failed COMMIT may leave the transaction, and its locks, open
                    raise as_ours(refused) from refused

    # ---------------------------------------------------------------- running statements

    def _run(self, statement: Executable, values: Any = None) -> Any:
        try:
            return self._connection.execute(statement, values)
        except DBAPIError as error:
            raise as_ours(error) from error

    def _one(self, row: Any, statement: Executable, **values: Any) -> Any:
        found = self._run(statement, values).first()
        return None if found is None else row._make(found)

    def _scalar(self, statement: Executable, **values: Any) -> Any:
        return self._run(statement, values).scalar()

    def _changed(self, statement: Executable, **values: Any) -> bool:
        return bool(self._run(statement, values).rowcount == 1)

    # ---------------------------------------------------------------- loads

    def next_seq(self) -> int:
        return int(self._scalar(sql.NEXT_SEQ))

    def exchange(self, key: str) -> Exchange | None:
        found: Exchange | None = self._one(Exchange, sql.EXCHANGE, id=key)
        return found

    def authorisation(self, original_key: str) -> Authorisation | None:
        account_id = self._scalar(sql.ACCOUNT_OF_AUTHORISATION, id=original_key)
        if account_id is None:
            return None
        self._one(Account, sql.ACCOUNT, id=account_id)  # its lock comes first, whoever asks
        found: Authorisation | None = self._one(Authorisation, sql.AUTHORISATION, id=original_key)
        return found

    def card_facts(self, card_id: str, day: date, month: str, service: str, medium: str) -> CardFacts | None:
        account_id = self._scalar(sql.ACCOUNT_OF_CARD, id=card_id)
        if account_id is None:
            return None
        account = self._one(Account, sql.ACCOUNT, id=account_id)
        used = self._load_uses(account_id, day)
        card = self._one(Card, sql.CARD, id=card_id)
        return CardFacts(
            card,
            account,
            self._one(Raise, sql.RAISE, id=account_id, of_day=day),
            sum(used.values()),
            used.get(medium, 0),
            self._scalar(sql.MONTH, id=account_id, month=month, service=service) or 0,
        )

    def _load_uses(self, account_id: str, day: date) -> dict[str, int]:
        rows = self._run(sql.USES, {"id": account_id, "of_day": day})
        used = {row.medium: row.used_jpy for row in rows}
        self._uses[account_id, day] = used
        return used

    def act_facts(self, account_id: str, day: date, payee_id: str = "") -> ActFacts | None:
        rows = map(Account._make, self._run(sql.ACCOUNTS, {"id": account_id, "other": payee_id}))
        accounts = {account.account_id: account for account in rows}
        account = accounts.get(account_id)
        if account is None:
            return None
        customer = self._run(sql.CUSTOMER, {"id": account_id}).one()
        cards = self._run(sql.CARDS, {"id": account_id}).all()
        raises = self._run(sql.RAISES, {"id": account_id, "of_day": day}).all()
        tokens = self._run(sql.TOKENS, {"id": account_id}).all()
        transfers = self._run(sql.TRANSFERS, {"id": account_id}).all()
        return ActFacts(
            account,
            tuple(map(Card._make, cards)),
            tuple(map(Raise._make, raises)),
            tuple(sql.row_token(row, unseal(self._keys, row.serial, row.secret_sealed)) for row in tokens),
            customer=sql.row_customer(customer),
            transfers=tuple(map(sql.row_transfer, transfers)),
            transferred_jpy=int(self._scalar(sql.TRANSFERRED, id=account_id, of_day=day) or 0),
            payee=accounts.get(payee_id),
            numbered=tuple(self._run(sql.NUMBERED, {"id": account_id}).scalars()),
        )

    def act_result(self, key: str) -> ActResult | None:
        found: ActResult | None = self._one(ActResult, sql.ACT_RESULT, id=key)
        return found

    def transfer(self, transfer_id: str) -> Transfer | None:
        found = self._run(sql.TRANSFER, {"id": transfer_id}).first()
        return None if found is None else sql.row_transfer(found)

    def serial_taken(self, serial: str) -> bool:
        return self._scalar(sql.SERIAL, id=serial) is not None

    def pan(self, card_id: str) -> str | None:
        sealed = self._scalar(sql.PAN, id=card_id)
        return None if sealed is None else unseal(self._keys, card_id, sealed)

    # ---------------------------------------------------------------- writes

    def apply(self, changes: Iterable[Change], now_us: int) -> None:
        for change in changes:
            _WRITERS[type(change)](self, change, now_us)

    def remember(self, exchange: Exchange) -> None:
        self._run(insert(schema.exchange), exchange._asdict())

    def remember_act(self, key: str, result: ActResult) -> None:
        self._run(insert(schema.act_result), {"key": key, **result._asdict()})

    def add_account(self, account: Account, customer: Customer | None = None) -> None:
        check_opening(account)
        self._run(insert(schema.account), {**account._asdict(), "forced_low": False})
        values = (customer or Customer(account.account_id))._asdict()
        self._run(insert(schema.customer), {name: sql.customer_value(name, values[name]) for name in values})

    def add_card(self, card: Card) -> None:
        self._known_account(card.account_id)
        self._run(insert(schema.card), card._asdict())

    def add_token(self, token: Token) -> None:
        self._known_account(token.account_id)
        values = token._asdict()
        values["secret_sealed"] = seal(self._keys, token.serial, values.pop("secret"))
        self._run(insert(schema.token), values)

    def add_pan(self, card_id: str, pan: str) -> None:
        if self._one(Card, sql.CARD, id=card_id) is None:
            raise _unknown("card")
        sealed = seal(self._keys, card_id, pan)
        self._run(insert(schema.card_number), {"card_id": card_id, "pan_sealed": sealed})

    def _known_account(self, account_id: str) -> None:
        if self._one(Account, sql.ACCOUNT, id=account_id) is None:
            raise _unknown("account")

    # ---------------------------------------------------------------- one writer per change

    def _post(self, post: Post, now_us: int) -> None:
        check_legs(post)
        values = post._asdict()
        legs = values.pop("legs")
        seq = self._run(sql.NEW_JOURNAL, {**values, "at_us": now_us}).scalar_one()
        self._run(
            insert(schema.leg),
            [
                {"journal_seq": seq, "n": n, "book": book, "amount_jpy": amount_jpy}
                for n, (book, amount_jpy) in enumerate(legs)
            ],
        )
        for book, amount_jpy in legs:
            if book.startswith(CUSTOMER):
                self._move_customer(book[len(CUSTOMER) :], amount_jpy, post.forced)
            else:
                self._books[book] = self._books.get(book, 0) + amount_jpy
        self._journal.append(
            JournalRow(seq, post.key, post.kind, post.day, now_us, post.refers, post.forced, legs)
        )

    def _move_customer(self, account_id: str, amount_jpy: int, forced: bool) -> None:
        if not self._changed(sql.MOVE_CUSTOMER, id=account_id, jpy=amount_jpy, by_force=forced):
            self._known_account(account_id)
            raise Conflict("the balance no longer covers an unforced posting")

    def _count_use(self, change: CountUse, now_us: int) -> None:
        key = change.account_id, change.day
        used = self._uses.get(key)
        if used is None:
            used = self._load_uses(*key)
        seen = used.get(change.medium)
        left = (seen or 0) + change.amount_jpy
        if left < 0:
            raise Conflict("the limit counter would fall below 0")
        if seen is None:
            row = {"account_id": change.account_id, "day": change.day, "medium": change.medium}
            self._run(insert(schema.limit_use), {**row, "used_jpy": left})
        elif not self._changed(
            sql.COUNT_USE, id=key[0], of_day=key[1], of_medium=change.medium, seen=seen, left=left
        ):
            raise Conflict("the limit counter has moved since it was read")
        used[change.medium] = left

    def _count_month(self, change: CountMonth, now_us: int) -> None:
        of_month = {"id": change.account_id, "month": change.month, "service": change.service}
        uses = (self._scalar(sql.MONTH, **of_month) or 0) + change.uses
        if uses < 0:
            raise Conflict("the month's number of uses would fall below 0")
        # the whole number is written, because a CHECK also looks at a row that is about to become an update
        self._run(self._upserts.set_month, change._replace(uses=uses)._asdict())

    def _set_account(self, change: SetAccount, now_us: int) -> None:
        check_field(change)
        if change.field != "held_jpy":
            self._set(schema.account, change.account_id, change.field, change.value)
        elif not self._changed(sql.HOLD, id=change.account_id, jpy=change.value):
            self._known_account(change.account_id)
            raise Conflict("the balance no longer covers what is to be held")

    def _set_card(self, change: SetCard, now_us: int) -> None:
        check_field(change)
        self._set(schema.card, change.card_id, change.field, change.value)

    def _set_token(self, change: SetToken, now_us: int) -> None:
        check_field(change)
        self._set(schema.token, change.serial, change.field, change.value)

    def _set_customer(self, change: SetCustomer, now_us: int) -> None:
        check_field(change)
        value = sql.customer_value(change.field, change.value)
        self._set(schema.customer, change.account_id, change.field, value)

    def _add_token(self, change: AddToken, now_us: int) -> None:
        self.add_token(change.token)

    def _open_transfer(self, change: OpenTransfer, now_us: int) -> None:
        self._known_account(change.transfer.account_id)
        self._run(insert(schema.transfer), sql.transfer_values(change.transfer))

    def _move_transfer(self, change: MoveTransfer, now_us: int) -> None:
        if not self._changed(
            sql.MOVE_TRANSFER,
            id=change.transfer_id,
            seen=change.was,
            new_state=change.state,
            of_day=change.day,
            new_due_us=change.due_us,
        ):
            if self.transfer(change.transfer_id) is None:
                raise _unknown("transfer")
            raise Conflict("the transfer has moved on since it was read")

    def _charge_login(self, change: ChargeLogin, now_us: int) -> None:
        if not self._changed(sql.CHARGE_LOGIN, id=change.account_id, limit=change.limit):
            self._known_account(change.account_id)
            raise Refused("the login tries of this account are used up")

    def _set(self, table: Table, key: str, field: str, value: Any) -> None:
        (identity,) = table.primary_key
        if not self._changed(update(table).where(identity == key).values({field: value})):
            raise _unknown(table.name)

    def _charge_pin(self, change: ChargePin, now_us: int) -> None:
        if not self._changed(sql.CHARGE_PIN, id=change.card_id, limit=change.limit):
            if self._one(Card, sql.CARD, id=change.card_id) is None:
                raise _unknown("card")
            raise Refused("the PIN tries of this card are used up")

    def _charge_otp(self, change: ChargeOtp, now_us: int) -> None:
        if not self._changed(sql.CHARGE_OTP, id=change.account_id, limit=change.limit):
            self._known_account(change.account_id)
            raise Refused("the OTP tries of this account are used up")

    def _consume_step(self, change: ConsumeStep, now_us: int) -> None:
        if not self._changed(sql.CONSUME_STEP, id=change.serial, step=change.step):
            if self._scalar(sql.SERIAL, id=change.serial) is None:
                raise _unknown("token")
            raise Refused("this token step is spent or its token is locked")

    def _put_raise(self, change: PutRaise, now_us: int) -> None:
        self._known_account(change.account_id)
        self._run(self._upserts.put_raise, {**change._asdict(), "cancelled": False})

    def _cancel_raise(self, change: CancelRaise, now_us: int) -> None:
        if not self._changed(sql.CANCEL_RAISE, id=change.account_id, of_day=change.day):
            raise Conflict("the raise to cancel is not there")

    def _open(self, change: Open, now_us: int) -> None:
        self._run(insert(schema.authorisation), change.authorisation._asdict())

    def _resolve(self, change: Resolve, now_us: int) -> None:
        if not self._changed(
            sql.RESOLVE, id=change.original_key, new_state=change.state, back=change.reversed_jpy
        ):
            raise Conflict("the authorisation is not there, or would give back less than before or too much")

    def _notify(self, change: Notify, now_us: int) -> None:
        self._run(insert(schema.outbox), {**change._asdict(), "at_us": now_us, "state": "waiting"})

    def _write_audit(self, change: Audit, now_us: int) -> None:
        seq = self._run(sql.NEW_AUDIT, {**change._asdict(), "at_us": now_us}).scalar_one()
        self._audit.append(AuditRow(seq, now_us, *change))

    def _raise_exception(self, change: RaiseException, now_us: int) -> None:
        self._run(insert(schema.exception_item), {**change._asdict(), "at_us": now_us, "state": "open"})

    # ---------------------------------------------------------------- rows that all customers share

    def _write_shared_rows(self) -> None:
        for book in sorted(self._books):
            self._run(self._upserts.add_balance, {"book": book, "balance_jpy": self._books[book]})
        if self._journal or self._audit:
            self._link()

    def _link(self) -> None:
        """One link of this writer's chain over everything that this commit makes history (I6)."""
        key, name = self._keys.chain, self._chain_name
        tail = self._run(sql.TAIL, {"id": name}).first()
        seen, before = (0, START) if tail is None else tail
        n = seen + 1
        digest = link_digest(key, before, name, n, self._journal, self._audit)
        mark = tail_mark(key, name, n, digest)
        self._run(
            insert(schema.chain_link),
            {
                "chain": name,
                "n": n,
                "journal_seqs": ",".join(str(row.seq) for row in self._journal),
                "audit_seqs": ",".join(str(row.seq) for row in self._audit),
                "digest": digest,
            },
        )
        if tail is None:
            self._run(insert(schema.chain_tail), {"chain": name, "n": n, "digest": digest, "mark": mark})
        elif not self._changed(sql.MOVE_TAIL, id=name, seen=seen, next=n, new_digest=digest, new_mark=mark):
            raise Conflict("the end of the hash chain has moved since it was read")


def _unknown(what: str) -> LookupError:
    """Rules only change what they have been shown, so its absence is a fault of the caller."""
    return LookupError(f"a change names an {what} that the store does not hold")


_WRITERS: dict[type, Callable[[SqlUnit, Any, int], None]] = {
    Post: SqlUnit._post,
    CountUse: SqlUnit._count_use,
    CountMonth: SqlUnit._count_month,
    SetAccount: SqlUnit._set_account,
    SetCard: SqlUnit._set_card,
    SetToken: SqlUnit._set_token,
    SetCustomer: SqlUnit._set_customer,
    AddToken: SqlUnit._add_token,
    OpenTransfer: SqlUnit._open_transfer,
    MoveTransfer: SqlUnit._move_transfer,
    ChargePin: SqlUnit._charge_pin,
    ChargeOtp: SqlUnit._charge_otp,
    ChargeLogin: SqlUnit._charge_login,
    ConsumeStep: SqlUnit._consume_step,
    PutRaise: SqlUnit._put_raise,
    CancelRaise: SqlUnit._cancel_raise,
    Open: SqlUnit._open,
    Resolve: SqlUnit._resolve,
    Notify: SqlUnit._notify,
    Audit: SqlUnit._write_audit,
    RaiseException: SqlUnit._raise_exception,
}
