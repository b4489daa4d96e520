"""The SQL by which a unit of work loads rows, built once; how rows and records are made from each other.

Parameters never bear a column's name. Every load takes a list of keys, so that one statement serves a whole batch of
any size; rows that lock come in the order of their keys.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Select, Table, bindparam, func, or_, select, text

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
from bank_host.store.contract import ExceptionRow
from bank_host.store.driver import Among
from bank_host.store.sealing import StoreKeys, unseal
from bank_host.store.writing import WAITING


class Use(NamedTuple):
    """A row of the limit counters."""

    account_id: str
    day: date
    medium: str
    used_jpy: int


class MonthUse(NamedTuple):
    account_id: str
    month: str
    service: str
    uses: int


def columns(table: Table, row: Any) -> Select[Any]:
    """SELECT the fields of a row record, in its order."""
    return select(*(table.c[field] for field in row._fields))


def row_token(row: Any, keys: StoreKeys) -> Token:
    values = dict(zip(_TOKEN, row, strict=True))
    secret = unseal(keys, values["serial"], values.pop("secret_sealed"))
    return Token(secret=secret, **values)


def row_customer(row: Any) -> Customer:
    customer = Customer._make(row)
    return customer._replace(emails=tuple(str(customer.emails).splitlines()))


def customer_value(field: str, value: Any) -> Any:
    """How a field of a customer is written: e-mail addresses one a line."""
    return "\n".join(value) if field == "emails" else value


def row_transfer(row: Any) -> Transfer:
    values = dict(zip(_TRANSFER, row, strict=True))
    payee = Payee(*(values.pop(f"payee_{part}") for part in ("bank", "account", "name")))
    return Transfer(payee=payee, **values)


def transfer_values(transfer: Transfer) -> dict[str, Any]:
    values = transfer._asdict()
    bank, account_id, name = values.pop("payee")
    return {**values, "payee_bank": bank, "payee_account": account_id, "payee_name": name}


_TOKEN, _TRANSFER = schema.token.c.keys(), schema.transfer.c.keys()

_A, _C, _T, _U, _M = schema.account, schema.card, schema.token, schema.limit_use, schema.month_use
_H, _TR = schema.customer, schema.transfer
_R, _AUTH = schema.atm_raise, schema.authorisation

_DAY: BindParameter[Any] = bindparam("of_day", required=False)
_MONTH: BindParameter[Any] = bindparam("of_month", required=False)

ACCOUNTS = columns(_A, Account).where(Among(_A.c.account_id)).order_by(_A.c.account_id).with_for_update()
CARDS = columns(_C, Card).where(Among(_C.c.card_id)).order_by(_C.c.card_id).with_for_update()
CARDS_WITH_ACCOUNTS = (  # an account and its card are locked together, accounts in their order
    select(
        *(_C.c[name].label(f"card_{name}") for name in Card._fields),
        *(_A.c[name].label(f"account_{name}") for name in Account._fields),
    )
    .select_from(_C.join(_A, _A.c.account_id == _C.c.account_id))
    .where(Among(_C.c.card_id))
    .order_by(_A.c.account_id, _C.c.card_id)
    .with_for_update()
)
ACCOUNTS_OF_CARDS = select(_C.c.account_id).where(Among(_C.c.card_id))
USES_OF_CARDS = columns(_U, Use).where(Among(_U.c.account_id, ACCOUNTS_OF_CARDS), _U.c.day == _DAY)
MONTHS_OF_CARDS = columns(_M, MonthUse).where(Among(_M.c.account_id, ACCOUNTS_OF_CARDS), _M.c.month == _MONTH)
RAISES_OF_CARDS = columns(_R, Raise).where(Among(_R.c.account_id, ACCOUNTS_OF_CARDS), _R.c.day == _DAY)
USES = columns(_U, Use).where(Among(_U.c.account_id), _U.c.day == _DAY)
MONTHS = columns(_M, MonthUse).where(Among(_M.c.account_id), _M.c.month == _MONTH)
RAISES = columns(_R, Raise).where(Among(_R.c.account_id), _R.c.day == _DAY)
EXCHANGES = columns(schema.exchange, Exchange).where(Among(schema.exchange.c.key))
ACCOUNTS_OF_AUTHORISATIONS = select(_AUTH.c.account_id).where(Among(_AUTH.c.original_key))
AUTHORISATIONS = (
    columns(_AUTH, Authorisation)
    .where(Among(_AUTH.c.original_key))
    .order_by(_AUTH.c.original_key)
    .with_for_update()
)
ACT_RESULTS = select(schema.act_result).where(Among(schema.act_result.c.key))

# everything of an account, for an act of its holder
CUSTOMERS = columns(_H, Customer).where(Among(_H.c.account_id))
CARDS_OF_ACCOUNTS = columns(_C, Card).where(Among(_C.c.account_id)).with_for_update()
TOKENS_OF_ACCOUNTS = select(_T).where(Among(_T.c.account_id)).with_for_update()
RAISES_FROM = columns(_R, Raise).where(Among(_R.c.account_id), _R.c.day >= _DAY)
TRANSFERS_OF_ACCOUNTS = (
    select(_TR)
    .where(Among(_TR.c.account_id), or_(_TR.c.state.in_(WAITING), _TR.c.day == _DAY))
    .with_for_update()
)
NUMBERED = (
    select(_C.c.card_id)
    .select_from(_C.join(schema.card_number, schema.card_number.c.card_id == _C.c.card_id))
    .where(Among(_C.c.account_id))
)

TOKENS = select(_T).where(Among(_T.c.serial)).with_for_update()
TRANSFERS = select(_TR).where(Among(_TR.c.transfer_id))
TRANSFERS_LOCKED = TRANSFERS.with_for_update()
_I = schema.exception_item
ITEMS = columns(_I, ExceptionRow).where(Among(_I.c.key)).order_by(_I.c.key).with_for_update()
PANS = select(schema.card_number.c.pan_sealed).where(Among(schema.card_number.c.card_id))

# ---------------------------------------------------------------- numbers

# PostgreSQL's sequences make nobody wait; on SQLite a unit of work has the database to itself.
NEXT_NUMBERS = {
    table: text(f"SELECT nextval('{table}_seq_seq') AS seq FROM generate_series(1, :count)").columns(
        schema.metadata.tables[table].c.seq
    )
    for table in ("host_number", "journal", "audit")
}
LAST_NUMBER = {table: select(func.max(schema.metadata.tables[table].c.seq)) for table in NEXT_NUMBERS}

_TAILS = schema.chain_tail
TAIL = select(_TAILS.c.n, _TAILS.c.digest).where(_TAILS.c.chain == bindparam("id")).with_for_update()
