"""The SQL by which a unit of work loads rows, built once; how rows and records are made from each other.

Parameters never bear a column's name. Every load takes a list of keys, so that one statement serves a whole batch;
rows that lock come in the order of their keys.
"""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Select, Table, bindparam, or_, select

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
_R, _AUTH = schema.atm_raise, schema.authorisation

_KEYS: BindParameter[Any] = bindparam("keys", expanding=True)
_DAY: BindParameter[Any] = bindparam("of_day")

ACCOUNTS = columns(_A, Account).where(_A.c.account_id.in_(_KEYS)).order_by(_A.c.account_id).with_for_update()
ACCOUNTS_OF_CARDS = select(_C.c.account_id).where(_C.c.card_id.in_(_KEYS))
CARDS = columns(_C, Card).where(_C.c.card_id.in_(_KEYS)).order_by(_C.c.card_id).with_for_update()
CARDS_WITH_ACCOUNTS = (  # an account and its card are locked together, accounts in their order
    select(
        *(_C.c[name].label(f"card_{name}") for name in Card._fields),
        *(_A.c[name].label(f"account_{name}") for name in Account._fields),
    )
    .join(_A, _A.c.account_id == _C.c.account_id)
    .where(_C.c.card_id.in_(_KEYS))
    .order_by(_A.c.account_id, _C.c.card_id)
    .with_for_update()
)
USES = columns(_U, Use).where(_U.c.account_id.in_(_KEYS), _U.c.day == _DAY)
MONTHS = columns(_M, MonthUse).where(_M.c.account_id.in_(_KEYS), _M.c.month == bindparam("of_month"))
RAISES = columns(_R, Raise).where(_R.c.account_id.in_(_KEYS), _R.c.day == _DAY)
EXCHANGES = columns(schema.exchange, Exchange).where(schema.exchange.c.key.in_(_KEYS))
ACCOUNTS_OF_AUTHORISATIONS = select(_AUTH.c.account_id).where(_AUTH.c.original_key.in_(_KEYS))
AUTHORISATIONS = (
    columns(_AUTH, Authorisation)
    .where(_AUTH.c.original_key.in_(_KEYS))
    .order_by(_AUTH.c.original_key)
    .with_for_update()
)
ACT_RESULTS = select(schema.act_result).where(schema.act_result.c.key.in_(_KEYS))

# everything of an account, for an act of its holder
CUSTOMERS = columns(_H, Customer).where(_H.c.account_id.in_(_KEYS))
CARDS_OF_ACCOUNTS = columns(_C, Card).where(_C.c.account_id.in_(_KEYS)).with_for_update()
TOKENS_OF_ACCOUNTS = select(_T).where(_T.c.account_id.in_(_KEYS)).with_for_update()
RAISES_FROM = columns(_R, Raise).where(_R.c.account_id.in_(_KEYS), _R.c.day >= _DAY)
TRANSFERS_OF_ACCOUNTS = (
    select(_TR)
    .where(_TR.c.account_id.in_(_KEYS), or_(_TR.c.state.in_(WAITING), _TR.c.day == _DAY))
    .with_for_update()
)
NUMBERED = (
    select(_C.c.card_id)
    .join(schema.card_number, schema.card_number.c.card_id == _C.c.card_id)
    .where(_C.c.account_id.in_(_KEYS))
)

TOKENS = select(_T).where(_T.c.serial.in_(_KEYS)).with_for_update()
TRANSFERS = select(_TR).where(_TR.c.transfer_id.in_(_KEYS))
_I = schema.exception_item
ITEMS = columns(_I, ExceptionRow).where(_I.c.key.in_(_KEYS)).order_by(_I.c.key).with_for_update()
PANS = select(schema.card_number.c.pan_sealed).where(schema.card_number.c.card_id.in_(_KEYS))
