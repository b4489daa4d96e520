"""Queueing formulas against published tables, and what `atm-sim explain` says against the simulator itself."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from atm_sim.checks.measures import Ask, measure
from atm_sim.checks.rows import ReplicationRows
from atm_sim.cli import main
from atm_sim.runner.grade import setting_of
from atm_sim.scenario import load, rows
from atm_sim.study.explain import site_loads
from atm_sim.study.formulas import (
    Moments,
    erlang_c,
    p_empty,
    queue,
    run_length_variance,
    wait_mean_us,
    wait_over,
)
from atm_sim.world.lab import Lab
from atm_sim.world.simulate import simulate

VALIDATION = Path(__file__).parents[3] / "scenarios" / "validation"

TABLE_3_1 = [
    # servers, rho, P0, P(wait), Lq, Wq in mean services
    (1, 0.5, 0.50000, 0.50000, 0.50000, 1.00000),
    (1, 0.8, 0.20000, 0.80000, 3.20000, 4.00000),
    (1, 0.9, 0.10000, 0.90000, 8.10000, 9.00000),
    (2, 0.5, 0.33333, 0.33333, 0.33333, 0.33333),
    (2, 0.8, 0.11111, 0.71111, 2.84444, 1.77778),
    (2, 0.9, 0.05263, 0.85263, 7.67368, 4.26316),
    (3, 0.5, 0.21053, 0.23684, 0.23684, 0.15789),
    (3, 0.8, 0.05618, 0.64719, 2.58876, 1.07865),
    (3, 0.9, 0.02491, 0.81706, 7.35355, 2.72354),
    (4, 0.5, 0.13043, 0.17391, 0.17391, 0.08696),
    (4, 0.8, 0.02730, 0.59643, 2.38573, 0.74554),
    (4, 0.9, 0.01126, 0.78775, 7.08978, 1.96938),
    (5, 0.5, 0.08010, 0.13037, 0.13037, 0.05215),
    (5, 0.8, 0.01299, 0.55411, 2.21645, 0.55411),
    (5, 0.9, 0.00496, 0.76249, 6.86244, 1.52499),
    (10, 0.8, 0.00028, 0.40918, 1.63672, 0.20459),
    (10, 0.9, 0.00007, 0.66873, 6.01858, 0.66873),
]


@pytest.mark.parametrize(("servers", "rho", "empty", "waits", "length", "wait"), TABLE_3_1)
def test_the_published_table_of_erlang_c(
    servers: int, rho: float, empty: float, waits: float, length: float, wait: float
) -> None:
    load = servers * rho
    assert empty == pytest.approx(p_empty(servers, load), abs=6e-6)
    assert waits == pytest.approx(erlang_c(servers, load), abs=6e-6)
    assert wait == pytest.approx(wait_mean_us(servers, load, 1.0), abs=6e-6)
    assert length == pytest.approx(load * wait_mean_us(servers, load, 1.0), abs=6e-6)


@pytest.mark.parametrize(
    ("case", "minutes_between", "service_min", "servers", "expected"),
    [
        ("V3 day 1", 60 / 28, 60 / 24, 3, {"rho": 0.3888, "L": 1.2506, "Lq": 0.0840, "P0": 0.3048}),
        ("V3 day 2", 60 / 17, 60 / 16, 3, {"rho": 0.3541, "L": 1.1203, "Lq": 0.0578, "P0": 0.3405}),
        ("V3 day 3", 60 / 20, 60 / 18, 3, {"rho": 0.3703, "L": 1.1802, "Lq": 0.0690, "P0": 0.3234}),
        ("V4", 1, 1 / 1.66, 1, {"rho": 0.6024, "L": 1.5152, "Wq": 0.9127}),
        ("V5", 1, 1 / 1.5, 1, {"rho": 0.6667, "L": 2.0, "Wq": 1.3333}),
        ("V6", 2, 1.5, 1, {"rho": 0.75, "Wq": 4.5, "over 4 min": 0.385}),
    ],
)
def test_the_published_queue_cases_by_formula(
    case: str, minutes_between: float, service_min: float, servers: int, expected: dict[str, float]
) -> None:
    load = service_min / minutes_between
    wait = wait_mean_us(servers, load, service_min)
    found = {
        "rho": load / servers,
        "P0": p_empty(servers, load),
        "Wq": wait,
        "Lq": wait / minutes_between,
        "L": wait / minutes_between + load,
        "over 4 min": wait_over(servers, load, service_min, 4),
    }
    assert expected == pytest.approx({name: found[name] for name in expected}, abs=3e-4)


def test_one_server_with_any_service_is_exact_and_others_are_called_approximations() -> None:
    constant = queue(1, Moments(2.0, 1.0), Moments(1.0, 0.0))
    assert constant is not None
    assert ("M/G/1", True, 0.5) == (constant.formula, constant.exact, constant.wait_mean_us)  # half of M/M/1
    uniform = queue(2, Moments(2.0, 1 / 3), Moments(1.0, 0.0))
    assert uniform is not None
    assert ("Allen-Cunneen", False) == (uniform.formula, uniform.exact)
    assert queue(2, Moments(1.0, 1.0), Moments(2.0, 1.0)) is None


@pytest.mark.parametrize(("rho", "deviation"), [(0.5, 0.0170), (0.8, 0.1406), (0.9, 0.599)])
def test_the_run_length_formula(rho: float, deviation: float) -> None:
    assert deviation == pytest.approx(sqrt(run_length_variance(rho, 100_000)), rel=0.005)


def explained(path: Path) -> Any:
    done = CliRunner().invoke(main, ["explain", f"{path}", "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_explain_gives_the_published_values_of_a_published_queue() -> None:
    (row,) = explained(VALIDATION / "v6_stevenson.yaml")
    assert ("M/M/c", True) == (row["formula"], row["exact"])
    assert (0.75, 4.5) == pytest.approx((row["utilisation"], row["wait_mean_us"] / 60e6))


def test_explain_warns_of_a_queue_that_grows_without_end(tmp_path: Path) -> None:
    text = (
        (VALIDATION / "v6_stevenson.yaml")
        .read_text("utf-8")
        .replace("{exponential: 2 min}", "{exponential: 1 min}")
    )
    file = tmp_path / "too_much.yaml"
    file.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(main, ["explain", f"{file}"])
    assert done.exit_code == 0
    assert "warning: lobby, 00:00:00 to 20:50:00: rho 1.50, more comes than 1 can serve" in done.output
    assert "2 would do" in done.output


def test_a_visit_put_together_from_habits_takes_as_long_as_the_simulated_one(tmp_path: Path) -> None:
    file = tmp_path / "habits.yaml"
    file.write_text(
        "scenario: Habits\nversion: 1\nday: 2014-01-15\nplaces: {lobby: {operator: seven_bank}}\nstreams:\n"
        "  few: {at: lobby, from: 10:00, customers: 600, interarrival: 1 min, amount: ¥10_000, do: "
        "{withdraw: 1, deposit: 1, balance: 1}}\n",
        encoding="utf-8",
    )
    (case,) = rows(load(file))
    (said,) = site_loads(case.scenario)
    happened = ReplicationRows(simulate(Lab(case.scenario, seed=1, replication=1, run="x")).events)
    simulated = measure("service.mean", happened, Ask(), setting_of(case))
    assert said.service.mean_us == pytest.approx(simulated, rel=0.05)
