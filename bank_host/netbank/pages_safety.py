"""What protects a customer: security report, notices, and the form for a loss (R1, R103-R108, R123-R129)."""

from __future__ import annotations

import re
from datetime import date

from fastapi import APIRouter
from fastapi.responses import Response

from bank_host.jst import moment_us
from bank_host.netbank import typed
from bank_host.netbank.visit import REFUSED, Customer, CustomersForm, act_key
from bank_host.notices.texts import TEXTS
from bank_host.rules.changes import Outcome
from bank_host.rules.compensation.assess import assess
from bank_host.rules.compensation.claim import BY_DEPOSITOR, CAUSES, Claim, Loss
from bank_host.rules.compensation.words import report
from bank_host.rules.languages import say

router = APIRouter()

LATEST = 50
_ENTERED = ("cause", "day", "time", "amount", "stolen_on", "after_lock", *BY_DEPOSITOR)


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
    return visit.page("claim.html", form=dict.fromkeys(_ENTERED, ""), causes=CAUSES, answer="", number=0)


@router.post("/claim")
def claim(visit: CustomersForm) -> Response:
    """The rules' answer to what is described; `send` gives it to the bank's staff too, who decide."""
    form = {name: visit.form.get(name, "") for name in _ENTERED}
    described = _claim(visit, form)
    if described is None:
        return visit.page(
            "claim.html", REFUSED, form=form, causes=CAUSES, answer="", number=0, refused="BAD_CLAIM"
        )
    answer = report(assess(described, visit.figures), visit.figures, visit.language)
    number = 0
    if visit.form.get("act") == "send":
        outcome = _send(visit, form)
        if outcome.outcome != "done":
            refused = outcome.reason
            return visit.page(
                "claim.html", REFUSED, form=form, causes=CAUSES, answer="", number=0, refused=refused
            )
        number = visit.bank.claim_number(act_key(visit.session, visit.form["request"]))
    return visit.page("claim.html", form=form, causes=CAUSES, answer=answer, number=number)


def _send(visit: CustomersForm, form: dict[str, str]) -> Outcome:
    """Under the request id of the form, so that a claim sent twice is one."""
    if not visit.form.get("request"):
        return Outcome("refused", "BAD_CLAIM")
    told = [(name, form[name][:20]) for name in ("time", "stolen_on") if form[name]]
    told += [(name, "yes") for name in ("after_lock", *BY_DEPOSITOR) if form[name]]
    return visit.act(
        "file_claim",
        detail=form["cause"],
        day=typed.day(form["day"]),
        amount_jpy=typed.yen(form["amount"]),
        data=tuple(told),
    )


def _claim(visit: CustomersForm, form: dict[str, str]) -> Claim | None:
    """Of what is typed; None when it is no claim. A day in the future is none either."""
    lost_on, amount_jpy = typed.day(form["day"]), typed.yen(form["amount"])
    if form["cause"] not in CAUSES or amount_jpy <= 0 or not _past(lost_on, visit.today):
        return None
    time = form["time"] if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", form["time"]) else "00:00"
    stolen_on = typed.day(form["stolen_on"])
    return Claim(
        f"{visit.today:%Y%m%d}",
        visit.facts.account.kind,
        form["cause"],
        (Loss(moment_us(f"{lost_on} {time}"), amount_jpy, after_lock=bool(form["after_lock"])),),
        visit.now_us,
        stolen_on if _past(stolen_on, visit.today) else None,
        tuple(name for name in BY_DEPOSITOR if form[name]),
    )


def _past(day: date | None, today: date) -> bool:
    return day is not None and date(1970, 1, 2) <= day <= today
