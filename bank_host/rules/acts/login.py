"""Login to internet banking by its three or four items (R6, R45-R52, R98-R100, R107, Q6).

Every failure has one text, whatever was wrong; a try is charged before anything is compared. The login counter is its
own: card and OTP counters stay as they are. A login is judged anew each time, also under a request id seen before.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from bank_host.policy import Figures
from bank_host.policy.figures import CHANNELS
from bank_host.rules.acts.rule import CUSTOMER, ActRule, Compare, audit, done, never_refused, pin_card
from bank_host.rules.changes import Audit, Change, Notify, Outcome, SetCustomer
from bank_host.rules.facts import Act, ActFacts, At, Customer

LOGIN = "login"
FAILED = "LOGIN_FAILED"


def precheck(act: Act, facts: ActFacts, figures: Figures) -> Outcome | Compare:
    """What the third item is compared with, or the one refusal when no comparison may be made any more."""
    customer = facts.customer
    lapsed = customer.password_lapsed or customer.login_fails >= figures.login_max_wrong
    if lapsed or facts.account.closed or act.channel not in CHANNELS:
        return _failed(act, customer)
    third = figures.login_third_item[act.channel]
    card = pin_card(act, facts) if third == "pin" else None
    return Compare(card_id="" if card is None else card.card_id, login=third)


def decide(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    """All items right: in, and the counter starts again. Anything else: one more failure, the last one a lapse."""
    customer = facts.customer
    right_id = hmac.compare_digest(customer.login_id.encode(), act.login_id.encode("utf-8", "replace"))
    third_ok = facts.pin_ok if facts.pin_ok is not None else facts.password_ok
    if right_id and third_ok and not facts.account.closed and not customer.password_lapsed:
        return _let_in(act, customer, at)
    failed = _failed(act, customer)
    return failed._replace(changes=(*failed.changes, *lapse(act, customer, figures)))


def lapse(act: Act, customer: Customer, figures: Figures) -> tuple[Change, ...]:
    """The last failure in a row ends the password, with one notice."""
    if customer.password_lapsed or customer.login_fails < figures.login_max_wrong:
        return ()
    return (
        SetCustomer(act.account_id, "password_lapsed", True),
        Notify(act.key, act.account_id, "password_lapsed"),
        Audit("host", act.channel, act.account_id, "password_lapse", "valid", "lapsed", FAILED),
    )


def _let_in(act: Act, customer: Customer, at: At) -> Outcome:
    """The times that the Welcome Page shows move on by one login (R98, R99)."""
    values = {
        "login_fails": 0,
        "failed_before_login": customer.failed_since_login,
        "failed_since_login": 0,
        "previous_login_us": customer.last_login_us,
        "last_login_us": at.now_us,
        "password_hash": act.password_hash or customer.password_hash,  # made anew when its figures are old
    }
    changes: tuple[Change, ...] = tuple(
        SetCustomer(act.account_id, name, value)
        for name, value in values.items()
        if getattr(customer, name) != value
    )
    return done(*changes, audit(act, f"failed {customer.failed_since_login}", "failed 0"))


def _failed(act: Act, customer: Customer) -> Outcome:
    before, after = customer.failed_since_login, customer.failed_since_login + 1
    return Outcome(
        "refused",
        FAILED,
        (
            SetCustomer(act.account_id, "failed_since_login", after),
            audit(act, f"failed {before}", f"failed {after}", FAILED),
        ),
    )


def _in_its_own_way(act: Act, facts: ActFacts, figures: Figures, at: At) -> Outcome:
    raise AssertionError("a login is decided by login.decide")


ROWS: Mapping[str, ActRule] = {LOGIN: ActRule(CUSTOMER, never_refused, _in_its_own_way)}
