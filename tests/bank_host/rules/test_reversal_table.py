"""The issuer's reversal truth table, completion, settlement and stand-in advices (RI1-RI15, X6, X8)."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.jst import DAY_US, HOUR_US
from bank_host.ledger.entries import authorised, problems
from bank_host.ledger.posting import Post
from bank_host.rules.changes import CountMonth, CountUse, Decision, Notify, Open, RaiseException, Resolve
from bank_host.rules.facts import At, Authorisation
from bank_host.rules.reversal import Claim, decide_advice, decide_completion, decide_reversal, settle
from tests.bank_host.rules.builders import (
    ACCOUNT_ID,
    DAY,
    account,
    at,
    authorisation,
    claim,
    facts,
    figures,
    kinds,
    only,
    request,
)

CUSTOMER, SUSPENSE, CASH = f"customer:{ACCOUNT_ID}", "suspense:ATM00001", "atm:ATM00001"


def reverse(said: Claim, original: Authorisation | None, when: At | None = None) -> Decision:
    return decide_reversal(said, original, account(), when or at(), figures())


def moves_nothing(decision: Decision) -> bool:
    return not kinds(decision.changes) & {"Post", "CountUse", "CountMonth", "Resolve", "Open"}


def test_ri1_an_open_original_is_given_back_once_with_its_fee() -> None:
    answer = reverse(claim(), authorisation())
    assert ("00", "REVERSED") == (answer.code, answer.reason)
    assert only(answer.changes, Post).legs == ((CUSTOMER, 30_157), (SUSPENSE, -30_000), ("fees", -157))
    assert only(answer.changes, CountUse) == CountUse(ACCOUNT_ID, DAY, "chip", -30_000)
    assert only(answer.changes, CountMonth).uses == -1
    assert only(answer.changes, Resolve) == Resolve("original-1", "reversed", 30_000)


def test_ri2_a_declined_original_needs_nothing() -> None:
    answer = reverse(claim(), authorisation(state="declined", code="51"))
    assert answer.code == "00"
    assert moves_nothing(answer)
    assert "RaiseException" not in kinds(answer.changes)


def test_ri3_an_unknown_original_is_remembered() -> None:
    answer = reverse(claim(), None)
    assert answer.code == "00"
    row = only(answer.changes, Open).authorisation
    assert ("original-1", "early") == (row.original_key, row.state)
    assert "Post" not in kinds(answer.changes)


@pytest.mark.parametrize(
    ("state", "reversed_jpy", "dispensed"),
    [("reversed", 30_000, None), ("early", 0, None), ("part_reversed", 20_000, 10_000)],
)
def test_ri6_a_second_reversal_posts_nothing(state: str, reversed_jpy: int, dispensed: int | None) -> None:
    answer = reverse(
        claim(key="rev-2", dispensed_jpy=dispensed), authorisation(state=state, reversed_jpy=reversed_jpy)
    )
    assert ("00", "ALREADY_REVERSED") == (answer.code, answer.reason)
    assert moves_nothing(answer)
    assert "RaiseException" not in kinds(answer.changes)


def test_ri7_a_part_dispense_leaves_what_was_paid() -> None:
    """The fee stays, the cash that was taken leaves the suspense account, the rest comes back."""
    answer = reverse(claim(dispensed_jpy=10_000), authorisation())
    assert answer.reason == "PART_REVERSED"
    assert only(answer.changes, Post).legs == ((CUSTOMER, 20_000), (SUSPENSE, -30_000), (CASH, 10_000))
    assert only(answer.changes, CountUse).amount_jpy == -20_000
    assert only(answer.changes, Resolve) == Resolve("original-1", "part_reversed", 20_000)
    assert "CountMonth" not in kinds(answer.changes)


def test_ri8_nothing_dispensed_is_a_full_reversal() -> None:
    assert reverse(claim(dispensed_jpy=0), authorisation()).reason == "REVERSED"


def test_ri8_everything_dispensed_reverses_nothing() -> None:
    answer = reverse(claim(dispensed_jpy=30_000), authorisation())
    assert ("00", "NOTHING_REVERSED") == (answer.code, answer.reason)
    assert moves_nothing(answer)


@pytest.mark.parametrize(
    ("said", "original"),
    [
        (claim(dispensed_jpy=31_000), authorisation()),
        (claim(dispensed_jpy=10_500), authorisation()),
        (claim(dispensed_jpy=-1_000), authorisation()),
        (claim(dispensed_jpy=20_000), authorisation(state="part_reversed", reversed_jpy=20_000)),
        (claim(), authorisation(state="part_reversed", reversed_jpy=20_000)),
        (claim(card_id="card-2"), authorisation()),
        (claim(amount_jpy=40_000), authorisation()),
        (claim(atm="ATM00002"), authorisation()),
        (claim(amount_jpy=40_000), authorisation(state="early")),
    ],
)
def test_ri9_what_does_not_fit_becomes_an_exception_item(said: Claim, original: Authorisation) -> None:
    answer = reverse(said, original)
    assert answer.code == "00"
    assert moves_nothing(answer)
    assert only(answer.changes, RaiseException).key == "rev-1"


@pytest.mark.parametrize("state", ["completed", "manual"])
def test_ri10_cash_that_was_taken_is_not_given_back_automatically(state: str) -> None:
    answer = reverse(claim(), authorisation(state=state))
    assert answer.code == "00"
    assert moves_nothing(answer)
    assert only(answer.changes, RaiseException).kind == "REVERSAL_AFTER_COMPLETION"


def test_ri12_the_next_day_gives_back_to_the_original_day() -> None:
    """Q4: posted today, counted on the day of the authorisation; the month's use likewise."""
    original = authorisation(limit_day=date(2014, 1, 31), at_us=at(date(2014, 1, 31)).now_us)
    answer = reverse(claim(), original, at(date(2014, 2, 1)))
    assert only(answer.changes, Post).day == date(2014, 2, 1)
    assert only(answer.changes, Post).refers == "key-1"
    assert only(answer.changes, CountUse).day == date(2014, 1, 31)
    assert only(answer.changes, CountMonth).month == "2014-01"


def test_ri12_after_settlement_the_atms_cash_is_corrected() -> None:
    full = reverse(claim(), authorisation(state="settled"))
    assert only(full.changes, Post).legs == ((CUSTOMER, 30_157), (CASH, -30_000), ("fees", -157))
    part = reverse(claim(dispensed_jpy=10_000), authorisation(state="settled"))
    assert only(part.changes, Post).legs == ((CUSTOMER, 20_000), (CASH, -20_000))


@pytest.mark.parametrize(("late_us", "reason"), [(0, "REVERSED"), (1, "REVERSAL_TOO_OLD")])
def test_ri13_beyond_the_retention_time_people_decide(late_us: int, reason: str) -> None:
    now = at()
    original = authorisation(at_us=now.now_us - 100 * DAY_US - late_us)
    assert reverse(claim(), original, now).reason == reason


def test_ri15_a_reversal_asks_for_no_permission() -> None:
    """Locked, closed or expired meanwhile: the rule is not even told, except for the account's state."""
    closed = account(closed=True, posted_jpy=0)
    assert decide_reversal(claim(), authorisation(), closed, at(), figures()).reason == "REVERSED"


def test_a_reversed_enquiry_needs_nothing() -> None:
    answer = reverse(
        claim(service="balance", amount_jpy=0),
        authorisation(service="balance", amount_jpy=0, fee_jpy=0, state="completed"),
    )
    assert answer.reason == "NOTHING_POSTED"
    assert kinds(answer.changes) == {"Audit"}


def test_a_reversed_pin_change_is_shown_to_people() -> None:
    """The new PIN holds although its holder saw no answer."""
    original = authorisation(service="change_pin", amount_jpy=0, fee_jpy=0, state="completed")
    answer = reverse(claim(service="change_pin", amount_jpy=0), original)
    assert only(answer.changes, RaiseException).kind == "PIN_CHANGE_REVERSED"


@pytest.mark.parametrize(("balance", "forced"), [(29_843, False), (29_842, True)])
def test_a_deposit_that_was_spent_meanwhile_is_reversed_by_force(balance: int, forced: bool) -> None:
    """I4, I14: the balance may fall below 0 only by a forced posting with an exception item."""
    answer = decide_reversal(
        claim(service="deposit"),
        authorisation(service="deposit"),
        account(posted_jpy=balance),
        at(),
        figures(),
    )
    post = only(answer.changes, Post)
    assert post.legs == ((CUSTOMER, -29_843), (SUSPENSE, 30_000), ("fees", -157))
    assert post.forced is forced
    assert ("RaiseException" in kinds(answer.changes)) is forced
    assert "CountUse" not in kinds(answer.changes)


# ---------------------------------------------------------------- completion, settlement


@pytest.mark.parametrize(("service", "sign"), [("withdraw", 1), ("deposit", -1)])
def test_a_completion_moves_suspense_to_the_atms_cash(service: str, sign: int) -> None:
    answer = decide_completion(claim(service=service), authorisation(service=service), at(), figures())
    assert only(answer.changes, Post).legs == ((SUSPENSE, -30_000 * sign), (CASH, 30_000 * sign))
    assert only(answer.changes, Resolve).state == "completed"


def test_a_completion_said_twice_is_harmless() -> None:
    answer = decide_completion(claim(key="c-2"), authorisation(state="completed"), at(), figures())
    assert ("00", "ALREADY_COMPLETED") == (answer.code, answer.reason)
    assert kinds(answer.changes) == {"Audit"}


def test_a_completion_after_settlement_only_says_that_the_cash_was_taken() -> None:
    """From then on a reversal is for people (RI10)."""
    answer = decide_completion(claim(), authorisation(state="settled"), at(), figures())
    assert only(answer.changes, Resolve).state == "completed"
    assert "Post" not in kinds(answer.changes)


@pytest.mark.parametrize("state", [None, "declined", "reversed", "part_reversed", "early", "manual"])
def test_a_completion_of_what_is_not_open_is_an_exception(state: str | None) -> None:
    original = None if state is None else authorisation(state=state)
    answer = decide_completion(claim(), original, at(), figures())
    assert answer.code == "00"
    assert moves_nothing(answer)
    assert "RaiseException" in kinds(answer.changes)


def test_a_completion_of_another_amount_is_an_exception() -> None:
    answer = decide_completion(claim(amount_jpy=20_000), authorisation(), at(), figures())
    assert moves_nothing(answer)
    assert only(answer.changes, RaiseException).kind == "COMPLETION_MISMATCH"


def test_an_approval_nobody_speaks_of_is_settled_after_its_time() -> None:
    original = authorisation()
    early = At(original.at_us + 48 * HOUR_US - 1, DAY + timedelta(days=2), 200)
    assert settle(original, early, figures()) is None
    due = settle(original, early._replace(now_us=early.now_us + 1), figures())
    assert due is not None
    assert only(due.changes, Resolve).state == "settled"
    assert only(due.changes, Post).kind == "settlement"


@pytest.mark.parametrize("state", ["declined", "completed", "reversed", "part_reversed", "early", "manual"])
def test_only_what_is_open_is_settled(state: str) -> None:
    later = At(at().now_us + 365 * DAY_US, date(2015, 1, 15), 200)
    assert settle(authorisation(state=state), later, figures()) is None


# ---------------------------------------------------------------- stand-in


def items(answer: Decision) -> dict[str, int]:
    return {each.kind: each.amount_jpy for each in answer.changes if isinstance(each, RaiseException)}


def test_a_stand_in_advice_within_everything_is_posted_by_force_with_one_item_and_a_notice() -> None:
    """X8, I14, R105."""
    answer = decide_advice(request(), facts(), None, at(), figures())
    assert ("00", "STAND_IN") == (answer.code, answer.reason)
    assert only(answer.changes, Post).forced
    assert only(answer.changes, Open).authorisation.forced
    assert only(answer.changes, CountUse).amount_jpy == 30_000
    assert only(answer.changes, RaiseException) == RaiseException(
        "key-1", "STAND_IN", ACCOUNT_ID, 30_000, "original-1"
    )
    assert only(answer.changes, Notify) == Notify("key-1", ACCOUNT_ID, "atm_withdrawal", 30_000)


@pytest.mark.parametrize(
    ("case", "risk"),
    [
        ({"account": {"standing_jpy": 20_000}}, {"STAND_IN_OVER_LIMIT": 10_000}),
        ({"account": {"standing_jpy": 30_000}}, {}),
        ({"account": {"standing_jpy": 30_000}, "used_jpy": 5_000}, {"STAND_IN_OVER_LIMIT": 5_000}),
        ({"account": {"standing_jpy": 30_000}, "used_jpy": 90_000}, {"STAND_IN_OVER_LIMIT": 30_000}),
        ({"account": {"posted_jpy": 30_000}}, {}),
        ({"account": {"posted_jpy": 20_000}}, {"STAND_IN_OVER_BALANCE": 10_000}),
        ({"account": {"posted_jpy": 50_000, "held_jpy": 40_000}}, {"STAND_IN_OVER_BALANCE": 20_000}),
        ({"account": {"posted_jpy": -5_000}}, {"STAND_IN_OVER_BALANCE": 30_000}),
        ({"card": {"locked": True}}, {"STAND_IN_CARD_LOCKED": 30_000}),
        ({"card": {"hot": "stolen", "locked": True}}, {"STAND_IN_HOT_CARD": 30_000}),
        ({"account": {"closed": True}}, {"STAND_IN_ACCOUNT_CLOSED": 30_000}),
        (
            {"account": {"standing_jpy": 0, "posted_jpy": 0}, "card": {"locked": True}},
            {
                "STAND_IN_CARD_LOCKED": 30_000,
                "STAND_IN_OVER_LIMIT": 30_000,
                "STAND_IN_OVER_BALANCE": 30_000,
            },
        ),
    ],
)
def test_what_the_bank_would_have_refused_is_posted_and_is_an_item_with_its_yen(
    case: dict[str, Any], risk: dict[str, int]
) -> None:
    answer = decide_advice(request(), facts(**case), None, at(), figures())
    assert (CUSTOMER, -30_000) in only(answer.changes, Post).legs
    assert {"STAND_IN": 30_000, **risk} == items(answer)


def test_the_fee_is_part_of_what_the_balance_does_not_cover() -> None:
    case = facts(month_uses=1, account={"posted_jpy": 0})
    answer = decide_advice(request(amount_jpy=10_000), case, None, at(), figures())
    assert 157 == answer.fee_jpy
    assert 10_157 == items(answer)["STAND_IN_OVER_BALANCE"]


def test_a_stand_in_advice_uses_the_limit_and_the_month_of_the_day_of_the_approval() -> None:
    """R96: approved on 31 January, booked on 1 February; its reversal finds that day."""
    approved, booked = date(2014, 1, 31), date(2014, 2, 1)
    answer = decide_advice(request(), facts(), None, at(booked), figures(approved))
    assert only(answer.changes, Post).day == booked
    assert only(answer.changes, CountUse).day == approved
    assert only(answer.changes, CountMonth).month == "2014-01"
    assert only(answer.changes, Open).authorisation.limit_day == approved


@pytest.mark.parametrize("state", ["open", "completed", "settled", "reversed", "early"])
def test_a_stand_in_advice_never_posts_what_was_posted_or_reversed(state: str) -> None:
    answer = decide_advice(request(), facts(), authorisation(state=state), at(), figures())
    assert answer.code == "00"
    assert moves_nothing(answer)


def test_a_stand_in_payment_of_what_the_issuer_had_declined_goes_to_people() -> None:
    answer = decide_advice(request(), facts(), authorisation(state="declined"), at(), figures())
    assert only(answer.changes, Post).forced
    assert only(answer.changes, Resolve).state == "manual"
    assert "Open" not in kinds(answer.changes)
    assert {"STAND_IN": 30_000, "STAND_IN_DECLINED": 30_000} == items(answer)


def test_what_was_declined_before_midnight_and_approved_after_it_uses_the_limit_of_the_decline() -> None:
    """One row has one limit day (I15)."""
    declined = authorisation(state="declined", limit_day=DAY)
    answer = decide_advice(request(), facts(), declined, at(), figures(DAY + timedelta(days=1)))
    assert only(answer.changes, CountUse).day == DAY


def test_a_part_reversal_of_what_the_bank_never_saw_is_shown_to_people() -> None:
    """Cash went out, and no posting speaks of it."""
    answer = reverse(claim(dispensed_jpy=10_000), None)
    assert only(answer.changes, RaiseException).kind == "PART_OF_UNKNOWN"
    assert only(answer.changes, Open).authorisation.state == "early"


# ---------------------------------------------------------------- in general


@given(
    service=st.sampled_from(["withdraw", "deposit"]),
    notes=st.integers(1, 500),
    paid=st.integers(0, 500),
    fee=st.sampled_from([0, 157]),
    settled=st.booleans(),
)
def test_an_approval_and_its_end_leave_no_suspense_and_the_right_cash(
    service: str, notes: int, paid: int, fee: int, settled: bool
) -> None:
    """I1, I8, I10: whatever part was paid out, suspense is 0, cash is what changed hands, books balance."""
    amount, dispensed = notes * 1_000, min(paid, notes - 1) * 1_000
    original = authorisation(service=service, amount_jpy=amount, fee_jpy=fee)
    said = claim(service=service, amount_jpy=amount, dispensed_jpy=dispensed)
    posts = [authorised("key-1", service, DAY, ACCOUNT_ID, "ATM00001", amount, fee)]
    if settled:
        end = settle(original, at(DAY + timedelta(days=10)), figures())
        assert end is not None
        posts.append(only(end.changes, Post))
        original = original._replace(state="settled")
    posts.append(only(reverse(said, original).changes, Post))

    assert [problems(post) for post in posts] == [()] * len(posts)
    assert len({post.key for post in posts}) == len(posts)
    balances: Counter[str] = Counter()
    for post in posts:
        for name, yen in post.legs:
            balances[name] += yen
    sign = -1 if service == "deposit" else 1
    kept_fee = fee if dispensed else 0
    assert balances[SUSPENSE] == 0
    assert balances[CASH] == sign * dispensed
    assert balances[CUSTOMER] == -sign * dispensed - kept_fee
    assert balances["fees"] == kept_fee
