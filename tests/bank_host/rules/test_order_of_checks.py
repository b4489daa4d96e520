"""The order of checks for a card transaction, requirements section 15: the first failure answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.rules.card import decide, precheck
from bank_host.rules.changes import Audit, Open, SetCard
from bank_host.rules.reasons import ORDER_OF_CHECKS
from tests.bank_host.rules.builders import at, facts, figures, kinds, only, request

# One fault per row of the table, in the documented order: (DE39, reason, where it sits, the fault).
TABLE: list[tuple[str, str, str, dict[str, Any]]] = [
    ("43", "HOT_CARD", "card", {"hot": "stolen"}),
    ("54", "CARD_EXPIRED", "card", {"expires": "1312"}),
    ("62", "CARD_LOCKED", "card", {"locked": True}),
    ("05", "CARD_NOT_GENUINE", "request", {"genuine": False}),
    ("75", "PIN_BLOCKED", "card", {"pin_fails": 3}),
    ("55", "PIN_WRONG", "facts", {"pin_ok": False}),
    ("14", "ACCOUNT_CLOSED", "account", {"closed": True}),
    ("12", "BAD_CURRENCY", "request", {"currency": "840"}),
    ("58", "NOT_OFFERED", "request", {"partner": "nowhere"}),
    ("57", "LIMIT_ZERO", "account", {"standing_jpy": 0}),
    ("13", "BAD_AMOUNT", "request", {"amount_jpy": 1_234_567}),
    ("61", "LIMIT_EXCEEDED", "facts", {"used_jpy": 500_000}),
    ("51", "NO_FUNDS", "account", {"posted_jpy": 999}),
]
ORDER = [reason for _, reason, _, _ in TABLE]
CODES = {reason: code for code, reason, _, _ in TABLE}


def ask(*rows: int) -> Any:
    """The host's two steps with the faults of the given rows."""
    changes: dict[str, dict[str, Any]] = {"card": {}, "account": {}, "request": {}, "facts": {}}
    for row in rows:
        _, _, where, fault = TABLE[row]
        changes[where].update(fault)
    case = facts(account=changes["account"], card=changes["card"], **changes["facts"])
    asked = request(**changes["request"])
    return precheck(asked, case, figures(), at()) or decide(asked, case, figures(), at())


def test_the_order_in_the_code_is_the_documented_one() -> None:
    assert tuple(ORDER) == ORDER_OF_CHECKS


@pytest.mark.parametrize("row", range(len(TABLE)), ids=ORDER)
def test_each_fault_alone_gives_its_code_and_reason(row: int) -> None:
    answer = ask(row)
    assert (TABLE[row][0], TABLE[row][1]) == (answer.code, answer.reason)


@given(st.sets(st.integers(0, len(TABLE) - 1)))
def test_the_order_is_total_the_first_failure_answers(rows: set[int]) -> None:
    answer = ask(*sorted(rows))
    first = ORDER[min(rows)] if rows else ""
    assert (first, CODES.get(first, "00")) == (answer.reason, answer.code)


def test_a_lost_card_answers_41() -> None:
    assert precheck(request(), facts(card={"hot": "lost"}), figures(), at()).code == "41"  # type: ignore[union-attr]


def test_a_card_is_good_until_the_end_of_its_month() -> None:
    assert decide(request(), facts(card={"expires": "1401"}), figures(), at()).code == "00"


@pytest.mark.parametrize("reason", ["HOT_CARD", "CARD_EXPIRED", "CARD_LOCKED", "CARD_NOT_GENUINE"])
def test_what_speaks_against_the_card_is_seen_before_the_pin_and_again_after_it(reason: str) -> None:
    """R120: no PIN try is charged; R115: a lock set between charge and decision still acts."""
    _, _, where, fault = TABLE[ORDER.index(reason)]
    case = facts(card=fault if where == "card" else {}, pin_ok=None)
    asked = request(**(fault if where == "request" else {}))
    assert precheck(asked, case, figures(), at()).reason == reason  # type: ignore[union-attr]
    assert decide(asked, case._replace(pin_ok=True), figures(), at()).reason == reason


@pytest.mark.parametrize(
    ("fails", "pin_ok", "code", "reason"),
    [
        (1, False, "55", "PIN_WRONG"),
        (2, False, "55", "PIN_WRONG"),
        (3, False, "75", "PIN_BLOCKED"),  # the last allowed try answers as a blocked card
        (3, True, "00", ""),  # a right PIN on the last try is right
        (1, None, "55", "PIN_WRONG"),  # a verdict that is missing is no right PIN
    ],
)
def test_pin_tries_count_the_charged_one(fails: int, pin_ok: bool | None, code: str, reason: str) -> None:
    answer = decide(request(), facts(card={"pin_fails": fails}, pin_ok=pin_ok), figures(), at())
    assert (code, reason) == (answer.code, answer.reason)


def test_once_blocked_a_pin_is_not_even_compared() -> None:
    """X1: a correct PIN is refused too."""
    answer = precheck(request(), facts(card={"pin_fails": 3}), figures(), at())
    assert answer is not None
    assert (answer.code, answer.reason) == ("75", "PIN_BLOCKED")


def test_the_policy_may_answer_a_blocked_pin_with_38() -> None:
    answer = precheck(request(), facts(card={"pin_fails": 3}), figures(pin__pin_block_code="38"), at())
    assert answer is not None
    assert answer.code == "38"


def test_a_card_without_tries_used_up_goes_on_to_the_pin() -> None:
    assert precheck(request(), facts(card={"pin_fails": 2}, pin_ok=None), figures(), at()) is None


@pytest.mark.parametrize("service", ["deposit", "balance", "change_pin"])
@pytest.mark.parametrize("reason", ["LIMIT_ZERO", "LIMIT_EXCEEDED", "NO_FUNDS"])
def test_deposit_enquiry_and_pin_change_end_before_the_limit(service: str, reason: str) -> None:
    """R85: limit 0 blocks withdrawals only."""
    _, _, where, fault = TABLE[ORDER.index(reason)]
    case = facts(account=fault) if where == "account" else facts(**fault)
    assert decide(request(service=service, partner="smbc"), case, figures(), at()).code == "00"


@pytest.mark.parametrize("service", ["withdraw", "deposit", "balance", "change_pin", "purchase"])
def test_a_locked_card_refuses_every_service(service: str) -> None:
    answer = precheck(request(service=service), facts(card={"locked": True}), figures(), at())
    assert answer is not None
    assert answer.code == "62"


@pytest.mark.parametrize(
    ("service", "partner", "kind", "code"),
    [
        ("change_pin", "smbc", "individual", "00"),  # R75
        ("change_pin", "seven_bank", "individual", "58"),  # R76
        ("withdraw", "lawson", "corporate", "58"),  # R94
        ("withdraw", "seven_bank", "corporate", "00"),
        ("transfer", "smbc", "individual", "58"),
        ("purchase", "", "corporate", "00"),  # a merchant belongs to no ATM network
    ],
)
def test_services_a_partner_does_not_offer_are_refused(
    service: str, partner: str, kind: str, code: str
) -> None:
    case = facts(account={"kind": kind})
    assert decide(request(service=service, partner=partner), case, figures(), at()).code == code


@pytest.mark.parametrize("amount", [0, -1_000, 1, 999, 1_500, 30_001])
def test_a_withdrawal_is_a_positive_multiple_of_1000_yen(amount: int) -> None:
    assert decide(request(amount_jpy=amount), facts(), figures(), at()).reason == "BAD_AMOUNT"


def test_a_purchase_may_be_any_whole_yen() -> None:
    asked = request(service="purchase", partner="", amount_jpy=1_980)
    assert decide(asked, facts(), figures(), at()).code == "00"


def test_a_refusal_writes_its_row_and_its_audit_line_and_moves_nothing() -> None:
    answer = decide(request(), facts(account={"standing_jpy": 0}), figures(), at())
    row = only(answer.changes, Open).authorisation
    assert ("declined", "57", "LIMIT_ZERO", 0) == (row.state, row.code, row.reason, row.fee_jpy)
    assert only(answer.changes, Audit).reason == "LIMIT_ZERO"
    assert kinds(answer.changes) == {"Open", "Audit", "SetCard"}


def test_a_right_pin_clears_the_tries_even_when_the_withdrawal_is_refused() -> None:
    refused = decide(request(), facts(account={"posted_jpy": 0}), figures(), at())
    assert only(refused.changes, SetCard) == SetCard("card-1", "pin_fails", 0)


def test_a_wrong_pin_leaves_the_tries_charged() -> None:
    assert "SetCard" not in kinds(decide(request(), facts(pin_ok=False), figures(), at()).changes)


def test_refused_withdrawals_send_a_notice_only_when_the_policy_says_so() -> None:
    """R105."""
    case = facts(account={"standing_jpy": 0})
    assert "Notify" not in kinds(decide(request(), case, figures(), at()).changes)
    loud = figures(notice__refused_withdrawal=True)
    assert "Notify" in kinds(decide(request(), case, loud, at()).changes)
