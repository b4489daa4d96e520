"""Limits: of a day at ATMs, with a calendar of dated raises, and of a day's transfers (R53-R71, R78-R97)."""

from __future__ import annotations

from calendar import SUNDAY, Calendar
from datetime import date, timedelta
from typing import Any, NamedTuple

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.netbank import typed
from bank_host.netbank.visit import REFUSED, Customer, CustomersForm
from bank_host.rules.views import LimitReport

router = APIRouter()

_TOLD = {
    "set_limit": "LIMIT_CHANGED",
    "set_transfer_limit": "LIMIT_CHANGED",
    "raise_limit": "RAISED",
    "cancel_raise": "RAISE_CANCELLED",
}


class Cell(NamedTuple):
    """One day of the calendar; only days that can be raised can be chosen."""

    day: date
    choosable: bool
    raised_jpy: int = 0
    state: str = ""


class Month(NamedTuple):
    first: date
    weeks: tuple[tuple[Cell | None, ...], ...]


def months(report: LimitReport, today: date, days_ahead: int) -> tuple[Month, ...]:
    """Every month that has a day from today on that a raise can be recorded for."""
    last = today + timedelta(days=days_ahead)
    raises = {line.day: line for line in report.raises if line.state in ("active", "suspended")}

    def cell(day: date, first: date) -> Cell | None:
        if day.month != first.month:
            return None
        line = raises.get(day)
        choosable = today <= day <= last
        return Cell(day, choosable, line.amount_jpy, line.state) if line else Cell(day, choosable)

    shown, first = [], today.replace(day=1)
    while first <= last:
        weeks = Calendar(SUNDAY).monthdatescalendar(first.year, first.month)
        shown.append(Month(first, tuple(tuple(cell(day, first) for day in week) for week in weeks)))
        first = (first + timedelta(days=31)).replace(day=1)
    return tuple(shown)


@router.get("/limits")
def limits(visit: Customer) -> Response:
    return _page(visit, 200)


@router.post("/limits")
def change(visit: CustomersForm) -> Response:
    form, kind = visit.form, visit.form.get("act", "")
    if kind not in _TOLD:
        return _page(visit, REFUSED, refused="UNKNOWN_ACT")
    fields: dict[str, Any] = {"otp": visit.proofs()["otp"]}
    if kind != "cancel_raise":
        fields["amount_jpy"] = typed.yen(form.get("amount", ""))
        if fields["amount_jpy"] < 0:
            return _page(visit, REFUSED, refused="BAD_AMOUNT")
    if kind in ("raise_limit", "cancel_raise"):
        fields["day"] = typed.day(form.get("day", ""))
    outcome = visit.act(kind, **fields)
    if outcome.outcome == "done":
        return visit.go("/limits", _TOLD[kind])
    return _page(visit, REFUSED, refused=outcome.reason)


def _page(visit: Customer, status: int, **values: Any) -> Response:
    report = visit.bank.limit_report(visit.session.account_id, visit.now_us)
    account = visit.facts.account
    return visit.page(
        "limits.html",
        status,
        report=report,
        months=months(report, visit.today, visit.figures.atm_raise_days_ahead),
        figures=visit.figures,
        raise_cap_jpy=visit.figures.atm_raise_cap[account.kind],
        transfer_cap_jpy=visit.figures.transfer_cap[account.kind][account.authenticator],
        typed=visit.form,
        **values,
    )
