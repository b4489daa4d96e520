"""Which days are busy, and why (給料日, 年金支給日, 五十日)."""

from datetime import date

import pytest

from atm_sim.demand import day_multiplier, load_demand, occasion_on, shipped_demands

DEMAND = load_demand("convenience")


@pytest.mark.parametrize(
    ("occasion", "day"),
    [
        ("payday", date(2014, 12, 25)),  # a Thursday
        ("payday", date(2014, 1, 24)),  # the 25th is a Saturday
        ("gotobi", date(2014, 1, 10)),
        ("pension_day", date(2014, 6, 13)),  # the 15th is a Sunday
        ("gotobi", date(2014, 7, 15)),  # no pension in odd months
        ("year_end", date(2014, 12, 30)),  # also Gotobi: the year end counts
        ("new_year", date(2015, 1, 1)),
        ("long_holiday", date(2019, 5, 2)),  # ten days without banks
        ("", date(2014, 5, 4)),  # four days without banks
        ("", date(2014, 1, 25)),  # the payday has gone to the business day before
        ("", date(2014, 1, 14)),
    ],
)
def test_a_payday_on_a_day_without_banks_is_the_business_day_before(occasion: str, day: date) -> None:
    assert occasion == occasion_on(day, DEMAND)


def test_a_day_is_its_weekday_times_its_strongest_occasion() -> None:
    assert 1.6 == day_multiplier(DEMAND, date(2014, 12, 25))
    assert 0.95 * 1.5 == pytest.approx(day_multiplier(DEMAND, date(2014, 12, 28)))
    assert 0.95 == day_multiplier(DEMAND, date(2014, 12, 23))  # the Emperor's birthday, a Tuesday


def test_a_shipped_demand_cites_each_figure_and_loses_the_published_cash() -> None:
    assert ("branch", "convenience") == shipped_demands()
    assert 762_000 == pytest.approx(DEMAND.net_out_jpy_day, rel=0.05)
    assert 1.0 == pytest.approx(sum(DEMAND.hours))
