"""Cash plans: read with positions, played under the same luck, judged on the far end of an interval."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from atm_sim.cash.compare import Compared, compare, verdicts
from atm_sim.cash.plan import SHIPPED, PlanError, load_plan, shipped_plans
from atm_sim.cli import main

TEXT = (SHIPPED / "half_year.yaml").read_text(encoding="utf-8")
ALONE = TEXT[: TEXT.index("compare:")] + TEXT[TEXT.index("expect:") :]
SMALL = ALONE.replace("weeks: 26", "weeks: 8").replace("machines: 200", "machines: 20").replace(
    "replications: 10", "replications: 3"
)  # fmt: skip


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    file = tmp_path_factory.mktemp("plan") / "small.yaml"
    file.write_text(SMALL.replace("[14, 21, 28, 35, 42]", "[14, 28]").replace("[7, 14, 21, 28, 35]", "14"))
    plan, demand, _ = load_plan(str(file))
    return compare(plan, demand)


def test_a_mean_of_thirty_million_and_the_published_flow_return_the_published_cycle() -> None:
    plan, demand, _ = load_plan("refill_cycle")
    compared = compare(plan, demand)
    assert ["mean_cash_jpy", "net_out_day_jpy", "refill_cycle_days"] == [
        v.measure for v in verdicts(plan, compared)
    ]
    assert all(verdict.met for verdict in verdicts(plan, compared))
    cycle = compared.interval("level", "refill_cycle_days")
    assert 35 <= cycle.low <= cycle.high <= 43


def test_a_forecast_loses_no_more_withdrawals_with_less_cash(small: Compared) -> None:
    fixed = "fixed every_days=14"
    assert small.difference("forecast", fixed, "mean_cash_jpy").high < 0
    assert small.interval("forecast", "lost_withdrawals_share").high < 0.001
    assert small.interval("fixed every_days=28", "lost_withdrawals_share").mean > 0.001


def test_all_policies_meet_the_same_failures(small: Compared) -> None:
    """Common random numbers: what no policy can touch is the same in each replication."""
    for one in small.played.values():
        assert [each.availability for each in next(iter(small.played.values()))] == [
            e.availability for e in one
        ]
        assert len({each.availability for each in one}) == 3


def test_both_shipped_plans_are_read_and_every_point_of_a_curve_is_played() -> None:
    assert ("half_year", "refill_cycle") == shipped_plans()
    plan, demand, _ = load_plan("half_year")
    assert 12 == len(plan.candidates(demand))
    assert (200, 26) == (plan.machines, plan.weeks)


def test_the_command_fails_when_a_plan_expects_what_is_not_so(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    text = (
        SMALL.replace("weeks: 8", "weeks: 3")
        .replace("[14, 21, 28, 35, 42]", "14")
        .replace("[7, 14, 21, 28, 35]", "14")
    )
    file.write_text(text.replace("at_most: 0.01}", "at_least: 0.5}"))
    result = CliRunner().invoke(main, ["cash", str(file), "--out", str(tmp_path / "out")])
    assert 1 == result.exit_code, result.output
    assert "FAILED forecast: lost_withdrawals_share at least 0.5" in result.output
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert 3 == manifest["replications"]
    assert 1 + 4 * 3 == len((tmp_path / "out" / "figures.csv").read_text().splitlines())


def test_two_policies_are_subtracted_replication_by_replication(tmp_path: Path) -> None:
    """The interval of the difference, not the difference of the intervals."""
    file = tmp_path / "pairs.yaml"
    text = TEXT.replace("weeks: 26", "weeks: 4").replace("machines: 200", "machines: 5")
    file.write_text(
        text[: text.index("expect:")].replace("replications: 10", "replications: 3"), encoding="utf-8"
    )
    result = CliRunner().invoke(main, ["cash", str(file), "--out", str(tmp_path / "out"), "--json"])
    assert 0 == result.exit_code, result.output
    told = json.loads(result.output)
    first, *_ = told["differences"]
    plan, demand, _ = load_plan(str(file))
    held = compare(plan, demand).difference("forecast cover_days=14", "fixed every_days=14", "mean_cash_jpy")
    assert held.mean == first["mean_cash_jpy"]["mean"] < 0
    policies = told["policies"]
    one, other = (policies[first[key]]["mean_cash_jpy"] for key in ("policy", "against"))
    assert one["mean"] - other["mean"] == pytest.approx(held.mean)


def test_the_same_plan_gives_the_same_figures(tmp_path: Path) -> None:
    plan, demand, _ = load_plan("refill_cycle")
    short = plan.model_copy(update={"weeks": 4, "machines": 10, "replications": 2, "warm_up_cycles": 0})
    assert compare(short, demand) == compare(short, demand)


@pytest.mark.parametrize(
    ("written", "instead", "told"),
    [
        (
            "demand: convenience",
            "demand: conveniance",
            "shipped are branch and convenience; did you mean 'conv",
        ),
        ("note_moved: {value: 0.2", "note_moved: {value: -0.2", "expected a number from 0 to 1"),
        ("level_cv: {value: 0.3", "level_cv: {value: -0.3", "expected a number from 0 to 3"),
        ("net_out_day: {value: ¥762_000", "net_out_day: {value: ¥0", "a machine pays out more than ¥0"),
        ("net_out_day: {value: ¥762_000", "per_atm_day: {value: 0", "expected a number above 0"),
        ("{every_days: [14, 21, 28, 35, 42]}", "{risk: 0.01}", "a policy has one of every_days: (fixed)"),
        ("fill: 3000}\n  1000", "fill: 5000}\n  1000", "at most capacity"),
        ("{policy: forecast, measure", "{policy: forcast, measure", "did you mean 'forecast'"),
        (
            "{policy: forecast cover_days=14, against: f",
            "{policy: forecast, against: f",
            "no policy is called 'forecast'",
        ),
        ("visit: {value: ¥3_000", "visit: {value: 3000", "an amount carries its unit"),
        (", source: a vehicle with two guards for a day; not published", "", "missing key 'source'"),
        ("[mon, tue, wed, thu, fri]", "[mon, tues]", "unknown word 'tues'"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, written: str, instead: str, told: str) -> None:
    assert written in TEXT
    file = tmp_path / "wrong.yaml"
    file.write_text(TEXT.replace(written, instead, 1), encoding="utf-8")
    with pytest.raises(PlanError) as refused:
        load_plan(str(file))
    assert told in str(refused.value)
    assert f"{file}:" in str(refused.value)
