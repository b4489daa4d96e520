"""What protects a customer: security report, notices, and the form for a loss (R1, R103-R108, R123-R129)."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.netbank import typed
from bank_host.netbank.visit import REFUSED, Customer, CustomersForm, act_key
from bank_host.notices.texts import TEXTS
from bank_host.rules.changes import Outcome
from bank_host.rules.compensation import reported
from bank_host.rules.compensation.assess import Assessment, assess
from bank_host.rules.compensation.claim import BY_DEPOSITOR, CAUSES
from bank_host.rules.compensation.words import OUTCOMES, step_text
from bank_host.rules.contacts import BANKING, contact_lines
from bank_host.rules.languages import say
from bank_host.rules.views import ClaimLine

router = APIRouter()

LATEST = 50
_ENTERED = ("cause", "day", "time", "amount", "stolen_on", "after_lock", *BY_DEPOSITOR)
_EMPTY = dict.fromkeys(_ENTERED, "")


@router.get("/security")
def security_report(visit: Customer) -> Response:
    lines = visit.bank.security_report(visit.session.account_id, visit.now_us)
    return visit.page("security.html", lines=lines)


@router.get("/notices")
def notices(visit: Customer) -> Response:
    """The latest first, by the subjects that the mails have."""
    rows = visit.bank.notices(visit.session.account_id)[: -LATEST - 1 : -1]
    lines = [(row.at_us, say(TEXTS[row.kind].subject, visit.language), row.amount_jpy) for row in rows]
    return visit.page("notices.html", lines=lines, emails=visit.facts.customer.emails)


@router.get("/claim")
def claim_form(visit: Customer) -> Response:
    return _claim_page(visit, form=_EMPTY)


@router.post("/claim")
def claim(visit: CustomersForm) -> Response:
    """The rules' answer to what is described; `send` gives it to the bank's staff too, who decide."""
    form = {name: visit.form.get(name, "") for name in _ENTERED}
    told = _told(form)
    if not reported.is_claim(told, visit.today):
        return _claim_page(visit, REFUSED, form=form, refused="BAD_CLAIM")
    number = 0
    if visit.form.get("act") == "send":
        outcome = _send(visit, told)
        if outcome.outcome != "done":
            return _claim_page(visit, REFUSED, form=form, refused=outcome.reason)
        sent = act_key(visit.session, visit.form["request"])
        number = next(each.number for each in _claims(visit) if each.request_id == sent)
    described = reported.as_claim(told, f"{number or ''}", visit.facts.account.kind, visit.now_us)
    answer = assess(described, visit.figures)
    return _claim_page(visit, form=_EMPTY if number else form, answer=answer, number=number)


def _send(visit: CustomersForm, told: reported.Reported) -> Outcome:
    """Under the request id of the form, so that a claim sent twice is one."""
    if not visit.form.get("request"):
        return Outcome("refused", "BAD_CLAIM")
    return visit.act("file_claim", **reported.fields(told))


def _told(form: dict[str, str]) -> reported.Reported:
    return reported.Reported(
        form["cause"],
        typed.day(form["day"]),
        typed.yen(form["amount"]),
        form["time"] if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", form["time"]) else "",
        typed.day(form["stolen_on"]),
        bool(form["after_lock"]),
        tuple(name for name in BY_DEPOSITOR if form[name]),
    )


def _claims(visit: Customer) -> tuple[ClaimLine, ...]:
    """The latest first."""
    return visit.bank.claims(visit.session.account_id)[::-1]


def _claim_page(
    visit: Customer,
    status: int = 200,
    *,
    form: dict[str, str],
    answer: Assessment | None = None,
    number: int = 0,
    refused: str = "",
) -> Response:
    return visit.page(
        "claim.html",
        status,
        form=form,
        causes=CAUSES,
        answer=None if answer is None else _answer_words(visit, answer),
        number=number,
        claims=_claims(visit),
        refused=refused,
    )


def _answer_words(visit: Customer, answer: Assessment) -> dict[str, Any]:
    """What the rules give, why, and whom to complain to."""
    return {
        "outcome": say(OUTCOMES[answer.outcome], visit.language),
        "amount_jpy": answer.amount_jpy,
        "loss_jpy": answer.loss_jpy,
        "trail": [step_text(step, visit.language) for each in answer.decided for step in each.trail],
        "contact": contact_lines(BANKING, visit.figures, visit.language),
    }
