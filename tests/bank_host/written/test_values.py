"""Money and time as they are written: every form read exactly, every near miss answered with what to write."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.jst import DAY_US, HOUR_US, MINUTE_US, SECOND_US
from bank_host.written import values


@given(st.integers(0, values.MOST_JPY))
def test_an_amount_is_read_the_same_with_commas_underscores_or_neither(amount_jpy):
    for written in (f"¥{amount_jpy:,}", f"¥{amount_jpy:_}", f"￥{amount_jpy}"):
        assert amount_jpy == values.amount_jpy(written)


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("30000", "write ¥30_000"),
        ("30,000円", "¥30_000"),
        ("¥30,00", "write ¥3_000"),
        ("¥-5", "cannot be negative"),
        ("¥1.5", "no decimals"),
        ("￥３０", "half-width characters: ¥30"),
        ("lots", "such as ¥30_000"),
        ("¥1_000_000_000_000", "twelve digits"),
    ],
)
def test_an_amount_in_another_form_is_answered_with_the_right_one(written, advice):
    with pytest.raises(ValueError, match=r"¥|yen|amount") as caught:
        values.amount_jpy(written)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("written", "microseconds"),
    [
        ("20 min", 20 * MINUTE_US),
        ("3 s", 3 * SECOND_US),
        ("250 ms", 250_000),
        ("7 us", 7),
        ("0.5 h", HOUR_US // 2),
        ("2 days", 2 * DAY_US),
        ("3s", 3 * SECOND_US),
        ("0.000001 s", 1),
    ],
)
def test_durations_are_whole_microseconds(written, microseconds):
    assert microseconds == values.duration_us(written)


@pytest.mark.parametrize(
    ("written", "advice"),
    [
        ("20", "write 20 s or 20 min"),
        ("5 m", "write 5 min"),
        ("5 sec", "write 5 s"),
        ("5分", "write 5 min"),
        ("5 parsecs", "write us, ms, s, min, h or days"),
        ("0.1 us", "whole number of microseconds"),
        ("401 days", "at most 400 days"),
        ("soon", "such as 20 s"),
    ],
)
def test_a_duration_in_another_form_is_answered_with_the_right_one(written, advice):
    with pytest.raises(ValueError, match=r"duration|unit") as caught:
        values.duration_us(written)
    assert advice in str(caught.value)


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
def test_a_time_of_day_is_microseconds_after_midnight(hour, minute, second):
    expected = hour * HOUR_US + minute * MINUTE_US + second * SECOND_US
    assert expected == values.time_of_day_us(f"{hour:02}:{minute:02}:{second:02}")


def test_a_day_may_end_at_2400_and_no_later():
    assert values.time_of_day_us("24:00") == DAY_US
    with pytest.raises(ValueError, match="time of day"):
        values.time_of_day_us("24:01")


def test_a_moment_may_name_its_day():
    assert values.Moment(date(2014, 1, 16), 9 * HOUR_US) == values.moment("2014-01-16 09:00")
    assert values.Moment(None, 9 * HOUR_US) == values.moment("09:00")


@pytest.mark.parametrize("written", ["2014-02-30", "1999-12-31", "14-01-01", "2014/01/01"])
def test_days_outside_the_calendar_are_refused(written):
    with pytest.raises(ValueError, match=r"date|day"):
        values.civil_date(written)


@pytest.mark.parametrize("written", ["012", "1.0", "1e3", "１", "", "9" * 5_000])
def test_a_whole_number_is_plain_digits_of_bounded_length(written):
    with pytest.raises(ValueError, match="number"):
        values.integer(written)
