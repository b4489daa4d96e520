"""`atm-sim fit` finds again what made the data, and tells the truth about its own forecast."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from atm_sim.cli import main
from atm_sim.demand import Demand, day_factors, days_of, generator, load_demand, visits_of_day
from atm_sim.demand.fit import fit_chance, fit_effects
from atm_sim.demand.history import HistoryError, history_of
from atm_sim.demand.smape import smape

NN5_WEEK = (0.779, 0.822, 1.055, 1.491, 1.313, 0.688, 0.841)
"""Weekday index of 111 English machines, 1996-1998 (data set NN5)."""
FIRST = date(1996, 3, 18)


def _counts(demand: Demand, days: tuple[date, ...], machines: int, seed: int = 1) -> np.ndarray:
    rng = generator(seed, 1, "test")
    factors = day_factors(rng, len(days), machines, cv=demand.day_factor_cv, lag1=demand.day_factor_lag1)
    return np.array(
        [visits_of_day(rng, demand, day, row) for day, row in zip(days, factors, strict=True)], float
    )


def _csv(folder: Path, counts: np.ndarray, days: tuple[date, ...]) -> Path:
    file = folder / "withdrawals.csv"
    lines = [
        f"{day},a{atm},{int(n)}" for day, row in zip(days, counts, strict=True) for atm, n in enumerate(row)
    ]
    file.write_text("\n".join(["day,atm,withdrawals", *lines]) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def english() -> Demand:
    return load_demand("convenience")._replace(weekdays=NN5_WEEK, occasions={}, per_atm_day=60.0)


def test_the_weekday_index_of_published_machines_comes_back_from_generator_and_fit(english: Demand) -> None:
    """sigma of an index over 20 machines and 105 weeks: 0.33 / sqrt(20 * 105) = 0.7 %."""
    days = days_of(FIRST, 735)
    effects = fit_effects(_counts(english, days, 20), days, japan=False)
    assert list(NN5_WEEK) == pytest.approx(list(effects.weekdays), rel=0.03)
    assert [1.0] * 31 == pytest.approx(list(effects.days_of_month), abs=0.1)


def test_paydays_and_spread_come_back_from_a_japanese_year_and_a_half() -> None:
    demand, days = load_demand("convenience"), days_of(date(2014, 1, 1), 550)
    counts = _counts(demand, days, 40)
    effects = fit_effects(counts, days)
    for occasion in ("payday", "pension_day", "gotobi", "year_end"):
        assert demand.occasions[occasion] == pytest.approx(effects.occasions[occasion], rel=0.12)
    chance = fit_chance(counts, effects.multipliers(days))
    assert 0.3 == pytest.approx(chance.cv, abs=0.02)
    assert 0.2 == pytest.approx(chance.lag1, abs=0.05)


def test_a_fit_that_forecasts_better_says_so_and_its_file_is_a_demand(
    tmp_path: Path, english: Demand
) -> None:
    days = days_of(FIRST, 400)
    file = _csv(tmp_path, _counts(english, days, 4), days)
    result = CliRunner().invoke(
        main, ["fit", str(file), "--calendar", "none", "--out", str(tmp_path / "d.yaml"), "--json"]
    )
    assert 0 == result.exit_code, result.output
    told = json.loads(result.output)
    assert told["smape"]["better"]
    assert told["smape"]["fit"] < told["smape"]["last_week"] < told["smape"]["naive"]
    fitted = load_demand("d.yaml", beside=tmp_path)
    assert list(NN5_WEEK) == pytest.approx(list(fitted.weekdays), rel=0.08)
    assert 0.3 == pytest.approx(fitted.day_factor_cv, abs=0.05)
    assert english.per_atm_day == pytest.approx(fitted.per_atm_day * dict(fitted.mix)["withdraw"], rel=0.05)


def test_a_fit_that_is_worse_than_last_week_says_so(tmp_path: Path) -> None:
    """The machine is moved to a busier street ten days before what is held out: last week knows, the past does not."""
    days = days_of(date(2014, 1, 1), 300)
    counts = np.full((300, 1), 20.0)
    counts[-66:] = 200.0
    result = CliRunner().invoke(
        main, ["fit", str(_csv(tmp_path, counts, days)), "--out", str(tmp_path / "d.yaml")]
    )
    assert 0 == result.exit_code, result.output
    assert "The fit is WORSE than the last-week forecast" in result.output


def test_smape_counts_as_the_nn5_competition_does() -> None:
    assert 200 * 10 / 90 == pytest.approx(smape(np.array([[50.0]]), np.array([[40.0]])))
    assert 0.0 == smape(np.array([[0.0, 5.0]]), np.array([[0.0, np.nan]]))


def test_times_give_the_hours_and_amounts_the_amounts() -> None:
    lines = [
        "time,amount_jpy",
        "2014-01-15 12:05,10000",
        "2014-01-15 12:59:59,10000",
        "2014-01-17 08:00,30000",
    ]
    history = history_of("\n".join(lines), "t.csv")
    assert [2.0, 0.0, 1.0] == history.counts[:, 0].tolist()
    assert history.hours is not None
    assert (2.0, 1.0) == (history.hours[12], history.hours[8])
    assert ((10_000, 2.0), (30_000, 1.0)) == history.amounts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("day,withdrawels\n2014-01-15,3\n", "w.csv:1:1: expected the columns day and withdrawals (one line a day)"),
        ("day,withdrawals\n2014-01-32,3\n", "w.csv:2:1: expected a date such as 2014-01-15"),
        ("day,withdrawals\n2014-01-15,-3\n", "w.csv:2:1: withdrawals is a number such as 83"),
        ("day,withdrawals\n2014-01-15,3,4\n", "w.csv:2:1: 3 cells in a line of 2 columns"),
        ("day,withdrawals\n2014-01-15,3\n2014-01-15,4\n", "w.csv:3:1: 2014-01-15 of this machine stands in line 2"),
        ("time\n2014-01-15\n", "w.csv:2:1: expected a day and time such as 2014-01-15 12:05"),
        ("day,withdrawals\n", "w.csv:1:1: no line of data below the names of the columns"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_read_is_told_with_its_number(text: str, told: str) -> None:
    with pytest.raises(HistoryError) as refused:
        history_of(text, "w.csv")
    assert told in str(refused.value)


def test_too_short_a_history_is_refused(tmp_path: Path) -> None:
    days = days_of(date(2014, 1, 1), 100)
    result = CliRunner().invoke(main, ["fit", str(_csv(tmp_path, np.ones((100, 1)), days))])
    assert 2 == result.exit_code
    assert "100 days; a fit that can be judged needs 168" in result.output


def test_days_between_far_apart_lines_are_no_history(tmp_path: Path) -> None:
    """Three hundred days from the first line to the last, of which a hundred are in the file."""
    days = days_of(date(2014, 1, 1), 300)[::3]
    result = CliRunner().invoke(main, ["fit", str(_csv(tmp_path, np.full((100, 1), 9.0), days))])
    assert 2 == result.exit_code
    assert "100 days; a fit that can be judged needs 168" in result.output


@pytest.mark.filterwarnings("error")
def test_days_that_no_machine_knows_and_a_machine_that_came_late_are_no_trouble(tmp_path: Path) -> None:
    days = days_of(date(2014, 1, 1), 260)
    file = _csv(tmp_path, np.full((259, 1), 20.0), days[:100] + days[101:])
    late = "".join(f"{day},new,{n}\n" for day, n in ((days[-2], 7), (days[-1], ""), (days[-3], 0)))
    file.write_text(file.read_text("utf-8") + late, encoding="utf-8")
    result = CliRunner().invoke(main, ["fit", str(file), "--out", str(tmp_path / "d.yaml")])
    assert 0 == result.exit_code, result.output
    assert "2 machines, 2014-01-01 to 2014-09-17" in result.output


@pytest.mark.filterwarnings("error")
def test_machines_that_nobody_used_are_nothing_to_fit(tmp_path: Path) -> None:
    days = days_of(date(2014, 1, 1), 200)
    result = CliRunner().invoke(main, ["fit", str(_csv(tmp_path, np.zeros((200, 2)), days))])
    assert 2 == result.exit_code
    assert "no withdrawal before the last 56 days; there is nothing to fit" in result.output
