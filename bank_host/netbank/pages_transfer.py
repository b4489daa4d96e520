"""Transfers: entry, confirm screen with [Transfer] [Correct] [Cancel], receipt (R16, R22-R31).

The bank stores what is entered; the confirm screen shows what is stored, and the code approves that and nothing else.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from bank_host.netbank import typed
from bank_host.netbank.visit import REFUSED, Customer, CustomersForm
from bank_host.rules.facts import Payee, Transfer

router = APIRouter()

_LONGEST_NAME = _LONGEST_ID = 60
_EMPTY = {"bank": "", "branch": "", "account": "", "name": "", "amount": ""}


@router.get("/transfer")
def entry(visit: Customer) -> Response:
    return _entry(visit, _EMPTY)


@router.post("/transfer")
def enter(visit: CustomersForm) -> Response:
    form = {name: visit.form.get(name, "") for name in _EMPTY}
    payee = Payee(
        typed.line(form["bank"], _LONGEST_NAME),
        typed.account(form["branch"], form["account"]),
        typed.line(form["name"], _LONGEST_NAME),
    )
    outcome = visit.act("enter_transfer", payee=payee, amount_jpy=typed.yen(form["amount"]))
    if outcome.outcome == "done":
        return visit.go("/transfer/confirm")
    return _entry(visit, form, REFUSED, refused=outcome.reason)


@router.get("/transfer/confirm")
def confirm_screen(visit: Customer) -> Response:
    waiting = _pending(visit)
    return visit.go("/transfer") if waiting is None else _confirm(visit, waiting)


@router.post("/transfer/confirm")
def confirm(visit: CustomersForm) -> Response:
    """One of the three buttons, for the transfer that the screen showed."""
    shown = typed.line(visit.form.get("transfer", ""), _LONGEST_ID)
    match visit.form.get("button"):
        case "correct":
            return _correct(visit, shown)
        case "cancel":
            outcome = visit.act("cancel_transfer", transfer=shown)
            return visit.go("/welcome", "TRANSFER_CANCELLED" if outcome.outcome == "done" else "")
        case "transfer":
            pass
        case _:
            raise HTTPException(400)
    outcome = visit.act("confirm_transfer", transfer=shown, otp=visit.proofs()["otp"])
    if outcome.outcome == "done":
        return visit.go(f"/transfer/done/{shown}")
    waiting = _pending(visit)
    if waiting is None or waiting.transfer_id != shown:
        return _entry(visit, _EMPTY, REFUSED, refused=outcome.reason)
    return _confirm(visit, waiting, REFUSED, refused=outcome.reason)


@router.get("/transfer/done/{transfer_id}")
def receipt(visit: Customer, transfer_id: str) -> Response:
    """Of the customer's own transfers only; another's is one that does not exist (ASVS v5.0.0-8.2.2)."""
    entry = visit.bank.transfer(typed.line(transfer_id, _LONGEST_ID))
    if entry is None or entry.account_id != visit.session.account_id:
        raise HTTPException(404)
    return visit.page("receipt.html", transfer=entry)


def _correct(visit: CustomersForm, shown: str) -> Response:
    """Back to the entry with what was entered; the stored one is dropped, no code is consumed (R27)."""
    entry = next((each for each in visit.facts.transfers if each.transfer_id == shown), None)
    outcome = visit.act("correct_transfer", transfer=shown)
    if outcome.outcome != "done" or entry is None:
        return visit.go("/transfer")
    payee = entry.payee
    form = {
        "bank": payee.bank,
        "branch": payee.account_id[:3],
        "account": payee.account_id[3:],
        "name": payee.name,
        "amount": str(entry.amount_jpy),
    }
    return _entry(visit, form)


def _pending(visit: Customer) -> Transfer | None:
    return next((each for each in visit.facts.transfers if each.state == "pending"), None)


def _entry(visit: Customer, form: dict[str, str], status: int = 200, **values: Any) -> Response:
    reserved = [each for each in visit.facts.transfers if each.state == "reserved"]
    return visit.page("transfer.html", status, form=form, facts=visit.facts, reserved=reserved, **values)


def _confirm(visit: Customer, waiting: Transfer, status: int = 200, **values: Any) -> Response:
    return visit.page("confirm.html", status, transfer=waiting, **values)
