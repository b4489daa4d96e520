"""The web bank as an ASGI application: pages for people, `/api` for programs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from bank_host.clock import wall_clock
from bank_host.host import Bank
from bank_host.netbank import (
    api,
    pages_account,
    pages_limits,
    pages_locks,
    pages_login,
    pages_safety,
    pages_settings,
    pages_transfer,
)
from bank_host.netbank.shield import Shield
from bank_host.netbank.visit import SESSION, Netbank, NotLoggedInHere, Visit, customer
from bank_host.store.sql import SqlStore
from bank_host.store.web import WebTables

_PAGES = (
    pages_login,
    pages_account,
    pages_transfer,
    pages_limits,
    pages_locks,
    pages_settings,
    pages_safety,
)
STATIC = Path(__file__).with_name("static")


def new_secret() -> str:
    """256 bits of chance."""
    return secrets.token_urlsafe(32)


def create_app(
    bank: Bank,
    *,
    tables: WebTables | None = None,
    clock: Callable[[], int] | None = None,
    new_secret: Callable[[], str] = new_secret,
) -> FastAPI:
    """Internet banking of `bank`, to be served alone or mounted under a path.

    tables: where sessions are kept; without it in the bank's database, or in memory when the bank is in memory.
    clock: gives `now_us`, the bank's time for everything that is asked here; without it the computer's clock.
    new_secret: gives texts of 256 random bits, for session ids; tests hand in their own.
    """
    if tables is None:
        tables = WebTables(bank.store.engine) if isinstance(bank.store, SqlStore) else WebTables.in_memory()
    app = FastAPI(
        title="Web bank", version="1", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json"
    )
    app.state.netbank = Netbank(bank, tables, clock or wall_clock(), new_secret)
    for pages in _PAGES:
        app.include_router(pages.router, include_in_schema=False)
    app.include_router(api.router)
    app.mount("/static", StaticFiles(directory=STATIC))
    app.add_exception_handler(NotLoggedInHere, _to_login)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(api.Refused, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_middleware(Shield)
    return app


def _to_login(request: Request, error: Exception) -> Response:
    """A session that is over is told; who never had one is just asked to log in."""
    had_one = bool(request.cookies.get(SESSION))
    visit = Visit(request, {})
    if had_one:
        visit.cookies[SESSION] = ""
    return visit.go("/login", "SESSION_ENDED" if had_one else "")


def _told(request: Request, error: Exception) -> Response:
    """What the web itself refuses: no such page, no such method, a form that is not this site's."""
    assert isinstance(error, HTTPException)
    if request.url.path.removeprefix(request.scope.get("root_path", "")).startswith("/api/"):
        return api.problem(error.status_code, f"HTTP_{error.status_code}")
    return _whoever(request).page("problem.html", error.status_code, code=error.status_code)


def _whoever(request: Request) -> Visit:
    """A customer keeps menu and logout on a page that is none."""
    try:
        return customer(request)
    except NotLoggedInHere:
        return Visit(request, {})


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, api.Refused)
    return api.problem(error.status, error.reason, error.wait_s)


def _malformed(request: Request, error: Exception) -> Response:
    """Where it is wrong stands in the description; what was sent is not said again, it may hold a code."""
    return api.problem(422, "BAD_REQUEST")
