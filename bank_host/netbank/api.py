"""The JSON API: the same acts and views for programs, under a bearer session and without any cookie."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bank_host.jst import SECOND_US, civil, jst_date
from bank_host.netbank import api_models as models
from bank_host.netbank import gate, typed, words
from bank_host.netbank.visit import Netbank, act_key, ask, proves_more
from bank_host.rules.changes import Outcome
from bank_host.rules.compensation import reported
from bank_host.rules.facts import Payee, Transfer
from bank_host.rules.views import ClaimLine, StatementLine
from bank_host.secrets import Pin, Secret

NOT_LOGGED_IN = "NOT_LOGGED_IN"
STATEMENT_DAYS, LATEST = 31, 50
SESSION_TOKEN = "Session-Token"
"""The header by which a session's new id comes."""


class Refused(Exception):
    """Answered as a `Problem`."""

    def __init__(self, status: int, reason: str, wait_s: int = 0) -> None:
        super().__init__(reason)
        self.status, self.reason, self.wait_s = status, reason, wait_s


def problem(status: int, reason: str, wait_s: int = 0) -> JSONResponse:
    headers = {"retry-after": str(wait_s)} if wait_s else {}
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    body = {"reason": reason, "detail": words.refused(reason, "en")}
    return JSONResponse(body, status, headers)


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": models.Problem, "description": text}
    for status, text in {
        400: "The body cannot be read",
        401: "No session, or one that is over",
        404: "Not there, or not the customer's own",
        409: "The bank refuses it; `reason` says why",
        413: "The body is too long",
        422: "Not as this description says",
        429: "Too many login attempts; `Retry-After` says how long to wait",
    }.items()
}
router = APIRouter(prefix="/api", responses=_PROBLEMS)
_bearer = HTTPBearer(auto_error=False, description="`token` of a login")


class Caller:
    """A program within a session."""

    def __init__(
        self,
        request: Request,
        response: Response,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> None:
        self._response = response
        self.netbank: Netbank = request.app.state.netbank
        self.bank = self.netbank.bank
        self.now_us = self.netbank.clock()
        found = self.netbank.sessions.resume(given.credentials if given else "", self.now_us)
        if found is None:
            raise Refused(401, NOT_LOGGED_IN)
        self.session, self.facts = found
        self.account_id = self.session.account_id

    def act(self, kind: str, request_id: str = "", **fields: Any) -> Outcome:
        outcome = ask(self.netbank, self.session, request_id, kind, self.now_us, fields)
        if outcome.outcome != "done":
            raise Refused(409, outcome.reason)
        if proves_more(fields) and kind != "change_password":  # which ends every session
            self._renew()
        return outcome

    def _renew(self) -> None:
        """The session under a new id, which goes back with the answer (ASVS v5.0.0-7.2.4)."""
        renewed = self.netbank.sessions.renew(self.session, self.now_us)
        if renewed != self.session:
            self._response.headers[SESSION_TOKEN] = renewed.session_id

    def own_transfer(self, transfer_id: str) -> Transfer:
        entry = self.bank.transfer(transfer_id)
        if entry is None or entry.account_id != self.account_id:
            raise Refused(404, "NO_PENDING_TRANSFER")
        return entry


Session = Annotated[Caller, Depends(Caller)]


# ---------------------------------------------------------------- session


@router.post("/sessions", status_code=201)
def log_in(request: Request, login: models.Login) -> models.LoggedIn:
    """Log in. Every failure looks the same."""
    netbank: Netbank = request.app.state.netbank
    now_us = netbank.clock()
    address = request.client.host if request.client else ""
    entry = gate.Entry(
        login.channel, login.account_id, login.login_id, Secret(login.password), address, login.device
    )
    result = netbank.gate.log_in(entry, now_us)
    if isinstance(result, gate.NotLoggedIn):
        wait_s = -(-result.wait_us // SECOND_US)
        raise Refused(429 if wait_s else 401, result.reason, wait_s)
    seen = netbank.bank.welcome(login.account_id)
    return models.LoggedIn(
        token=result.session.session_id,
        device=result.device,
        previous_login=seen.previous_login,
        failed_since_then=seen.failed_since_then,
    )


@router.delete("/session", status_code=204)
def log_out(caller: Session) -> None:
    caller.netbank.sessions.end(caller.session, caller.now_us)


# ---------------------------------------------------------------- views


@router.get("/account")
def account(caller: Session) -> models.AccountView:
    facts = caller.facts
    by_card = facts.account.authenticator == "id_card"
    return models.AccountView(
        account_id=caller.account_id,
        kind=facts.account.kind,
        balance_jpy=facts.account.posted_jpy,
        held_jpy=facts.account.held_jpy,
        cards=[
            models.CardView(
                card_id=each.card_id, alias=each.alias, locked=each.locked, reported=bool(each.hot)
            )
            for each in facts.cards
        ],
        devices=[
            models.DeviceView(
                serial=each.serial,
                device=each.device,
                state=each.state,
                expires=each.expires,
                locked=each.locked,
            )
            for each in facts.tokens
        ],
        code_places=list(caller.bank.id_card_challenge(caller.account_id, caller.now_us)) if by_card else [],
    )


@router.get("/statement")
def statement(caller: Session, first: date | None = None, last: date | None = None) -> list[models.Movement]:
    """The movements of a period, both days included; without one, of the latest 31 days."""
    last = last or jst_date(caller.now_us)
    first = first or typed.days_before(last, STATEMENT_DAYS)
    return [_movement(line) for line in caller.bank.statement(caller.account_id, first, last)]


def _movement(line: StatementLine) -> models.Movement:
    other = None if line.other is None else models.OtherSide(**line.other._asdict())
    return models.Movement(**line._asdict() | {"other": other})


@router.get("/limits")
def limits(caller: Session) -> models.Limits:
    report = caller.bank.limit_report(caller.account_id, caller.now_us)
    raises = [models.Raise(**line._asdict()) for line in report.raises]
    return models.Limits(**report._asdict() | {"raises": raises})


@router.get("/security")
def security(caller: Session) -> list[models.SafeguardView]:
    lines = caller.bank.security_report(caller.account_id, caller.now_us)
    return [models.SafeguardView(name=each.name, active=each.active, as_of=each.as_of) for each in lines]


@router.get("/notices")
def notices(caller: Session) -> list[models.Notice]:
    """The latest 50, the newest first."""
    rows = caller.bank.notices(caller.account_id)[: -LATEST - 1 : -1]
    return [models.Notice(at=civil(row.at_us), kind=row.kind, amount_jpy=row.amount_jpy) for row in rows]


# ---------------------------------------------------------------- limits and locks


@router.put("/limits/atm", status_code=204)
def set_limit(caller: Session, limit: models.Limit) -> None:
    """The daily limit at ATMs; a code is needed only to raise it."""
    caller.act("set_limit", amount_jpy=limit.amount_jpy, otp=limit.otp)


@router.put("/limits/transfer", status_code=204)
def set_transfer_limit(caller: Session, limit: models.Limit) -> None:
    """The daily limit of transfers; 0 stops them."""
    caller.act("set_transfer_limit", amount_jpy=limit.amount_jpy, otp=limit.otp)


@router.put("/limits/raises/{day}", status_code=204)
def raise_limit(caller: Session, day: date, limit: models.Limit) -> None:
    """A higher limit at ATMs on one day."""
    caller.act("raise_limit", day=day, amount_jpy=limit.amount_jpy, otp=limit.otp)


@router.delete("/limits/raises/{day}", status_code=204)
def cancel_raise(caller: Session, day: date) -> None:
    caller.act("cancel_raise", day=day)


@router.put("/cards/{card_id}/lock", status_code=204)
def lock_card(caller: Session, card_id: models.CardId, lock: models.Lock) -> None:
    """Locking needs no code, releasing does."""
    if lock.locked:
        caller.act("lock_card", card_id=card_id)
    else:
        caller.act("unlock_card", card_id=card_id, otp=lock.otp)


@router.put("/tokens/{serial}/lock", status_code=204)
def lock_token(caller: Session, serial: models.Serial, lock: models.Lock) -> None:
    """Locking needs no code; releasing needs one of another token, or the PIN where there is none."""
    if lock.locked:
        caller.act("lock_token", serial=serial)
    else:
        block = caller.bank.pin_block(caller.account_id, Pin(lock.pin)) if lock.pin else ""
        caller.act("unlock_token", serial=serial, otp=lock.otp, pin_block=block)


# ---------------------------------------------------------------- password


@router.put("/password", status_code=204)
def change_password(caller: Session, change: models.NewPassword) -> None:
    """A new login password; every session of the customer ends, this one too."""
    caller.act(
        "change_password",
        password=Secret(change.password),
        new_password=Secret(change.new_password),
        otp=change.otp,
    )


# ---------------------------------------------------------------- losses


@router.get("/claims")
def claims(caller: Session) -> list[models.ClaimView]:
    """The losses that the customer has reported, the latest first."""
    return [_claim_view(each) for each in reversed(caller.bank.claims(caller.account_id))]


@router.post("/claims", status_code=201)
def file_claim(caller: Session, request_id: models.RequestId, loss: models.NewClaim) -> models.ClaimView:
    """Report a loss. Nothing is decided by it: the bank's staff looks into it."""
    declared = tuple(dict.fromkeys(loss.declared))
    told = reported.Reported(
        loss.cause, loss.day, loss.amount_jpy, loss.time, loss.stolen_on, loss.after_lock, declared
    )
    if not reported.is_claim(told, jst_date(caller.now_us)):
        raise Refused(409, "BAD_CLAIM")
    caller.act("file_claim", request_id, **reported.fields(told))
    key = act_key(caller.session, request_id)
    return _claim_view(next(each for each in caller.bank.claims(caller.account_id) if each.request_id == key))


def _claim_view(line: ClaimLine) -> models.ClaimView:
    return models.ClaimView(
        number=line.number,
        at=line.at,
        cause=line.cause,
        day=line.day,
        amount_jpy=line.amount_jpy,
        state="open" if line.state == "open" else "closed",
    )


# ---------------------------------------------------------------- transfers


@router.post("/transfers", status_code=201)
def enter_transfer(caller: Session, request_id: models.RequestId, order: models.Order) -> models.TransferView:
    """Store a transfer; it waits for its confirmation, and takes the place of one that waits."""
    payee = Payee(typed.line(order.bank, 60), order.account_id, typed.line(order.name, 60))
    caller.act("enter_transfer", request_id, payee=payee, amount_jpy=order.amount_jpy)
    return _view(caller.own_transfer(act_key(caller.session, request_id)))


@router.get("/transfers/{transfer_id}")
def transfer(caller: Session, transfer_id: models.TransferId) -> models.TransferView:
    return _view(caller.own_transfer(transfer_id))


@router.post("/transfers/{transfer_id}/confirmation")
def confirm_transfer(
    caller: Session,
    transfer_id: models.TransferId,
    request_id: models.RequestId,
    confirmation: models.Confirmation,
) -> models.TransferView:
    """Execute exactly what is stored, or reserve it until the other bank can be reached."""
    caller.own_transfer(transfer_id)
    caller.act("confirm_transfer", request_id, transfer=transfer_id, otp=confirmation.otp)
    return _view(caller.own_transfer(transfer_id))


@router.delete("/transfers/{transfer_id}", status_code=204)
def cancel_transfer(caller: Session, transfer_id: models.TransferId) -> None:
    """Only one that still waits for its confirmation."""
    caller.own_transfer(transfer_id)
    caller.act("cancel_transfer", transfer=transfer_id)


def _view(entry: Transfer) -> models.TransferView:
    return models.TransferView(
        transfer_id=entry.transfer_id,
        state=entry.state,
        bank=entry.payee.bank,
        account_id=entry.payee.account_id,
        name=entry.payee.name,
        amount_jpy=entry.amount_jpy,
        due=civil(entry.due_us) if entry.due_us else None,
    )
