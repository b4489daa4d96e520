"""The postings of each banking event: balanced, signed as the ledger says, unique by key (I1, I2)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.ledger import entries
from bank_host.ledger.posting import Post, atm_cash, customer, suspense

DAY = date(2014, 1, 15)
ACCOUNT = "0010000001"


def test_the_opening_balance_comes_from_the_opening_account() -> None:
    post = entries.opening(ACCOUNT, 250_000, DAY)
    assert post.legs == ((customer(ACCOUNT), 250_000), ("opening", -250_000))


@pytest.mark.parametrize(("kind", "sign"), [("withdrawal", -1), ("purchase", -1), ("deposit", 1)])
def test_only_a_deposit_adds_to_the_customer(kind: str, sign: int) -> None:
    post = entries.authorised("k", kind, DAY, ACCOUNT, "A1", 10_000, 0)
    assert post.legs == ((customer(ACCOUNT), sign * 10_000), (suspense("A1"), -sign * 10_000))
    cleared = entries.cleared("k", kind, "completion", DAY, "A1", 10_000)
    assert cleared.legs == ((suspense("A1"), sign * 10_000), (atm_cash("A1"), -sign * 10_000))


def test_what_corrects_a_posting_names_it_and_has_a_key_of_its_own() -> None:
    ends = [
        entries.cleared("k", "withdrawal", "completion", DAY, "A1", 10_000),
        entries.cleared("k", "withdrawal", "settlement", DAY, "A1", 10_000),
        entries.given_back("k", "withdrawal", DAY, ACCOUNT, "A1", 10_000, 10_000, 0),
    ]
    assert {post.refers for post in ends} == {"k"}
    assert [post.key for post in ends] == ["k:completion", "k:settlement", "k:reversal"]


@given(
    kind=st.sampled_from(["withdrawal", "deposit", "purchase"]),
    amount=st.integers(1_000, 5_000_000),
    fee=st.integers(0, 999),
    back=st.integers(1, 5_000_000),
    settled=st.booleans(),
)
def test_every_posting_balances_without_empty_legs(
    kind: str, amount: int, fee: int, back: int, settled: bool
) -> None:
    back = min(back, amount)
    fee_back = fee if back == amount else 0
    for post in (
        entries.authorised("k", kind, DAY, ACCOUNT, "A1", amount, fee),
        entries.cleared("k", kind, "completion", DAY, "A1", amount),
        entries.given_back("k", kind, DAY, ACCOUNT, "A1", amount, back, fee_back, settled=settled),
    ):
        assert entries.problems(post) == ()


@pytest.mark.parametrize(
    ("legs", "problem"),
    [
        ((("a", 5),), "has fewer than two legs"),
        ((("a", 5), ("b", -5), ("c", 0)), "has a zero leg"),
        ((("a", 5), ("b", -4)), "its legs sum to 1"),
    ],
)
def test_a_broken_posting_is_named(legs: tuple[tuple[str, int], ...], problem: str) -> None:
    assert problem in entries.problems(Post("k", "withdrawal", DAY, legs))


def test_a_sound_posting_has_no_problems() -> None:
    assert entries.problems(Post("k", "withdrawal", DAY, (("a", 5), ("b", -5)))) == ()
