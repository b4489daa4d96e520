"""Locks as switches: a press locks at once, releasing asks for proof (R109-R122, Q7)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.netbank.visit import REFUSED, SESSION, Customer, CustomersForm

router = APIRouter()

#: What each button does, and what the page says when it is done.
_SWITCHES = {
    "lock_card": "LOCKED",
    "unlock_card": "UNLOCKED",
    "lock_token": "LOCKED",
    "unlock_token": "UNLOCKED",
    "lock_id_card": "LOCKED",
    "set_transfer_limit": "STOPPED",
    "set_limit": "STOPPED",
}


@router.get("/locks")
def locks(visit: Customer) -> Response:
    return _page(visit, 200)


@router.post("/locks")
def switch(visit: CustomersForm) -> Response:
    form, kind = visit.form, visit.form.get("act", "")
    if kind not in _SWITCHES:
        return _page(visit, REFUSED, refused="UNKNOWN_ACT")
    fields: dict[str, Any] = {}  # of a limit: 0 yen, which stops everything under it
    if kind.endswith("_card") and kind != "lock_id_card":
        fields["card_id"] = form.get("card", "")
    if kind.endswith("_token"):
        fields["serial"] = form.get("serial", "")
    if kind.startswith("unlock"):
        fields |= visit.proofs()
    outcome = visit.act(kind, **fields)
    if outcome.outcome == "done" and kind in ("lock_token", "lock_id_card"):  # every session ends with it
        visit.cookies[SESSION] = ""
        return visit.go("/login", "DEVICE_LOCKED")
    if outcome.outcome == "done":
        return visit.go("/locks", _SWITCHES[kind])
    return _page(visit, REFUSED, refused=outcome.reason)


def _page(visit: Customer, status: int, **values: Any) -> Response:
    return visit.page("locks.html", status, facts=visit.facts, **values)
