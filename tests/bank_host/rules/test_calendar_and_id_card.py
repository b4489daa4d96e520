"""Business days of banks, Zengin hours, and the ID card's table (R57, R60, R118, R4, R66-R70, X13)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyotp import HOTP

from bank_host.jst import HOUR_US, MINUTE_US, midnight_us
from bank_host.rules.calendar import (
    business_days_after,
    is_business_day,
    next_business_day,
    zengin_due_us,
)
from bank_host.rules.id_card import POSITIONS, IdCard, answer, challenge, code_at
from bank_host.rules.otp import compare, resync
from tests.bank_host.rules.builders import SECRET, at, figures, token

days = st.dates(date(2014, 1, 1), date(2025, 12, 31))


@pytest.mark.parametrize(
    ("day", "open_"),
    [
        (date(2014, 1, 15), True),
        (date(2014, 1, 18), False),  # Saturday
        (date(2014, 1, 13), False),  # Coming of Age Day
        (date(2014, 5, 6), False),  # substitute holiday
        (date(2014, 12, 31), False),  # year's end
        (date(2015, 1, 2), False),
        (date(2015, 9, 22), False),  # between two holidays
        (date(2019, 5, 1), False),  # enthronement
        (date(2019, 4, 30), False),
    ],
)
def test_banks_close_on_weekends_national_holidays_and_at_the_turn_of_the_year(
    day: date, open_: bool
) -> None:
    assert open_ is is_business_day(day, figures(day))


def test_holidays_and_closed_dates_are_policy() -> None:
    every_weekday = {"weekdays": ["sat", "sun"], "national_holidays": False, "dates": []}
    assert is_business_day(date(2014, 1, 13), figures(calendar__closed=every_weekday))


@given(day=days, count=st.integers(1, 10))
def test_business_days_later_is_a_business_day_with_so_many_passed(day: date, count: int) -> None:
    end = business_days_after(day, count, figures())
    passed = [day + timedelta(n) for n in range(1, (end - day).days + 1)]
    assert is_business_day(end, figures())
    assert count == sum(is_business_day(each, figures()) for each in passed)


@given(day=days, minute=st.integers(0, 24 * 60 - 1))
def test_a_transfer_waits_for_the_next_opening_and_never_longer(day: date, minute: int) -> None:
    now_us = midnight_us(day) + minute * MINUTE_US
    due_us = zengin_due_us(now_us, 1_000, figures(date(2014, 1, 15)))
    assert now_us <= due_us
    latest = midnight_us(next_business_day(day, figures())) + 8 * HOUR_US + 30 * MINUTE_US
    assert due_us <= latest


def test_round_the_clock_is_for_amounts_below_100_million() -> None:
    night_us = midnight_us(date(2019, 1, 15)) + 23 * HOUR_US
    then = figures(date(2019, 1, 15))
    assert night_us == zengin_due_us(night_us, 99_999_999, then)
    assert midnight_us(date(2019, 1, 16)) + 510 * MINUTE_US == zengin_due_us(night_us, 100_000_000, then)


# ---------------------------------------------------------------- ID card


@given(number=st.integers(1, 10_000), digits=st.integers(6, 8))
def test_what_the_holder_reads_is_what_the_bank_expects(number: int, digits: int) -> None:
    asked = challenge(SECRET, number, digits)
    assert len(set(asked)) == len(asked)
    assert set(asked) <= set(POSITIONS)
    typed = IdCard(SECRET).read(asked, digits)
    assert typed == answer(SECRET, asked, digits)
    assert digits == len(typed)


def test_each_card_has_a_table_of_its_own_and_asks_all_of_it() -> None:
    assert {code_at(SECRET, each) for each in POSITIONS} != {code_at("other", each) for each in POSITIONS}
    assert set(POSITIONS) == {each for n in range(200) for each in challenge(SECRET, n, 6)}
    with pytest.raises(ValueError, match="no position"):
        code_at(SECRET, "Z9")


@pytest.mark.parametrize(
    ("last", "number", "result"), [(4, 5, "matched"), (5, 5, "used"), (6, 5, "wrong"), (3, 5, "wrong")]
)
def test_only_the_challenge_that_was_asked_is_answered(last: int, number: int, result: str) -> None:
    """X13: the time of day plays no part."""
    card = token(device="id_card", last_step=last)
    code = answer(SECRET, challenge(SECRET, number, 6), 6)
    assert result == compare(code, [card], at().now_us, figures()).result


def test_codes_that_a_token_showed_long_ago_do_not_bring_it_back() -> None:
    """Resynchronisation never takes a step at or before the last one spent."""
    step = at().now_us // (60 * 1_000_000)
    spent = token(last_step=step)
    codes = HOTP(SECRET).at(step - 1), HOTP(SECRET).at(step)
    assert "used" == resync(*codes, spent, at().now_us, figures()).result
    assert "locked_token" == resync(*codes, token(locked=True), at().now_us, figures()).result
    assert ("matched", 0) == resync(*codes, token(), at().now_us, figures())[::3]
