"""The door: login, logout, and the language that everything is shown in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from bank_host.jst import MINUTE_US
from bank_host.netbank import typed
from bank_host.netbank.gate import Entry, LoggedIn
from bank_host.netbank.visit import (
    DEVICE,
    LANGUAGE,
    SESSION,
    Anybody,
    AnybodysForm,
    CustomersForm,
    NotLoggedInHere,
    customer,
)
from bank_host.policy.figures import CHANNELS
from bank_host.rules.languages import LANGUAGES
from bank_host.secrets import Secret

router = APIRouter()

NOT_LET_IN, SLOW_DOWN = 401, 429
_PAGE = re.compile(r"/[a-z][a-z0-9_:/]*")


def _somebody(request: Request) -> bool:
    try:
        customer(request)
    except NotLoggedInHere:
        return False
    return True


@router.get("/")
def root(visit: Anybody, logged_in: Annotated[bool, Depends(_somebody)]) -> Response:
    return visit.go("/welcome" if logged_in else "/login")


@router.get("/login")
def login_page(visit: Anybody) -> Response:
    return visit.page("login.html", channels=CHANNELS, form=_shown({}))


def _shown(form: Mapping[str, str]) -> dict[str, str]:
    """What a login form shows again; never what proves identity."""
    return {name: form.get(name, "") for name in ("channel", "branch", "account")}


@router.post("/login")
def log_in(visit: AnybodysForm) -> Response:
    """Every failure looks the same, whether the account is unknown or its password is wrong (ASVS v5.0.0-6.3.8)."""
    form = visit.form
    entry = Entry(
        form.get("channel", "pc"),
        typed.account(form.get("branch", ""), form.get("account", "")),
        form.get("login_id", ""),
        Secret(form.get("password", "")),
        visit.request.client.host if visit.request.client else "",
        visit.device,
    )
    result = visit.netbank.gate.log_in(entry, visit.now_us)
    if isinstance(result, LoggedIn):
        visit.cookies[SESSION] = result.session.session_id
        visit.cookies[DEVICE] = result.device
        return visit.go("/welcome")
    return visit.page(
        "login.html",
        SLOW_DOWN if result.wait_us else NOT_LET_IN,
        refused=result.reason,
        wait_minutes=-(-result.wait_us // MINUTE_US),
        channels=CHANNELS,
        form=_shown(form),
    )


@router.post("/logout")
def log_out(visit: CustomersForm) -> Response:
    visit.netbank.sessions.end(visit.session, visit.now_us)
    visit.cookies[SESSION] = ""
    return visit.go("/login", "LOGGED_OUT")


@router.post("/language")
def choose_language(visit: AnybodysForm) -> Response:
    chosen, back = visit.form.get("language", ""), visit.form.get("back", "")
    if chosen in LANGUAGES:
        visit.cookies[LANGUAGE] = chosen
    response = visit.go(back if _PAGE.fullmatch(back) else "/")
    assert isinstance(response, RedirectResponse)
    return response
