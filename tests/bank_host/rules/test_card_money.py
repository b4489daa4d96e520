"""Approved card transactions: what is posted, counted and told (X4, X5, X10, Q10, Q11, R84, R104, R105)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.ledger.entries import problems
from bank_host.ledger.posting import Post
from bank_host.rules.card import decide, decide_overtaken, follow, terms, weigh
from bank_host.rules.changes import Audit, CountMonth, CountUse, Decision, Notify, Open
from bank_host.rules.facts import Raise
from tests.bank_host.rules.builders import ACCOUNT_ID, DAY, at, facts, figures, kinds, only, request


def test_an_approved_withdrawal_posts_counts_and_tells_once() -> None:
    answer = decide(request(), facts(), figures(), at())
    assert ("00", "", 0, 970_000) == (answer.code, answer.reason, answer.fee_jpy, answer.balance_jpy)
    post = only(answer.changes, Post)
    assert post == Post(
        "key-1",
        "withdrawal",
        DAY,
        ((f"customer:{ACCOUNT_ID}", -30_000), ("suspense:ATM00001", 30_000)),
    )
    assert only(answer.changes, CountUse) == CountUse(ACCOUNT_ID, DAY, "chip", 30_000)
    assert only(answer.changes, CountMonth) == CountMonth(ACCOUNT_ID, "2014-01", "withdraw", 1)
    assert only(answer.changes, Notify) == Notify("key-1", ACCOUNT_ID, "atm_withdrawal", 30_000)
    row = only(answer.changes, Open).authorisation
    assert (row.state, row.limit_day, row.at_us) == ("open", DAY, at().now_us)
    assert only(answer.changes, Audit).after == "00"


def test_a_fee_is_a_third_leg_and_never_counts_for_the_limit() -> None:
    answer = decide(request(amount_jpy=10_000), facts(month_uses=1), figures(), at())
    assert answer.fee_jpy == 157
    assert only(answer.changes, Post).legs == (
        (f"customer:{ACCOUNT_ID}", -10_157),
        ("suspense:ATM00001", 10_000),
        ("fees", 157),
    )
    assert only(answer.changes, CountUse).amount_jpy == 10_000


@pytest.mark.parametrize(("balance", "code"), [(10_157, "00"), (10_156, "51")])
def test_balance_must_cover_amount_and_fee_and_may_be_exactly_both(balance: int, code: str) -> None:
    """X5."""
    case = facts(account={"posted_jpy": balance}, month_uses=1)
    assert decide(request(amount_jpy=10_000), case, figures(), at()).code == code


def test_reserved_money_is_not_available() -> None:
    case = facts(account={"posted_jpy": 50_000, "held_jpy": 20_001})
    assert decide(request(), case, figures(), at()).reason == "NO_FUNDS"


@pytest.mark.parametrize(
    ("day", "partner", "amount", "uses", "fee"),
    [
        (date(2014, 1, 15), "seven_bank", 10_000, 0, 0),  # first use of the month
        (date(2014, 1, 15), "seven_bank", 10_000, 1, 157),
        (date(2014, 1, 15), "seven_bank", 30_000, 1, 0),  # 30,000 yen or more
        (date(2014, 1, 15), "japan_post", 29_000, 1, 315),
        (date(2014, 3, 31), "seven_bank", 10_000, 1, 157),
        (date(2014, 4, 1), "seven_bank", 10_000, 1, 162),
        (date(2014, 4, 1), "japan_post", 10_000, 1, 324),
        (date(2019, 9, 30), "seven_bank", 10_000, 1, 162),
        (date(2019, 10, 1), "seven_bank", 10_000, 1, 165),
        (date(2019, 10, 1), "japan_post", 10_000, 1, 330),
    ],
)
@pytest.mark.parametrize("service", ["withdraw", "deposit"])
def test_the_fee_table_by_date_partner_amount_and_use(
    day: date, partner: str, amount: int, uses: int, fee: int, service: str
) -> None:
    """X4."""
    asked = request(service=service, partner=partner, amount_jpy=amount)
    case = facts(month_uses=uses, card={"expires": "2912"})
    assert decide(asked, case, figures(day), at(day)).fee_jpy == fee


def test_enquiries_and_purchases_cost_nothing() -> None:
    for service in ("balance", "change_pin", "purchase"):
        asked = request(service=service, partner="smbc", amount_jpy=1_000)
        assert decide(asked, facts(month_uses=5), figures(), at()).fee_jpy == 0


def test_a_deposit_is_the_mirror_image_and_uses_no_limit() -> None:
    answer = decide(request(service="deposit", amount_jpy=20_000), facts(month_uses=1), figures(), at())
    assert only(answer.changes, Post).legs == (
        (f"customer:{ACCOUNT_ID}", 19_843),
        ("suspense:ATM00001", -20_000),
        ("fees", 157),
    )
    assert answer.balance_jpy == 1_019_843
    assert only(answer.changes, Notify).kind == "atm_deposit"
    assert "CountUse" not in kinds(answer.changes)


@pytest.mark.parametrize("amount", [0, -1_000, 1_500])
def test_a_deposit_is_made_of_banknotes(amount: int) -> None:
    """X10."""
    answer = decide(request(service="deposit", amount_jpy=amount), facts(), figures(), at())
    assert answer.reason == "BAD_AMOUNT"


def test_an_enquiry_tells_what_is_available_and_moves_nothing() -> None:
    case = facts(account={"posted_jpy": 70_000, "held_jpy": 20_000})
    answer = decide(request(service="balance", amount_jpy=0), case, figures(), at())
    assert answer.balance_jpy == 50_000
    assert kinds(answer.changes) == {"Open", "SetCard", "Audit"}
    assert only(answer.changes, Open).authorisation.state == "completed"


@pytest.mark.parametrize(("amount", "code"), [(100_000, "00"), (101_000, "61")])
def test_equal_to_the_room_is_allowed(amount: int, code: str) -> None:
    case = facts(account={"standing_jpy": 300_000}, used_jpy=200_000)
    assert decide(request(amount_jpy=amount), case, figures(), at()).code == code


def test_a_limit_lowered_below_todays_use_leaves_no_room() -> None:
    """R78; the mutant that takes abs(limit - used) for the room would pay here."""
    case = facts(account={"standing_jpy": 100_000}, used_jpy=200_000)
    assert decide(request(amount_jpy=50_000), case, figures(), at()).reason == "LIMIT_EXCEEDED"


def test_a_raise_of_the_day_opens_room() -> None:
    case = facts(raise_today=Raise(ACCOUNT_ID, DAY, 1_000_000, 5))
    assert decide(request(amount_jpy=900_000), case, figures(), at()).code == "00"


def test_j_debit_counts_unless_the_policy_switches_it_off() -> None:
    """Q10: what does not count cannot be refused by the limit, but still needs money."""
    asked = request(service="purchase", partner="", amount_jpy=1_000)
    zero = facts(account={"standing_jpy": 0})
    assert decide(asked, zero, figures(), at()).reason == "LIMIT_ZERO"
    off = figures(atm__counts=["withdrawal"])
    answer = decide(asked, zero, off, at())
    assert answer.code == "00"
    assert "CountUse" not in kinds(answer.changes)
    assert decide(asked, facts(account={"posted_jpy": 999}), off, at()).reason == "NO_FUNDS"


def test_a_ceiling_for_the_stripe_holds_beside_the_limit() -> None:
    """Q11."""
    ceiling = figures(atm__medium_ceiling={"chip": None, "stripe": 100_000})
    case = facts(used_jpy=80_000, used_medium_jpy=80_000)
    assert decide(request(medium="stripe"), case, ceiling, at()).reason == "LIMIT_EXCEEDED"
    assert decide(request(medium="stripe", amount_jpy=20_000), case, ceiling, at()).code == "00"
    assert decide(request(medium="chip"), case, ceiling, at()).code == "00"


def test_a_request_whose_reversal_came_first_is_declined_94() -> None:
    answer = decide_overtaken(request(), facts(), figures(), at())
    assert (answer.code, answer.reason) == ("94", "REVERSED_FIRST")
    assert kinds(answer.changes) == {"Audit"}


@given(
    amount=st.integers(-5, 700).map(lambda thousands: thousands * 1_000),
    balance=st.integers(0, 1_000_000),
    standing=st.integers(0, 500).map(lambda thousands: thousands * 1_000),
    used=st.integers(0, 600).map(lambda thousands: thousands * 1_000),
    uses=st.integers(0, 2),
    service=st.sampled_from(["withdraw", "deposit", "balance", "purchase"]),
)
def test_every_decision_keeps_books_limit_and_balance(
    amount: int, balance: int, standing: int, used: int, uses: int, service: str
) -> None:
    """I1, I4, I16 for one decision, judged from the outside."""
    case = facts(account={"posted_jpy": balance, "standing_jpy": standing}, used_jpy=used, month_uses=uses)
    answer = decide(request(service=service, amount_jpy=amount), case, figures(), at())
    posts = [change for change in answer.changes if isinstance(change, Post)]
    assert [problems(post) for post in posts] == [()] * len(posts)
    assert len(posts) == (1 if answer.code == "00" and service != "balance" else 0)
    if answer.code == "00":
        assert answer.balance_jpy is not None
        assert answer.balance_jpy >= 0
        if service in ("withdraw", "purchase"):
            assert used + amount <= standing


@pytest.mark.parametrize("service", ["withdraw", "deposit", "balance", "purchase"])
def test_every_record_of_an_approval_has_all_its_fields(service: str) -> None:
    """The fast way of building records does not count fields, so this does."""
    answer = decide(request(service=service, amount_jpy=1_000), facts(), figures(), at())
    assert len(answer) == len(Decision._fields)
    for record in (*answer.changes, only(answer.changes, Open).authorisation):
        assert len(record) == len(record._fields), type(record).__name__


yen = st.integers(0, 1_000_000)


@given(
    st.sampled_from(["withdraw", "deposit", "balance", "purchase"]),
    st.sampled_from([0, 1_000, 1_500, 30_000, 600_000]),
    st.sampled_from(["individual", "corporate"]),
    st.booleans(),
    yen,
    yen,
    yen,
    yen,
)
def test_terms_are_the_same_whatever_is_used_and_left_and_with_both_give_the_decision(
    service: str, amount_jpy: int, kind: str, pin_ok: bool, standing: int, used: int, posted: int, held: int
) -> None:
    """Who decides by the million may keep terms and what follows, and weigh each use and balance alone."""
    asked = request(service=service, amount_jpy=amount_jpy)
    account = {"kind": kind, "standing_jpy": standing}
    kept = terms(asked, facts(account=account, pin_ok=pin_ok), figures())
    case = facts(
        account={**account, "posted_jpy": posted, "held_jpy": held},
        used_jpy=used,
        used_medium_jpy=used,
        pin_ok=pin_ok,
    )
    found = decide(asked, case, figures(), at())
    verdict = weigh(kept, used, used, posted - held)
    assert verdict == (found.code, found.reason, found.fee_jpy, found.balance_jpy)
    assert found.changes == follow(verdict, asked, "card-1", ACCOUNT_ID, pin_ok, figures(), at())
