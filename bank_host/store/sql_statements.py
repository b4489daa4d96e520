"""The SQL of a unit of work, built once. Parameters never bear a column's name, which SQLAlchemy would write.

Every update here is guarded: its row count says whether what it expects was still true.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BindParameter,
    Select,
    Table,
    and_,
    bindparam,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from bank_host.rules.facts import (
    Account,
    Authorisation,
    Card,
    Customer,
    Exchange,
    Payee,
    Raise,
    Token,
    Transfer,
)
from bank_host.store import schema
from bank_host.store.contract import ActResult
from bank_host.store.writing import WAITING


def columns(table: Table, row: Any) -> Select[Any]:
    """SELECT the fields of a row record, in its order."""
    return select(*(table.c[field] for field in row._fields))


def row_token(row: Any, secret: str) -> Token:
    values = row._asdict()
    del values["secret_sealed"]
    return Token(secret=secret, **values)


def row_customer(row: Any) -> Customer:
    customer = Customer._make(row)
    return customer._replace(emails=tuple(row.emails.splitlines()))


def customer_value(field: str, value: Any) -> Any:
    """How a field of a customer is written: e-mail addresses one a line."""
    return "\n".join(value) if field == "emails" else value


def row_transfer(row: Any) -> Transfer:
    values = row._asdict()
    payee = Payee(*(values.pop(f"payee_{part}") for part in ("bank", "account", "name")))
    return Transfer(payee=payee, **values)


def transfer_values(transfer: Transfer) -> dict[str, Any]:
    values = transfer._asdict()
    bank, account_id, name = values.pop("payee")
    return {**values, "payee_bank": bank, "payee_account": account_id, "payee_name": name}


_A, _C, _T, _U, _M = schema.account, schema.card, schema.token, schema.limit_use, schema.month_use
_H, _TR = schema.customer, schema.transfer
_R, _AUTH, _B = schema.atm_raise, schema.authorisation, schema.ledger_balance

_ID: BindParameter[Any] = bindparam("id")
_DAY: BindParameter[Any] = bindparam("of_day")

ACCOUNT = columns(_A, Account).where(_A.c.account_id == _ID).with_for_update()
ACCOUNTS = (  # locked in the order of their numbers, so that two transfers across each other do not block
    columns(_A, Account)
    .where(or_(_A.c.account_id == _ID, _A.c.account_id == bindparam("other")))
    .order_by(_A.c.account_id)
    .with_for_update()
)
CUSTOMER = columns(_H, Customer).where(_H.c.account_id == _ID).with_for_update()
TRANSFERS = (
    select(_TR)
    .where(_TR.c.account_id == _ID, _TR.c.state.in_(WAITING))
    .order_by(_TR.c.transfer_id)
    .with_for_update()
)
TRANSFERRED = select(func.sum(_TR.c.amount_jpy)).where(_TR.c.account_id == _ID, _TR.c.day == _DAY)
TRANSFER = select(_TR).where(_TR.c.transfer_id == _ID)
NUMBERED = (
    select(_C.c.card_id)
    .join(schema.card_number, schema.card_number.c.card_id == _C.c.card_id)
    .where(_C.c.account_id == _ID)
    .order_by(_C.c.card_id)
)
PAN = select(schema.card_number.c.pan_sealed).where(schema.card_number.c.card_id == _ID)
ACCOUNT_OF_CARD = select(_C.c.account_id).where(_C.c.card_id == _ID)
CARD = columns(_C, Card).where(_C.c.card_id == _ID).with_for_update()
CARDS = columns(_C, Card).where(_C.c.account_id == _ID).order_by(_C.c.card_id).with_for_update()
TOKENS = select(_T).where(_T.c.account_id == _ID).order_by(_T.c.serial).with_for_update()
USES = (
    select(_U.c.medium, _U.c.used_jpy)
    .where(_U.c.account_id == _ID, _U.c.day == _DAY)
    .order_by(_U.c.medium)
    .with_for_update()
)
MONTH = select(_M.c.uses).where(
    _M.c.account_id == _ID, _M.c.month == bindparam("month"), _M.c.service == bindparam("service")
)
RAISE = columns(_R, Raise).where(_R.c.account_id == _ID, _R.c.day == _DAY, ~_R.c.cancelled)
RAISES = columns(_R, Raise).where(_R.c.account_id == _ID, _R.c.day >= _DAY).order_by(_R.c.day)
EXCHANGE = columns(schema.exchange, Exchange).where(schema.exchange.c.key == _ID)
ACCOUNT_OF_AUTHORISATION = select(_AUTH.c.account_id).where(_AUTH.c.original_key == _ID)
AUTHORISATION = columns(_AUTH, Authorisation).where(_AUTH.c.original_key == _ID).with_for_update()
ACT_RESULT = columns(schema.act_result, ActResult).where(schema.act_result.c.key == _ID)

SERIAL = select(_T.c.serial).where(_T.c.serial == _ID)

NEXT_SEQ = insert(schema.host_number).returning(schema.host_number.c.seq)
NEW_JOURNAL = insert(schema.journal).returning(schema.journal.c.seq)
NEW_AUDIT = insert(schema.audit).returning(schema.audit.c.seq)

# The balance moves only while it covers the posting, or by force; a forced one below 0 leaves its flag (I4).
_MOVED = _A.c.posted_jpy + bindparam("jpy")
MOVE_CUSTOMER = (
    update(_A)
    .where(
        _A.c.account_id == _ID,
        or_(literal(0) <= bindparam("jpy"), bindparam("by_force"), _A.c.held_jpy <= _MOVED),
    )
    .values(
        posted_jpy=_MOVED,
        forced_low=and_(or_(_A.c.forced_low, bindparam("by_force")), _A.c.held_jpy > _MOVED),
    )
)
HOLD = (
    update(_A)
    .where(
        _A.c.account_id == _ID,
        or_(bindparam("jpy") <= _A.c.posted_jpy, bindparam("jpy") <= _A.c.held_jpy),
    )
    .values(held_jpy=bindparam("jpy"), forced_low=and_(_A.c.forced_low, _A.c.posted_jpy < bindparam("jpy")))
)
CHARGE_PIN = (
    update(_C)
    .where(_C.c.card_id == _ID, _C.c.pin_fails < bindparam("limit"))
    .values(pin_fails=_C.c.pin_fails + 1)
)
CHARGE_OTP = (
    update(_A)
    .where(_A.c.account_id == _ID, ~_A.c.otp_locked, _A.c.otp_fails < bindparam("limit"))
    .values(otp_fails=_A.c.otp_fails + 1)
)
CHARGE_LOGIN = (
    update(_H)
    .where(_H.c.account_id == _ID, ~_H.c.password_lapsed, _H.c.login_fails < bindparam("limit"))
    .values(login_fails=_H.c.login_fails + 1)
)
MOVE_TRANSFER = (
    update(_TR)
    .where(_TR.c.transfer_id == _ID, _TR.c.state == bindparam("seen"))
    .values(state=bindparam("new_state"), day=bindparam("of_day"), due_us=bindparam("new_due_us"))
)
CONSUME_STEP = (
    update(_T)
    .where(_T.c.serial == _ID, ~_T.c.locked, _T.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)
COUNT_USE = (
    update(_U)
    .where(
        _U.c.account_id == _ID,
        _U.c.day == _DAY,
        _U.c.medium == bindparam("of_medium"),
        _U.c.used_jpy == bindparam("seen"),
    )
    .values(used_jpy=bindparam("left"))
)
CANCEL_RAISE = update(_R).where(_R.c.account_id == _ID, _R.c.day == _DAY).values(cancelled=True)
RESOLVE = (
    update(_AUTH)
    .where(
        _AUTH.c.original_key == _ID,
        _AUTH.c.reversed_jpy <= bindparam("back"),
        _AUTH.c.amount_jpy >= bindparam("back"),
    )
    .values(state=bindparam("new_state"), reversed_jpy=bindparam("back"))
)
TAIL = (
    select(schema.chain_tail.c.n, schema.chain_tail.c.digest)
    .where(schema.chain_tail.c.chain == _ID)
    .with_for_update()
)
MOVE_TAIL = (
    update(schema.chain_tail)
    .where(schema.chain_tail.c.chain == _ID, schema.chain_tail.c.n == bindparam("seen"))
    .values(n=bindparam("next"), digest=bindparam("new_digest"), mark=bindparam("new_mark"))
)

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Upserts:
    """Insert-or-change statements, which each engine spells in its own dialect."""

    def __init__(self, dialect: str) -> None:
        put = _INSERT[dialect]
        month = put(_M)
        self.set_month = month.on_conflict_do_update(
            index_elements=list(_M.primary_key), set_={"uses": month.excluded.uses}
        )
        dated = put(_R)
        self.put_raise = dated.on_conflict_do_update(
            index_elements=list(_R.primary_key),
            set_={name: dated.excluded[name] for name in ("amount_jpy", "seq", "cancelled")},
        )
        book = put(_B)
        self.add_balance = book.on_conflict_do_update(
            index_elements=list(_B.primary_key),
            set_={"balance_jpy": _B.c.balance_jpy + book.excluded.balance_jpy},
        )


UPSERTS = {dialect: Upserts(dialect) for dialect in _INSERT}
