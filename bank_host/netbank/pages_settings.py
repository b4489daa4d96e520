"""What a customer changes about himself and his devices: tokens, data, PIN, login ID (R20, R36-R45, R72-R77)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.netbank import typed
from bank_host.netbank.visit import REFUSED, SESSION, Customer, CustomersForm
from bank_host.rules.changes import Outcome
from bank_host.secrets import Pin, Secret

router = APIRouter()

_TOKEN_TOLD = {
    "order_token": "ORDERED",
    "exchange_token": "ORDERED",
    "register_token": "REGISTERED",
    "resync_token": "RESYNCED",
}
_TEXTS = ("address", "phone")


@router.get("/tokens")
def tokens(visit: Customer) -> Response:
    return visit.page("tokens.html", facts=visit.facts)


@router.post("/tokens")
def change_tokens(visit: CustomersForm) -> Response:
    form, kind = visit.form, visit.form.get("act", "")
    fields: dict[str, Any] = {"serial": typed.line(form.get("serial", ""), 40)}
    match kind:
        case "order_token":
            fields = {}
        case "exchange_token":
            fields["detail"] = form.get("why", "")
        case "register_token":
            fields |= visit.proofs()
        case "resync_token":
            fields |= {"otp": visit.proofs()["otp"], "second_otp": form.get("second_otp", "").strip()}
        case _:
            return visit.page("tokens.html", REFUSED, facts=visit.facts, refused="UNKNOWN_ACT")
    outcome = visit.act(kind, **fields)
    if outcome.outcome == "done":
        return visit.go("/tokens", _TOKEN_TOLD[kind])
    return visit.page("tokens.html", REFUSED, facts=visit.facts, refused=outcome.reason)


@router.get("/settings")
def settings(visit: Customer) -> Response:
    return _settings(visit)


@router.post("/settings")
def change_settings(visit: CustomersForm) -> Response:
    match visit.form.get("act"):
        case "change_customer_data":
            outcome = _change_data(visit)
            if outcome.outcome == "done":
                return visit.go("/settings", "DATA_CHANGED")
        case "change_pin_online":
            outcome = _change_pin(visit)
            if outcome.outcome == "done":
                return _log_in_again(visit, outcome.reason or "PIN_CHANGED")
        case "change_password":
            outcome = _change_password(visit)
            if outcome.outcome == "done":
                return _log_in_again(visit, "PASSWORD_CHANGED")
        case "set_login_id":
            outcome = visit.act("set_login_id", login_id=visit.form.get("login_id", "").strip())
            if outcome.outcome == "done":
                return _log_in_again(visit, "LOGIN_ID_SET")
        case _:
            outcome = Outcome("refused", "UNKNOWN_ACT")
    return _settings(visit, REFUSED, refused=outcome.reason)


def _change_data(visit: CustomersForm) -> Outcome:
    """Only what differs is asked for, so that an address can be changed without a telephone number."""
    data: list[tuple[str, Any]] = []
    for name in _TEXTS:
        value = visit.form.get(name, "").strip()
        if value != getattr(visit.facts.customer, name):
            data.append((name, value))
    emails = tuple(typed.line(each, 300) for each in visit.form.get("emails", "").split())
    if emails != visit.facts.customer.emails:
        data.append(("emails", emails))
    return visit.act("change_customer_data", data=tuple(data), otp=visit.proofs()["otp"])


def _change_pin(visit: CustomersForm) -> Outcome:
    """Both entries have to agree; they are enciphered at once and kept nowhere."""
    first, second = (typed.digits(visit.form.get(name, "")) for name in ("new_pin_1", "new_pin_2"))
    pin = first if first == second and len(first) == 4 else ""
    block = visit.bank.pin_block(visit.session.account_id, Pin(pin)) if pin else ""
    if not block:
        return Outcome("refused", "BAD_PIN")
    return visit.act("change_pin_online", new_pin_block=block, otp=visit.proofs()["otp"])


def _change_password(visit: CustomersForm) -> Outcome:
    """Both entries have to agree; a password is taken as it is typed, spaces too."""
    first, second = (visit.form.get(name, "") for name in ("new_password_1", "new_password_2"))
    return visit.act(
        "change_password",
        password=Secret(visit.form.get("password", "")),
        new_password=Secret(first if first == second else ""),
        otp=visit.proofs()["otp"],
    )


def _log_in_again(visit: CustomersForm, told: str) -> Response:
    """Every session ends with what it was proved by (ASVS v5.0.0-7.4.3)."""
    visit.cookies[SESSION] = ""
    return visit.go("/login", told)


def _settings(visit: Customer, status: int = 200, **values: Any) -> Response:
    return visit.page("settings.html", status, customer=visit.facts.customer, **values)
