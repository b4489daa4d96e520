"""A new safeguard changes no decision of an account that does not use it (R2)."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from itertools import product
from typing import Any

from bank_host.policy import Figures, load_policy
from bank_host.rules import RULES
from bank_host.rules.changes import Decision, Outcome
from tests.bank_host.rules.builders import DAY, act, act_facts, at, authorisation, claim, facts, request

#: every figure that no ATM or limit decision of an ordinary account may look at, moved away from its value
UNRELATED: dict[str, Any] = {
    "token.max_per_account": 3,
    "token.fee.first": 500,
    "token.fee.failed": 500,
    "token.fee.second": 9_999,
    "token.fee.lost": 9_999,
    "login.max_wrong": 3,
    "login.id_format": {"min_length": 4, "max_length": 20},
    "login.third_item": {"pc": "pin", "smartphone": "pin", "mobile": "password"},
    "transfer.initial": {"individual": 0, "sole_proprietor": 0, "corporate": 0},
    "transfer.step": 10_000,
    "transfer.lock_holds_reservations": True,
    "lock.id_card.paper_delay_bd": 10,
    "lock.permit_60min": True,
    "mail.quiet_hours": ["20:00", "08:00"],
    "compensation.days_before_notice": 60,
    "compensation.years_limit": 3,
    "compensation.negligence_share": "0.5",
    "insurance.card": 1,
    "insurance.net": 1,
    "stand_in.enabled": True,
    "keep_card_on_break": True,
    "partners.e_net.pin_change": True,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FiguresOfTomorrow(Figures):
    """The record of a later version, with a figure that today's rules do not know."""

    new_safeguard: int


def decisions(figures: Figures) -> list[Decision | Outcome]:
    """One answer of every kind the rules give to an ordinary account."""
    cards: list[dict[str, Any]] = [{}, {"locked": True}, {"hot": "lost"}, {"pin_fails": 3}]
    asked = [
        RULES.precheck(
            request(service=service, amount_jpy=amount), facts(card=card, pin_ok=ok), figures, at()
        )
        or RULES.decide(
            request(service=service, amount_jpy=amount), facts(card=card, pin_ok=ok), figures, at()
        )
        for service, amount, card, ok in product(
            ("withdraw", "deposit", "balance", "purchase", "change_pin", "transfer"),
            (10_000, 1_500, 600_000, 2_000_000),
            cards,
            (True, False),
        )
    ]
    acts = [
        act("set_limit", amount_jpy=0),
        act("set_limit", amount_jpy=400_000),
        act("raise_limit", amount_jpy=900_000, day=DAY + timedelta(days=9), otp="1"),
        act("lock_card", card_id="card-1"),
    ]
    told = [RULES.decide_act(one, act_facts(), figures, at()) for one in acts]
    back = [
        RULES.decide_reversal(claim(), original, None, at(), figures)
        for original in (authorisation(), authorisation(state="completed"), None)
    ]
    return [*asked, *told, *back]


def test_figures_of_other_safeguards_change_no_decision() -> None:
    today = load_policy()
    assert decisions(today.on(DAY)) == decisions(today.with_overrides(UNRELATED).on(DAY))


def test_a_figure_that_is_added_changes_no_decision() -> None:
    today = load_policy().on(DAY)
    values = {field.name: getattr(today, field.name) for field in dataclasses.fields(Figures)}
    assert decisions(today) == decisions(FiguresOfTomorrow(**values, new_safeguard=1))


def test_the_comparison_would_see_a_changed_decision() -> None:
    today = load_policy()
    assert decisions(today.on(DAY)) != decisions(today.with_overrides({"atm.standing.max": 100_000}).on(DAY))
