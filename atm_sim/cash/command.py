"""The command `atm-sim cash`: plays the policies of a cash plan and shows the trade-off: holding, visits, cash-outs."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from atm_sim import VERSION
from atm_sim.cash.compare import Compared, Verdict, compare, csv_rows, verdicts
from atm_sim.cash.plan import Pair, PlanFile, load_plan
from atm_sim.checks.intervals import Interval
from atm_sim.exits import FAILED, MET
from atm_sim.progress import progress_bar
from atm_sim.report.cash import render

COLUMNS = (
    ("cash held, ¥M", "mean_cash_jpy", 1e-6, 1),
    ("days a cycle", "refill_cycle_days", 1, 1),
    ("visits/week", "visits_week", 1, 3),
    ("cash-out days, %", "cash_out_share", 100, 2),
    ("lost, %", "lost_withdrawals_share", 100, 2),
    ("¥/machine day", "cost_machine_day_jpy", 1, 0),
)
"""Heading, measure, factor and digits of the table; the CSV has every measure."""

WIDTH = 140  # where no screen says how wide it is


@click.command()
@click.argument("plan_name", metavar="PLAN")
@click.option("--seed", type=click.IntRange(0), help="Instead of the plan's own seed.")
@click.option("--replications", type=click.IntRange(2, 1_000), help="Instead of the plan's own number.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default out/cash-NAME."
)
@click.option("--json", "as_json", is_flag=True, help="Print for a program to read.")
def cash(plan_name: str, seed: int | None, replications: int | None, out: Path | None, as_json: bool) -> None:
    """Play the cash PLAN (a file, or half_year or refill_cycle, which are shipped) and write figures and manifest.

    All policies meet the same customers and failures. Exit 1 when the plan expects something that is not so.
    """
    plan, demand, data = load_plan(plan_name)
    changes = {"seed": seed, "replications": replications}
    plan = plan.model_copy(update={key: value for key, value in changes.items() if value is not None})
    console = Console(highlight=False, stderr=as_json)
    if not console.is_terminal:
        console = Console(highlight=False, stderr=as_json, width=WIDTH)
    with progress_bar(plan.cash, console, as_json) as tell:
        compared = compare(plan, demand, tell)
    judged = list(verdicts(plan, compared))
    folder = out or Path("out") / f"cash-{Path(plan_name).stem}"
    _write(folder, compared, judged, _facts(plan, data))
    (folder / "report.html").write_text(render(folder), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(_data(plan, compared, judged)))
    else:
        console.print(
            f"{plan.cash}\n{plan.machines} machines, {plan.weeks} weeks, {plan.replications} replications"
        )
        console.print(_table(compared))
        for pair in plan.pairs:
            console.print(f"{pair.policy} less {pair.against}, replication by replication")
            console.print(_difference(compared, pair))
        for each in judged:
            console.print(_told(each))
        console.print(f"\nReport: {(folder / 'report.html').as_posix()}")
    raise SystemExit(MET if all(each.met for each in judged) else FAILED)


def _facts(plan: PlanFile, data: bytes) -> dict[str, Any]:
    """What was played, for the manifest."""
    costs = {name: getattr(plan.costs, name) for name in type(plan.costs).model_fields}
    return {
        "cash": plan.cash,
        "about": plan.about,
        "plan_sha256": hashlib.sha256(data).hexdigest(),
        "version": VERSION,
        "seed": plan.seed,
        "machines": plan.machines,
        "weeks": plan.weeks,
        "replications": plan.replications,
        "costs": {name: each.model_dump() for name, each in costs.items()},
    }


def _table(compared: Compared) -> Table:
    table = Table("policy", title="mean ± half of the 95 % interval", title_justify="left")
    for heading, *_ in COLUMNS:
        table.add_column(heading, justify="right")
    for name in compared.played:
        found = (compared.interval(name, measure) for _, measure, *_ in COLUMNS)
        table.add_row(name, *_cells(found))
    return table


def _difference(compared: Compared, pair: Pair) -> Table:
    """One row; where the interval holds 0 the two may be alike."""
    table = Table()
    for heading, *_ in COLUMNS:
        table.add_column(heading, justify="right")
    found = (compared.difference(pair.policy, pair.against, measure) for _, measure, *_ in COLUMNS)
    table.add_row(*_cells(found))
    return table


def _cells(intervals: Iterable[Interval]) -> list[str]:
    cells = []
    for found, (_, _, factor, digits) in zip(intervals, COLUMNS, strict=True):
        half = (found.high - found.low) / 2
        cells.append(f"{found.mean * factor:,.{digits}f} ± {half * factor:,.{digits}f}")
    return cells


def _told(verdict: Verdict) -> str:
    found = verdict.found
    word = "met   " if verdict.met else "FAILED"
    return (
        f"{word} {verdict.policy}: {verdict.measure} {verdict.expected}: "
        f"{found.mean:.6g} (95 %: {found.low:.6g} to {found.high:.6g})"
    )


def _data(plan: PlanFile, compared: Compared, judged: list[Verdict]) -> dict[str, object]:
    def named(found: Interval) -> dict[str, float]:
        return found._asdict()

    measures = [measure for _, measure, *_ in COLUMNS]
    differences = [
        {
            "policy": pair.policy,
            "against": pair.against,
            **{m: named(compared.difference(pair.policy, pair.against, m)) for m in measures},
        }
        for pair in plan.pairs
    ]
    return {
        "differences": differences,
        "policies": {
            name: {measure: named(compared.interval(name, measure)) for measure in measures}
            for name in compared.played
        },
        "expectations": [{**each._asdict(), "found": named(each.found)} for each in judged],
    }


def _write(folder: Path, compared: Compared, judged: list[Verdict], facts: dict[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "figures.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(csv_rows(compared))
    facts["expectations"] = [{"told": _told(each), "met": each.met} for each in judged]
    facts["figures_sha256"] = hashlib.sha256((folder / "figures.csv").read_bytes()).hexdigest()
    text = json.dumps(facts, ensure_ascii=False, indent=2) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")
