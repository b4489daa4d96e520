"""Repairs and guards act on a fleet from outside, and every invariant goes on holding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from atm_sim.demand.file import SHIPPED
from atm_sim.fleet.arrivals import demand_of
from atm_sim.fleet.play import Job, Played, play_replication
from atm_sim.scenario import ScenarioError, loads

FLEET = """\
scenario: Machines of little cash
version: 1
day: 2014-01-06
seed: 3
fleet:
  operators: {{seven_bank: {{machines: 8, cassettes: {{10000: 150, 1000: 150}}, near_end: 40}}}}
  accounts: 2_000
  demand: {{per_atm_day: 120, calendar: none}}
  customers: {{neighbours: 0, returns: 0}}
  days: {days}
  {more}
"""


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Played]:
    def played(more: str, days: int = 6) -> Played:
        scenario = loads(FLEET.format(days=days, more=more)).scenario
        return play_replication(Job(scenario, 3, 1, tmp_path_factory.mktemp("fleet"), "run"))

    return played


def without_cash(played: Played) -> float:
    return played.measures["sessions.no_cash"] + sum(
        count for name, count in played.tally.away.items() if name.endswith("out_of_cash")
    )


def test_guards_keep_machines_from_running_dry_and_the_books_stay_right(play: Callable[..., Played]) -> None:
    nobody = play("cash: {policy: {every_days: 400}, first_fill: full}")
    guarded = play("cash: {policy: {cover_days: 3}, first_fill: full}")
    assert without_cash(nobody) > 100
    assert without_cash(guarded) < without_cash(nobody) / 5
    assert {} == {**nobody.broken, **guarded.broken}
    assert guarded.checked["I7"] > 0
    assert nobody.measures["customers"] == guarded.measures["customers"]  # common random numbers


def test_a_fixed_policy_and_a_level_send_guards_too(play: Callable[..., Played]) -> None:
    """The first guards come on the second day, so that some are lost before."""
    fill = "fill: {10000: 3000, 1000: 3000}"
    nobody = without_cash(play("cash: {policy: {every_days: 400}, first_fill: full}"))
    for policy in (f"{{every_days: 2, {fill}}}", f"{{reorder_at: ¥3_000_000, {fill}}}"):
        assert without_cash(play(f"cash: {{policy: {policy}, first_fill: full}}")) < nobody / 2


def test_a_first_fill_is_drawn_from_the_cycle_unless_machines_open_full(play: Callable[..., Played]) -> None:
    fill = "fill: {10000: 3000, 1000: 3000}"
    drawn, full = (
        play(f"cash: {{policy: {{every_days: 30, {fill}}}, first_fill: {first}}}", days=3)
        for first in ("drawn", "full")
    )
    assert without_cash(drawn) < without_cash(full)  # `full` is the little that these machines open with
    assert {} == drawn.broken


def test_machines_out_of_order_send_people_away_as_often_as_mtbf_and_mttr_say(
    play: Callable[..., Played],
) -> None:
    """MTBF 8 h and MTTR 2 h: a fifth of the time. The kernel draws no neighbours here, so all of these are lost."""
    failing = play("failures: {mtbf: 8 h, mttr: 2 h}")
    away = sum(count for name, count in failing.tally.away.items() if name.endswith("out_of_order"))
    assert 0.2 == pytest.approx(away / failing.measures["customers"], abs=0.06)
    assert {} == failing.broken
    none = play("partitions: 1")
    assert 0 == sum(count for name, count in none.tally.away.items() if name.endswith("out_of_order"))


def test_both_details_meet_the_same_guards_and_failures(play: Callable[..., Played]) -> None:
    """Guards wait until the customer at the machine has gone, so that no note is counted twice."""
    more = (
        "cash: {policy: {cover_days: 3}, first_fill: full}\n  failures: {mtbf: 50 h, mttr: 2 h}\n  detail: "
    )
    fleet, full = play(more + "fleet", days=3), play(more + "full", days=3)
    assert {} == {**fleet.broken, **full.broken}
    assert fleet.tally.away == full.tally.away
    assert fleet.measures["dispensed"] == full.measures["dispensed"] > 0


def test_a_fitted_demand_file_beside_the_scenario_is_its_demand(tmp_path: Path) -> None:
    text = (SHIPPED / "branch.yaml").read_text(encoding="utf-8").replace("value: 95", "value: 123", 1)
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    written = FLEET.format(days=1, more="").replace("per_atm_day: 120", "curve: ours.yaml")
    demand = demand_of(loads(written, tmp_path / "scenario.yaml").scenario)
    assert (123, 0.0) == (demand.per_atm_day, demand.hours[3])


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("cash: {policy: {every_days: [3, 7]}}", "a fleet plays one policy"),
        ("cash: {policy: {risk: 0.1}}", "a policy has one of every_days: (fixed)"),
        ("cash: {policy: {every_day: 3}}", "did you mean 'every_days'"),
        ("failures: {mtbf: 0 h}", "a machine works longer than no time"),
    ],
)
def test_what_is_wrong_is_told(more: str, told: str) -> None:
    with pytest.raises(ScenarioError) as refused:
        loads(FLEET.format(days=1, more=more))
    assert told in str(refused.value)


def test_guards_that_come_more_often_are_counted_and_cash_that_lies_idle_is_told(
    play: Callable[..., Played],
) -> None:
    """Yen × days, by hand where nobody comes for cash; machines filled every day hold more."""
    scenario = loads(FLEET.format(days=2, more="").replace("per_atm_day: 120", "per_atm_day: 0.001")).scenario
    with TemporaryDirectory() as folder:
        nobody = play_replication(Job(scenario, 3, 1, Path(folder), "run"))
    assert (0, 2 * 8 * 150 * 11_000) == (nobody.measures["guard_visits"], nobody.measures["idle_cash"])

    unguarded = play("cash: {policy: {every_days: 400}, first_fill: full}")
    assert 0 < unguarded.measures["idle_cash"] < 6 * 8 * 150 * 11_000 / 2  # customers take it away
    seldom, often = (
        play(f"cash: {{policy: {{every_days: {days}, fill: {{10000: 900, 1000: 900}}}}, first_fill: full}}")
        for days in (4, 1)
    )
    assert 0 < seldom.measures["guard_visits"] < often.measures["guard_visits"]
    assert seldom.measures["idle_cash"] < often.measures["idle_cash"] < 6 * 8 * 900 * 11_000


def test_machines_of_a_removed_site_hold_no_cash_see_no_guards_and_do_not_count_as_idle(
    tmp_path: Path,
) -> None:
    """Nobody draws cash, so that everything is in proportion to the machines that stand: 8, and 7 of them."""
    sites = "".join(f"site-{number},{35 + number},139,1,24h\n" for number in range(8))
    (tmp_path / "sites.csv").write_text("id,lat,lon,machines,hours\n" + sites, encoding="utf-8")
    cash = "cash: {policy: {every_days: 1, fill: {10000: 150, 1000: 150}}, first_fill: full}"
    found = []
    for removed in ("", "\n  removed: [site-3]"):
        text = FLEET.format(days=5, more=f"{cash}\n  sites: sites.csv\n  mix: {{balance: 1}}{removed}")
        job = Job(loads(text).scenario, 3, 1, tmp_path / f"out{len(found)}", "run", tmp_path)
        found.append(play_replication(job))
    whole, less = found
    assert {} == {**whole.broken, **less.broken}
    assert (8, 7) == (whole.tally.total("machines"), less.tally.total("machines"))
    for measure in ("idle_cash", "guard_visits"):
        assert 7 * whole.measures[measure] == 8 * less.measures[measure] > 0
