"""One request to the web bank: who asks, in which language, and what goes back with the answer.

`anybody`, `customer` and `posted` are what routes depend on; each form field is text of bounded length, and each POST
carries the synchroniser token of the cookie it came with (ASVS v5.0.0-3.5.1).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.exceptions import HTTPException

from bank_host.help_topics import TOPICS
from bank_host.host import Bank
from bank_host.jst import SECOND_US, jst_date
from bank_host.netbank import words
from bank_host.netbank.gate import KNOWN_US, Gate
from bank_host.netbank.sessions import Session, Sessions, csrf_of, hashed, same_csrf
from bank_host.netbank.typed import digits
from bank_host.policy import Figures
from bank_host.rules.acts.rule import available_jpy
from bank_host.rules.changes import Outcome
from bank_host.rules.facts import Act
from bank_host.rules.languages import LANGUAGES, say
from bank_host.secrets import Pin
from bank_host.store.web import WebTables

REFUSED = 422
"""The status of a page that tells why the bank did not do what was asked."""

# `__Host-`: of this host alone, over TLS or on loopback alone, for every path (ASVS v5.0.0-3.3.1).
SESSION, VISIT, DEVICE, LANGUAGE = "__Host-session", "__Host-visit", "__Host-device", "__Host-language"
_DEVICE_S = KNOWN_US // SECOND_US

_MOST_FIELDS = 60
_LONGEST_FIELD = 1_000
_LONGEST_COOKIE = 128


MENU = (
    *("welcome", "statement", "transfer", "limits", "locks"),
    *("tokens", "security", "notices", "settings", "claim"),
)
"""The pages of the menu, each with its own path and word."""


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "otp": ("OTP_REQUIRED", "OTP_FORMAT", "OTP_WRONG", "OTP_USED", "TOKEN_LOCKED"),
    "pin": ("PIN_REQUIRED", "PIN_WRONG"),
    "account": ("PAYEE_UNKNOWN",),
    "amount": (
        *("BAD_AMOUNT", "BAD_STEP", "OUT_OF_RANGE", "NOT_ABOVE_STANDING"),
        *("NO_FUNDS", "TRANSFER_LIMIT_EXCEEDED"),
    ),
    "emails": ("BAD_EMAIL",),
    "new_pin_1": ("BAD_PIN",),
    "login_id": ("BAD_LOGIN_ID",),
    "password": ("PASSWORD_REQUIRED", "PASSWORD_WRONG"),
    "new_password_1": ("BAD_PASSWORD", "SAME_PASSWORD"),
}
_FIELD_OF = {reason: field for field, reasons in _FIELDS.items() for reason in reasons}
"""Beside which field a page says why the bank refused; a reason without one stands at the top of the page only."""


class NotLoggedInHere(Exception):
    """The page is for customers, and nobody is logged in (any more)."""


class Netbank:
    """What all requests share."""

    def __init__(
        self, bank: Bank, tables: WebTables, clock: Callable[[], int], new_secret: Callable[[], str]
    ) -> None:
        self.bank = bank
        self.clock = clock
        self.new_secret = new_secret
        self.sessions = Sessions(bank, tables, new_secret)
        self.gate = Gate(bank, tables, self.sessions, new_secret)
        self.templates = Environment(
            loader=PackageLoader("bank_host.netbank"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters.update(words.FILTERS)


class Visit:
    """A request by anybody."""

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        self.netbank: Netbank = request.app.state.netbank
        self.request = request
        self.form = form
        self.now_us = self.netbank.clock()
        self.today = jst_date(self.now_us)
        self.language = _language(request)
        self.secret = _cookie(request, VISIT) or self.netbank.new_secret()
        self.menu = MENU
        self.device = _cookie(request, DEVICE)
        self.cookies: dict[str, str] = {}
        self.session: Session | None = None

    @property
    def bank(self) -> Bank:
        return self.netbank.bank

    @property
    def figures(self) -> Figures:
        return self.bank.policy.on(self.today)

    @property
    def csrf(self) -> str:
        return csrf_of(self.secret) if self.session is None else self.session.csrf

    def say(self, key: str, **values: Any) -> str:
        return words.text(key, self.language, **values)

    @property
    def otp_help(self) -> str:
        """Its first line is its heading; lines that only go on are joined."""
        return re.sub(r"\n {5}", "" if self.language == "ja" else " ", say(TOPICS["otp"], self.language))

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A page of the bank, with what all of them show."""
        reason = values.pop("refused", "")
        html = self.netbank.templates.get_template(template).render(
            visit=self,
            say=self.say,
            language=self.language,
            root=self.request.scope.get("root_path", ""),
            path=_path(self.request),
            new_key=self.netbank.new_secret,
            told=words.told(self.request.query_params.get("told", ""), self.language),
            refused=words.refused(reason, self.language),
            wrong_field=_FIELD_OF.get(reason, ""),
            **values,
        )
        return self._with_cookies(HTMLResponse(html, status))

    def go(self, path: str, told: str = "") -> Response:
        """On to a page, by GET; `told` names what it says at its top."""
        target = self.request.scope.get("root_path", "") + path + (f"?told={told}" if told else "")
        return self._with_cookies(RedirectResponse(target, 303))

    def _with_cookies(self, response: Response) -> Response:
        if self.session is None and VISIT not in self.request.cookies:
            self.cookies.setdefault(VISIT, self.secret)
        for name, value in self.cookies.items():
            lasting = _DEVICE_S if name in (DEVICE, LANGUAGE) and value else None
            response.set_cookie(
                name,
                value,
                max_age=lasting if value else 0,
                path="/",
                secure=True,
                httponly=True,
                samesite="strict",
            )
        return response


class CustomerVisit(Visit):
    """A request within a session."""

    session: Session

    def __init__(self, request: Request, form: Mapping[str, str]) -> None:
        super().__init__(request, form)
        found = self.netbank.sessions.resume(_cookie(request, SESSION), self.now_us)
        if found is None:
            raise NotLoggedInHere
        self.session, self.facts = found

    @property
    def available_jpy(self) -> int:
        """What the bank lets go of the account: without what reserved transfers hold."""
        return available_jpy(self.facts)

    @property
    def challenge(self) -> tuple[str, ...]:
        """The places of the ID card that a code is read from; empty for those who have a token."""
        if self.facts.account.authenticator != "id_card":
            return ()
        return self.bank.id_card_challenge(self.session.account_id, self.now_us)

    def proofs(self) -> dict[str, Any]:
        """What the form brings to prove more than the login did: a one-time code, a PIN."""
        pin = digits(self.form.get("pin", ""))
        pin_block = self.bank.pin_block(self.session.account_id, Pin(pin)) if pin else ""
        return {"otp": self.form.get("otp", "").strip(), "pin_block": pin_block}

    def act(self, kind: str, **fields: Any) -> Outcome:
        """Ask the bank for an act, under the request id of the form."""
        outcome = ask(self.netbank, self.session, self.form.get("request", ""), kind, self.now_us, fields)
        if outcome.outcome == "done" and proves_more(fields):
            self.session = self.netbank.sessions.renew(self.session, self.now_us)
            self.cookies[SESSION] = self.session.session_id
        return outcome


def ask(
    netbank: Netbank, session: Session, request_id: str, kind: str, now_us: int, fields: Mapping[str, Any]
) -> Outcome:
    """One act of the customer."""
    act = Act(
        act_key(session, request_id or netbank.new_secret()), kind, session.account_id, session.channel
    )._replace(**fields)
    return netbank.bank.act(act, now_us)


def act_key(session: Session, request_id: str) -> str:
    """A request id is the customer's own: nobody meets another's, nor misses a repeat."""
    return "web:" + hashed(f"{session.account_id} {request_id}")[:40]


def proves_more(fields: Mapping[str, Any]) -> bool:
    """Whether an act came with more than the session itself: then its id is new afterwards."""
    return bool(fields.get("otp") or fields.get("pin_block"))


# ---------------------------------------------------------------- what routes depend on


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of a form, no file among them; values that are too long are cut, and then are refused as wrong."""
    if request.method != "POST":
        return {}
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    async with request.form(max_files=0, max_fields=_MOST_FIELDS) as fields:
        items = [(name, value) for name, value in fields.multi_items() if isinstance(value, str)]
    return {name: value[:_LONGEST_FIELD] for name, value in items}


def anybody(request: Request) -> Visit:
    return Visit(request, {})


def posted_by_anybody(request: Request, form: Annotated[Mapping[str, str], Depends(_form)]) -> Visit:
    visit = Visit(request, form)
    given = form.get("csrf", "")
    if not any(same_csrf(_cookie(request, name), given) for name in (VISIT, SESSION)):
        raise HTTPException(403)
    return visit


def customer(request: Request) -> CustomerVisit:
    return CustomerVisit(request, {})


def posted(request: Request, form: Annotated[Mapping[str, str], Depends(_form)]) -> CustomerVisit:
    visit = CustomerVisit(request, form)
    if not same_csrf(visit.session.session_id, form.get("csrf", "")):
        raise HTTPException(403)
    return visit


Anybody = Annotated[Visit, Depends(anybody)]
AnybodysForm = Annotated[Visit, Depends(posted_by_anybody)]
Customer = Annotated[CustomerVisit, Depends(customer)]
CustomersForm = Annotated[CustomerVisit, Depends(posted)]


def _cookie(request: Request, name: str) -> str:
    value = request.cookies.get(name, "")
    return value if len(value) <= _LONGEST_COOKIE else ""


def _language(request: Request) -> str:
    """As chosen, else as the browser prefers, else Japanese."""
    chosen = request.cookies.get(LANGUAGE, "")
    if chosen in LANGUAGES:
        return chosen
    for part in request.headers.get("accept-language", "").split(","):
        wanted = part.strip()[:2].lower()
        if wanted in LANGUAGES:
            return wanted
    return "ja"


def _path(request: Request) -> str:
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))
