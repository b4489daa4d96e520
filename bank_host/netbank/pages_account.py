"""What a customer looks at: Welcome Page and statement."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.netbank import typed, words
from bank_host.netbank.visit import Customer
from bank_host.rules.facts import Payee

router = APIRouter()

LATEST = 5
STATEMENT_DAYS = 31
_COLUMNS = ("date_time", "what", "name", "bank", "account", "amount", "balance")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@router.get("/welcome")
def welcome(visit: Customer) -> Response:
    """The previous login stands first, so that a customer sees when it was somebody else (R98-R100)."""
    account_id, now_us = visit.session.account_id, visit.now_us
    lines = visit.bank.statement(account_id, date.min, visit.today)
    return visit.page(
        "welcome.html",
        facts=visit.facts,
        welcome=visit.bank.welcome(account_id),
        limits=visit.bank.limit_report(account_id, now_us),
        locked=_locked(visit),
        lines=lines[: -LATEST - 1 : -1],
    )


def _locked(visit: Customer) -> int:
    """How many switches stand on locked: of cards, of devices, of transfers and of withdrawals."""
    facts = visit.facts
    cards = (card.locked for card in facts.cards)
    devices = (each.locked for each in facts.tokens if each.state == "registered")
    stopped = (facts.customer.transfer_limit_jpy == 0, facts.account.standing_jpy == 0)
    return sum(cards) + sum(devices) + sum(stopped)


@router.get("/statement")
def statement(visit: Customer) -> Response:
    """The movements of a period, the latest first, each to the second (R101, R102)."""
    first, last = _period(visit)
    lines = visit.bank.statement(visit.session.account_id, first, last)
    return visit.page("statement.html", first=first, last=last, lines=lines[::-1])


@router.get("/statement.csv")
def statement_file(visit: Customer) -> Response:
    """The same movements for a spreadsheet, in their order; the mark at its front tells Excel that it is UTF-8."""
    first, last = _period(visit)
    file = StringIO(newline="")
    rows = csv.writer(file)
    rows.writerow([words.named("column", name, visit.language) for name in _COLUMNS])
    for line in visit.bank.statement(visit.session.account_id, first, last):
        what = words.named("kind", line.kind, visit.language)
        rows.writerow(
            [
                f"{line.at:%Y-%m-%d %H:%M:%S}",
                what,
                *_other_side(visit, line.other),
                line.amount_jpy,
                line.balance_jpy,
            ]
        )
    name = f"statement-{first}-{last}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response("\ufeff" + file.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def _period(visit: Customer) -> tuple[date, date]:
    """As asked for, whichever day is named first; else the latest month."""
    asked = visit.request.query_params
    last = typed.day(asked.get("to", "")) or visit.today
    first = typed.day(asked.get("from", "")) or typed.days_before(last, STATEMENT_DAYS)
    return min(first, last), max(first, last)


def _other_side(visit: Customer, other: Payee | None) -> list[str]:
    """Name, bank and account. What somebody typed stays text: a spreadsheet would take `=` for a formula."""
    if other is None:
        return ["", "", ""]
    account = other.account_id and words.account(other.account_id, visit.language)
    told = [other.name, other.bank or visit.say("this_bank"), account]
    return [f"'{each}" if each.startswith(_FORMULA) else each for each in told]
