"""What a customer looks at: Welcome Page and statement."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.netbank import typed
from bank_host.netbank.visit import Customer

router = APIRouter()

LATEST = 5
STATEMENT_DAYS = 31


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
    """How many switches stand on locked: of cards, of devices, of transfers."""
    facts = visit.facts
    cards, devices = (card.locked for card in facts.cards), (each.locked for each in facts.tokens)
    return sum(cards) + sum(devices) + (facts.customer.transfer_limit_jpy == 0)


@router.get("/statement")
def statement(visit: Customer) -> Response:
    """The movements of a period, the latest first, each to the second (R101, R102)."""
    asked = visit.request.query_params
    last = typed.day(asked.get("to", "")) or visit.today
    first = typed.day(asked.get("from", "")) or typed.days_before(last, STATEMENT_DAYS)
    lines = visit.bank.statement(visit.session.account_id, first, last)
    return visit.page("statement.html", first=first, last=last, lines=lines[::-1])
