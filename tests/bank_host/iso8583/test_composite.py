"""Amounts, fees, balances and replacement amounts are read strictly and written as they are read."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_host.iso8583.build import transmission_time
from bank_host.iso8583.composite import (
    SERVICES,
    Balance,
    Service,
    amount_jpy,
    amount_text,
    balances_text,
    fee_jpy,
    fee_text,
    parse_balances,
    parse_replacement,
    processing_code,
    replacement_text,
    seconds_ahead,
    service_of,
)

amounts = st.integers(0, 999_999_999_999)
fees = st.integers(-99_999_999, 99_999_999)


@given(amounts)
def test_an_amount_reads_back(amount: int) -> None:
    assert amount == amount_jpy(amount_text(amount))
    assert len(amount_text(amount)) == 12


def test_yen_have_no_minor_unit() -> None:
    assert amount_text(10_000) == "000000010000"


@pytest.mark.parametrize("amount", [-1, 1_000_000_000_000])
def test_an_amount_that_does_not_fit_is_refused(amount: int) -> None:
    with pytest.raises(ValueError, match="between ¥0 and"):
        amount_text(amount)


@pytest.mark.parametrize(
    "text", ["", "1000", "-00000001000", "+00000001000", " 00000001000", "0000000_1000", "\uff10" * 12]
)
def test_what_int_would_take_is_not_therefore_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match="twelve digits"):
        amount_jpy(text)


@given(fees)
def test_a_fee_reads_back(fee: int) -> None:
    assert fee == fee_jpy(fee_text(fee))


def test_a_fee_names_who_pays() -> None:
    assert ("D00000110", "C00000110", 0) == (fee_text(110), fee_text(-110), fee_jpy(""))


@pytest.mark.parametrize("text", ["X00000110", "D0000110", "D-0000110", "D\uff10000011"])
def test_a_malformed_fee_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="C or D and eight digits"):
        fee_jpy(text)


def test_available_balance_on_savings() -> None:
    assert balances_text(Balance("available", 123_456)) == "1002392C000000123456"


@given(
    st.lists(
        st.builds(
            Balance,
            kind=st.sampled_from(["ledger", "available", "cash"]),
            amount_jpy=st.integers(-999_999_999_999, 999_999_999_999),
            account_type=st.sampled_from(["00", "10", "20"]),
            currency=st.just("392"),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_balances_read_back(balances: list[Balance]) -> None:
    assert tuple(balances) == parse_balances(balances_text(*balances))


@pytest.mark.parametrize("count", [0, 7])
def test_balances_are_one_to_six(count: int) -> None:
    with pytest.raises(ValueError, match="one to six"):
        balances_text(*[Balance("ledger", 1)] * count)


@pytest.mark.parametrize("text", ["", "1002392C00000012345"])
def test_balances_of_another_length_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="20-character items"):
        parse_balances(text)


@given(amounts, fees)
def test_replacement_amounts_read_back(amount: int, fee: int) -> None:
    assert (amount, fee) == parse_replacement(replacement_text(amount, fee))


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_service_is_known_by_the_first_two_digits(service: Service) -> None:
    name = service.name
    assert name == service_of(processing_code(name)) == service_of(processing_code(name)[:2] + "9999")


def test_an_unknown_processing_code_is_no_service() -> None:
    assert service_of("770000") == ""


def _s(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("0115030000", "2014-01-15 03:00:00", 0),
        ("0115030010", "2014-01-15 03:00:00", 10),
        ("1231235959", "2014-01-01 00:00:01", -2),
        ("0101000001", "2013-12-31 23:59:59", 2),
        ("0229120000", "2016-02-29 11:00:00", 3_600),
        ("0229120000", "2014-01-15 03:00:00", None),
        ("0230120000", "2016-02-29 11:00:00", None),
    ],
)
def test_a_transmission_time_is_of_the_year_that_brings_it_nearest(
    text: str, now: str, expected: int | None
) -> None:
    """DE7 has no year: also at new year, and on a day that only leap years have."""
    assert expected == seconds_ahead(text, _s(now))


@given(st.integers(0, 3_000_000_000), st.integers(-150 * 86_400, 150 * 86_400))
def test_a_transmission_time_written_by_us_tells_how_far_it_is_ahead(now_s: int, ahead_s: int) -> None:
    assert ahead_s == seconds_ahead(transmission_time((now_s + ahead_s) * 1_000_000), now_s)
